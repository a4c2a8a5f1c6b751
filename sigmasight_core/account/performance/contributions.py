"""What contributed to the return of a period: positions, tags, sectors, cash. They sum to the return."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.groups import CASH_GROUP, by_sector, by_tag
from sigmasight_core.account.performance.linking import days_of, log_ratio
from sigmasight_core.account.performance.portfolio_returns import YOUNG, panel
from sigmasight_core.account.performance.returns import over, period_starts
from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.gaps import tell
from sigmasight_core.arrays.types import Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.tables.account.contributions import GroupContributions, ReturnContributions

CASH: Final = "cash"
"""Item of interest, fees and dividends that no position of the day stands for."""
PERIODS: Final = ("ytd", "1y")
"""Since inception is left out: it reads every position since the first entry, on every date."""
LOOK_BACK_SESSIONS: Final = 256
"""Reaches the close before a year of sessions (at most 254)."""
NO_RETURN: Final = "no contribution: the portfolio has no return over the period"


def return_contributions(
    *,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    first_dates: "pd.Series[pd.Timestamp]",
    portfolio_returns: pd.DataFrame,
    portfolio_cash: pd.DataFrame,
    position_values: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contribution of underlyings, sectors, tags and cash to the return of each period up to every date.

    The contribution of a day is P&L / (value at the previous close + inflow). Each is weighted by k / K, with
    k = log(1 + r) / r of the day and K of the whole period, so that they sum to the time-weighted return
    (Carino, Combining attribution effects over time, 1999, Journal of Performance Measurement 3(4)). k does
    not depend on the period: the sums over all periods are differences of one cumulated sum.

    :param dates: wanted, all in `sessions`.
    :param sessions: LOOK_BACK_SESSIONS more than `dates`, or from the project's first date.
    :param names: of the portfolios, sorted.
    :param first_dates: date of the first transaction by portfolio; absent = it has none.
    :param portfolio_returns: rows of `PortfolioReturns` on `sessions`, those there are.
    :param portfolio_cash: date, portfolio, dividends, interest and fees (USD), those there are.
    :param position_values: date, portfolio, underlying, sector, tags and daily_pnl (USD), those there are.
    :returns: rows in the shapes of `ReturnContributions` and `GroupContributions`, ordered by their keys.
        NULL where a day of the period has no return or no positions stored; a P&L that is NULL counts as 0,
        as it does in the return, and the status says so.
    """
    days = days_of(
        portfolio_returns=portfolio_returns,
        portfolio_cash=portfolio_cash,
        sessions=sessions,
        names=names,
        first_dates=first_dates,
    )
    end = sessions.get_indexer(dates)
    periods = {
        period: _Period(
            panel(portfolio_returns, f"twr_{period}", sessions, names)[end],
            period_starts(sessions, days.first, period)[end],
        )
        for period in PERIODS
    }

    def rows(values: pd.DataFrame, item_of_cash: str) -> pd.DataFrame:
        items = _items(
            values,
            sessions=sessions,
            names=names,
            cash=days.cash,
            item_of_cash=item_of_cash,
        )
        cumulated = _Cumulated(
            pnl=np.cumsum(items.pnl, axis=0),
            weighted=np.cumsum(items.pnl * days.weight[:, items.book], axis=0),
            rows=np.cumsum(items.rows, axis=0),
            missing=np.cumsum(items.missing, axis=0),
            gaps=np.cumsum(days.gap, axis=0),
            bare=np.cumsum(days.bare(items.stored), axis=0),
        )
        return _framed(items, cumulated, periods=periods, dates=dates, names=names, end=end)

    groups = [
        rows(values, CASH_GROUP).assign(dimension=dimension)
        for dimension, values in (("sector", by_sector(position_values)), ("tag", by_tag(position_values)))
    ]
    return rows(position_values.rename(columns={"underlying": "item"}), CASH), _ordered(groups)


@dataclass(frozen=True)
class _Period:
    """Each (dates, portfolios)."""

    twr: Floats
    start: Ints
    """Row of the close from which the period starts, see `period_starts`."""


def _framed(
    items: "_Items",
    cumulated: "_Cumulated",
    *,
    periods: dict[str, _Period],
    dates: pd.DatetimeIndex,
    names: pd.Index,
    end: Ints,
) -> pd.DataFrame:
    parts = [_rows(name, items=items, cumulated=cumulated, of=of, end=end) for name, of in periods.items()]
    day, column, period_code = (np.concatenate([part[name] for part in parts]) for name in _CODES)
    order = np.lexsort((column, period_code, items.book[column], day))
    frame = pd.DataFrame(
        {
            "date": dates[day],
            "portfolio": coded(names, items.book[column]),
            "period": coded(PERIODS, period_code),
            "item": coded(items.names, column),
            **{name: np.concatenate([part[name] for part in parts]) for name in _VALUES},
            "status": pd.array(np.concatenate([part["status"] for part in parts]), dtype="str"),
        }
    )
    return frame.iloc[order].reset_index(drop=True)[list(ReturnContributions.to_schema().columns)]


