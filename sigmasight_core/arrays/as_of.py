"""Point-in-time lookup: the last row of a name on or before a day, for many (name, day) pairs at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts

FAR_DAY: Final = 1 << 20
"""Day number of NaT: later than any date in use (year 4840)."""
_SPAN: Final = 1 << 22


def day_numbers(dates: Any) -> Ints:
    """Days since 1970-01-01 of a Series, index or array of dates; NaT becomes FAR_DAY."""
    days = np.asarray(dates, dtype="datetime64[D]")
    return np.where(np.isnat(days), FAR_DAY, days.astype(np.int64))


def timestamps(days: Ints) -> pd.DatetimeIndex:
    """Midnights of day numbers; FAR_DAY becomes NaT."""
    dates = np.where(days == FAR_DAY, np.datetime64("NaT"), days.astype("datetime64[D]"))
    return pd.DatetimeIndex(dates.astype("datetime64[ns]"))


def iso_dates(days: Ints) -> Texts:
    """ISO text (2024-01-31) of day numbers."""
    return np.datetime_as_string(days.astype("datetime64[D]")).astype(object)


@dataclass(frozen=True)
class LastKnown:
    """Rows sorted by (name, day), searched by bisection. Names are integer codes, -1 = not a name."""

    keys: Ints
    rows: Ints

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer[Any]], days: Ints, known: Bools | None = None) -> "LastKnown":
        """Index the rows whose code is not negative and that are `known` (default: all)."""
        wanted = codes >= 0 if known is None else (codes >= 0) & known
        rows = np.flatnonzero(wanted)
        keys = codes[rows].astype(np.int64) * _SPAN + days[rows]
        order = np.argsort(keys, kind="stable")
        return cls(keys[order], rows[order])

    def find(self, codes: Ints, days: Ints, max_age: int = FAR_DAY) -> Ints:
        """Row of the last entry with day in [days - max_age, days], elementwise; -1 where there is none."""
        if not self.keys.size:
            return np.full(np.shape(codes), -1, dtype=np.int64)
        wanted = codes * _SPAN + days
        at = np.searchsorted(self.keys, wanted, side="right") - 1
        age = wanted - self.keys[at]
        found = (at >= 0) & (codes >= 0) & (self.keys[at] // _SPAN == codes) & (age <= max_age)
        return np.where(found, self.rows[at], -1)


def take(values: Floats, rows: Ints) -> Floats:
    """`values[rows]` as floats, NaN where the row is -1."""
    if not values.size:
        return np.full(rows.shape, np.nan)
    return np.where(rows >= 0, values[rows], np.nan)


def codes_of(names: pd.Index, values: pd.Series) -> Ints:
    """Position of each value in `names` (unique), -1 where it is not one."""
    return names.get_indexer(pd.Index(values)).astype(np.int64)


def text_column(texts: Iterable[str], codes: npt.NDArray[np.integer[Any]]) -> Any:
    """The text of each code (0 = the first) as a pandas string array."""
    return pd.array([*texts], dtype="str").take(codes)
