"""Coverage: for how many sessions each held symbol has prices."""

from typing import Final

import numpy as np
import pandas as pd

THRESHOLDS: Final = (252, 150, 60)
"""Sessions of history: a whole factor window, a good one, the least that anything is estimated from."""


def held_symbols(positions: pd.DataFrame, date: pd.Timestamp) -> pd.Index:
    """Underlyings of the positions (tables.Positions) that are held at the close of `date`, sorted."""
    ended = positions[["exit_date", "expiry_date"]].min(axis=1) <= date
    held = positions[(positions["entry_date"] <= date) & ~ended]
    return pd.Index(sorted(held["underlying"].unique()), dtype="str")


def history_lengths(prices: pd.DataFrame, symbols: pd.Index) -> pd.Series:
    """Sessions with an adjusted close of each symbol, shortest first; 0 for one without any.

    :param prices: `date`, `symbol`, `adjusted_close` of the sessions that count.
    """
    known = prices[prices["adjusted_close"].notna()]
    counts = known.groupby("symbol")["date"].nunique().reindex(symbols, fill_value=0)
    return counts.sort_values(kind="stable").rename("n_sessions")


def shares(lengths: pd.Series, available: int) -> dict[int, float]:
    """Share of the symbols with at least 252, 150 and 60 sessions; NaN without symbols.

    :param available: sessions since the project's first date: more than these nobody can have.
    """
    counts = lengths.to_numpy()
    return {n: float(np.mean(counts >= min(n, available))) if counts.size else np.nan for n in THRESHOLDS}
