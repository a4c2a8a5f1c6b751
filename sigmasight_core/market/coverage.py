"""Coverage: for how many sessions each symbol has prices, where there are gaps, and how old the last is."""

from typing import Final

import numpy as np
import pandas as pd

THRESHOLDS: Final = (252, 150, 60)
"""Sessions of history: a whole factor window, a good one, the least that anything is estimated from."""


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


def by_symbol(prices: pd.DataFrame, symbols: pd.Index, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """What there is of each symbol, most in need of attention first.

    A price of a session counts; a mark that is carried from an earlier session does not.

    :param prices: `date`, `symbol`, `close`, `price_date` and `source` (as in `tables.DailyPrices`).
    :param symbols: which to report. :param sessions: every session of the time looked at, sorted.
    :returns: `symbol`; `sessions` with a price; `first` and `last` of them (NaT = none); `gaps`, sessions
        without a price between these; `stale_sessions` since the last (NA = none); `source` of the last price
        ('' = none). Ordered by stale sessions (none first), gaps, then symbol.
    """
    known = prices[prices["close"].notna() & prices["price_date"].isna() & prices["date"].isin(sessions)]
    known = known.sort_values("date")
    found = known.groupby("symbol").agg(
        sessions=("date", "nunique"),
        first=("date", "first"),
        last=("date", "last"),
        source=("source", "last"),
    )
    found = found.reindex(pd.Index(symbols, name="symbol"))
    first, last = (sessions.get_indexer(pd.Index(found[name])) for name in ("first", "last"))
    none = found["sessions"].isna().to_numpy()
    count = found["sessions"].fillna(0).astype("int64")
    frame = pd.DataFrame(
        {
            "symbol": found.index.to_numpy(),
            "sessions": count.to_numpy(),
            "first": found["first"].to_numpy(),
            "last": found["last"].to_numpy(),
            "gaps": np.where(none, 0, last - first + 1 - count.to_numpy()),
            "stale_sessions": pd.array(len(sessions) - 1 - last, dtype="Int64"),
            "source": found["source"].fillna("").to_numpy(),
        }
    ).astype({"symbol": "str", "source": "str"})
    frame["stale_sessions"] = frame["stale_sessions"].mask(none)
    order = ["stale_sessions", "gaps", "symbol"]
    return frame.sort_values(
        order, ascending=[False, False, True], na_position="first", kind="stable", ignore_index=True
    )


def by_portfolio(lengths: pd.Series, held: pd.DataFrame, available: int) -> pd.DataFrame:
    """Coverage of what each portfolio holds, by name.

    :param lengths: as `history_lengths` returns them. :param held: `portfolio` and `symbol`, each pair
        once; a symbol without a length has no session. :param available: sessions that there are, at least 1.
    :returns: `portfolio`; `n_symbols`; `coverage`, the mean share of the sessions that its symbols have, and
        `lowest_coverage`, the least of them; `with_252_sessions` and so on, as `shares`. Without NaN.
    """
    counts = held["symbol"].map(lengths).fillna(0).to_numpy(dtype=float)
    shares_of = {f"with_{n}_sessions": counts >= min(n, available) for n in THRESHOLDS}
    groups = pd.DataFrame(
        {"portfolio": held["portfolio"].to_numpy(), "share": counts / available, **shares_of}
    ).groupby("portfolio", sort=True)
    found = groups["share"].agg(n_symbols="size", coverage="mean", lowest_coverage="min")
    return found.join(groups[list(shares_of)].mean()).reset_index().astype({"portfolio": "str"})


def recent(prices: pd.DataFrame, symbols: pd.Index, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Coverage of each symbol in the sessions: columns of `alerts.watched.SymbolCoverage` after its date.

    :param prices: as of `by_symbol`, with `adjusted_close`, of the sessions. :param sessions: sorted, at
        least one.
    """
    lengths = history_lengths(prices, symbols)
    found = by_symbol(prices, symbols, sessions).drop(columns=["sessions", "first", "last", "source"])
    counts = found["symbol"].map(lengths).to_numpy(dtype="int64")
    stale = found["stale_sessions"].fillna(len(sessions)).astype("int64")
    return found.assign(n_sessions=counts, coverage=counts / len(sessions), stale_sessions=stale)
