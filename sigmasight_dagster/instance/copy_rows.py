"""COPY into Dagster's tables: a third of the time of INSERT, and ids are known beforehand."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from typing import Any

import sqlalchemy as sa

_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))
"""The backslash first. `replace` is several times as fast as `translate` on long texts."""


def next_ids(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """The next `count` ids of a table with a serial column `id`, ascending."""
    sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
    statement = sa.text(f"SELECT nextval({sequence}) FROM generate_series(1, :count)")
    return sorted(int(row[0]) for row in connection.execute(statement, {"count": count}))


def copy_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append rows, all of the same columns, within the connection's transaction."""
    if not rows:
        return
    columns = ", ".join(f'"{name}"' for name in rows[0])
    lines = StringIO("".join(_line(row.values()) for row in rows))
    cursor: Any = connection.connection.cursor()
    with cursor:
        cursor.copy_expert(f'COPY "{table.name}" ({columns}) FROM STDIN', lines)


def _line(values: Iterable[Any]) -> str:
    return "\t".join(map(_text, values)) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    text = str(value)
    for special, escaped in _ESCAPES:
        text = text.replace(special, escaped)
    return text
