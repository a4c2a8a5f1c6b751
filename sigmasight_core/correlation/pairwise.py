"""Pairwise-complete correlations of many windows at once, by batched matrix products.

Windows are cut from one history, so a batch is named by its columns and last rows: the same code serves
one matrix per date and one matrix per (date, portfolio).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.errors import InputError

CHUNK_ELEMENTS = 2**19
"""Matrix elements worked on at a time: temporaries stay at a few MB each, whatever the batch."""

BLOCK_ELEMENTS = 2**16
"""Elements of the windows that are multiplied at a time: they stay in the processor's cache."""

_ROUNDING = 1e-13
"""A series whose variance is below this share of its second moment (or its deviation below this share of
its mean) is constant but for rounding."""


class WindowStatistics(NamedTuple):
    """Statistics of N windows of P series: correlation and n_obs [N, P, P], volatility [N, P]."""

    correlation: Floats
    n_obs: NDArray[np.int32]
    volatility: Floats


def pairwise_correlations(
    log_returns: Floats, ends: NDArray[np.integer], window: int = 90, min_obs: int = 20
) -> tuple[Floats, NDArray[np.int32]]:
    """Pearson correlations over trailing windows, each pair over the sessions that both have.

    Equal to ``pandas.DataFrame.corr(min_periods=min_obs)`` of every window.

    :param log_returns: [T, S], one row per session in time order, non-finite = missing.
    :param ends: [D] row numbers of the last session of each window; windows that reach back before
        row 0 are short.
    :returns: correlations [D, S, S] and common observations [D, S, S]. NaN where fewer than `min_obs`
        observations are common or one series is constant over them; the diagonal is exactly 1 otherwise.
    :raises InputError: on a row number outside of the history, or fewer than 2 observations asked for.
    """
    history = window_history(log_returns, window, min_obs)
    last = np.asarray(ends, dtype=np.intp)
    n_series = history.shape[0]
    if last.size and (last.min() < 0 or last.max() >= history.shape[1]):
        raise InputError(
            f"correlations: window ends must be rows 0..{history.shape[1] - 1} of the returns, "
            f"got {last.min()}..{last.max()}"
        )
    correlation = np.empty((last.size, n_series, n_series))
    n_obs = np.empty(correlation.shape, dtype=np.int32)
    columns = np.broadcast_to(np.arange(n_series), (last.size, n_series))
    step = chunk_length(n_series)
    for start in range(0, last.size, step):
        part = slice(start, start + step)
        found = window_statistics(history, columns[part], last[part], min_obs)
        correlation[part], n_obs[part] = found.correlation, found.n_obs
    return correlation, n_obs


def chunk_length(width: int) -> int:
    """How many [width, width] matrices to work on at a time."""
    return max(1, CHUNK_ELEMENTS // max(width, 1) ** 2)


def window_history(log_returns: Floats, window: int, min_obs: int) -> Floats:
    """A view [S, T, window] of the trailing windows of returns [T, S]; before row 0 all is missing."""
    if not 2 <= min_obs <= window:
        raise InputError(f"correlations: min_obs must be within 2..window ({window}), got {min_obs}")
    returns = np.asarray(log_returns, dtype=float)
    if returns.ndim != 2:
        raise InputError(f"correlations: returns must be [sessions, symbols], got {returns.ndim} dimensions")
    padded = np.full((returns.shape[1], window - 1 + returns.shape[0]), np.nan)
    padded[:, window - 1 :] = returns.T
    padded[~np.isfinite(padded)] = np.nan
    if not returns.shape[0]:
        return np.empty((returns.shape[1], 0, window))
    return np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)


