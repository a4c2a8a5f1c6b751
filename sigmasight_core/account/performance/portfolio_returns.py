"""Returns of portfolios as rows: daily, over periods, and beside a benchmark."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.benchmark import MIN_COMMON, against_benchmark
from sigmasight_core.account.performance.returns import (
    PERIODS,
    SHORTER,
    Linked,
    daily_returns,
    drawdown,
    first_rows,
    linked,
    period_money_weighted,
    period_starts,
)
from sigmasight_core.arrays.gaps import tell
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.tables.account.returns import PortfolioReturns

NO_VALUE: Final = "no return: the value at the previous close and the day's deposits are less than a cent"
RUIN: Final = "wealth fell below zero"
YOUNG: Final = "less than a year of history"
FEW: Final = f"fewer than {MIN_COMMON} days with a return of the benchmark"


def portfolio_returns(
    *,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    first_dates: "pd.Series[pd.Timestamp]",
    portfolio_cash: pd.DataFrame,
    snapshots: pd.DataFrame,
    benchmarks: "pd.Series[str]",
    benchmark_returns: pd.DataFrame,
) -> pd.DataFrame:
    """Returns of every portfolio on every date.

    A session without a snapshot has no return, and neither has the one after it; periods over it have none.

    :param dates: wanted, all in `sessions`. :param sessions: from the first transaction to the last date.
    :param names: of the portfolios, sorted.
    :param first_dates: date of the first transaction by portfolio; absent = it has none.
    :param portfolio_cash: rows of `PortfolioCash`, those there are.
    :param snapshots: date, portfolio, net_exposure, gross_exposure, price_pnl (sum of the positions' P&L) and
        status, those there are.
    :param benchmarks: symbol of each portfolio's benchmark, by portfolio.
    :param benchmark_returns: sessions x symbols, simple daily returns, dividends included.
    :returns: rows in the shape of `PortfolioReturns`, ordered by date and portfolio.
    """
    cash = {name: panel(portfolio_cash, name, sessions, names) for name in _CASH}
    exposure = panel(snapshots, "net_exposure", sessions, names)
    price_pnl = panel(snapshots, "price_pnl", sessions, names)
    # before a portfolio's first transaction there is nothing to value
    first, earlier = first_rows(first_dates, sessions, names)
    begun = np.arange(len(sessions))[:, None] >= first
    flow = np.where(begun, cash["external_flow"], 0.0)
    total = np.where(begun, exposure + cash["closing"], 0.0)
    pnl = np.where(begun, price_pnl + cash["dividends"] + cash["interest"] + cash["fees"], 0.0)
    daily = daily_returns(total, daily_pnl=pnl, external_flow=flow, opening=np.where(earlier, np.nan, 0.0))
    whole = _whole(snapshots, sessions, names)
    gross = panel(snapshots, "gross_exposure", sessions, names)
    unexplained = (change_of(total) - pnl - flow) / np.maximum(np.nan_to_num(gross), 1.0)
    comparable = whole & np.vstack([np.ones((1, len(names)), dtype=bool), whole[:-1] | ~begun[:-1]])
    wanted = sessions.get_indexer(dates)
    starts = {period: period_starts(sessions, first, period) for period in PERIODS}
    twr = {period: linked(daily, start) for period, start in starts.items()}
    shorter = {period: period_starts(sessions, first, period) for period in SHORTER}
    falls = np.where(begun, drawdown(np.where(begun, twr["itd"].total, 0.0)), np.nan)
    mwr = {
        period: np.where(
            twr[period].gaps[wanted] > 0,
            np.nan,
            period_money_weighted(sessions, start, total_value=total, external_flow=flow, wanted=wanted),
        )
        for period, start in starts.items()
    }
    symbols = benchmarks.reindex(names).to_numpy(dtype=object)
    other: Floats = benchmark_returns.reindex(index=sessions, columns=symbols).to_numpy(dtype=np.float64)
    beside = against_benchmark(np.where(daily.ruined, np.nan, daily.returns), benchmark=other, rows=wanted)
    columns: dict[str, Floats] = {
        "total_value": total[wanted],
        "daily_pnl": pnl[wanted],
        "external_flow": flow[wanted],
        "daily_return": daily.returns[wanted],
        "unexplained": np.where(comparable & ~daily.unknown, unexplained, np.nan)[wanted],
        **{f"twr_{period}": _kept(twr[period], starts[period])[wanted] for period in PERIODS},
        **{f"mwr_{period}": mwr[period] for period in PERIODS},
        **{f"twr_{name}": _kept(linked(daily, at), at)[wanted] for name, at in shorter.items()},
        "drawdown": falls[wanted],
        "benchmark_return": other[wanted],
        **{name: values.astype(float) for name, values in beside._asdict().items()},
    }
    rows = pd.DataFrame(
        {
            "date": np.repeat(dates, len(names)),
            "portfolio": np.tile(names.to_numpy(dtype=object), len(dates)),
            **{name: values.ravel() for name, values in columns.items()},
        }
    ).assign(benchmark=np.tile(symbols, len(dates)))
    young = (starts["1y"] == -2)[wanted].ravel()
    gaps = twr["itd"].gaps[wanted].ravel()
    unknown = daily.unknown[wanted].ravel()
    rows["status"] = _status(rows, young, twr["itd"].ruined[wanted].ravel(), unknown, gaps)
    texts = dict.fromkeys(("portfolio", "benchmark", "status"), "str")
    return rows.astype({**texts, "n_obs": "int64"})[list(PortfolioReturns.to_schema().columns)]


def change_of(total: Floats) -> Floats:
    """Change since the row before; nothing is before the first."""
    return np.diff(total, axis=0, prepend=np.zeros((1, total.shape[1])))


def _whole(snapshots: pd.DataFrame, sessions: pd.DatetimeIndex, names: pd.Index) -> Bools:
    """Where a snapshot sums over every position: a position without a price breaks the chain of values."""
    known = snapshots.assign(whole=(~snapshots["status"].str.startswith("partial")).astype(float))
    return panel(known, "whole", sessions, names) == 1.0


_CASH: Final = ("closing", "dividends", "interest", "fees", "external_flow")


def panel(rows: pd.DataFrame, name: str, sessions: pd.DatetimeIndex, names: pd.Index) -> Floats:
    """A column of rows with date and portfolio as (sessions, portfolios); NaN = there is no row."""
    found = np.full((len(sessions), len(names)), np.nan)
    day = sessions.get_indexer(pd.DatetimeIndex(rows["date"]))
    column = names.get_indexer(pd.Index(rows["portfolio"]))
    known = (day >= 0) & (column >= 0)
    found[day[known], column[known]] = rows[name].to_numpy(dtype=float, na_value=np.nan)[known]
    return found


def _kept(found: Linked, start: np.ndarray) -> Floats:
    return np.where(start == -2, np.nan, found.total)


def _status(rows: pd.DataFrame, young: Bools, ruined: Bools, unknown: Bools, gaps: Ints) -> Texts:
    """The gravest reason why something is NULL."""
    status = np.full(len(rows), OK, dtype=object)
    values = rows.drop(columns=["date", "portfolio", "benchmark"])

    def say(text: str, where: Bools) -> None:
        status[where] = text

    missing = values.isna().any(axis=1).to_numpy() & (status == OK)
    names = np.array([f"{name}, " for name in values.columns], dtype=object)
    status[missing] = [f"partial: no {text[:-2]}" for text in values[missing].isna().to_numpy() @ names]
    say(f"partial: {FEW}", (rows["n_obs"] < MIN_COMMON).to_numpy())
    say("partial: the benchmark has no return", rows["benchmark_return"].isna().to_numpy())
    say(f"partial: {YOUNG}", young)
    say("partial: a position had no price or P&L", rows["unexplained"].isna().to_numpy())
    tell(status, gaps, "partial: no value on ", " sessions since inception")
    say(RUIN, ruined)
    bare = rows["daily_return"].isna().to_numpy() & ~ruined
    say(NO_VALUE, bare & ~unknown)
    say("no return: the session before has no value", bare & unknown)
    say("no total value: no snapshot, or nothing in it has a price", rows["total_value"].isna().to_numpy())
    return status
