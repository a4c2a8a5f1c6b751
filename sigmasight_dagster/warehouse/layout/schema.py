"""SQL tables and Arrow schemas derived from the row models."""

import inspect
from functools import cache
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Audit,
    Publications,
    Table,
    facts,
    grain,
    primary_key,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

PACKED = "\n\nStored so: a partition's rows as one. Read the view without _packed, which has them one by one."
"""Follows what is said of a packed table."""

TEXT = sa.Text(collation="C")
"""Ordered by code point on every server, as pandas does."""


def kind(name: str, column: Any) -> str:
    """Storage of a row model's column: text, float, exact, vector, int, bool, date or timestamp."""
    dtype = str(column.dtype).lower()
    if (column.metadata or {}).get("vector"):
        return "vector"
    if dtype.startswith("str"):
        return "text"
    if dtype.startswith("float"):
        return "exact" if (column.metadata or {}).get("exact") else "float"
    if dtype.startswith("datetime"):
        return "date" if name == "date" or name.endswith("_date") else "timestamp"
    for prefix in ("int", "bool"):
        if dtype.startswith(prefix):
            return prefix
    raise TypeError(f"column {name}: no SQL type for {column.dtype}")


_SQL_TYPES: dict[str, Any] = {
    "text": TEXT,
    "float": sa.Double(),
    "exact": sa.Numeric(),
    "vector": postgresql.ARRAY(sa.REAL()),
    "int": sa.BigInteger(),
    "bool": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": postgresql.TIMESTAMP(timezone=True),
}


@cache
def columns(model: type[Table]) -> dict[str, Any]:
    """Pandera columns of a row model by name."""
    return {str(name): column for name, column in model.to_schema().columns.items()}


@cache
def stored_columns(model: type[Table]) -> dict[str, Any]:
    """`columns` and the audit columns that the warehouse adds."""
    audit = {name: column for name, column in columns(Audit).items() if name not in columns(model)}
    return columns(model) | audit


@cache
def packed_columns(model: type[Table]) -> list[str]:
    """Columns of which a partition's row has an array, keys first; none if every row is stored by itself.

    :raises TypeError: if a packed table has a column that is none of an array of the server's.
    """
    if not facts(model).packed:
        return []
    names = [name for name in columns(model) if name not in grain(model).value]
    unfit = [name for name in names if kind(name, columns(model)[name]) in ("vector", "exact")]
    if unfit:
        raise TypeError(f"{table_name(model)}.{unfit[0]}: no column of a packed table; leave `packed` out")
    return names


def stored_name(model: type[Table]) -> str:
    """The table in which rows are stored and deleted; of a packed one `table_name` is a view of it."""
    return f"{table_name(model)}_packed" if facts(model).packed else table_name(model)


def stored(model: type[Table]) -> str:
    """`stored_name`, quoted."""
    return quoted(SCHEMA, stored_name(model))


def rows_of_stored(model: type[Table]) -> str:
    """SQL expression: how many rows a row of the stored table stands for."""
    names = packed_columns(model)
    return f"cardinality({quoted(names[0])})" if names else "1"


@cache
def arrow_schema(model: type[Table]) -> pa.Schema:
    """Arrow types in which the driver copies rows into the table, audit columns included."""
    types = {
        "text": pa.string(),
        "float": pa.float64(),
        "exact": pa.decimal256(76, 38),
        "vector": pa.list_(pa.float32()),
        "int": pa.int64(),
        "bool": pa.bool_(),
        "date": pa.date32(),
        "timestamp": pa.timestamp("us", "UTC"),
    }
    return pa.schema([(name, types[kind(name, column)]) for name, column in stored_columns(model).items()])


@cache
def metadata(unpacked: tuple[type[Table], ...] = ()) -> sa.MetaData:
    """Every table of the warehouse. :param unpacked: packed ones that are still to be row by row."""
    tables = sa.MetaData(schema=SCHEMA)
    for model in (*TABLES, *OPERATIONS_TABLES):
        _table(model, tables, packed=facts(model).packed and model not in unpacked)
    published = tables.tables[f"{SCHEMA}.{table_name(Publications)}"]
    sa.Index("publications_run_id_idx", published.c.run_id)
    sa.Table(
        "schema_version",
        tables,
        sa.Column("code_version", sa.Text, nullable=False, comment="Newest code that migrated this database"),
        sa.Column("views", sa.Text, nullable=False, comment="Digest of the definitions of the views"),
        sa.Column("layout", sa.Text, comment="Digest of the layout; NULL = something was left to do"),
        sa.Column("migrated_at", postgresql.TIMESTAMP(timezone=True), nullable=False, comment="When (UTC)"),
        comment="The layout's version: one row.",
    )
    return tables


def _table(model: type[Table], tables: sa.MetaData, *, packed: bool) -> None:
    name = stored_name(model) if packed else table_name(model)
    arrays = packed_columns(model) if packed else []
    made = []
    for column_name, column in stored_columns(model).items():
        each = _SQL_TYPES[kind(column_name, column)]
        made.append(
            sa.Column(
                column_name,
                postgresql.ARRAY(each) if column_name in arrays else each,
                nullable=bool(column.nullable),
                comment=column_comment(column),
            )
        )
    keys = grain(model).value if packed else primary_key(model)
    key = sa.PrimaryKeyConstraint(*keys, name=f"{name}_pkey")
    sa.Table(name, tables, *made, key, comment=table_comment(model) + (PACKED if packed else ""))


def table_comment(model: type[Table]) -> str:
    """What a table is, for people."""
    return inspect.cleandoc(model.__doc__ or "")


def column_comment(column: Any) -> str:
    """What a column is, with its unit, for people."""
    unit = (column.metadata or {}).get("unit")
    return f"{column.description} [{unit}]" if unit else str(column.description)
