"""Returns of a portfolio with flows: daily, linked over periods (time-weighted), and money-weighted."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.money_weighted import Flows, Periods, money_weighted
from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.arrays.types import Bools, Floats, Ints

LEAST_BASE: Final = 0.01
"""USD: what was worth less than a cent has no return."""
PERIODS: Final = ("ytd", "1y", "itd")
SHORTER: Final = ("1w", "mtd", "1m", "3m")
"""Periods of time-weighted returns alone."""
_BACK: Final = {
    "1w": pd.DateOffset(days=7),
    "1m": pd.DateOffset(months=1),
    "3m": pd.DateOffset(months=3),
    "1y": pd.DateOffset(years=1),
}


class DailyReturns(NamedTuple):
    """Each (dates, portfolios)."""

    returns: Floats
    """NaN = the base is less than a cent, or the P&L or a value is not known."""
    ruined: Bools
    """The value fell to zero or below: what comes after is a return on debt."""
    unknown: Bools
    """The value, P&L or flow of the day, or the value of the day before, is not known."""


def daily_returns(
    total_value: Floats, *, daily_pnl: Floats, external_flow: Floats, opening: Floats | float = 0.0
) -> DailyReturns:
    """daily_pnl / (value at the previous close + inflow of the day); an outflow leaves at the end of the day.

    Modified Dietz on a single day, as the GIPS Standards (2020) allow.

    :param total_value: (dates, portfolios) at the close. :param external_flow: positive = paid in.
    :param opening: (portfolios) value before the first date, NaN = there was one that is not known.
    """
    first = np.broadcast_to(np.asarray(opening, dtype=float), (1, total_value.shape[1]))
    before = np.vstack([first, total_value])[:-1]
    base = before + np.maximum(external_flow, 0.0)
    found = np.divide(daily_pnl, base, out=np.full(base.shape, np.nan), where=base >= LEAST_BASE)
    unknown = np.isnan(base) | np.isnan(daily_pnl)
    return DailyReturns(np.where(unknown, np.nan, found), np.nan_to_num(found) <= -1.0, unknown)


class Linked(NamedTuple):
    """Each (dates, portfolios), for the period that ends on the date."""

    total: Floats
    """Product of (1 + daily return) - 1, not annualised; NaN = a gap or ruin in the period, or no return."""
    ruined: Bools
    gaps: Ints
    """Days in the period whose return is not known."""


def linked(daily: DailyReturns, start: Ints) -> Linked:
    """Time-weighted return from the close of the row `start` to each date.

    :param start: (dates, portfolios) row of the close that the period starts from, -1 = before all.
    """
    known = np.isfinite(daily.returns)
    usable = known & ~daily.ruined
    log = np.cumsum(np.log1p(np.where(usable, daily.returns, 0.0)), axis=0)
    counts = [np.cumsum(mask, axis=0) for mask in (daily.ruined, daily.unknown, known)]
    every = np.arange(len(log))
    ruins, gaps, n_known = (over(count, every, start) for count in counts)
    total = np.expm1(over(log, every, start))
    undefined = (ruins > 0) | (gaps > 0) | (n_known == 0)
    return Linked(np.where(undefined, np.nan, total), ruins > 0, gaps)


def drawdown(itd: Floats) -> Floats:
    """Fall since the highest point before, as a positive fraction (dates, portfolios).

    :param itd: returns since inception, not annualised; NaN = not known, and then there is no fall either.
    """
    level = 1.0 + itd
    peak = np.fmax.accumulate(np.fmax(level, 1.0), axis=0)
    return np.maximum(1.0 - level / peak, 0.0)


def over(cumulated: np.ndarray, end: Ints, start: Ints) -> np.ndarray:
    """Sums over the rows after `start` (dates, columns) up to `end` (dates)."""
    column = np.arange(cumulated.shape[1])
    return cumulated[end] - np.where(start >= 0, cumulated[np.maximum(start, 0), column], 0)


def first_rows(
    first_dates: "pd.Series[pd.Timestamp]", sessions: pd.DatetimeIndex, names: pd.Index
) -> tuple[Ints, Bools]:
    """Row of each portfolio's first transaction, and whether that was before the sessions.

    :param first_dates: by portfolio; of one without transactions the row is one beyond the last.
    """
    dates = first_dates.reindex(names)
    first = sessions.searchsorted(pd.DatetimeIndex(dates.fillna(sessions[-1] + pd.Timedelta(days=1))))
    return np.asarray(first), (dates < sessions[0]).to_numpy(dtype=bool)


def period_starts(sessions: pd.DatetimeIndex, first: Ints, period: str) -> Ints:
    """Row of the close from which each date's period starts (dates, portfolios); -2 = there is no such one.

    Year and month to date from the last close of the one before, or the account's beginning; a year, three
    months, one and a week from the last close on or before the same day that long before, if the account is
    as old; inception to date from before the first row.

    :param sessions: every session up to the last date. :param first: row of each portfolio's first flow.
    """
    shape = (len(sessions), len(first))
    begin = np.broadcast_to(first - 1, shape)
    if period == "itd":
        start = begin
    elif period in ("ytd", "mtd"):
        opens = sessions.to_period("Y" if period == "ytd" else "M").to_timestamp()
        start = np.maximum(sessions.searchsorted(opens)[:, None] - 1, begin)
    else:
        before = sessions.searchsorted(sessions - _BACK[period], side="right")[:, None] - 1
        start = np.where((before >= 0) & (before >= begin), np.broadcast_to(before, shape), -2)
    return np.where(np.arange(len(sessions))[:, None] >= first, start, -2).astype(np.int64)


def period_money_weighted(
    sessions: pd.DatetimeIndex, start: Ints, *, total_value: Floats, external_flow: Floats, wanted: Ints
) -> Floats:
    """Money-weighted return of the period that ends on each wanted date (wanted, portfolios), not annualised.

    A period that starts before there was any value starts with its first flow.

    :param start: of `period_starts`, (dates, portfolios). :param wanted: rows of the dates.
    """
    days, (n_dates, n_names) = day_numbers(sessions), total_value.shape
    name, row = np.nonzero((external_flow != 0).T)
    flows = Flows(days[row], external_flow[row, name])
    # flows are ordered by portfolio and date: their place in a key of both finds a range by bisection
    key = name * (n_dates + 1) + row
    end, column = (grid.ravel() for grid in np.meshgrid(wanted, np.arange(n_names), indexing="ij"))
    begin = start[end, column]
    value = np.where(begin >= 0, total_value[np.maximum(begin, 0), column], 0.0)
    first = np.searchsorted(key, column * (n_dates + 1) + np.maximum(begin, -1) + 1)
    last = np.searchsorted(key, column * (n_dates + 1) + end, side="right")
    some = first < last
    first_row = np.where(some, row[np.minimum(first, len(row) - 1)], end) if len(row) else end
    opened = np.where(value > 0, days[np.maximum(begin, 0)], days[first_row])
    periods = Periods(opened, days[end], value, total_value[end, column], first, last)
    found = money_weighted(periods, flows)
    return np.where(begin == -2, np.nan, found).reshape(len(wanted), n_names)
