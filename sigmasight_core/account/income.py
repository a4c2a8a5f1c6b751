"""Dividends by the quantity held before the ex-date, and what cash earns."""

import numpy as np
import pandas as pd

from sigmasight_core.account.entries import DELIVERED, Entries
from sigmasight_core.account.matching import DUST
from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, take, timestamps
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.market.corporate_actions import Splits


def dividends(entries: Entries, *, corporate_actions: pd.DataFrame) -> pd.DataFrame:
    """Cash of every dividend, booked on its ex-date: quantity at the close before x amount per share.

    The quantity is in shares of the ex-date, in which the amount is said; a short pays. A name whose
    dividends the ledger itself states in that portfolio has none here: they would be booked twice. Shares
    that an option delivers count from the session before: the trade is that of the option's last session.

    :param corporate_actions: rows of `tables.CorporateActions` since the first date.
    :returns: portfolio, symbol, date, quantity (signed), per_share and amount (USD, negative = paid; NaN =
        the amount per share is not known), ordered by portfolio, symbol and date.
    """
    part = np.flatnonzero((entries.symbol >= 0) & (entries.multiplier == 1) & (entries.quantity > 0))
    delivered = entries.rows["inferred"].str.startswith(DELIVERED).to_numpy()
    code, day = entries.symbol[part], (entries.day - delivered)[part]
    change = np.where(entries.opens, 1.0, -1.0) * entries.side * entries.quantity / entries.ratio
    order = np.lexsort((day, code))
    code, day, part = code[order], day[order], part[order]
    size = pd.Series(np.abs(change[part])).groupby(code).cumsum().to_numpy()
    held = pd.Series(change[part]).groupby(code).cumsum().to_numpy(dtype=float)
    left: Floats = np.where(np.abs(held) <= DUST * size, 0.0, held)
    names = entries.rows.loc[part, ["portfolio", "symbol"]].assign(code=code)
    names = names.drop_duplicates("code").merge(_not_stated(entries), on=["portfolio", "symbol"])
    paid = corporate_actions.loc[corporate_actions["kind"] == "dividend", ["date", "symbol", "amount"]]
    due = names.merge(paid, on="symbol").reset_index(drop=True)
    ex_day, known = day_numbers(due["date"]), due["code"].to_numpy(dtype=np.int64)
    before = np.nan_to_num(take(left, LastKnown.of(code, day).find(known, ex_day - 1)))
    symbols = pd.Index(due["symbol"].unique())
    ratio = Splits.of(symbols, corporate_actions).ratio(
        codes_of(symbols, due["symbol"]), after=np.zeros_like(ex_day), until=ex_day
    )
    per_share = due["amount"].to_numpy(dtype=float)
    quantity = before * np.nan_to_num(ratio, nan=1.0)
    rows = due[["portfolio", "symbol"]].assign(
        date=timestamps(ex_day), quantity=quantity, per_share=per_share, amount=quantity * per_share
    )
    return rows[quantity != 0].sort_values(["portfolio", "symbol", "date"], ignore_index=True)


def _not_stated(entries: Entries) -> pd.DataFrame:
    """Names (portfolio, symbol) without a dividend among the transactions."""
    stated = (entries.rows["kind"] == "dividend").groupby([entries.rows["portfolio"], entries.rows["symbol"]])
    none = ~stated.any()
    return none[none].index.to_frame(index=False).set_axis(["portfolio", "symbol"], axis=1)


def cash_rates(yields: pd.DataFrame, sessions: pd.DatetimeIndex, spread: float | None) -> Floats:
    """What a balance earns from the session before to each session (T), as a fraction; 0 without a spread.

    The 3-month Treasury yield of the session before (the last one known, at most five sessions old) less the
    spread, at least 0, simple over the calendar days, act/365.

    :param yields: rows of `tables.TreasuryYields`.
    :param spread: fraction per year; None = cash earns nothing.
    """
    if spread is None:
        return np.zeros(len(sessions))
    known = yields_before(yields, sessions)
    days = np.diff(day_numbers(sessions), prepend=day_numbers(sessions)[:1])
    return np.nan_to_num(np.maximum(known - spread, 0.0)) * days / DAYS_PER_YEAR


def yields_before(yields: pd.DataFrame, sessions: pd.DatetimeIndex) -> Floats:
    """The 3-month yield of the session before each (T), per year; NaN = none, or more than five sessions old.

    :param yields: rows of `tables.TreasuryYields`.
    """
    rows = yields[(yields["series"] == "3M") & yields["yield_percent"].notna()]
    series = rows.set_index("date")["yield_percent"].astype(float) / 100
    return series.sort_index().reindex(sessions, method="ffill", limit=5).shift(1).to_numpy(dtype=float)


def held_through(
    positions: pd.DataFrame, chosen: Bools, *, sessions: pd.DatetimeIndex, names: pd.Index
) -> Bools:
    """Whether a portfolio holds one of the chosen rows of positions at each close: (sessions, names)."""
    lots = positions[chosen]
    portfolio = codes_of(names, lots["portfolio"])
    first = sessions.searchsorted(pd.DatetimeIndex(lots["entry_date"]))
    ends = pd.DatetimeIndex(lots[["exit_date", "expiry_date"]].min(axis=1))
    last = np.where(ends.isna(), len(sessions), sessions.searchsorted(ends))
    shape = (len(sessions) + 1, len(names))
    steps: Ints = np.zeros(shape, dtype=np.int64)
    np.add.at(steps, (first, portfolio), 1)
    np.add.at(steps, (last, portfolio), -1)
    return steps.cumsum(axis=0)[:-1] > 0
