"""The active return of a period by sector: daily Brinson-Fachler effects, linked so that they sum to it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.brinson import Effects, brinson_fachler
from sigmasight_core.account.performance.contributions import PERIODS
from sigmasight_core.account.performance.groups import CASH_GROUP
from sigmasight_core.account.performance.holdings import BenchmarkSectors, Weights, benchmark_sectors
from sigmasight_core.account.performance.linking import Days, days_of, log_ratio
from sigmasight_core.account.performance.opening import Opening, opening
from sigmasight_core.account.performance.portfolio_returns import YOUNG, panel
from sigmasight_core.account.performance.returns import over, period_starts
from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.gaps import tell
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OK, OPTION_TYPES
from sigmasight_core.tables.account.attribution import ReturnAttribution

OPTIONS_GROUP: Final = "(options)"
UNCLASSIFIED: Final = "unclassified"
NO_RETURN: Final = "no attribution: the portfolio has no return over the period"

_EFFECTS: Final = Effects._fields


def return_attribution(
    *,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    first_dates: "pd.Series[pd.Timestamp]",
    portfolio_returns: pd.DataFrame,
    portfolio_cash: pd.DataFrame,
    position_values: pd.DataFrame,
    holdings: pd.DataFrame,
    securities: pd.DataFrame,
    benchmark_returns: pd.DataFrame,
) -> pd.DataFrame:
    """Allocation, selection and interaction of every sector over each period up to every date.

    Effects of a day are those of `brinson_fachler` with the weights at its opening. Each is weighted by
    k / K, with k = (log(1 + r_p) - log(1 + r_b)) / (r_p - r_b) of the day and K of the whole period, so that
    they sum to the difference of the compounded returns (Carino 1999, see `contributions`). k does not depend
    on the period: the sums over all periods are differences of one cumulated sum.

    :param dates: and `sessions`, `names`, `first_dates`, `portfolio_returns`, `portfolio_cash`: as of
        `contributions.return_contributions`; the names of portfolios with holdings alone.
    :param position_values: date, portfolio, position_id, symbol, underlying, position_type, sector, exposure
        and daily_pnl (USD), those there are.
    :param holdings: rows of `BenchmarkHoldings`. A sector of the file is that of the symbol in the portfolio
        too. :param securities: date, symbol and sector of the other symbols, those there are.
    :param benchmark_returns: sessions x symbols of the holdings, total returns; NaN = none.
    :returns: rows in the shape of `ReturnAttribution`, ordered by their keys. NULL where a day of the period
        has no return of portfolio or benchmark, or no positions stored; a P&L that is NULL counts as 0.
    """
    values = _grouped(position_values, holdings)
    columns = pd.Index(sorted(holdings["symbol"].unique()), dtype="str")
    sectors = _sectors(securities, sessions=sessions, symbols=columns)
    found = [values["group"], holdings["sector"], pd.Series(pd.unique(sectors.to_numpy().ravel()))]
    labels = pd.Index([*sorted({*pd.concat(found)} - {"", CASH_GROUP}), CASH_GROUP], dtype="str")
    days = days_of(
        portfolio_returns=portfolio_returns,
        portfolio_cash=portfolio_cash,
        sessions=sessions,
        names=names,
        first_dates=first_dates,
    )
    daily = _daily(
        days,
        returns=panel(portfolio_returns, "daily_return", sessions, names),
        positions=opening(values, sessions=sessions, names=names, labels=labels),
        benchmark=benchmark_sectors(
            Weights.of(holdings),
            sessions=sessions,
            names=names,
            labels=labels,
            sectors=sectors,
            returns=benchmark_returns.reindex(index=sessions, columns=columns),
        ),
    )
    end = sessions.get_indexer(dates)
    parts = [
        _rows(
            daily,
            period=period,
            twr=panel(portfolio_returns, f"twr_{period}", sessions, names)[end],
            start=period_starts(sessions, days.first, period)[end],
            end=end,
        )
        for period in PERIODS
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.assign(
        date=dates[rows["day"]],
        portfolio=coded(names, rows["book"].to_numpy()),
        sector=coded(labels, rows["label"].to_numpy()),
    )
    keys = ["date", "portfolio", "period", "sector"]
    return rows.sort_values(keys, kind="stable", ignore_index=True)[
        list(ReturnAttribution.to_schema().columns)
    ]


def _grouped(position_values: pd.DataFrame, holdings: pd.DataFrame) -> pd.DataFrame:
    """With `group`: the sector of the benchmark's file, else that of the row; options are their own."""
    said = holdings[holdings["sector"] != ""].drop_duplicates(["portfolio", "symbol"], keep="last")
    pairs = said.rename(columns={"symbol": "underlying", "sector": "_said"})[
        ["portfolio", "underlying", "_said"]
    ]
    rows = position_values.merge(pairs, on=["portfolio", "underlying"], how="left")
    group = rows["_said"].fillna(rows["sector"])
    return rows.assign(group=group.mask(rows["position_type"].isin(OPTION_TYPES), OPTIONS_GROUP))


def _sectors(securities: pd.DataFrame, *, sessions: pd.DatetimeIndex, symbols: pd.Index) -> pd.DataFrame:
    """(sessions x symbols) sector of each."""
    found = np.full((len(sessions), len(symbols)), UNCLASSIFIED, dtype=object)
    day = sessions.get_indexer(pd.DatetimeIndex(securities["date"]))
    column = codes_of(symbols, securities["symbol"])
    known = (day >= 0) & (column >= 0)
    found[day[known], column[known]] = securities["sector"].to_numpy(dtype=object)[known]
    return pd.DataFrame(found, index=sessions, columns=symbols)


