"""SELECT, COPY and their cursors, for any row model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Publications, Table, grain, primary_key, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.packed import rows_of_packed
from sigmasight_dagster.warehouse.layout.schema import (
    columns,
    kind,
    packed_columns,
    rows_of_stored,
    stored,
    stored_name,
)
from sigmasight_dagster.warehouse.rows import from_arrow
from sigmasight_dagster.warehouse.sql import Dates, literal, on_dates, one_of, quoted, where

_INCOMING = "incoming_rows"
LENGTHS = "n rows"
"""Column of `select_packed`: how many rows each stored row stands for."""


def select(
    model: type[Table],
    dates: Dates | None = None,
    portfolios: Sequence[str] | None = None,
    wanted: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
) -> str:
    """SELECT of a model's rows in the order of their key. :raises InputError: on a column that it has not."""
    names = _known(model, wanted)
    conditions = _conditions(model, dates, {"portfolio": portfolios, "symbol": symbols, "session": sessions})
    chosen = ", ".join(_expression(name, columns(model)[name]) for name in names)
    order = ", ".join(quoted(name) for name in primary_key(model))
    return f"SELECT {chosen} FROM {quoted(SCHEMA, table_name(model))}{conditions} ORDER BY {order}"


def select_packed(
    model: type[Table], dates: Dates | None, portfolios: Sequence[str] | None, wanted: Sequence[str] | None
) -> str:
    """As `select`, of a packed table: the stored rows, with `LENGTHS` for `rows.unpacked`.

    That is several times as fast as its view, whose rows the server makes one by one.
    """
    chosen = ", ".join(map(quoted, _known(model, wanted)))
    conditions = _conditions(model, dates, {"portfolio": portfolios})
    order = ", ".join(map(quoted, grain(model).value))
    lengths = f"{rows_of_stored(model)} AS {quoted(LENGTHS)}"
    return f"SELECT {chosen}, {lengths} FROM {stored(model)}{conditions} ORDER BY {order}"


def _known(model: type[Table], wanted: Sequence[str] | None) -> list[str]:
    names = list(columns(model)) if wanted is None else list(dict.fromkeys(wanted))
    return _require(model, names) if names else _require(model, ["chosen"])


def _conditions(model: type[Table], dates: Dates | None, texts: Mapping[str, Sequence[str] | None]) -> str:
    conditions = [] if dates is None else [on_dates(dates)]
    used = {name: values for name, values in texts.items() if values is not None}
    _require(model, [*(["date"] if conditions else []), *used])
    return where([*conditions, *(one_of(name, values) for name, values in used.items())])


def _require(model: type[Table], names: list[str]) -> list[str]:
    known = columns(model)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"{table_name(model)}: no column {', '.join(unknown)}; it has {', '.join(known)}")
    return names


def select_sums(
    model: type[Table],
    keys: Sequence[str],
    dates: Dates,
    portfolios: Sequence[str] | None,
    sums: Mapping[str, str],
) -> str:
    """SELECT of sums by key; 0 where nothing has a value. `sums`: which column, or '|column|', by name."""
    chosen = [quoted(key) for key in keys]
    for name, column in sums.items():
        size = column.startswith("|")
        value = f"abs({quoted(column.strip('|'))})" if size else quoted(column)
        chosen.append(f"coalesce(sum({value}), 0) AS {quoted(name)}")
    texts = [] if portfolios is None else [one_of("portfolio", portfolios)]
    by = ", ".join(map(quoted, keys))
    table = quoted(SCHEMA, table_name(model))
    if packed_columns(model):
        used = {*keys, *grain(model).value, *(column.strip("|") for column in sums.values())}
        table = f"({rows_of_packed(model, used)}) AS t"
    return f"SELECT {', '.join(chosen)} FROM {table}{where([on_dates(dates), *texts])} GROUP BY {by}"


def select_newest(
    model: type[Table], portfolios: Sequence[str], between: tuple[pd.Timestamp, pd.Timestamp]
) -> str:
    """SELECT of each portfolio's rows on its newest published date with rows, between two dates."""
    table, published = (quoted(SCHEMA, table_name(found)) for found in (model, Publications))
    names = ", ".join(literal(name) for name in portfolios)
    chosen = ", ".join(f"t.{_expression(name, column)}" for name, column in columns(model).items())
    return (
        f"SELECT {chosen} FROM unnest(ARRAY[{names}]::text[]) AS r(portfolio) CROSS JOIN LATERAL ("
        f"SELECT max(date) AS date FROM {published} AS p WHERE table_name = {literal(table_name(model))} "
        f"AND p.portfolio = r.portfolio AND n_rows > 0 AND {on_dates(between)}) AS newest "
        f"JOIN {table} AS t ON t.portfolio = r.portfolio AND t.date = newest.date "
        f"ORDER BY {', '.join(f't.{quoted(name)}' for name in primary_key(model))}"
    )


def _expression(name: str, column: Any) -> str:
    as_float = kind(name, column) == "exact"
    return f"CAST({quoted(name)} AS double precision) AS {quoted(name)}" if as_float else quoted(name)


def fetch(cursor: Any, model: type[Table], statement: str) -> pd.DataFrame:
    """Rows of a `select` within a transaction."""
    cursor.execute(statement)
    return from_arrow(model, cursor.fetch_arrow_table())


def copy_in(cursor: Any, model: type[Table], rows: pa.Table) -> None:
    """Append rows of `to_arrow` by binary COPY, columns by name.

    PostgreSQL takes no COPY of a user whom the policies of rows are asked for, which the owner is not: what
    such a writer appends comes by way of a temporary table.
    """
    if not rows.num_rows:
        return
    name = stored_name(model)
    cursor.execute(f"SELECT row_security_active({literal(quoted(SCHEMA, name))})")
    if cursor.fetchone() == (False,):
        cursor.adbc_ingest(name, rows, mode="append", db_schema_name=SCHEMA)
        return
    names = ", ".join(map(quoted, rows.column_names))
    cursor.execute(
        f"CREATE TEMPORARY TABLE {_INCOMING} AS SELECT {names} FROM {quoted(SCHEMA, name)} LIMIT 0"
    )
    cursor.adbc_ingest(_INCOMING, rows, mode="append", temporary=True)
    cursor.execute(f"INSERT INTO {quoted(SCHEMA, name)} ({names}) SELECT {names} FROM pg_temp.{_INCOMING}")
    cursor.execute(f"DROP TABLE pg_temp.{_INCOMING}")
