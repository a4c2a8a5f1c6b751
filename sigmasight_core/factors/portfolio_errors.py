"""Standard errors of portfolio betas, from the joint covariance of the errors of their positions' betas.

A portfolio's exposure is ``sum d_p beta_p``, its error has the variance ``sum d_p d_q cov(beta_p, beta_q)``.
Symbols share the state, and in least squares ``cov(beta_p, beta_q) = sigma_pq (G'G)^-1``: the errors of one
factor are correlated as the residuals are (Zellner, An efficient method of estimating seemingly unrelated
regressions, 1962, for regressors that all equations share). With standard errors s_p and residuals of length
one e_p (`residuals`) that is ``|sum d_p s_p e_p|^2``: without shrinkage exactly the variance that the
regression of the portfolio's own return has, at today's weights. Two errors do not diversify and are added:

* the market's: the state's own loadings are the same for all, ``B'S B / (n var m)`` with the betas B of the
  whole portfolio (`estimates`);
* what the prior pulls in the same direction, ``sum d_p (s_p / tau)^2 (beta_p - beta0)`` with prior mean beta0
  and deviation tau, less what the posteriors hold of each position's own.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import blocks, session_positions
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.estimates import PRIOR_DEVIATIONS
from sigmasight_core.factors.exposures import PORTFOLIO, underlyings
from sigmasight_core.factors.model import factor_values
from sigmasight_core.factors.residuals import residual_directions
from sigmasight_core.factors.state import state_blocks

CELLS: Final = 4_000_000
"""Numbers of one run of dates: results are the same, memory is bounded."""


@dataclass(frozen=True)
class _Holdings:
    """Net delta exposures of portfolios (G, by date) in symbols, (N) in order of the portfolio."""

    dates: pd.DatetimeIndex
    date: Ints
    """(G) place of each portfolio's date."""
    group: Ints
    symbol: Ints
    delta: Floats

    @property
    def day(self) -> Ints:
        """(N) place of the date."""
        return self.date[self.group]

    def total(self, values: Floats) -> Floats:
        """Sums (G, K) over the symbols of each portfolio of values (N, K)."""
        places = np.arange(len(values), dtype=np.intp)
        return summed(values, places, np.ones(len(values)), self.group, len(self.date))


def exposure_std_errors(
    config: FactorModelConfig,
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    betas: pd.DataFrame,
    portfolios: pd.DataFrame,
    symbol_log_returns: pd.DataFrame,
    factor_log_returns: pd.DataFrame,
) -> Floats:
    """Standard errors of ``sum delta_exposure x beta``: rows of `portfolios` x factors, at least 0.

    The delta exposures count as known, also those of options.

    :param position_values: rows of `tables.PositionValues`, for the underlyings.
    :param position_greeks: rows of `tables.PositionGreeks`, for the delta exposures in USD, signed.
    :param betas: rows of `tables.FactorBetas`. Positions without one are left out, as their exposures are.
    :param portfolios: date and portfolio, together unique.
    :param symbol_log_returns: sessions x symbols, NaN = no return; a symbol that lacks 60 of them in the
        window counts as independent of the others.
    :param factor_log_returns: the same sessions x factors, as `model.factor_log_returns` returns them.
    :raises InputError: for a date without a row of returns.
    """
    order = np.argsort(portfolios["date"].to_numpy(), kind="stable")
    symbols = symbol_log_returns.columns
    held = _holdings(portfolios.iloc[order], position_values, position_greeks, symbols)
    ends = session_positions(symbol_log_returns.index, held.dates)
    factors = factor_values(config, factor_log_returns)
    used = np.unique(held.symbol)
    beta, error = _of_symbols(betas, held, symbols, config.factor_ids)
    of_loadings = _loading_errors(config, factors, ends)

    without_market = np.where(np.arange(len(config.factors)) == config.market, 0.0, beta)
    variance = error**2
    own = _quadratic(without_market, of_loadings[held.day])
    variance[:, config.market] = np.maximum(variance[:, config.market] - own, 0.0)
    posterior = _posterior(config, beta, variance)
    directions = _Directions(
        symbol_log_returns.to_numpy(dtype=float)[:, used].T, factors, ends, config.window
    )
    total = _together(held, np.searchsorted(used, held.symbol), np.sqrt(posterior), directions)
    total += _common_pull(config, held, beta, posterior)
    whole = held.total(held.delta[:, None] * without_market)
    total[:, config.market] += _quadratic(whole, of_loadings[held.date])
    out = np.empty_like(total)
    out[order] = np.sqrt(total)
    return out


def _holdings(
    portfolios: pd.DataFrame, values: pd.DataFrame, greeks: pd.DataFrame, symbols: pd.Index
) -> _Holdings:
    """Lots and options of one underlying are one exposure."""
    delta = greeks["delta_exposure"].to_numpy(dtype=float)
    wanted = pd.MultiIndex.from_frame(portfolios[PORTFOLIO])
    group = wanted.get_indexer(pd.MultiIndex.from_frame(greeks[PORTFOLIO]))
    symbol = symbols.get_indexer(pd.Index(underlyings(values, greeks)["underlying"]))
    known = np.isfinite(delta) & (symbol >= 0) & (group >= 0)
    pair, place = np.unique(group[known] * max(1, len(symbols)) + symbol[known], return_inverse=True)
    net = np.bincount(place, delta[known], minlength=len(pair)).astype(float)
    date, dates = pd.factorize(portfolios["date"])
    owner, which = np.divmod(pair, max(1, len(symbols)))
    return _Holdings(pd.DatetimeIndex(dates), date.astype(np.intp), owner, which, net)


