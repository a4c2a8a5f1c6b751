"""How large the tables and folders of a project are, by what they hold."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import psycopg2

from sigmasight_core.tables import OPERATIONS_TABLES, TABLES, facts, table_name
from sigmasight_dagster.warehouse.layout.schema import stored_name

Sizes = dict[str, int]

PUBLICATIONS: Final = "publications"
DETAIL: Final = "results by position, pair or holding"
OTHERS: Final = "other results, market data, ledgers"
HISTORY: Final = "former rows of sources, corrections"
EVENTS: Final = "events of runs"
CHECKS: Final = "evaluations of checks"
RUNS: Final = "runs and their tags"
SNAPSHOTS: Final = "snapshots of jobs and plans"
DAGSTER: Final = "all else of Dagster's database"
OUTPUT: Final = "captured output"

_OF_DAGSTER: Final = {
    "event_logs": EVENTS,
    "asset_event_tags": EVENTS,
    "asset_check_executions": CHECKS,
    "runs": RUNS,
    "run_tags": RUNS,
    "snapshots": SNAPSHOTS,
}
_SIZES: Final = (
    "SELECT relname, pg_total_relation_size(oid), pg_indexes_size(oid), "
    "coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0) "
    "FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
)


def of_tables(url: str, schema: str) -> dict[str, tuple[int, int, int]]:
    """Bytes of each table: all, of them indexes, of them long values (TOAST)."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(_SIZES, [schema])
        return {name: (total, indexes, toast) for name, total, indexes, toast in cursor.fetchall()}


def measured(asset_url: str, dagster_url: str, home: Path) -> Sizes:
    """Bytes by kind, indexes and long values included."""
    kinds = kinds_of_tables()
    sizes: Sizes = dict.fromkeys(
        (DETAIL, OTHERS, PUBLICATIONS, HISTORY, EVENTS, CHECKS, RUNS, SNAPSHOTS, DAGSTER, OUTPUT), 0
    )
    for name, (total, _, _) in of_tables(asset_url, "sigmasight").items():
        sizes[kinds.get(name, OTHERS)] += total
    for name, (total, _, _) in of_tables(dagster_url, "public").items():
        sizes[_OF_DAGSTER.get(name, DAGSTER)] += total
    output = home / "dagster" / "storage"
    sizes[OUTPUT] = sum(file.stat().st_size for file in output.rglob("*") if file.is_file())
    return sizes


def kinds_of_tables() -> Mapping[str, str]:
    """What each table holds."""
    history = {"superseded_rows", "corrections", "rejected_rows"}
    return {
        stored_name(model): PUBLICATIONS
        if table_name(model) == PUBLICATIONS
        else HISTORY
        if table_name(model) in history
        else DETAIL
        if facts(model).detail
        else OTHERS
        for model in (*TABLES, *OPERATIONS_TABLES)
    }


def rows(url: str, *tables: str) -> dict[str, int]:
    """How many rows tables have."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table}")
            found[table] = int(cursor.fetchone()[0])
        return found
