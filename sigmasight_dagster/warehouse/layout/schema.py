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
    primary_key,
    table_name,
)
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.sql import quoted

KEY_FILL_PERCENT = 45
"""Keys per index page, in percent. Replacing a range puts the same keys beside the deleted ones before
vacuum takes those away: with room for both, a second write of a million rows takes 4.7 s instead of 6.8 s."""

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
def metadata() -> sa.MetaData:
    """Every table of the warehouse."""
    tables = sa.MetaData(schema=SCHEMA)
    for model in (*TABLES, *OPERATIONS_TABLES):
        _table(model, tables)
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


def _table(model: type[Table], tables: sa.MetaData) -> None:
    name = table_name(model)
    made = [
        sa.Column(
            column_name,
            _SQL_TYPES[kind(column_name, column)],
            nullable=bool(column.nullable),
            comment=_comment(column),
        )
        for column_name, column in stored_columns(model).items()
    ]
    key = sa.PrimaryKeyConstraint(*primary_key(model), name=f"{name}_pkey")
    table = sa.Table(name, tables, *made, key, comment=inspect.cleandoc(model.__doc__ or ""))
    fill = f"ALTER INDEX {quoted(SCHEMA, f'{name}_pkey')} SET (fillfactor = {KEY_FILL_PERCENT})"
    sa.event.listen(table, "after_create", sa.DDL(fill))


def _comment(column: Any) -> str:
    unit = (column.metadata or {}).get("unit")
    return f"{column.description} [{unit}]" if unit else str(column.description)
