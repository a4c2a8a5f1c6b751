"""Betas of symbols on the state as arrays: windowed moments, then the ridge and univariate fits."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import in_lanes, pad_windows, product, trailing_windows
from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.ridge import EPSILON, RANK_TOLERANCE, RidgeFit, ridge_own, ridge_shared
from sigmasight_core.factors.state import (
    StateArrays,
    StateBlock,
    StateCollector,
    state_blocks,
)

CONSTANT = 1e-13
"""Centred over uncentred sum of squares below which a series counts as constant."""
PRIOR_DEVIATIONS = 2.0
"""Deviations of the prior up to which the posterior's own error holds what the prior pulls."""


@dataclass(frozen=True)
class EstimateArrays:
    """Fits of every date, symbol and factor, [D, S, K], or of every date and symbol, [D, S].

    NaN where the factor is unavailable at the date, or the symbol has too few observations or is constant.
    """

    beta: Floats
    std_error: Floats
    univariate_beta: Floats
    univariate_std_error: Floats
    univariate_r_squared: Floats
    r_squared: Floats
    annualized_specific_volatility: Floats
    n_obs: Ints
    """Sessions of the state's window on which the symbol has a return, [D, S]; 0 where there is no state."""
    state: StateArrays

    def univariate_p_value(self) -> Floats:
        """Two-sided p-values of the univariate betas, Student t with n - 2 degrees of freedom."""
        t_stat = self.univariate_beta / self.univariate_std_error
        freedom = np.maximum(self.n_obs - 2, 1).astype(float)
        return np.asarray(2.0 * stdtr(freedom[..., None], -np.abs(t_stat)))


@dataclass(frozen=True)
class _Symbols:
    """Returns of symbols, made ready for windows: 0 for missing ones, and which are there.

    In whole lanes: the columns beyond the symbols have no returns.
    """

    count: int
    window: int
    filled: Floats
    squared: Floats
    present: Floats

    @classmethod
    def of(cls, returns: Floats, window: int) -> "_Symbols":
        """Of returns [T, S]."""
        lanes = np.full((len(returns), in_lanes(returns.shape[1])), np.nan)
        lanes[:, : returns.shape[1]] = returns
        finite = np.isfinite(lanes)
        filled = pad_windows(np.where(finite, lanes, 0.0), window, 0.0)
        present = pad_windows(finite.astype(float), window, 0.0)
        return cls(returns.shape[1], window, filled, filled**2, present)

    def windows(self, padded: Floats, ends: Ints) -> Floats:
        """Windows of `filled`, `squared` or `present`, [d, W, S]."""
        return trailing_windows(padded, ends, self.window)

    def with_gaps(self, ends: Ints) -> tuple[Ints, "_Symbols"]:
        """Columns that lack a return from the first to the last session of the windows, and they alone there.

        Their windows end at ``ends - ends.min()``.
        """
        rows = slice(ends.min(), ends.max() + self.window)
        columns = np.flatnonzero(~self.present[rows, : self.count].all(axis=0))
        parts = []
        for padded in (self.filled, self.squared, self.present):
            lanes = np.zeros((rows.stop - rows.start, in_lanes(len(columns))))
            lanes[:, : len(columns)] = padded[rows][:, columns]
            parts.append(lanes)
        return columns, _Symbols(len(columns), self.window, *parts)


class _Fits(NamedTuple):
    """Fits of a block: five statistics of betas, R2 and volatility, observations of each symbol."""

    betas: Floats
    """[5, d, A, S]"""
    joint: Floats
    """[2, d, S]"""
    n_obs: Ints
    """[d, S]"""


