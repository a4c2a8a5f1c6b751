"""Text of SQL: quoting, and the conditions that select partitions.

Values are written into the statement, because PostgreSQL sends the result of a statement without
parameters as one binary COPY, which is what makes reads fast. Connections of the warehouse set
``standard_conforming_strings``, under which doubling the quote is all that a literal needs.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import pandas as pd

from sigmasight_core.errors import InputError

Dates = tuple[pd.Timestamp, pd.Timestamp] | Sequence[pd.Timestamp] | pd.DatetimeIndex
"""A (start, end) tuple, both inclusive, or exactly the dates of a list or index."""


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