@dataclass(frozen=True)
class _Daily:
    """Sums over the sessions up to each, (sessions, portfolios) or (sessions, portfolios x sectors)."""

    effects: dict[str, Floats]
    portfolio_weight: Floats
    benchmark_weight: Floats
    some: Ints
    """Days on which the sector has a weight or P&L."""
    log_benchmark: Floats
    counted: Ints
    """Days with both returns."""
    gaps: Ints
    bare: Ints
    """Days with P&L of prices of which no position is stored: retention deletes them."""
    lacking: Ints
    """Days of the portfolio without a return of its benchmark."""
    unpriced: Ints
    """Positions and days without a P&L."""
    part: Ints
    n_sectors: int


def _daily(days: Days, *, returns: Floats, positions: Opening, benchmark: BenchmarkSectors) -> _Daily:
    based = days.base > 0
    counted = based & benchmark.known
    share = np.where(counted, 1.0 / np.where(counted, days.base, 1.0), 0.0)[:, :, None]
    weight, contribution = positions.value * share, positions.pnl * share
    weight[:, :, -1] = np.where(counted, 1.0 - weight[:, :, :-1].sum(axis=-1), 0.0)
    contribution[:, :, -1] += np.nan_to_num(days.cash) * share[:, :, 0]
    held = np.where(counted[:, :, None], benchmark.weight, 0.0)
    earned = np.where(counted[:, :, None], benchmark.contribution, 0.0)
    other = earned.sum(axis=-1)
    active = np.where(counted, returns, 0.0) - other
    k = np.where(counted, log_ratio(active / (1.0 + other)) / (1.0 + other), 0.0)
    effects = brinson_fachler(
        portfolio_weight=weight,
        portfolio_contribution=contribution,
        benchmark_weight=held,
        benchmark_contribution=earned,
    )

    def cumulated(amounts: Floats | Ints | Bools) -> np.ndarray:
        return np.cumsum(amounts.reshape(len(amounts), -1), axis=0)

    some = (weight != 0) | (contribution != 0) | (held != 0)
    return _Daily(
        effects={name: cumulated(of * k[:, :, None]) for name, of in effects._asdict().items()},
        portfolio_weight=cumulated(weight),
        benchmark_weight=cumulated(held),
        some=cumulated(some),
        log_benchmark=cumulated(np.log1p(other)),
        counted=cumulated(counted),
        gaps=cumulated(days.gap),
        bare=cumulated(days.bare(positions.stored)),
        lacking=cumulated(based & ~benchmark.known),
        unpriced=cumulated(positions.missing),
        part=cumulated(benchmark.part & based),
        n_sectors=weight.shape[2],
    )


def _rows(daily: _Daily, *, period: str, twr: Floats, start: Ints, end: Ints) -> pd.DataFrame:
    n = daily.n_sectors
    gaps, bare, lacking, unpriced, part, counted, log = (
        over(sums, end, start)
        for sums in (
            *(daily.gaps, daily.bare, daily.lacking, daily.unpriced, daily.part, daily.counted),
            daily.log_benchmark,
        )
    )
    status = _status(period, twr=twr, start=start, gaps=gaps, bare=bare, lacking=lacking)
    known = status == OK
    for counts, words in (
        (part, "sessions some holdings of the benchmark have no return"),
        (unpriced, "sessions and positions there is no P&L"),
    ):
        tell(status, np.where(known, counts, 0), "partial: on ", f" {words}")
    other = np.where(known, np.expm1(log), np.nan)
    active = twr - other
    whole = np.where(known, log_ratio(np.where(known, active / (1.0 + other), 0.0)) / (1.0 + other), 1.0)
    spread = np.repeat(start, n, axis=1)
    some = over(daily.some, end, spread)
    cash = np.tile(np.arange(n) == n - 1, twr.shape[1])
    # who has no holdings of a benchmark has no rows: the caller leaves it out
    day, column = np.nonzero((some > 0) & (spread != -2) & np.repeat(known, n, axis=1) | cash)
    book = column // n
    stated = known[day, book]

    def shown(sums: Floats, scale: Floats) -> Floats:
        return np.where(stated, over(sums, end, spread)[day, column] / scale[day, book], np.nan)

    days = np.maximum(counted, 1).astype(float)
    return pd.DataFrame(
        {
            "day": day,
            "book": book,
            "label": column % n,
            "period": coded([period], np.zeros(len(day), dtype=np.int64)),
            "portfolio_weight": shown(daily.portfolio_weight, days),
            "benchmark_weight": shown(daily.benchmark_weight, days),
            **{name: shown(daily.effects[name], whole) for name in _EFFECTS},
            "portfolio_return": twr[day, book],
            "benchmark_return": other[day, book],
            "active_return": active[day, book],
            "status": pd.array(status[day, book], dtype="str"),
        }
    )


def _status(period: str, *, twr: Floats, start: Ints, gaps: Ints, bare: Ints, lacking: Ints) -> np.ndarray:
    """(dates, portfolios) the gravest reason why the period has no attribution."""
    reason = np.full(twr.shape, OK, dtype=object)
    for counts, words in (
        (lacking, "no weights of the benchmark from before, or no returns of its holdings,"),
        (bare, "no positions"),
        (gaps, "no daily return"),
    ):
        tell(reason, counts, f"no attribution: {words} on ", " sessions")
    reason[np.isnan(twr) & (reason == OK)] = NO_RETURN
    reason[start == -2] = f"no attribution: {YOUNG}" if period == "1y" else NO_RETURN
    return reason
