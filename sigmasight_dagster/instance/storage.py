"""Dagster's PostgreSQL storage with pooled connections and partition events stored by COPY.

The stock storage, where range runs spent their time, opens two connections for each event. Rows are the same.

`dagster.yaml` names `SigmaSightStorage`: webserver, daemon, code servers and commands all use it, but for a
Dagster whose methods are not those that it was written for (`fingerprint.py`).
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterEventType
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData, serialize_value
from dagster._utils.concurrency import ConcurrencyClaimStatus, ConcurrencySlotStatus
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage, PostgresScheduleStorage

from sigmasight_dagster.instance import asked_once, event_template, fingerprint, sessions
from sigmasight_dagster.instance.copy_rows import copy_lines, copy_rows, line, next_ids
from sigmasight_dagster.instance.data_versions import WholeInputs, of_whole_inputs
from sigmasight_dagster.instance.event_template import PartitionEvents
from sigmasight_dagster.instance.known_dagster import KNOWN, KNOWN_OF_EVENTS, parts_of_events
from sigmasight_dagster.instance.living import alive
from sigmasight_dagster.instance.living.run_storage import PooledRunStorage
from sigmasight_dagster.instance.pages import status
from sigmasight_dagster.server.urls import dagster_database_url, sqlalchemy_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse.database import every_engine_runs

EVENT_BATCH_SIZE = 5_000
"""More than a run has partitions by default (`chunk_partitions`): they are stored in the order of dates."""
STATEMENT_TIMEOUT_MS = 600_000
POOL_RECYCLE_SECONDS = 3_600
MAX_OVERFLOW = 20

_BULK_EVENTS = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_OBSERVATION,
}


class BulkEventLogStorage(PostgresEventLogStorage):
    """Event log storage that stores a batch of asset events with one COPY."""

    by_template = True
    """Whether runs may leave their events to `partition_events`."""

    def __init__(self, postgres_url: str, should_autocreate_tables: bool = True):
        super().__init__(postgres_url, should_autocreate_tables)
        self._found: set[str] = set()

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        bulk = [event for event in events if event.dagster_event_type in _BULK_EVENTS]
        if bulk:
            self._store_asset_events(bulk)
        rest = [event for event in events if event.dagster_event_type not in _BULK_EVENTS]
        for event in rest:
            if not event.get_dagster_event().is_asset_failed_to_materialize:
                self.store_event(event)

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """As the stock storage's, which fails when two processes meet a pool for the first time at once."""
        try:
            return super().initialize_concurrency_limit_to_default(concurrency_key)
        except sa.exc.DBAPIError:
            if concurrency_key not in self.get_concurrency_keys():
                raise
            return True

    def claim_concurrency_slot(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        """As the stock storage's; runs that one command executes side by side share their places."""
        status = super().claim_concurrency_slot(concurrency_key, run_id, step_key, priority)
        joins = not status.is_claimed and alive.may_join(self._instance, concurrency_key, run_id, step_key)
        return status.with_slot_status(ConcurrencySlotStatus.CLAIMED) if joins else status

    def has_table(self, table_name: str) -> bool:
        """As the stock storage's, which asks the database anew for each batch."""
        if table_name not in self._found and super().has_table(table_name):
            self._found.add(table_name)
        return table_name in self._found

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        """As the stock storage's, which asks the database anew for each event and each question."""
        column = f"asset_keys.{column_name}"
        if column not in self._found and super()._has_asset_key_col_on_connection(conn, column_name):
            self._found.add(column)
        return column in self._found

    def has_asset_key_col(self, column_name: str) -> bool:
        """As the stock storage's, without a connection for what is known."""
        return f"asset_keys.{column_name}" in self._found or super().has_asset_key_col(column_name)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """As the stock storage's, which a run asks for the ends of its range hundreds of times."""
        asked, known = (partitions_def_name, partition_key), asked_once.answers()
        if known is not None and asked in known.existing:
            return True
        found = super().has_dynamic_partition(partitions_def_name, partition_key)
        if found and known is not None:
            known.existing.add(asked)
        return found

    def get_latest_asset_partition_materialization_attempts_without_materializations(
        self, asset_key: dg.AssetKey, after_storage_id: int | None = None
    ) -> Mapping[str, tuple[str, int]]:
        """As the stock storage's, which fetches the last two events of every partition to compare them."""
        ids = self._latest_event_ids_by_partition_subquery
        last = ids(asset_key, status.ATTEMPTS, after_cursor=after_storage_id)
        with self.index_connection() as connection:
            return status.without_materialization(connection, last)

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        super().optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)
        sessions.prepare(self._engine, statement_timeout)

    def dispose(self) -> None:
        super().dispose()
        self._engine.dispose()

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """As the stock storage's, which serialises the event, with all its partitions, once a partition."""
        planned: Any = event.get_dagster_event().event_specific_data
        subset = planned.partitions_subset
        row = {
            "asset_key": planned.asset_key.to_string(),
            "check_name": planned.check_name,
            "run_id": event.run_id,
            "execution_status": AssetCheckExecutionRecordStatus.PLANNED.value,
            "evaluation_event": serialize_value(event),
            "evaluation_event_timestamp": self._event_insert_timestamp(event),
            "evaluation_event_storage_id": event_id,
        }
        fixed = line(row.values())
        keys = subset.get_partition_keys() if subset else [None]
        with self.index_transaction() as conn:
            rows = (line([key]).rstrip("\n") + "\t" + fixed for key in keys)
            copy_lines(conn, AssetCheckExecutionsTable, ["partition", *row], rows)

    def _store_asset_events(self, given: Sequence[EventLogEntry]) -> None:
        """Store events of partitions by date: what is stored last is an asset's latest in the UI.

        Dagster tells those of dates x portfolios in no order.
        """
        events = sorted(given, key=lambda event: event.get_dagster_event().partition or "")
        rows = [self._event_to_row(event) for event in events]
        last: dict[tuple[Any, Any], tuple[EventLogEntry, int]] = {}
        with self.index_transaction() as conn:
            ids = next_ids(conn, SqlEventLogStorageTable, len(rows))
            identified = [{"id": number, **row} for number, row in zip(ids, rows, strict=True)]
            copy_rows(conn, SqlEventLogStorageTable, identified)
            if self.has_table(AssetEventTagsTable.name):
                copy_rows(conn, AssetEventTagsTable, self._tag_rows(identified, events))
            for event, event_id in zip(events, ids, strict=True):
                dagster_event = event.get_dagster_event()
                last[(dagster_event.asset_key, dagster_event.event_type)] = (event, event_id)
            for event, event_id in last.values():
                self._store_asset_event(conn, event, event_id)

    def store_partition_events(self, every: Sequence[PartitionEvents]) -> None:
        """Store events of partitions by template, all in one transaction; by asset, and there by date."""
        with self.index_transaction() as conn:
            for events in every:
                ids = next_ids(conn, SqlEventLogStorageTable, len(events.keys))
                rows, tags = event_template.lines(events, ids, self._event_to_row, self._tags_of)
                columns = ["id", *self._event_to_row(events.last)]
                copy_lines(conn, SqlEventLogStorageTable, columns, rows)
                if self._tags_of(events.last) and self.has_table(AssetEventTagsTable.name):
                    columns = ["event_id", *self._tags_of(events.last)[0]]
                    copy_lines(conn, AssetEventTagsTable, columns, tags)
                self._store_asset_event(conn, events.last, ids[-1])

    def _tag_rows(
        self, rows: Sequence[dict[str, Any]], events: Sequence[EventLogEntry]
    ) -> list[dict[str, Any]]:
        return [
            {"event_id": row["id"], **tag}
            for row, event in zip(rows, events, strict=True)
            for tag in self._tags_of(event)
        ]

    def _tags_of(self, event: EventLogEntry) -> list[dict[str, Any]]:
        """The rows of an event's tags without the event's id."""
        fixed = {"asset_key": event.get_dagster_event().asset_key.to_string()}  # type: ignore[union-attr]
        moment = {"event_timestamp": self._event_insert_timestamp(event)}
        return [
            {**fixed, "key": key, "value": value, **moment}
            for key, value in self._tags_for_asset_event(event).items()
        ]


