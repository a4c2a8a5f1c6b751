"""Performance of portfolios from the daily returns of their published snapshots."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks, pad_windows, session_positions, trailing_windows
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR

PERFORMANCE_SESSIONS: Final = 252
MIN_RETURNS: Final = 20

_CELLS: Final = 4_000_000
_NO_VARIATION: Final = 1e-12


class Performance(NamedTuple):
    """Realised measures of dates x portfolios; NaN where `status` says why."""

    volatility: Floats
    """Standard deviation (n - 1) of the daily returns x sqrt(252)."""
    sharpe: Floats
    """Mean of the daily returns less the risk-free return / their standard deviation x sqrt(252)."""
    sortino: Floats
    """The same mean / root of the mean square of the shortfalls below the risk-free return x sqrt(252)."""
    drawdown: Floats
    """Largest fall of compounded wealth from an earlier peak (its start included), as a positive fraction."""
    n_obs: Ints


def performance(returns: Floats, risk_free_rate: float) -> Performance:
    """Measures of each row of daily returns.

    Sharpe, The Sharpe ratio, 1994; Sortino and Price, Performance measurement in a downside risk framework,
    1994, with the risk-free return as the target.

    :param returns: (..., T) simple daily returns in order, NaN = none: such a session is passed over.
    :param risk_free_rate: continuous, per year.
    :returns: each (...); NaN for fewer than 20 returns. Sharpe is NaN where the returns do not vary, Sortino
        where none is below the risk-free return.
    """
    known = np.isfinite(returns)
    n = known.sum(axis=-1)
    filled = np.where(known, returns, 0.0)
    mean = filled.sum(axis=-1) / np.maximum(n, 1)
    squares = np.where(known, returns - mean[..., None], 0.0) ** 2
    deviation = np.sqrt(squares.sum(axis=-1) / np.maximum(n - 1, 1))
    deviation = np.where(deviation <= _NO_VARIATION * np.abs(mean), 0.0, deviation)
    safe = np.expm1(risk_free_rate / SESSIONS_PER_YEAR)
    shortfall = np.where(known, np.minimum(filled - safe, 0.0), 0.0) ** 2
    downside = np.sqrt(shortfall.sum(axis=-1) / np.maximum(n, 1))
    wealth = np.cumprod(1.0 + filled, axis=-1)
    peak = np.maximum(np.maximum.accumulate(wealth, axis=-1), 1.0)
    drawdown = (1.0 - wealth / peak).max(axis=-1, initial=0.0)
    enough, year = n >= MIN_RETURNS, np.sqrt(SESSIONS_PER_YEAR)

    def ratio(scale: Floats) -> Floats:
        usable = enough & (scale > 0)
        return np.divide((mean - safe) * year, scale, out=np.full(n.shape, np.nan), where=usable)

    return Performance(
        np.where(enough, deviation * year, np.nan),
        ratio(deviation),
        ratio(downside),
        np.where(enough, drawdown, np.nan),
        n,
    )


class RealizedPerformance(NamedTuple):
    """Measures of partitions (G) and their status."""

    measures: Performance
    status: NDArray[np.object_]


def realized_performance(
    partitions: pd.DataFrame, snapshots: pd.DataFrame, sessions: pd.DatetimeIndex, risk_free_rate: float
) -> RealizedPerformance:
    """Performance over the snapshots among the last 252 sessions up to each date.

    :param partitions: date and portfolio of what is wanted. :param snapshots: date, portfolio and
        daily_return of what is published, NaN = no return.
    :param sessions: every session from 251 before the first date to the last.
    :returns: status 'insufficient: n of 20 daily returns', or 'partial: no daily return on n sessions' for
        sessions since the first return of the window that have none.
    :raises InputError: for a date that is not among the sessions.
    """
    names = pd.Index(partitions["portfolio"].unique())
    panel = np.full((len(sessions), len(names)), np.nan)
    day = sessions.get_indexer(pd.DatetimeIndex(snapshots["date"]))
    name = names.get_indexer(pd.Index(snapshots["portfolio"]))
    known = (day >= 0) & (name >= 0)
    panel[day[known], name[known]] = snapshots["daily_return"].to_numpy(dtype=float, na_value=np.nan)[known]
    dates = pd.DatetimeIndex(partitions["date"].unique())
    at = session_positions(sessions, dates)
    padded = pad_windows(panel, PERFORMANCE_SESSIONS, np.nan)
    pieces = [
        _measured(trailing_windows(padded, rows, PERFORMANCE_SESSIONS).swapaxes(1, 2), risk_free_rate)
        for rows in blocks(at, PERFORMANCE_SESSIONS * len(names), _CELLS)
    ]
    cell = (
        dates.get_indexer(pd.DatetimeIndex(partitions["date"])),
        names.get_indexer(pd.Index(partitions["portfolio"])),
    )
    columns = [np.concatenate(parts)[cell] for parts in zip(*pieces, strict=True)]
    measures = Performance(*columns[:-1])
    return RealizedPerformance(measures, _status(measures.n_obs, columns[-1]))


def _measured(windows: Floats, risk_free_rate: float) -> tuple[Floats | Ints, ...]:
    """The measures of windows (d, P, W), then how many sessions since the first return have none."""
    measures = performance(windows, risk_free_rate)
    since = np.logical_or.accumulate(np.isfinite(windows), axis=2).sum(axis=2)
    return *measures, since - measures.n_obs


def _status(n_obs: Ints, gaps: Ints) -> NDArray[np.object_]:
    few: Bools = n_obs < MIN_RETURNS
    lacking = "partial: no daily return on " + gaps.astype(str).astype(object) + " sessions"
    short = "insufficient: " + n_obs.astype(str).astype(object) + f" of {MIN_RETURNS} daily returns"
    return np.where(few, short, np.where(gaps > 0, lacking, OK))
