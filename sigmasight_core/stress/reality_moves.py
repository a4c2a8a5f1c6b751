"""Arrays of `reality`: moves and betas of symbols by window, and their sums over baskets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.estimates import EstimateArrays, estimate_arrays
from sigmasight_core.factors.model import factor_log_returns, factor_values
from sigmasight_core.market.returns import log_returns
from sigmasight_core.stress.states import direct_states, loading_matrix


@dataclass(frozen=True)
class Moves:
    """Per window (W), symbol (S) and factor (K)."""

    prices: Floats
    """(2, W, S): adjusted closes on the first and last date of each window."""
    n_sessions: Ints
    """(W): returns in the window."""
    estimates: EstimateArrays
    """Fits over the returns up to the first date, inclusive."""
    live: Bools
    """(W, K): the factor and the market have loadings on the first date and moves over the window."""
    moves: Floats
    """(W, K): whole log moves, rates in percentage points; 0 where not live."""
    state: Floats
    """(W, K): the orthogonal state that makes up these moves."""
    betas: Floats
    """(W, S, K): 0 for factors that are not live, NaN where the symbol has none or the market is not live."""
    original: Floats
    """(W, S): univariate betas times simple returns, summed over the equity factors."""

    @property
    def log_move(self) -> Floats:
        """(W, S): beta'x."""
        return np.einsum("wsk,wk->ws", self.betas, self.state)

    @property
    def realised(self) -> Floats:
        """(W, S): simple return over the window."""
        return self.prices[1] / self.prices[0] - 1


def window_moves(
    config: FactorModelConfig,
    ends: Sequence[pd.DatetimeIndex],
    closes: pd.DataFrame,
    yields: pd.Series | None,
    symbols: list[str],
) -> Moves:
    """Moves of windows from `ends[0]` to `ends[1]` (W each); see `reality.stress_against_reality`."""
    first, last = (session_positions(closes.index, dates) for dates in ends)
    wanted = closes.reindex(columns=symbols).astype(float)
    daily = factor_values(config, factor_log_returns(config, closes, yields))
    estimates = estimate_arrays(
        config, symbol_returns=log_returns(wanted).to_numpy(), factor_returns=daily, ends=first
    )
    pairs = [closes.iloc[[a, b]] for a, b in zip(first, last, strict=True)]
    whole = np.stack([factor_values(config, factor_log_returns(config, pair, yields))[1] for pair in pairs])

    fitted = estimates.state
    live = np.asarray((fitted.status == OK) & np.isfinite(whole))
    market = live[:, [config.market]]
    live &= market
    moves = np.where(live, whole, 0.0)
    h = loading_matrix(
        config.factor_ids,
        market_loading=fitted.market_loading,
        rates_loading=fitted.rates_loading,
        available=live,
    )
    equity = live & np.array([factor.kind != "rates" for factor in config.factors])
    univariate = np.where(equity[:, None], estimates.univariate_beta, 0.0)
    prices = wanted.to_numpy()
    return Moves(
        prices=np.stack([prices[first], prices[last]]),
        n_sessions=last - first,
        estimates=estimates,
        live=live,
        moves=moves,
        state=direct_states(h, moves[:, None], live[:, None])[:, 0],
        betas=np.where(live[:, None], estimates.beta, np.where(market, 0.0, np.nan)[:, None]),
        original=np.einsum("wsk,wk->ws", univariate, np.where(equity, np.expm1(moves), 0.0)),
    )


@dataclass(frozen=True)
class Totals:
    """Per window and basket (W, B), and factor (K); NaN where a symbol of the basket lacks anything."""

    realised: Floats
    predicted: Floats
    first_order: Floats
    specific_sigma: Floats
    original: Floats
    betas: Floats
    """(W, B, K): sums of weight x beta; NaN for factors that are not live."""
    contributions: Floats
    """(W, B, K): parts of `predicted`; NaN for factors that are not live."""


def basket_totals(found: Moves, held: Floats) -> Totals:
    """Sums of symbols over baskets.

    :param held: weights (B, S), 0 = not held, NaN = unknown.
    """
    log_move = found.log_move
    move = np.expm1(log_move)
    unknown = np.isnan(log_move) | np.isnan(found.realised)
    lost = (unknown[:, None] & (held != 0)).any(axis=2) | np.isnan(held).any(axis=1)
    weight = np.nan_to_num(held)

    def total(values: Floats) -> Floats:
        clean = np.where(unknown.reshape(unknown.shape + (1,) * (values.ndim - 2)), 0.0, values)
        sums = np.einsum("bs,ws...->wb...", weight, clean)
        sums[lost] = np.nan
        return sums

    def by_factor(values: Floats) -> Floats:
        return np.where(found.live[:, None], total(values), np.nan)

    compounding = np.divide(move, log_move, out=np.ones_like(move), where=np.nan_to_num(log_move) != 0)
    specific = (1 + move) * found.estimates.annualized_specific_volatility
    variance = np.einsum("bs,ws->wb", weight**2, np.where(unknown, 0.0, specific) ** 2)
    variance *= found.n_sessions[:, None] / SESSIONS_PER_YEAR
    return Totals(
        realised=total(found.realised),
        predicted=total(move),
        first_order=total(log_move),
        specific_sigma=np.where(lost, np.nan, np.sqrt(variance)),
        original=total(found.original),
        betas=by_factor(found.betas),
        contributions=by_factor(compounding[:, :, None] * found.betas * found.state[:, None]),
    )