class PooledScheduleStorage(PostgresScheduleStorage):
    """Storage of schedules and sensors on connections as the others have them."""

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        super().optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)
        sessions.prepare(self._engine, statement_timeout)


class SigmaSightStorage(DagsterPostgresStorage):
    """Run, event and schedule storage of Dagster on pooled connections.

    Without a configured URL it uses `DAGSTER_POSTGRES_URL`, or the embedded server, which it starts.
    """

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
    ):
        with every_engine_runs(sessions.settings(STATEMENT_TIMEOUT_MS)):  # those too that make the tables
            super().__init__(postgres_url, should_autocreate_tables, inst_data)
            self._run_storage = PooledRunStorage(postgres_url, should_autocreate_tables)
            self._event_log_storage: BulkEventLogStorage = BulkEventLogStorage(
                postgres_url, should_autocreate_tables
            )
            self._schedule_storage = PooledScheduleStorage(postgres_url, should_autocreate_tables)
        for storage in (self._run_storage, self._event_log_storage, self._schedule_storage):
            storage.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, MAX_OVERFLOW)

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"postgres_url": dg.Field(dg.StringSource, is_required=False)}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterPostgresStorage:
        url = sqlalchemy_url(config_value.get("postgres_url") or dagster_database_url(Settings()))
        if changed := fingerprint.changed(parts_of_dagster(), KNOWN):
            fingerprint.warn("fast event storage", changed, "using Dagster's own PostgreSQL storage")
            return DagsterPostgresStorage(url, inst_data=inst_data)
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", str(EVENT_BATCH_SIZE))
        of_whole_inputs()
        asked_once.of_ranges()
        status.of_pages()
        made = cls(url, inst_data=inst_data)
        if changed := fingerprint.changed(parts_of_events(), KNOWN_OF_EVENTS):
            fingerprint.warn("events by template", changed, "Dagster makes each event of runs itself")
            made._event_log_storage.by_template = False
        return made


def parts_of_dagster() -> dict[str, str]:
    """Fingerprints of what these storages replace in the installed Dagster, or build on."""
    return status.parts() | fingerprint.of_parts(
        [BulkEventLogStorage, PooledRunStorage, PooledScheduleStorage, SigmaSightStorage, WholeInputs],
        [SqlEventLogStorageTable, AssetEventTagsTable, AssetCheckExecutionsTable],
    )


class HomeComputeLogManager(LocalComputeLogManager):
    """Captured output of runs, under the state directory."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> LocalComputeLogManager:
        del config_value
        return cls(str(Settings().home / "dagster" / "storage"), inst_data=inst_data)


class HomeArtifactStorage(LocalArtifactStorage):
    """Dagster's local files under the state directory, wherever the process was started."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> LocalArtifactStorage:
        del config_value
        return cls(str(Settings().home / "dagster"), inst_data)