def window_statistics(history: Floats, columns: Ints, ends: Ints, min_obs: int) -> WindowStatistics:
    """Correlations, common observations and volatilities of a batch of windows.

    A series is standardised once for all the matrices of a day that it is in.

    :param history: of `window_history`.
    :param columns: [N, P] series of each matrix.
    :param ends: [N] last row of each matrix's window.
    :returns: see `pairwise_correlations`; volatility is the standard deviation (ddof 1) of a series' own
        observations in the window, NaN where its correlation with itself is.
    """
    days, day = np.unique(ends, return_inverse=True)
    names, name = _distinct(columns, history.shape[0])
    windows = history[names, days[:, None]].reshape(-1, history.shape[2])
    series = day[:, None] * names.size + name
    # Divided by its root sum of squares, a series is a unit vector: correlations are plain products
    spread = np.sqrt(_centre(windows, np.full(len(windows), history.shape[2])))
    rows = np.flatnonzero(np.isnan(windows[:, 0])[series].any(axis=1))
    windows *= (1.0 / spread)[:, None]
    found = _complete_statistics(windows, spread, series)
    if not rows.size:
        return found
    found = found._replace(n_obs=found.n_obs.copy())
    lacking = np.isnan(history[columns[rows], ends[rows, None]]).any(axis=2)
    # One pattern of series with gaps at a time: the products of a matrix have the shape that it alone gives
    patterns, of = np.unique(lacking, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        here = rows[of.ravel() == number]
        own = _incomplete_statistics(history[columns[here], ends[here, None]], pattern, min_obs)
        found.correlation[here], found.n_obs[here] = own.correlation, own.n_obs
        found.volatility[here] = own.volatility
    return found


def _distinct(columns: Ints, n_series: int) -> tuple[Ints, Ints]:
    """Sorted distinct columns, and the place of each of `columns` among them."""
    used = np.zeros(n_series, dtype=bool)
    used[columns] = True
    return np.flatnonzero(used), (np.cumsum(used) - 1)[columns]


def _complete_statistics(windows: Floats, spread: Floats, series: Ints) -> WindowStatistics:
    """Statistics of matrices of `series` [N, P] without gaps; of others they are NaN.

    :param windows: [M, W], centred and divided by their `spread` [M], the root of the sum of squared
        deviations, which is NaN for a constant series.
    """
    length = windows.shape[1]
    correlation = np.empty((*series.shape, series.shape[1]))
    for part in blocks(np.arange(len(series)), windows[:1].size * series.shape[1], BLOCK_ELEMENTS):
        rows = slice(part[0], part[-1] + 1)
        own = np.take(windows, series[rows], axis=0)
        np.matmul(own, own.swapaxes(1, 2), out=correlation[rows])
        np.clip(correlation[rows], -1.0, 1.0, out=correlation[rows])
    np.einsum("npp->np", correlation)[:] = np.where(np.isnan(spread), np.nan, 1.0)[series]
    n_obs = np.broadcast_to(np.int32(length), correlation.shape)
    return WindowStatistics(correlation, n_obs, spread[series] / np.sqrt(length - 1))


def _incomplete_statistics(windows: Floats, lacking: Bools, min_obs: int) -> WindowStatistics:
    """Statistics of windows [N, P, W] that lack values of the same series [P]; the windows are overwritten.

    Only those series need pairwise moments.
    """
    n_windows, n_series, length = windows.shape
    there = ~np.isnan(windows)
    gaps = np.flatnonzero(lacking)
    windows[~there] = 0.0
    count = there.sum(axis=2)
    squares = _centre(windows, count, there)
    windows *= ~np.isnan(squares)[:, :, None]
    squares[count < min_obs] = np.nan

    correlation = np.empty((n_windows, n_series, n_series))
    n_obs = np.full(correlation.shape, length, dtype=np.int32)
    if gaps.size < n_series:
        scaled = windows * (1.0 / np.sqrt(squares))[:, :, None]
        np.matmul(scaled, scaled.swapaxes(1, 2), out=correlation)
    strip, common = _gap_correlations(windows, there.astype(float), gaps, min_obs)
    among = strip[:, :, gaps]
    strip[:, :, gaps] = (among + among.swapaxes(1, 2)) / 2  # equal to the bit whatever order BLAS sums in
    correlation[:, gaps, :], correlation[:, :, gaps] = strip, strip.swapaxes(1, 2)
    n_obs[:, gaps, :], n_obs[:, :, gaps] = common, common.swapaxes(1, 2)
    _finish(correlation)
    return WindowStatistics(correlation, n_obs, np.sqrt(squares / np.maximum(count - 1, 1)))


def _centre(windows: Floats, count: NDArray[np.integer], there: Bools | None = None) -> Floats:
    """Subtract each series' mean in place; its sum of squared deviations [...], NaN if it is constant.

    Windows are [..., W], their `count` of values [...].

    Without a value (`there` False) a window holds 0, before and after.
    """
    n = np.maximum(count, 1)
    mean = np.einsum("...w->...", windows) / n
    windows -= mean[..., None]
    if there is not None:
        windows *= there
    squares = np.einsum("...w,...w->...", windows, windows)
    squares[squares <= n * (_ROUNDING * mean) ** 2] = np.nan
    return squares


def _gap_correlations(x: Floats, there: Floats, gaps: Ints, min_obs: int) -> tuple[Floats, Floats]:
    """Correlations and common observations [N, G, P] of the series `gaps` with every series.

    `x` [N, P, W] is centred and zero where `there` is 0, so sums over common sessions are products.
    """
    some, held = (x, there) if gaps.size == x.shape[1] else (x[:, gaps], there[:, gaps])
    x_t, there_t = x.swapaxes(1, 2), there.swapaxes(1, 2)
    n = held @ there_t
    safe = np.maximum(n, 1.0)
    total = some @ there_t
    variance = _variance((some * some) @ there_t, total, safe)
    if some is x:
        other_total, other_variance = total.swapaxes(1, 2), variance.swapaxes(1, 2)
    else:
        other_total = held @ x_t
        other_variance = _variance(held @ (x_t * x_t), other_total, safe)
    scale = np.sqrt(variance) * np.sqrt(other_variance)
    scale[n < min_obs] = np.nan
    # (sum xy - sum x sum y / n) / sqrt(SS_x SS_y), sums over the sessions that both have
    correlation = (some @ x_t - total * other_total / safe) / scale
    return correlation, n


def _variance(squares: Floats, total: Floats, n: Floats) -> Floats:
    """Sum of squared deviations; NaN where the series does not vary."""
    found = squares - total * total / n
    found[found <= _ROUNDING * squares] = np.nan
    return found


def _finish(correlation: Floats) -> None:
    """Clip rounding beyond ±1 and make a defined diagonal exactly 1, in place."""
    np.clip(correlation, -1.0, 1.0, out=correlation)
    own = np.einsum("npp->np", correlation)
    np.copyto(own, 1.0, where=~np.isnan(own))
