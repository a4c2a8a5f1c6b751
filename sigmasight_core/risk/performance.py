"""Performance of portfolios from the daily returns of their published snapshots."""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.arrays.windows import blocks, pad_windows, session_positions, trailing_windows
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR

PERFORMANCE_SESSIONS: Final = 252
MIN_RETURNS: Final = 20
RUIN: Final = "wealth fell below zero"
"""A daily return below -100%: what comes after is a return on debt, and no measure of an investment."""

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
    status: Texts


def realized_performance(
    partitions: pd.DataFrame,
    *,
    snapshots: pd.DataFrame,
    first_entries: pd.Series,
    sessions: pd.DatetimeIndex,
    risk_free_rate: float,
) -> RealizedPerformance:
    """Performance over the last 252 sessions up to each date, from the session of the first entry on.

    Before it a portfolio is cash that waits: those sessions are no part of what was achieved. After it every
    session counts, whatever is published: one without a daily return is said.

    :param partitions: date and portfolio of what is wanted. :param snapshots: date, portfolio and
        daily_return of what is published, NaN = no return.
    :param first_entries: entry date of the first position by portfolio; absent = it never had one.
    :param sessions: every session from 251 before the first date to the last.
    :returns: status 'insufficient: n of 20 daily returns', 'wealth fell below zero' (NaN), or 'partial: no
        daily return on n sessions'.
    :raises InputError: for a date that is not among the sessions.
    """
    names = pd.Index(partitions["portfolio"].unique())
    panel = np.full((len(sessions), len(names)), np.nan)
    day = sessions.get_indexer(pd.DatetimeIndex(snapshots["date"]))
    name = names.get_indexer(pd.Index(snapshots["portfolio"]))
    known = (day >= 0) & (name >= 0)
    panel[day[known], name[known]] = snapshots["daily_return"].to_numpy(dtype=float, na_value=np.nan)[known]
    entered = pd.DatetimeIndex(first_entries.reindex(names)).to_numpy()
    # NaT compares false: a portfolio that never held anything has no session.
    open_since = sessions.to_numpy()[:, None] >= entered[None, :]
    panel[~open_since] = np.nan
    dates = pd.DatetimeIndex(partitions["date"].unique())
    at = session_positions(sessions, dates)
    padded = pad_windows(panel, PERFORMANCE_SESSIONS, np.nan)
    lived = pad_windows(open_since, PERFORMANCE_SESSIONS, False)
    pieces = [
        _measured(_windows(padded, rows), _windows(lived, rows), risk_free_rate)
        for rows in blocks(at, PERFORMANCE_SESSIONS * len(names), _CELLS)
    ]
    cell = (
        dates.get_indexer(pd.DatetimeIndex(partitions["date"])),
        names.get_indexer(pd.Index(partitions["portfolio"])),
    )
    *columns, gaps, ruined = (np.concatenate(parts)[cell] for parts in zip(*pieces, strict=True))
    measures = Performance(*columns)
    return RealizedPerformance(measures, _status(measures.n_obs, gaps, ruined))


def _windows(padded: NDArray, rows: Ints) -> NDArray:
    """(d, P, W), contiguous: sums along the window are then in the same order in every batch."""
    return np.ascontiguousarray(trailing_windows(padded, rows, PERFORMANCE_SESSIONS).swapaxes(1, 2))


def _measured(windows: Floats, lived: Bools, risk_free_rate: float) -> tuple[NDArray, ...]:
    """The measures of windows (d, P, W), how many sessions since the first entry have no return, and ruin."""
    measures = performance(windows, risk_free_rate)
    ruined = (windows < -1.0).any(axis=2)
    values = [np.where(ruined, np.nan, column) for column in measures[:-1]]
    return *values, measures.n_obs, lived.sum(axis=2) - measures.n_obs, ruined


def _status(n_obs: Ints, gaps: Ints, ruined: Bools) -> Texts:
    lacking = "partial: no daily return on " + gaps.astype(str).astype(object) + " sessions"
    short = "insufficient: " + n_obs.astype(str).astype(object) + f" of {MIN_RETURNS} daily returns"
    found = np.where(n_obs < MIN_RETURNS, short, np.where(gaps > 0, lacking, OK))
    return np.where(ruined, RUIN, found)
