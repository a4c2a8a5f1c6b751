"""Removing the results of a portfolio: its rows in every table of results, and its publications."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sigmasight_core.tables import TABLES, Grain, Publications, Table, grain, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import one_of, quoted


class Removed(NamedTuple):
    """How much of a portfolio there was."""

    positions: int
    partitions: int
    rows: int


def delete_results(cursor: Any, portfolio: str) -> tuple[int, int]:
    """Delete them, those that no longer count as published too; the lock of ledgers keeps their writers out.

    :returns: partitions that were published, and rows.
    """
    partitions = _delete(cursor, Publications, portfolio)
    return partitions, sum(_delete(cursor, model, portfolio) for model in _models())


def _models() -> Iterator[type[Table]]:
    return (model for model in TABLES if grain(model) is Grain.DATE_PORTFOLIO)


def _delete(cursor: Any, model: type[Table], portfolio: str) -> int:
    table = quoted(SCHEMA, table_name(model))
    gone = f"DELETE FROM {table} WHERE {one_of('portfolio', [portfolio])} RETURNING 1"
    cursor.execute(f"WITH gone AS ({gone}) SELECT count(*) FROM gone")
    return int(cursor.fetchone()[0])
