"""Filtered historical simulation: past moves of each symbol, rescaled to today's volatility.

Each log return is divided by the volatility that was forecast for its session, z_t = r_t / sigma_t, with
sigma_t an EWMA of the returns strictly before t; a scenario for session s is z_t x sigma_s of the symbol,
for the t of the 504 sessions before s. All symbols move together as they did on session t, so that their
dependence is kept (Hull and White, Incorporating volatility updating into the historical simulation method,
1998, with one volatility per series; Barone-Adesi, Giannopoulos and Vosper, VaR without correlations for
portfolios of derivative securities, 1999).

A scenario that no market has seen is bounded, by three rules that look at the symbol's own window only, so
that a result never depends on what else is computed with it:

- sigma_t is at least 0.15 of the symbol's root mean square return over the same 252 sessions;
- z_t is winsorised at 10. Of 1.2 million standardised returns of 503 US names, 2017-2026, 309 are beyond it
  (their 99.9% quantile is 6.8, the largest 56), so that it moves expected shortfalls, hardly a quantile;
- the move z_t x sigma_s is at most the largest absolute return of the 504 sessions, or 10 times the root
  mean square return if that is more.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import EWMA_DECAY

SCENARIOS: Final = 504
"""Sessions that scenarios come from, the as-of date included."""

MIN_SCENARIOS: Final = 252
"""Fewer scenarios than these give no value at risk."""

EWMA_WINDOW: Final = 252
"""Returns in the volatility of one session: what is left out has a weight of 2e-7."""

MIN_OBS: Final = 20
"""Returns that a volatility needs, as in `returns.realized_volatility`."""

LARGEST_STANDARDIZED: Final = 10.0
"""Bound of |z_t|; also of a move in long-run volatilities, unless the window has seen a larger one."""

VOLATILITY_FLOOR: Final = 0.15
"""Least forecast volatility as a fraction of the long-run one; 0.1% of those of 503 names are below it."""

_LARGEST_GROWTH: Final = float(np.sqrt(EWMA_DECAY + (1.0 - EWMA_DECAY) * LARGEST_STANDARDIZED**2))


class Forecasts(NamedTuple):
    """Volatilities per session (..., T + 1), the last for the session after the returns; NaN = too few."""

    volatility: Floats
    """EWMA, floored."""
    long_run: Floats
    """Root mean square of the same returns."""


def forecast_volatility(returns: Floats, window: int = EWMA_WINDOW, min_obs: int = MIN_OBS) -> Forecasts:
    """Volatility per session that is forecast for each session from the returns before it.

    ``sigma_t^2 = sum(w_k r_{t-k}^2) / sum(w_k)``, ``w_k = 0.94^(k-1)``, k = 1..window, over the sessions that
    have a return (J.P. Morgan/Reuters, RiskMetrics Technical Document, 1996, eq. 5.3, weights renormalised).
    A value depends on its own window only, to the last bit.

    :param returns: (..., T), NaN = no return.
    :returns: NaN where fewer than `min_obs` returns are in the window.
    """
    known = np.isfinite(returns)
    lead = [(0, 0)] * (returns.ndim - 1) + [(window, 0)]
    squares = np.pad(np.where(known, returns, 0.0) ** 2, lead)
    seen = np.pad(known.astype(float), lead)
    length = returns.shape[-1] + 1
    shape = (*returns.shape[:-1], length)
    total, weight, plain, n_obs = np.zeros((4, *shape))
    # Horner's rule from the oldest lag on: cumulated sums would carry what was before the window.
    for start in range(window):
        square, one = squares[..., start : start + length], seen[..., start : start + length]
        total *= EWMA_DECAY
        total += square
        weight *= EWMA_DECAY
        weight += one
        plain += square
        n_obs += one
    enough = n_obs >= max(min_obs, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        volatility = np.where(enough, np.sqrt(total / weight), np.nan)
        long_run = np.where(enough, np.sqrt(plain / n_obs), np.nan)
    return Forecasts(np.maximum(volatility, VOLATILITY_FLOOR * long_run), long_run)


def standardized(returns: Floats, volatility: Floats) -> Floats:
    """Returns (..., T) over their forecast volatilities (..., T + 1); 0 where both are 0.

    NaN where either is missing, and where a return follows a volatility of 0: it has no scale.
    """
    before = volatility[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        residuals = np.where((before == 0) & (returns == 0), 0.0, returns / before)
    residuals[np.isinf(residuals)] = np.nan
    return residuals


class Scenarios(NamedTuple):
    """What may happen on sessions (s) to symbols (S), each (S, s, N), oldest first; NaN = no scenario."""

    move: Floats
    """Simple return of the underlying."""
    growth: Floats
    """Factor of its volatility, and of those that its options imply."""
    bounded: Bools
    """The move is less than the unbounded one would be."""


@dataclass(frozen=True)
class ReturnPanel:
    """Log returns of symbols (S) over sessions (T) with what the simulation needs of them."""

    symbols: pd.Index
    sessions: pd.Index
    returns: Floats
    """(S, T) log returns, NaN = none."""
    residuals: Floats
    """(S, T) standardised returns, winsorised."""
    winsorized: Bools
    """(S, T)"""
    volatility: Floats
    """(S, T + 1) forecast volatility per session."""
    growth: Floats
    """(S, T) forecast after the session / forecast for it: at most what a winsorised return makes."""
    largest: Floats
    """(S, T + 1) bound of the absolute log move of a scenario for the session."""

    @classmethod
    def of(cls, log_returns: pd.DataFrame, symbols: pd.Index) -> "ReturnPanel":
        """Of these symbols, from sessions x symbols; a symbol without a column has no return."""
        returns = np.ascontiguousarray(log_returns.reindex(columns=symbols).to_numpy(dtype=float).T)
        forecasts = forecast_volatility(returns)
        raw = standardized(returns, forecasts.volatility)
        with np.errstate(invalid="ignore", divide="ignore"):
            growth = forecasts.volatility[:, 1:] / forecasts.volatility[:, :-1]
            growth[np.isnan(growth)] = 1.0  # constant prices
            beyond = np.abs(raw) > LARGEST_STANDARDIZED
        return cls(
            symbols,
            log_returns.index,
            returns,
            np.clip(raw, -LARGEST_STANDARDIZED, LARGEST_STANDARDIZED),
            beyond,
            forecasts.volatility,
            np.minimum(growth, _LARGEST_GROWTH),
            np.fmax(_largest_before(returns), LARGEST_STANDARDIZED * forecasts.long_run),
        )

    def ends(self, dates: pd.DatetimeIndex) -> Ints:
        """Places of dates among the sessions.

        :raises InputError: for a date without a row of returns.
        """
        return session_positions(self.sessions, dates)

    def scenarios(self, sessions: Ints, count: int = SCENARIOS) -> Scenarios:
        """Scenarios of sessions (s), known at the close before each: from the `count` sessions before it."""
        log_move = before(self.residuals, sessions, count) * self.volatility[:, sessions, None]
        largest = self.largest[:, sessions, None]
        with np.errstate(invalid="ignore"):
            bounded = np.abs(log_move) > largest
        if self.winsorized.any():
            bounded |= before(self.winsorized, sessions, count, False)
        move = np.expm1(np.clip(log_move, -largest, largest, out=log_move), out=log_move)
        return Scenarios(move, before(self.growth, sessions, count, 1.0), bounded)

    def log_moves(self, symbol: Ints, session: Ints, past: Ints) -> Floats:
        """(c): log moves of single scenarios of `scenarios`, of symbols on sessions, from past sessions."""
        log_move = self.residuals[symbol, past] * self.volatility[symbol, session]
        largest = self.largest[symbol, session]
        return np.asarray(np.clip(log_move, -largest, largest, out=log_move), dtype=np.float64)


def before(values: NDArray, sessions: Ints, count: int, fill: float | bool = np.nan) -> NDArray:
    """The `count` columns before each session (s), (S, T) to (S, s, count); `fill` before the first."""
    padded = np.pad(values, ((0, 0), (count, 0)), constant_values=fill)
    return sliding_window_view(padded, count, axis=1)[:, sessions]


def _largest_before(returns: Floats) -> Floats:
    """(S, T + 1): largest absolute return of the 504 sessions before each; 0 without any."""
    padded = np.pad(np.abs(np.nan_to_num(returns)), ((0, 0), (SCENARIOS, 0)))
    # An even filter at place i covers i - 252 .. i + 251.
    middle = SCENARIOS // 2
    filtered = maximum_filter1d(padded, SCENARIOS, axis=1, mode="constant")
    return filtered[:, middle : middle + returns.shape[1] + 1]
