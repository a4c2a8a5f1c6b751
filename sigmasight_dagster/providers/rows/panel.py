"""Prices of many symbols as arrays, sessions x symbols, and their rows in the shape of DailyPrices."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK

FIELDS: Final = ("open", "high", "low", "close", "adjusted_close", "volume")


@dataclass(frozen=True)
class PricePanel:
    """Prices of one provider.

    :ivar dates: sessions (T,), ascending, unique.
    :ivar symbols: symbols (N,), unique, in any order.
    :ivar fields: (T, N) arrays of the FIELDS that the source has; NaN = missing. ``close`` and
        ``adjusted_close`` are always there.
    :ivar sources: text of the column ``source``, by symbol (N,).
    """

    dates: pd.DatetimeIndex
    symbols: np.ndarray
    fields: dict[str, np.ndarray]
    sources: np.ndarray

    def rows(self, symbols: Collection[str] | None, start: dt.date, end: dt.date) -> pd.DataFrame:
        """Rows of ``tables.DailyPrices``, ordered by date and symbol.

        A symbol has a row on each session from its first to its last close; a session without a close
        in between is a row of NULLs whose status says so.
        """
        columns = self._columns(symbols)
        low, high = self.dates.searchsorted([pd.Timestamp(start), pd.Timestamp(end) + pd.Timedelta(days=1)])
        alive = self._alive(columns)[low : max(low, high)]
        times, chosen = alive.nonzero()
        at = (low + times, columns[chosen])
        frame = pd.DataFrame({"date": self.dates[at[0]], "symbol": _text(self.symbols[columns], chosen)})
        for field in FIELDS:
            given = self.fields.get(field)
            frame[field] = np.nan if given is None else given[at]
        frame["price_date"] = pd.NaT
        frame["source"] = _text(self.sources[columns], chosen)
        frame["status"] = missing_status(frame)
        return frame

    def _columns(self, symbols: Collection[str] | None) -> np.ndarray:
        order = np.argsort(self.symbols)
        if symbols is None:
            return order
        return order[np.isin(self.symbols[order], np.array(sorted(symbols), object))]

    def _alive(self, columns: np.ndarray) -> np.ndarray:
        known = ~np.isnan(self.fields["close"][:, columns])
        begun = np.logical_or.accumulate(known, axis=0)
        not_over = np.logical_or.accumulate(known[::-1], axis=0)[::-1]
        return begun & not_over


def _text(words: np.ndarray, codes: np.ndarray) -> pd.api.extensions.ExtensionArray:
    return pd.array(list(words), dtype="str").take(codes)


def missing_status(frame: pd.DataFrame) -> pd.api.extensions.ExtensionArray:
    """'ok', or 'no open, high from this source', by row, from the NULLs among the FIELDS."""
    bits = (1 << np.arange(len(FIELDS))).astype(np.int64)
    code = frame[list(FIELDS)].isna().to_numpy() @ bits
    return _text(_STATUSES, code)


def _status(code: int) -> str:
    names = [field for bit, field in enumerate(FIELDS) if code >> bit & 1]
    return f"no {', '.join(names)} from this source" if names else OK


_STATUSES: Final = np.array([_status(code) for code in range(1 << len(FIELDS))], object)
