"""COPY into Dagster's tables: a third of the time of INSERT, and ids are known beforehand."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import sqlalchemy as sa

AT_ONCE, LINES_AT_ONCE = 2**18, 64
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
    copy_lines(connection, table, list(rows[0]), (line(row.values()) for row in rows))


def copy_lines(
    connection: sa.Connection, table: sa.Table, columns: Sequence[str], lines: Iterable[str]
) -> None:
    """Append rows, given as `line` gives them, within the connection's transaction.

    The server stores the first while the next are made.
    """
    named = ", ".join(f'"{name}"' for name in columns)
    cursor: Any = connection.connection.cursor()
    with closing(cursor):
        cursor.copy_expert(f'COPY "{table.name}" ({named}) FROM STDIN', _Reader(lines), AT_ONCE)


class _Reader:
    """Lines as a file that is read a piece at a time."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._ready = iter(lines), ""

    def read(self, size: int) -> str:
        while len(self._ready) < size and (more := "".join(islice(self._lines, LINES_AT_ONCE))):
            self._ready += more
        piece, self._ready = self._ready[:size], self._ready[size:]
        return piece


def line(values: Iterable[Any]) -> str:
    """A row of COPY."""
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