def _of_symbols(
    betas: pd.DataFrame, held: _Holdings, symbols: pd.Index, factor_ids: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """Betas and standard errors (N, K), 0 where a symbol has none."""
    indexes: tuple[pd.Index, ...] = (held.dates, symbols, pd.Index(factor_ids))
    places = [
        index.get_indexer(pd.Index(betas[name]))
        for index, name in zip(indexes, ("date", "symbol", "factor"), strict=True)
    ]
    known = np.all([place >= 0 for place in places], axis=0)
    cell = tuple(place[known] for place in places)
    found = np.full((2, *(len(index) for index in indexes)), np.nan)
    for array, column in zip(found, ("beta", "std_error"), strict=True):
        array[cell] = betas[column].to_numpy(dtype=float)[known]
    beta, error = found[:, held.day, held.symbol]
    usable = np.isfinite(beta) & np.isfinite(error)
    return np.where(usable, beta, 0.0), np.where(usable, error, 0.0)


def _loading_errors(config: FactorModelConfig, factors: Floats, ends: Ints) -> Floats:
    """S / (n var m) of the state of each date, (D, K, K), 0 for what is unavailable."""
    size = len(config.factors)
    out = np.zeros((len(ends), size, size))
    for block in state_blocks(config, factors, ends):
        gram = np.einsum("djw,dkw->djk", block.design, block.design)
        scale = gram[:, block.market, block.market] * block.n_obs
        inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        out[np.ix_(block.at, block.columns, block.columns)] = gram * inverse[:, None, None]
    return out


def _quadratic(values: Floats, matrices: Floats) -> Floats:
    """v'M v, (N) of values (N, K) and matrices (N, K, K)."""
    return np.asarray((values * (matrices * values[:, None, :]).sum(axis=2)).sum(axis=1))


def _posterior(config: FactorModelConfig, beta: Floats, variance: Floats) -> Floats:
    """Posterior variances (N, K) of `variance`, which holds what the prior pulls (`estimates.with_pull`)."""
    mean, std = np.array(config.priors)
    excess = np.maximum(((beta - mean) / std) ** 2 - PRIOR_DEVIATIONS**2, 0.0)
    # variance = p + p^2 excess / std^2, solved for p
    return np.asarray(2.0 * variance / (1.0 + np.sqrt(1.0 + 4.0 * variance * excess / std**2)))


def _common_pull(config: FactorModelConfig, held: _Holdings, beta: Floats, posterior: Floats) -> Floats:
    """Squares (G, K) of what the prior pulls of a portfolio's betas, less what the posteriors hold of it."""
    mean, std = np.array(config.priors)
    unit = held.delta[:, None] * posterior / std
    pull = unit * (beta - mean) / std
    held_already = np.minimum(pull**2, (PRIOR_DEVIATIONS * unit) ** 2)
    return np.maximum(held.total(pull) ** 2 - held.total(held_already), 0.0)


@dataclass(frozen=True)
class _Directions:
    """What the unit residuals of the symbols that are held come from."""

    returns: Floats
    """(S, T)"""
    factors: Floats
    ends: Ints
    window: int

    def of(self, days: Ints) -> Floats:
        """(days x S, W)"""
        found = residual_directions(self.returns, self.factors, self.ends[days], self.window)
        return found.reshape(-1, self.window)


def _together(held: _Holdings, symbol: Ints, error: Floats, directions: _Directions) -> Floats:
    """|sum d_p s_p e_p|^2 of each portfolio and factor, (G, K); independent where a symbol has no e_p."""
    weighted = held.delta[:, None] * error
    total = np.zeros((len(held.date), error.shape[1]))
    size = len(directions.returns)
    for days in blocks(np.arange(len(held.dates), dtype=np.intp), 3 * directions.window * size, CELLS):
        vectors = directions.of(days)
        rows = np.arange(*np.searchsorted(held.day, [days[0], days[-1] + 1]))
        groups = np.arange(*np.searchsorted(held.date, [days[0], days[-1] + 1]))
        column = (held.day[rows] - days[0]) * size + symbol[rows]
        own = held.group[rows] - (groups[0] if len(groups) else 0)
        # Factor by factor: a portfolio's sums are of one session each, in the order of its symbols
        for factor in range(error.shape[1]):
            moves = summed(vectors, column, weighted[rows, factor], own, len(groups))
            total[groups, factor] = (moves**2).sum(axis=1)
        alone = np.where(vectors[column].any(axis=1)[:, None], 0.0, weighted[rows] ** 2)
        total[groups] += summed(
            alone, np.arange(len(rows), dtype=np.intp), np.ones(len(rows)), own, len(groups)
        )
    return total