def _ordered(groups: list[pd.DataFrame]) -> pd.DataFrame:
    keys = ["date", "portfolio", "dimension", "period"]
    rows = pd.concat(groups).astype({"dimension": "str"}).sort_values(keys, kind="stable", ignore_index=True)
    return rows[list(GroupContributions.to_schema().columns)]


_CODES: Final = ("day", "column", "period")
_VALUES: Final = ("pnl", "contribution", "period_return")


@dataclass(frozen=True)
class _Items:
    """Each (sessions, items); an item is an underlying or group in a portfolio, or the portfolio's cash."""

    names: Texts
    book: Ints
    """(items) place of the portfolio."""
    pnl: Floats
    """A P&L that is not known is 0 here."""
    rows: Ints
    """How many positions; 1 for cash."""
    missing: Ints
    """Of how many the P&L is NULL."""
    stored: Ints
    """(sessions, portfolios) how many positions."""


def _items(
    values: pd.DataFrame, *, sessions: pd.DatetimeIndex, names: pd.Index, cash: Floats, item_of_cash: str
) -> _Items:
    day = sessions.get_indexer(pd.DatetimeIndex(values["date"]))
    book = codes_of(names, values["portfolio"])
    inside = (day >= 0) & (book >= 0)
    day, book, pnl = day[inside], book[inside], values["daily_pnl"].to_numpy(dtype=float)[inside]
    code, labels = pd.factorize(values["item"][inside], sort=True)
    pairs, column = np.unique(book * len(labels) + code, return_inverse=True)
    shape = (len(sessions), len(pairs))

    def summed(weights: Floats | None) -> np.ndarray:
        cell = day * shape[1] + column
        return np.bincount(cell, weights=weights, minlength=shape[0] * shape[1]).reshape(shape)

    unknown = np.isnan(pnl)
    stored = np.bincount(day * len(names) + book, minlength=cash.size).reshape(cash.shape)
    texts = np.asarray(labels, dtype=object)[pairs % max(len(labels), 1)]
    return _Items(
        names=np.concatenate([texts, np.full(len(names), item_of_cash, dtype=object)]),
        book=np.concatenate([pairs // max(len(labels), 1), np.arange(len(names))]).astype(np.int64),
        pnl=np.hstack([summed(np.where(unknown, 0.0, pnl)), np.nan_to_num(cash)]),
        rows=np.hstack([summed(None), np.ones(cash.shape, dtype=np.int64)]),
        missing=np.hstack([summed(unknown.astype(float)), np.zeros(cash.shape)]).astype(np.int64),
        stored=stored,
    )


@dataclass(frozen=True)
class _Cumulated:
    """Sums over the sessions up to each: of items (sessions, items); gaps and bare of portfolios."""

    pnl: Floats
    weighted: Floats
    rows: Ints
    missing: Ints
    gaps: Ints
    bare: Ints


def _rows(
    period: str, *, items: _Items, cumulated: _Cumulated, of: _Period, end: Ints
) -> dict[str, np.ndarray]:
    twr, start = of.twr, of.start
    gaps, bare = (over(counts, end, start) for counts in (cumulated.gaps, cumulated.bare))
    reason = np.full(twr.shape, OK, dtype=object)
    reason[np.isnan(twr)] = NO_RETURN
    for counts, words in ((bare, "positions"), (gaps, "daily return")):
        tell(reason, counts, f"no contribution: no {words} on ", " sessions")
    reason[start == -2] = f"no contribution: {YOUNG}" if period == "1y" else NO_RETURN
    known = reason == OK
    linked = log_ratio(np.where(known, twr, 0.0))
    of_item = start[:, items.book]
    pnl, weighted, rows, missing = (
        over(sums, end, of_item)
        for sums in (cumulated.pnl, cumulated.weighted, cumulated.rows, cumulated.missing)
    )
    shown = (rows > 0) & (of_item != -2) | (np.arange(len(items.names)) >= len(items.names) - twr.shape[1])
    day, column = np.nonzero(shown)
    book, lacking = items.book[column], missing[shown]
    stated = known[day, book]
    status = reason[day, book]
    tell(status, np.where(stated, lacking, 0), "partial: no P&L on ", " sessions")
    return {
        "day": day,
        "column": column,
        "period": np.full(len(day), PERIODS.index(period)),
        "pnl": np.where(stated, pnl[shown], np.nan),
        "contribution": np.where(stated, weighted[shown] / linked[day, book], np.nan),
        "period_return": twr[day, book],
        "status": status,
    }
