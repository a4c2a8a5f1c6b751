"""Publications with the checksums of their partitions: written, moved with single rows, and withdrawn."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pandas as pd

from sigmasight_core.tables import Grain, Publications, Table, WithdrawnPartitions, grain, table_name
from sigmasight_dagster.warehouse.checksums.hashes import of_partition, of_publication
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout import schema
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, from_arrow
from sigmasight_dagster.warehouse.sql import literal, quoted

PUBLISHED: Final = quoted(SCHEMA, table_name(Publications))
WITHDRAWN: Final = quoted(SCHEMA, table_name(WithdrawnPartitions))
_KEY: Final = "table_name, portfolio, date"
_AUDIT: Final = "run_id, code_version, computed_at"


def stored(model: type[Table], condition: str, *aggregates: str) -> str:
    """SELECT of date, portfolio ('' in a date table), n_rows and checksum of partitions as they are stored.

    A partition without rows is not among them.

    :param condition: WHERE clause on the stored table `t`. :param aggregates: more columns.
    """
    by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
    portfolio, keys = ("t.portfolio", "1, 2") if by_portfolio else ("''::text AS portfolio", "1")
    more = "".join(f", {each}" for each in aggregates)
    return (
        f"SELECT t.date, {portfolio}, sum({schema.rows_of_stored(model)})::bigint AS n_rows, "
        f"{of_partition(model, 't')} AS checksum{more} "
        f"FROM {schema.stored(model)} AS t{condition} GROUP BY {keys}"
    )


def intact(cursor: Any, target: Rectangle) -> pd.DatetimeIndex:
    """Dates of a date table's rectangle whose rows are those that were published."""
    cursor.execute(
        f"SELECT p.date FROM (SELECT * FROM {PUBLISHED}{target.publications_condition}) AS p "
        f"JOIN ({stored(target.model, target.condition)}) AS s USING (date, portfolio) "
        f"WHERE p.n_rows = s.n_rows AND p.checksum = s.checksum # {of_publication('p')}"
    )
    return pd.DatetimeIndex(from_arrow(Publications, cursor.fetch_arrow_table())["date"])


def publish(cursor: Any, target: Rectangle, stamp: AuditStamp) -> None:
    """Replace the publications of a rectangle, whose rows have been stored in this transaction."""
    for table in (PUBLISHED, WITHDRAWN):
        cursor.execute(f"DELETE FROM {table}{target.publications_condition}")
    days = ", ".join(f"'{day:%Y-%m-%d}'" for day in target.dates)
    names = ", ".join(literal(name) for name in target.portfolios)
    keys = (
        f"SELECT {literal(table_name(target.model))}::text, portfolio, date, {stamp.literals} "
        f"FROM unnest(ARRAY[{names}]::text[]) AS portfolio, unnest(ARRAY[{days}]::date[]) AS date"
    )
    by_date = target.portfolios == ("",)
    made_with = literal(stamp.made_with) if by_date and stamp.made_with else "NULL"
    cursor.execute(
        f"INSERT INTO {PUBLISHED} ({_KEY}, n_rows, checksum, made_with, {_AUDIT}) "
        f"SELECT {_KEY}, coalesce(s.n_rows, 0), coalesce(s.checksum, 0) # {of_publication('k')}, "
        f"{made_with}, {_AUDIT} "
        f"FROM ({keys}) AS k ({_KEY}, {_AUDIT}) LEFT JOIN ({stored(target.model, target.condition)}) AS s "
        "USING (date, portfolio)"
    )


@contextmanager
def changing(cursor: Any, model: type[Table], dates: Iterable[pd.Timestamp]) -> Iterator[None]:
    """While single rows of partitions of a date table change; publications follow, where there are any.

    What was changed by hand before is no part of it, and shows as it did.
    """
    days = list(dates)
    target = Rectangle.of(model, days, None) if days else None
    _move(cursor, target, "-")
    yield
    _move(cursor, target, "+")


def _move(cursor: Any, target: Rectangle | None, sign: str) -> None:
    """Take what is stored out of the publications, or put it in."""
    if target is None:
        return
    cursor.execute(
        f"UPDATE {PUBLISHED} AS p SET n_rows = p.n_rows {sign} s.n_rows, checksum = p.checksum # s.checksum "
        f"FROM ({stored(target.model, target.condition)}) AS s "
        f"WHERE p.table_name = {literal(table_name(target.model))} AND p.portfolio = s.portfolio "
        "AND p.date = s.date"
    )


def withdraw(cursor: Any, condition: str) -> None:
    """Publications that no longer count, though their rows stay. :param condition: WHERE clause on them."""
    cursor.execute(
        f"WITH gone AS (DELETE FROM {PUBLISHED}{condition} RETURNING {_KEY}, {_AUDIT}) "
        f"INSERT INTO {WITHDRAWN} ({_KEY}, {_AUDIT}) SELECT {_KEY}, {_AUDIT} FROM gone "
        "ON CONFLICT DO NOTHING"
    )


def delete(cursor: Any, condition: str) -> int:
    """Publications whose rows leave as well, those that were withdrawn too. :returns: how many counted."""
    counted = 0
    for table in (WITHDRAWN, PUBLISHED):
        cursor.execute(f"WITH gone AS (DELETE FROM {table}{condition} RETURNING 1) SELECT count(*) FROM gone")
        counted = int(cursor.fetchone()[0])
    return counted
