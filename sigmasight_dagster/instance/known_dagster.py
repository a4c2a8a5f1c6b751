"""The parts of Dagster that event storage and data versions were written for, as `fingerprint` names them.

Read on Dagster 1.13.27 and 1.13.29 (dagster-postgres 0.29.27). When a test says that a part has changed:
read what changed, adapt the storage until test_storage.py passes, then write the new fingerprint here.
"""

from typing import Final

KNOWN: Final = {
    "DagsterPostgresStorage.__init__": "a268df7a5491",
    "DagsterPostgresStorage.config_type": "a6767e9c79cd",
    "DagsterPostgresStorage.from_config_value": "fb6dc1d50dce",
    "DataVersionCache.__init__": "e6add9374488",
    "DataVersionCache._fetch_asset_records": "dac8a6ff6850",
    "DataVersionCache._fetch_input_asset_version_info": "daaf5aa16c02",
    "DataVersionCache._get_input_asset_event": "687610fced6f",
    "DataVersionCache._get_partitions_data_version_from_keys": "b64363acfc55",
    "PostgresEventLogStorage.__init__": "ae28d576223c",
    "PostgresEventLogStorage._connect": "2bcceb0ef1b7",
    "PostgresEventLogStorage._event_insert_timestamp": "89f627b39310",
    "PostgresEventLogStorage._event_to_row": "edfaf04a21b5",
    "PostgresEventLogStorage._has_asset_key_col_on_connection": "a807ac3cc9f8",
    "PostgresEventLogStorage._store_asset_check_evaluation_planned": "fe9c0905956b",
    "PostgresEventLogStorage._store_asset_event": "a5cb4cd3fbce",
    "PostgresEventLogStorage._store_asset_event_tags": "3972ecdcdf38",
    "PostgresEventLogStorage._tags_for_asset_event": "bc8d362dcc76",
    "PostgresEventLogStorage.dispose": "db67539d2a57",
    "PostgresEventLogStorage.get_concurrency_keys": "09647c743f0f",
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
    "PostgresRunStorage.dispose": "bc18140bc2dc",
    "PostgresRunStorage.optimize_for_webserver": "370dd6647005",
    "table asset_check_executions": "c21718f27f6a",
    "table asset_event_tags": "ab5745b141c7",
    "table event_logs": "6e0e7ecb3f14",
}
