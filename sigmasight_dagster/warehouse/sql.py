"""Text of SQL: quoting, and the conditions that select partitions.

Values are written into the statement, because PostgreSQL sends the result of a statement without
parameters as one binary COPY, which is what makes reads fast. Every session sets what SESSION says, with
``standard_conforming_strings``, under which doubling the quote is all that a literal needs.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError

Dates = tuple[pd.Timestamp, pd.Timestamp] | Sequence[pd.Timestamp] | pd.DatetimeIndex
"""A (start, end) tuple, both inclusive, or exactly the dates of a list or index."""

SESSION: Final[Mapping[str, str]] = {
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "default_transaction_isolation": "read committed",
    "default_transaction_deferrable": "off",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "row_security": "on",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
}
"""What each session sets for itself, whatever server, database and role say: as pg_dump does, and for its
reasons. With another isolation a transaction would see what was there before it has waited for a lock."""


def set_session(more: Mapping[str, str] | None = None) -> str:
    """The statement, with no parameters and one row, after which a session has SESSION's settings.

    :param more: others, or others of these.
    """
    wanted = {**SESSION, **(more or {})}
    each = [f"set_config({literal(name)}, {literal(value)}, false)" for name, value in wanted.items()]
    newer = (
        "CASE WHEN current_setting('server_version_num')::integer >= 170000 "
        "THEN set_config('transaction_timeout', '0', false) END"
    )
    return f"SELECT {', '.join([*each, newer])}"


def quoted(*names: str) -> str:
    """A qualified identifier."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """:raises InputError: on a NUL character, which PostgreSQL cannot store."""
    if "\0" in text:
        raise InputError(f"{text!r}: text with a NUL character cannot be stored; remove it")
    return "'" + text.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """Condition: the text column has one of the values."""
    return f"{quoted(column)} = ANY(ARRAY[{', '.join(literal(value) for value in values)}]::text[])"


def on_dates(dates: Dates) -> str:
    """Condition on `date`. :raises InputError: on a range whose end is before its start."""
    if isinstance(dates, tuple):
        start, end = dates
        if end < start:
            raise InputError(
                f"dates {start:%Y-%m-%d} to {end:%Y-%m-%d}: the end is before the start; swap them"
            )
        return f"\"date\" BETWEEN '{start:%Y-%m-%d}' AND '{end:%Y-%m-%d}'"
    days = pd.DatetimeIndex(list(dates)).unique().strftime("%Y-%m-%d")
    return f"\"date\" = ANY('{{{','.join(days)}}}'::date[])"


def where(conditions: Sequence[str]) -> str:
    """A WHERE clause of all the conditions; nothing without any."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def lock_key(*parts: str) -> int:
    """Key of an advisory lock."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big", signed=True)
