"""Storage parameters of tables and of the indexes of their keys: how much room is left for what is replaced.

A partition is replaced by deleting its rows and writing new ones, so that a table which is published again
as a whole is twice as large until vacuum has been there. The defaults of the server wait for 50 rows and a
fifth of a table to be dead. Here ten and a twentieth are enough: one row of a packed table may be a thousand.

Of columns of arrays the server keeps no statistics: nothing looks for an element, and counting elements took
the server's analyze longer than all the rest of its upkeep.
"""

from typing import Final

import sqlalchemy as sa

from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.layout.schema import metadata
from sigmasight_dagster.warehouse.sql import literal, quoted

KEY_FILL_PERCENT: Final = 45
"""Keys per index page, in percent. Replacing a range puts the same keys beside the deleted ones before
vacuum takes those away: with room for both, a second write of a million rows takes 4.7 s instead of 6.8 s."""

OF_TABLES: Final = {
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_threshold": "10",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
}
OF_LONG_VALUES: Final = {"autovacuum_vacuum_scale_factor": "0.05"}
OF_KEYS: Final = {"fillfactor": str(KEY_FILL_PERCENT)}
OF_ARRAYS: Final = 0
"""Statistics target."""

_FOUND: Final = (
    "SELECT c.relname, c.reloptions, t.oid IS NOT NULL, t.reloptions, k.relname, k.reloptions "
    "FROM pg_class AS c LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid "
    "LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary "
    "LEFT JOIN pg_class AS k ON k.oid = i.indexrelid "
    f"WHERE c.relnamespace = to_regnamespace({literal(SCHEMA)}) AND c.relkind = 'r'"
)
_COUNTED: Final = (
    "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
    "JOIN pg_type AS t ON t.oid = a.atttypid AND t.typcategory = 'A' "
    f"WHERE c.relnamespace = to_regnamespace({literal(SCHEMA)}) AND c.relkind = 'r' AND a.attnum > 0 "
    f"AND NOT a.attisdropped AND a.attstattarget IS DISTINCT FROM {OF_ARRAYS} ORDER BY c.relname, a.attnum"
)


def set_parameters(connection: sa.Connection, changes: list[str]) -> None:
    """Give every declared table, and the index of its key, the parameters above where they differ.

    What else somebody has set stays as it is. Pages of an index that are there are filled as they were.
    """
    found = {name: stored for name, *stored in connection.exec_driver_sql(_FOUND)}
    counted: dict[str, list[str]] = {}
    for name, column in connection.exec_driver_sql(_COUNTED):
        counted.setdefault(name, []).append(f"ALTER {quoted(column)} SET STATISTICS {OF_ARRAYS}")
    older = 0
    for name in (table.name for table in metadata().sorted_tables):
        own, has_long, of_long, key, of_key = found[name]
        wanted = _missing(OF_TABLES, own)
        if has_long:
            wanted |= {f"toast.{what}": value for what, value in _missing(OF_LONG_VALUES, of_long).items()}
        keys = _missing(OF_KEYS, of_key) if key else {}
        _set(connection, "TABLE", name, wanted)
        _set(connection, "INDEX", key, keys)
        if name in counted:
            connection.exec_driver_sql(f"ALTER TABLE {quoted(SCHEMA, name)} {', '.join(counted[name])}")
        older += bool(wanted or keys or name in counted) and f"created table {name}" not in changes
    if older:
        changes.append(f"storage parameters of {older} tables")


def _missing(wanted: dict[str, str], stored: list[str] | None) -> dict[str, str]:
    there = set(stored or ())
    return {name: value for name, value in wanted.items() if f"{name}={value}" not in there}


def _set(connection: sa.Connection, kind: str, name: str, parameters: dict[str, str]) -> None:
    if parameters:
        given = ", ".join(f"{key} = {value}" for key, value in parameters.items())
        connection.exec_driver_sql(f"ALTER {kind} {quoted(SCHEMA, name)} SET ({given})")
