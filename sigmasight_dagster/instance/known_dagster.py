"""The parts of Dagster that event storage, events by template and data versions were written for.

`fingerprint` names them. Read on Dagster 1.13.27 and 1.13.29 (dagster-postgres 0.29.27). When a test says
that a part has changed: read what changed, adapt the code until test_storage.py passes, then write the new
fingerprint here.
"""

from collections.abc import Sequence
from typing import Any, Final

import dagster as dg
from dagster._core import events
from dagster._core.definitions.partitions.utils.multi import PartitionDimensionKey
from dagster._core.events import log
from dagster._core.execution.plan import execute_step
from dagster._core.instance.methods.event_methods import EventMethods
from dagster._core.instance.runs.run_domain import RunDomain
from dagster._core.storage import dagster_run

from sigmasight_dagster.instance import fingerprint

KNOWN: Final = {
    "DagsterPostgresStorage.__init__": "a268df7a5491",
    "DagsterPostgresStorage.config_type": "a6767e9c79cd",
    "DagsterPostgresStorage.from_config_value": "fb6dc1d50dce",
    "DataVersionCache.__init__": "e6add9374488",
    "DataVersionCache._fetch_asset_records": "dac8a6ff6850",
    "DataVersionCache._fetch_input_asset_version_info": "daaf5aa16c02",
    "DataVersionCache._get_input_asset_event": "687610fced6f",
    "DataVersionCache._get_partitions_data_version_from_keys": "b64363acfc55",
    "MultiPartitionsDefinition.filter_valid_partition_keys": "42b996e6dbfa",
    "PostgresEventLogStorage.__init__": "ae28d576223c",
    "PostgresEventLogStorage._connect": "2bcceb0ef1b7",
    "PostgresEventLogStorage._event_insert_timestamp": "89f627b39310",
    "PostgresEventLogStorage._event_to_row": "edfaf04a21b5",
    "PostgresEventLogStorage._has_asset_key_col_on_connection": "a807ac3cc9f8",
    "PostgresEventLogStorage._latest_event_ids_by_partition_subquery": "863ffe26696a",
    "PostgresEventLogStorage._store_asset_check_evaluation_planned": "fe9c0905956b",
    "PostgresEventLogStorage._store_asset_event": "a5cb4cd3fbce",
    "PostgresEventLogStorage._store_asset_event_tags": "3972ecdcdf38",
    "PostgresEventLogStorage._tags_for_asset_event": "bc8d362dcc76",
    "PostgresEventLogStorage.claim_concurrency_slot": "46b69db3064c",
    "PostgresEventLogStorage.dispose": "db67539d2a57",
    "PostgresEventLogStorage.get_concurrency_keys": "09647c743f0f",
    "PostgresEventLogStorage.get_latest_asset_partition_materialization_attempts_without_materializations": (
        "12972ed80235"
    ),
    "PostgresEventLogStorage.has_asset_key_col": "d88f483c3fcf",
    "PostgresEventLogStorage.has_dynamic_partition": "9be2f59b8b0e",
    "PostgresEventLogStorage.has_table": "67d92eeff2ea",
    "PostgresEventLogStorage.index_connection": "7ebafe4ca8f3",
    "PostgresEventLogStorage.index_transaction": "6c4b5dc15db7",
    "PostgresEventLogStorage.initialize_concurrency_limit_to_default": "45414fa080fd",
    "PostgresEventLogStorage.optimize_for_webserver": "370dd6647005",
    "PostgresEventLogStorage.prepare_insert_event_batch": "d2cd0862e56d",
    "PostgresEventLogStorage.store_event": "66cee4532bb6",
    "PostgresEventLogStorage.store_event_batch": "ca6f340d0e98",
    "PostgresRunStorage.__init__": "e0e1a3790f79",
    "PostgresRunStorage._get_run_by_id": "08a9bba12556",
    "PostgresRunStorage.add_run": "a2a6cf82793c",
    "PostgresRunStorage.add_run_tags": "8d14caba3b48",
    "PostgresRunStorage.dispose": "bc18140bc2dc",
    "PostgresRunStorage.handle_run_event": "862ad129b0e6",
    "PostgresRunStorage.optimize_for_webserver": "370dd6647005",
    "PostgresScheduleStorage.__init__": "7cbe30d17941",
    "PostgresScheduleStorage.dispose": "bc18140bc2dc",
    "PostgresScheduleStorage.optimize_for_webserver": "370dd6647005",
    "partition_status_cache.get_validated_partition_keys": "66b1c836f184",
    "table asset_check_executions": "c21718f27f6a",
    "table asset_event_tags": "ab5745b141c7",
    "table event_logs": "6e0e7ecb3f14",
}


_OF_EVENTS: Final = (
    (dagster_run, "assets_are_externally_managed"),
    (dagster_run.DagsterRun, "get_resolved_partitions_subset_for_events"),
    (events, "log_step_event"),
    (events.DagsterEvent, "asset_materialization", "build_asset_materialization_planned_event", "from_step"),
    (log, "construct_event_record"),
    (execute_step, "_get_output_asset_events", "_log_materialization_or_observation_events_for_asset"),
    (EventMethods, "report_dagster_event"),
    (RunDomain, "_log_asset_planned_events", "create_run", "get_materialization_planned_events_for_asset"),
)
"""What makes Dagster's events of partitions, and what leaves them to us."""

KNOWN_OF_EVENTS: Final = {
    "DagsterEvent.asset_materialization": "42141cc1b6be",
    "DagsterEvent.build_asset_materialization_planned_event": "7e08c6d7f2fe",
    "DagsterEvent.from_step": "553a691c32ab",
    "DagsterRun.get_resolved_partitions_subset_for_events": "5f11c28899cc",
    "EventMethods.report_dagster_event": "8aa7ee042681",
    "RunDomain._log_asset_planned_events": "7db95e41214a",
    "RunDomain.create_run": "c804f3a3b718",
    "RunDomain.get_materialization_planned_events_for_asset": "f6bd8c78176e",
    "dagster_run.assets_are_externally_managed": "7dc66a87bc9b",
    "events.log_step_event": "82409bfea261",
    "execute_step._get_output_asset_events": "a8ab3b14ea27 41ff7b1a1b20",
    "execute_step._log_materialization_or_observation_events_for_asset": "36dc8d90da89",
    "log.construct_event_record": "0a1bc2588d03",
}


_OF_RANGES: Final = (
    (dg.MultiPartitionsDefinition, "get_partition_keys_in_range", "get_partition_key_from_str"),
    (dg.MultiPartitionKey, "__new__"),
    (PartitionDimensionKey, "__new__"),
)
"""What makes the keys of a range of dates x portfolios."""

KNOWN_OF_RANGES: Final = {
    "MultiPartitionKey.__new__": "5415c7e2fbfc",
    "MultiPartitionsDefinition.get_partition_key_from_str": "0b46a2050322",
    "MultiPartitionsDefinition.get_partition_keys_in_range": "ca82951e11a8",
    "PartitionDimensionKey.__new__": "d4b47e0374ba",
}


def parts_of_events() -> dict[str, str]:
    """Fingerprints in the installed Dagster of what `partition_events` does in its place, or builds on."""
    return _parts(_OF_EVENTS)


def parts_of_ranges() -> dict[str, str]:
    """The same of what `asked_once` does in its place."""
    return _parts(_OF_RANGES)


def _parts(named: Sequence[tuple[Any, ...]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for owner, *names in named:
        found |= fingerprint.of_named(owner, *names)
    return found