def estimate_arrays(
    config: FactorModelConfig, *, symbol_returns: Floats, factor_returns: Floats, ends: Ints
) -> EstimateArrays:
    """Betas over the windows that end at rows `ends`.

    :param symbol_returns: log returns [T, S], NaN = none.
    :param factor_returns: log returns, for rates percentage points, [T, K] in the order of the configuration.
    :param ends: row numbers, [D]; windows of adjacent ones need no copy.
    :returns: for each symbol and date the same bits whatever else is asked for.
    """
    symbols = _Symbols.of(symbol_returns, config.window)
    collector = StateCollector(config, factor_returns, ends)
    count, size = symbol_returns.shape[1], len(config.factors)
    # [statistic, date, factor, symbol]: symbols last, as the products of windows give them
    betas = np.full((5, len(ends), size, count), np.nan)
    joint = np.full((2, len(ends), count), np.nan)
    n_obs = np.zeros((len(ends), count), dtype=np.intp)
    for block in state_blocks(config, factor_returns, ends, cells_per_date=size * count):
        collector.add(block)
        found = _fits(config, block, symbols, ends[block.at])
        undefined = (found.n_obs < config.min_obs) | ~np.isfinite(found.joint[0])
        n_obs[block.at] = found.n_obs[:, :count]
        joint[:, block.at] = np.where(undefined, np.nan, found.joint)[..., :count]
        cells = np.ix_(np.arange(5), block.at, block.columns)
        betas[cells] = np.where(undefined[:, None], np.nan, found.betas)[..., :count]
    betas[:, ~collector.available] = np.nan
    joint[:, ~collector.available.any(axis=1)] = np.nan
    beta, std_error, univariate, univariate_std_error, univariate_fit = betas.swapaxes(2, 3)
    return EstimateArrays(
        beta,
        std_error,
        univariate,
        univariate_std_error,
        univariate_fit,
        joint[0],
        joint[1],
        n_obs,
        collector.arrays(),
    )


def _fits(config: FactorModelConfig, block: StateBlock, symbols: _Symbols, ends: Ints) -> _Fits:
    """Fits of a block. What has no gap in its own window is fitted as such, whatever other dates lack."""
    found = _complete(config, block, symbols, ends)
    columns, part = symbols.with_gaps(ends)
    if len(columns):
        own = _with_gaps(config, block, part, ends - ends.min())
        lacks = (own.n_obs < block.n_obs[:, None])[:, : len(columns)]
        for whole, other in zip(found, own, strict=True):
            here = lacks[:, None] if whole.ndim == found.betas.ndim else lacks
            whole[..., columns] = np.where(here, other[..., : len(columns)], whole[..., columns])
    found.betas[1] = with_pull(_prior(config, block), found.betas[0], found.betas[1])
    found.betas[1] = _with_loading_error(block, found.betas[0], found.betas[1])
    return found


def _prior(config: FactorModelConfig, block: StateBlock) -> tuple[Floats, Floats]:
    mean, std = np.array(config.priors)
    return mean[block.columns], std[block.columns]


def _complete(config: FactorModelConfig, block: StateBlock, symbols: _Symbols, ends: Ints) -> _Fits:
    """Symbols with a return on every observed session: one design per date."""
    observed = block.observed[:, None]
    sums = product(np.concatenate([block.design, observed], axis=1), symbols.windows(symbols.filled, ends))
    squares = product(observed, symbols.windows(symbols.squared, ends))[:, 0]
    # X'y of each factor; the design is centred, so y need not be. The last row is the sum of y
    moments = sums[:, :-1]
    n_obs = block.n_obs[:, None]
    total = _centred_total(squares, sums[:, -1], n_obs)
    gram = block.design @ block.design.swapaxes(1, 2)
    fit = ridge_shared(gram, moments, total, block.n_obs, _prior(config, block))
    variance = block.centred_squares()[:, :, None]
    univariate = _univariate(block.total(moments), variance, total[:, None], n_obs[:, None])
    n = np.broadcast_to(n_obs, total.shape).astype(np.intp)
    return _Fits(np.stack([fit.beta, fit.std_error, *univariate]), _joint(fit, total), n)


def _with_gaps(config: FactorModelConfig, block: StateBlock, symbols: _Symbols, ends: Ints) -> _Fits:
    """Symbols with gaps: moments of the date's state over each symbol's own sessions."""
    dates, size = len(block.at), len(block.columns)
    lower = np.tril_indices(size)
    # One product with the mask gives n, sum x, the lower triangle of sum x x', and sum of squares as given
    products = block.design[:, lower[0]] * block.design[:, lower[1]]
    linear = np.concatenate([block.observed[:, None], block.design], axis=1)
    quadratic = np.concatenate([linear, products, block.centred**2], axis=1)
    on_mask = _cases(product(quadratic, symbols.windows(symbols.present, ends)))
    on_return = _cases(product(linear, symbols.windows(symbols.filled, ends)))
    squares = _cases(product(block.observed[:, None], symbols.windows(symbols.squared, ends)))[0]

    n_obs = on_mask[0]
    safe = np.maximum(n_obs, size + 3)
    centre = on_mask[1 : size + 1] / safe
    # Centred on the symbol's own sessions: sum x_i x_j - n mean_i mean_j
    gram = np.empty((size, size, len(safe)))
    for i in range(size):
        first = size + 1 + i * (i + 1) // 2
        gram[i, : i + 1] = on_mask[first : first + i + 1] - centre[: i + 1] * (safe * centre[i])
    moments = on_return[1:] - centre * on_return[0]
    total = _centred_total(squares, on_return[0], safe)
    fit = ridge_own(gram, moments, total, safe, _prior(config, block))

    def by_date(cases: Floats) -> Floats:
        return cases.reshape(*cases.shape[:-1], dates, symbols.filled.shape[1])

    def raw(state: Floats) -> Floats:
        return _cases(block.total(by_date(state).swapaxes(0, 1)))

    whole = np.repeat(block.centred_squares().T, symbols.filled.shape[1], axis=1)
    # The factor as given, not its state: the univariate regressions are on that
    variance = on_mask[-size:] - safe * raw(centre) ** 2
    variance = np.where(variance > RANK_TOLERANCE * whole, variance, np.nan)
    univariate = _univariate(raw(moments), variance, total, safe)
    betas = [by_date(values).swapaxes(0, 1) for values in (fit.beta, fit.std_error, *univariate)]
    return _Fits(np.stack(betas), by_date(_joint(fit, total)), by_date(n_obs).astype(np.intp))


