"""Returns of portfolios as rows: daily, over periods, and beside a benchmark."""

from typing import Final

import numpy as np
import pandas as pd
from pandera.typing import Series

from sigmasight_core.account.benchmark import MIN_COMMON, against_benchmark
from sigmasight_core.account.returns import (
    PERIODS,
    Linked,
    daily_returns,
    linked,
    period_money_weighted,
    period_starts,
)
from sigmasight_core.arrays.types import Bools, Floats, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, label, value

NO_VALUE: Final = "no return: the value at the previous close and the day's deposits are less than a cent"
RUIN: Final = "wealth fell below zero"
YOUNG: Final = "less than a year of history"
FEW: Final = f"fewer than {MIN_COMMON} days with a return of the benchmark"

FLOW: Final = "portfolio_cash.external_flow"
DAILY: Final = "daily_return"


class PortfolioReturns(PortfolioTable):
    """Returns of one portfolio up to one date: time-weighted, money-weighted, beside its benchmark."""

    total_value: Series[float] = value(
        "Net exposure of the positions + cash of the account",
        "USD",
        of="portfolio_snapshots.net_exposure portfolio_cash.closing",
    )
    daily_pnl: Series[float] = value(
        "Price P&L + dividends + interest + fees (negative)",
        "USD",
        of="portfolio_snapshots.daily_pnl portfolio_cash.dividends portfolio_cash.interest "
        "portfolio_cash.fees",
    )
    external_flow: Series[float] = value("Paid in (positive) or out", "USD", of="portfolio_cash.*")
    daily_return: Series[float] = value(
        "daily_pnl / (total_value at the previous close + inflow of the day)",
        "fraction",
        of="daily_pnl total_value external_flow",
    )
    twr_ytd: Series[float] = value("Linked daily returns, year to date", "fraction", of=DAILY)
    twr_1y: Series[float] = value("Linked daily returns, one year", "fraction", of=DAILY)
    twr_itd: Series[float] = value(
        "Linked daily returns since inception, not annualised", "fraction", of=DAILY
    )
    mwr_ytd: Series[float] = value(
        "Money-weighted return, year to date, not annualised", "fraction", of=f"total_value {FLOW}"
    )
    mwr_1y: Series[float] = value("Money-weighted return, one year", "fraction", of=f"total_value {FLOW}")
    mwr_itd: Series[float] = value(
        "Money-weighted return since inception, not annualised", "fraction", of=f"total_value {FLOW}"
    )
    benchmark: Series[str] = label("Symbol of the benchmark")
    benchmark_return: Series[float] = value(
        "Daily return of the benchmark, dividends included", "fraction", of="daily_prices.adjusted_close"
    )
    active_return: Series[float] = value(
        "Compounded return less the benchmark's, last 252 sessions",
        "fraction",
        of="daily_return benchmark_return",
    )
    tracking_error: Series[float] = value(
        "Deviation of the daily differences x sqrt(252), last 252 sessions",
        "1/sqrt(year)",
        ge=0,
        of="daily_return benchmark_return",
    )
    beta: Series[float] = value(
        "Beta to the benchmark, last 252 sessions", "ratio", of="daily_return benchmark_return"
    )
    correlation: Series[float] = value(
        "Correlation with the benchmark, last 252 sessions",
        "ratio",
        ge=-1.000001,
        le=1.000001,
        of="daily_return benchmark_return",
    )
    up_capture: Series[float] = value(
        "Annualised return on days on which the benchmark rises / the benchmark's",
        "ratio",
        of="daily_return benchmark_return",
    )
    down_capture: Series[float] = value(
        "The same on days on which it falls", "ratio", of="daily_return benchmark_return"
    )
    n_obs: Series[int] = value(
        "Days of the last 252 with both returns", "days", ge=0, of="daily_return benchmark_return"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is missing, or why there is no return")

    class Config:
        name = "portfolio_returns"
        metadata = {"facts": Facts(readiness=(Readiness("returns", "daily_return"),))}


def portfolio_returns(
    *,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    portfolio_cash: pd.DataFrame,
    snapshots: pd.DataFrame,
    benchmark: str,
    benchmark_returns: "pd.Series[float]",
) -> pd.DataFrame:
    """Returns of every portfolio on every date.

    A session without a snapshot has no return, and neither has the one after it; periods over it say so.

    :param dates: wanted, all in `sessions`. :param sessions: from the first transaction to the last date.
    :param names: of the portfolios, sorted.
    :param portfolio_cash: rows of `PortfolioCash` of all sessions.
    :param snapshots: date, portfolio, net_exposure, price_pnl (sum of the positions' P&L), those there are.
    :param benchmark: its symbol. :param benchmark_returns: simple daily returns by session.
    :returns: rows in the shape of `PortfolioReturns`, ordered by date and portfolio.
    """
    cash = {name: _panel(portfolio_cash, name, sessions, names) for name in _CASH}
    exposure = _panel(snapshots, "net_exposure", sessions, names)
    price_pnl = _panel(snapshots, "price_pnl", sessions, names)
    # before a portfolio's first transaction there is nothing to value
    flow = cash["external_flow"]
    begun = np.maximum.accumulate((flow != 0) | (np.nan_to_num(cash["closing"]) != 0), axis=0)
    first = np.where(begun.any(axis=0), begun.argmax(axis=0), len(sessions))
    total = np.where(begun, exposure + cash["closing"], 0.0)
    pnl = np.where(begun, price_pnl + cash["dividends"] + cash["interest"] + cash["fees"], 0.0)
    daily = daily_returns(total, daily_pnl=pnl, external_flow=flow)
    wanted = sessions.get_indexer(dates)
    starts = {period: period_starts(sessions, first, period) for period in PERIODS}
    twr = {period: linked(daily, start) for period, start in starts.items()}
    mwr = {
        period: period_money_weighted(sessions, start, total_value=total, external_flow=flow, wanted=wanted)
        for period, start in starts.items()
    }
    market: Floats = np.asarray(benchmark_returns.reindex(sessions), dtype=np.float64)
    beside = against_benchmark(np.where(daily.ruined, np.nan, daily.returns), benchmark=market, rows=wanted)
    columns: dict[str, Floats] = {
        "total_value": total[wanted],
        "daily_pnl": pnl[wanted],
        "external_flow": flow[wanted],
        "daily_return": daily.returns[wanted],
        **{f"twr_{period}": _kept(twr[period], starts[period])[wanted] for period in PERIODS},
        **{f"mwr_{period}": mwr[period] for period in PERIODS},
        "benchmark_return": np.broadcast_to(market[wanted, None], (len(wanted), len(names))),
        **{name: values.astype(float) for name, values in beside._asdict().items()},
    }
    rows = pd.DataFrame(
        {
            "date": np.repeat(dates, len(names)),
            "portfolio": np.tile(names.to_numpy(dtype=object), len(dates)),
            **{name: values.ravel() for name, values in columns.items()},
        }
    ).assign(benchmark=benchmark)
    young = (starts["1y"] == -2)[wanted].ravel()
    gaps = twr["itd"].gaps[wanted].ravel()
    rows["status"] = _status(rows, young, twr["itd"].ruined[wanted].ravel(), gaps)
    texts = dict.fromkeys(("portfolio", "benchmark", "status"), "str")
    return rows.astype({**texts, "n_obs": "int64"})[list(PortfolioReturns.to_schema().columns)]


_CASH: Final = ("closing", "dividends", "interest", "fees", "external_flow")


def _panel(rows: pd.DataFrame, name: str, sessions: pd.DatetimeIndex, names: pd.Index) -> Floats:
    panel = np.full((len(sessions), len(names)), np.nan)
    day = sessions.get_indexer(pd.DatetimeIndex(rows["date"]))
    column = names.get_indexer(pd.Index(rows["portfolio"]))
    known = (day >= 0) & (column >= 0)
    panel[day[known], column[known]] = rows[name].to_numpy(dtype=float, na_value=np.nan)[known]
    return panel


def _kept(found: Linked, start: np.ndarray) -> Floats:
    return np.where(start == -2, np.nan, found.total)


def _status(rows: pd.DataFrame, young: Bools, ruined: Bools, gaps: np.ndarray) -> Texts:
    """The gravest reason why something is NULL; a gap in the linked returns is said beside a value."""
    lacking = "partial: no daily return on " + gaps.astype(str).astype(object) + " sessions"
    status = np.where(gaps > 0, lacking, OK).astype(object)
    values = rows.drop(columns=["date", "portfolio", "benchmark"])

    def say(text: str, where: Bools) -> None:
        status[where] = text

    missing = values.isna().any(axis=1).to_numpy() & (status == OK)
    names = np.array([f"{name}, " for name in values.columns], dtype=object)
    status[missing] = [f"partial: no {text[:-2]}" for text in values[missing].isna().to_numpy() @ names]
    say(f"partial: {FEW}", (rows["n_obs"] < MIN_COMMON).to_numpy())
    say("partial: the benchmark has no return", rows["benchmark_return"].isna().to_numpy())
    say(f"partial: {YOUNG}", young)
    say(RUIN, ruined)
    say(NO_VALUE, rows["daily_return"].isna().to_numpy() & ~ruined)
    say("no total value: no snapshot, or nothing in it has a price", rows["total_value"].isna().to_numpy())
    return status
