"""Filtered historical simulation: past moves of each symbol, rescaled to today's volatility.

Each log return is divided by the volatility that was forecast for its session, z_t = r_t / sigma_t, with
sigma_t an EWMA of the returns strictly before t; a scenario for the next session is z_t x sigma_next of the
symbol. All symbols move together as they did on session t, so that their dependence is kept (Hull and
White, Incorporating volatility updating into the historical simulation method, 1998, with one volatility
per series; Barone-Adesi, Giannopoulos and Vosper, VaR without correlations for portfolios of derivative
securities, 1999).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from sigmasight_core.arrays.types import Floats, Ints
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

LOOK_BACK: Final = SCENARIOS + EWMA_WINDOW
"""Sessions before a date whose prices its scenarios need."""

_ROUNDING: Final = 1e-9


class TailLosses(NamedTuple):
    """Losses in the unit of the P&L, loss positive, each (G, L) by series and confidence level."""

    value_at_risk: Floats
    expected_shortfall: Floats


def forecast_volatility(returns: Floats, window: int = EWMA_WINDOW, min_obs: int = MIN_OBS) -> Floats:
    """Volatility per session that is forecast for each session from the returns before it.

    ``sigma_t^2 = sum(w_k r_{t-k}^2) / sum(w_k)``, ``w_k = 0.94^(k-1)``, k = 1..window, over the sessions that
    have a return (J.P. Morgan/Reuters, RiskMetrics Technical Document, 1996, eq. 5.3, weights renormalised).

    :param returns: (..., T), NaN = no return.
    :returns: (..., T + 1), the last one for the session after the returns; NaN where fewer than `min_obs`
        returns are in the window.
    """
    length = returns.shape[-1]
    known = np.isfinite(returns).reshape(-1, length)
    squares = np.where(known, returns.reshape(-1, length), 0.0) ** 2
    age = np.arange(length + 1) - np.arange(length)[:, None] - 1
    inside = (age >= 0) & (age < window)
    weights = np.where(inside, EWMA_DECAY ** np.maximum(age, 0), 0.0)
    weight = weights.sum(axis=0) if known.all() else known.astype(float) @ weights
    counts = np.pad(known.cumsum(axis=1), ((0, 0), (1, 0)))
    n_obs = counts - counts[:, np.maximum(np.arange(length + 1) - window, 0)]
    with np.errstate(invalid="ignore", divide="ignore"):
        volatility = np.sqrt(squares @ weights / weight)
    volatility = np.where(n_obs >= max(min_obs, 1), volatility, np.nan)
    return volatility.reshape(*returns.shape[:-1], length + 1)


def standardized(returns: Floats, volatility: Floats) -> Floats:
    """Returns (..., T) over their forecast volatilities (..., T + 1); 0 where both are 0.

    NaN where either is missing, and where a return follows a volatility of 0: it has no scale.
    """
    before = volatility[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        residuals = np.where((before == 0) & (returns == 0), 0.0, returns / before)
    residuals[np.isinf(residuals)] = np.nan
    return residuals


@dataclass(frozen=True)
class ReturnPanel:
    """Log returns of symbols (S) over sessions (T) with what the simulation needs of them."""

    symbols: pd.Index
    sessions: pd.Index
    returns: Floats
    """(S, T) log returns, NaN = none."""
    residuals: Floats
    """(S, T) standardised returns."""
    volatility: Floats
    """(S, T + 1) forecast volatility per session."""

    @classmethod
    def of(cls, log_returns: pd.DataFrame, symbols: pd.Index) -> "ReturnPanel":
        """Of these symbols, from sessions x symbols; a symbol without a column has no return."""
        returns = np.ascontiguousarray(log_returns.reindex(columns=symbols).to_numpy(dtype=float).T)
        volatility = forecast_volatility(returns)
        return cls(symbols, log_returns.index, returns, standardized(returns, volatility), volatility)

    def ends(self, dates: pd.DatetimeIndex) -> Ints:
        """Places of dates among the sessions.

        :raises InputError: for a date without a row of returns.
        """
        return session_positions(self.sessions, dates)

    def moves(self, ends: Ints, count: int = SCENARIOS) -> Floats:
        """Scenarios of the next session's simple return, (D, S, count), oldest first; NaN = none."""
        scenarios = trailing(self.residuals, ends, count)
        return np.expm1(scenarios * self.volatility[:, ends + 1].T[:, :, None])


def trailing(values: Floats, ends: Ints, count: int) -> Floats:
    """The `count` last columns up to each of `ends`, (S, T) to (D, S, count), NaN before the first."""
    padded = np.pad(values, ((0, 0), (count - 1, 0)), constant_values=np.nan)
    return sliding_window_view(padded, count, axis=1)[:, ends].swapaxes(0, 1)


def tail_losses(pnl: Floats, levels: tuple[float, ...]) -> TailLosses:
    """Value at risk and expected shortfall of simulated P&L.

    With n scenarios in rising order x and p = 1 - level, VaR is minus the lower empirical quantile,
    ``-x_k``, k = ceil(n p): the k-th worst scenario. Expected shortfall is the mean of the worst n p
    scenarios, the k-th by its fraction: ``-(x_1 + .. + x_(k-1) + (n p - k + 1) x_k) / (n p)`` (Acerbi and
    Tasche, On the coherence of expected shortfall, 2002, definition 2.6), never below VaR.

    :param pnl: (G, N), a gain is positive; NaN = not a scenario.
    :returns: (G, L); negative where even the tail gains, NaN where there is no scenario.
    """
    n = np.isfinite(pnl).sum(axis=1)[:, None]
    mass = n * (1.0 - np.array(levels))
    last = np.maximum(np.ceil(mass - _ROUNDING).astype(np.intp) - 1, 0)
    deepest = int(last.max(initial=0))
    worst = np.sort(np.partition(pnl, deepest, axis=1)[:, : deepest + 1], axis=1)
    quantile = np.take_along_axis(worst, last, axis=1)
    before = np.take_along_axis(np.pad(worst.cumsum(axis=1), ((0, 0), (1, 0))), last, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shortfall = -(before + (mass - last) * quantile) / mass
    return TailLosses(0.0 - quantile, shortfall + 0.0)