def with_pull(prior: tuple[Floats, Floats], beta: Floats, std_error: Floats) -> Floats:
    """Standard errors [d, A, S] that hold how far the prior pulls a beta that it did not expect.

    The posterior mean misses by ``-A s2 P^-1 (beta - beta0)`` on average, A the inverse of G'G + s2 P^-1
    (Theil and Goldberger, 1961). The posterior variance s2 A holds the square of that for betas as far from
    beta0 as the prior says; a fund of -3 times the market is nine of its deviations away. Where a beta is
    z > 2 deviations from beta0, ``(s2 A / tau)^2 (z^2 - 4)`` is added, on the diagonal of A: the mean squared
    error is variance + bias^2.
    """
    mean, std = (values[:, None] for values in prior)
    excess = np.maximum(((beta - mean) / std) ** 2 - PRIOR_DEVIATIONS**2, 0.0)
    return np.asarray(std_error * np.sqrt(1.0 + (std_error / std) ** 2 * excess))


def _with_loading_error(block: StateBlock, beta: Floats, std_error: Floats) -> Floats:
    """Standard errors [d, A, S], those of the market with the error of the state's own loadings on it.

    The fit takes the state as given, but what it holds of the market was estimated in the same window: with
    S the covariance of the other components and b the betas on them, the market beta misses by
    b'(loadings - true loadings), whose variance is ``b'S b / (n var m)``. Without shrinkage the sum is the
    variance of the univariate market beta, as Frisch and Waugh (1933) have it for the beta itself.
    """
    others = beta.copy()
    others[:, block.market] = 0.0
    gram = block.design @ block.design.swapaxes(1, 2)
    # n S over n^2 var m, both as sums of squares
    explained = np.einsum("dks,dks->ds", others, product(gram, others))
    of_market = gram[:, block.market, block.market] * block.n_obs
    loadings = explained / np.where(of_market > 0, of_market, np.nan)[:, None]
    total = std_error.copy()
    total[:, block.market] = np.sqrt(std_error[:, block.market] ** 2 + loadings)
    return total


def _cases(values: Floats) -> Floats:
    """[d, Q, S] to [Q, d x S]."""
    return np.ascontiguousarray(values.swapaxes(0, 1)).reshape(values.shape[1], -1)


def _centred_total(squares: Floats, sums: Floats, n_obs: Floats) -> Floats:
    """Centred sum of squares; NaN for a constant series."""
    total = squares - sums**2 / n_obs
    return np.where(total > CONSTANT * squares, total, np.nan)


def _joint(fit: RidgeFit, total: Floats) -> Floats:
    volatility = np.sqrt(fit.residual_sum / fit.residual_dof * SESSIONS_PER_YEAR)
    return np.stack([1 - fit.residual_sum / total, volatility])


def _univariate(
    moments: Floats, variance: Floats, total: Floats, n_obs: Floats
) -> tuple[Floats, Floats, Floats]:
    """OLS of y on one factor with a constant: beta, standard error, R2."""
    inverse = 1 / np.where(variance > 0, variance, np.nan)
    beta = moments * inverse
    # y'y - b x'y, kept above rounding so that an exact fit has a standard error
    residual = np.maximum(total - beta * moments, EPSILON * total)
    std_error = np.sqrt(residual * inverse / (n_obs - 2))
    return beta, std_error, 1 - residual / total
