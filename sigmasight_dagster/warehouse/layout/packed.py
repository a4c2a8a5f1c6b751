"""Packed tables: a partition's rows are stored as one row of arrays, and a view shows them one by one.

A row of `position_stress` took 228 bytes, of which its three numbers took 24: the rest said whose it is, by
which run, and where it is found. `position_stress_packed` has the date, the portfolio and the audit columns
once a partition, and an array of each other column; the texts repeat, so that the server compresses them.
Element n of each array is of row n. The view `position_stress` is what everybody reads: conditions on date
and portfolio go through it to the key of the stored table, others are asked of the rows of these partitions.

For tables with many rows a partition that are read by partition: to look one row up, all of it is unpacked.
"""

from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa

from sigmasight_core.tables import OPERATIONS_TABLES, TABLES, Table, facts, grain, primary_key, table_name
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.errors import MigrationError
from sigmasight_dagster.warehouse.layout.schema import (
    metadata,
    packed_columns,
    stored,
    stored_columns,
    stored_name,
)
from sigmasight_dagster.warehouse.layout.view import named
from sigmasight_dagster.warehouse.sql import quoted


def packed_models() -> list[type[Table]]:
    return [model for model in (*TABLES, *OPERATIONS_TABLES) if facts(model).packed]


def rows_of_packed(model: type[Table], wanted: Collection[str] | None = None) -> str:
    """SELECT of a packed table's rows: columns, types and order of a table that stores them one by one.

    :param wanted: these columns, at least one of them not of the grain: what is left out is not unpacked.
    """
    known = [name for name in stored_columns(model) if wanted is None or name in wanted]
    packed = [name for name in packed_columns(model) if name in known]
    arrays, names = (", ".join(f"{prefix}{quoted(name)}" for name in packed) for prefix in ("p.", ""))
    shown = ", ".join(f"{'u' if name in packed else 'p'}.{quoted(name)}" for name in known)
    return f"SELECT {shown} FROM {stored(model)} AS p CROSS JOIN LATERAL unnest({arrays}) AS u({names})"


def unpacked_models(connection: sa.Connection) -> list[type[Table]]:
    """Packed tables whose rows an older version stored one by one."""
    tables = sa.inspect(connection).get_table_names(SCHEMA)
    return [model for model in packed_models() if table_name(model) in tables]


def pack_stored(connection: sa.Connection, model: type[Table]) -> None:
    """Move rows that are stored one by one into the packed table, with its view in the place of the old one.

    :param model: of which the old table has every column. What it has besides is kept, packed. Who could read
        it can read the new one.

    :raises MigrationError: when something of the user's own hangs on the old table.
    """
    old, new = named(model), stored(model)
    metadata().tables[f"{SCHEMA}.{stored_name(model)}"].create(connection)
    columns: dict[str, str] = {row.attname: row.kind for row in _execute(connection, _COLUMNS, old)}
    besides = {name: kind for name, kind in columns.items() if name not in stored_columns(model)}
    for name, kind in besides.items():
        _execute(connection, f"ALTER TABLE {new} ADD COLUMN {quoted(name)} {kind}[]")
    keys, arrays = grain(model).value, {*packed_columns(model), *besides}
    cells = {
        name: f"array_agg({quoted(name)})" if name in arrays else f"max({quoted(name)})"
        for name in (*stored_columns(model), *besides)
    } | {name: quoted(name) for name in keys}
    names, order, by = (", ".join(map(quoted, some)) for some in (cells, primary_key(model), keys))
    _execute(
        connection,
        f"INSERT INTO {new} ({names}) SELECT {', '.join(cells.values())} "
        f"FROM (SELECT * FROM {old} ORDER BY {order}) AS t GROUP BY {by}",
    )
    readers = _execute(connection, _READERS, old).scalars().all()
    try:
        _execute(connection, f"DROP TABLE {old}")
    except sa.exc.InternalError as error:
        reason = " ".join(str(error.orig).split())
        raise MigrationError(
            f"{table_name(model)} is to be stored packed, and something of your own hangs on it ({reason}); "
            "drop that, migrate, and make it again"
        ) from None
    _execute(connection, f"CREATE VIEW {old} AS {rows_of_packed(model)}")
    for reader in readers:
        _execute(connection, f"GRANT SELECT ON {old}, {new} TO {reader}")


_COLUMNS: Final = (
    "SELECT attname, format_type(atttypid, atttypmod) AS kind FROM pg_attribute "
    "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
)
_READERS: Final = (
    "SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END "
    "FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a "
    "WHERE c.oid = to_regclass(%s) AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner"
)


def _execute(connection: sa.Connection, statement: str, *values: str) -> sa.CursorResult[Any]:
    return connection.exec_driver_sql(statement if values else statement.replace("%", "%%"), values)
