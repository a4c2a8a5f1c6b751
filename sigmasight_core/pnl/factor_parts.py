"""What the factors explain of underlyings' log returns between two closes, with betas known before.

The moves of the sessions after the first close up to the last one are added up as log moves (rates in
percentage points) and turned into the orthogonal state (`factors.state`) with the loadings of the first
close.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of, day_numbers
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.factors.config import FactorModelConfig

_SPAN = 1 << 22


class ExplainedReturns(NamedTuple):
    """By row (N) and factor (K)."""

    contribution: Floats
    """(N, K) beta x orthogonal move, log return; NaN where either is not known."""
    unmeasured: Ints
    """(N) row of `lost`."""
    lost: Bools
    """(U, K) factors without a state at the first close or without a move."""
    no_beta: Bools
    """(N) a factor that has moved has no beta for the underlying."""


class FactorTables(NamedTuple):
    """Rows of `tables.FactorBetas`, `tables.FactorState` and `tables.FactorReturns`."""

    betas: pd.DataFrame
    state: pd.DataFrame
    returns: pd.DataFrame


def explained_returns(
    config: FactorModelConfig,
    tables: FactorTables,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    *,
    codes: Ints,
    base_day: Ints,
    last_day: Ints,
) -> ExplainedReturns:
    """Contributions of the factors to the log return of the underlyings `codes` (in `names`), elementwise.

    A factor without a move or state counts as not moving for the factors that are orthogonal to it; without
    the market nothing is explained.

    :param sessions: every session from the first base day to the last one.
    """
    pairs, which = np.unique(base_day * _SPAN + last_day, return_inverse=True)
    base, last = np.divmod(pairs, _SPAN)
    state = _state(config, tables.state, base, _log_moves(config, tables.returns, sessions, base, last))
    beta = _betas(config, tables.betas, names, codes, base_day)
    known = np.isfinite(state)
    return ExplainedReturns(
        contribution=beta * state[which],
        unmeasured=which,
        lost=~known,
        no_beta=np.asarray((np.isnan(beta) & known[which]).any(axis=1)),
    )


def _log_moves(
    config: FactorModelConfig,
    returns: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    base: Ints,
    last: Ints,
) -> Floats:
    """Sums (U, K) of the log moves of the sessions in (base, last]; NaN where one is missing."""
    days = np.unique(day_numbers(sessions))
    day, factor = day_numbers(returns["date"]), codes_of(pd.Index(config.factor_ids), returns["factor"])
    place = np.minimum(np.searchsorted(days, day), max(len(days) - 1, 0))
    used = np.isin(day, days) & (factor >= 0)
    simple = np.full((len(days), len(config.factors)), np.nan)
    simple[place[used], factor[used]] = returns["return"].to_numpy(dtype=float)[used]
    rates = np.array([item.kind == "rates" for item in config.factors])
    daily = np.where(rates, simple, np.log1p(np.where(rates, 0.0, simple)))
    first, final = np.searchsorted(days, base), np.searchsorted(days, last)
    total = np.zeros((len(base), len(config.factors)))
    for lag in range(int((final - first).max(initial=0))):
        inside = final - lag > first
        total[inside] += daily[final[inside] - lag]
    return total


def _state(config: FactorModelConfig, state: pd.DataFrame, base: Ints, moves: Floats) -> Floats:
    """Orthogonal moves (U, K) with the loadings of the day `base`; NaN where not known."""
    market_loading, rates_loading = (
        _table(config, state, column, base) for column in ("market_loading", "rates_loading")
    )
    known = np.isfinite(moves) & np.isfinite(market_loading) & np.isfinite(rates_loading)
    known &= known[:, [config.market]]
    whole, b, c = (np.where(known, values, 0.0) for values in (moves, market_loading, rates_loading))
    found = np.where(known, whole - b * whole[:, [config.market]], 0.0)
    if config.rates is not None:
        found = found - c * found[:, [config.rates]]
    return np.where(known, found, np.nan)


def _table(config: FactorModelConfig, state: pd.DataFrame, column: str, days: Ints) -> Floats:
    """One column of factor_state (U, K) on the given days, NaN where there is no row."""
    known = np.unique(day_numbers(state["date"]))
    values = np.full((len(known) + 1, len(config.factors)), np.nan)
    factor = codes_of(pd.Index(config.factor_ids), state["factor"])
    used = factor >= 0
    place = np.searchsorted(known, day_numbers(state["date"]))
    values[place[used], factor[used]] = state[column].to_numpy(dtype=float)[used]
    return values[_places(known, days)]


def _betas(
    config: FactorModelConfig, betas: pd.DataFrame, names: pd.Index, codes: Ints, days: Ints
) -> Floats:
    """Betas (N, K) of the underlyings on the given days, NaN where there is no row."""
    symbol, factor = (
        codes_of(index, betas[column])
        for index, column in ((names, "symbol"), (pd.Index(config.factor_ids), "factor"))
    )
    day = day_numbers(betas["date"])
    used = (symbol >= 0) & (factor >= 0)
    known = np.unique(day[used])
    values = np.full((len(known) + 1, len(names), len(config.factors)), np.nan)
    place = np.searchsorted(known, day[used])
    values[place, symbol[used], factor[used]] = betas["beta"].to_numpy(dtype=float)[used]
    return values[_places(known, days), codes]


def _places(known: Ints, days: Ints) -> Floats | Ints:
    """Position of each day in `known` (sorted), one past the end where it is not in it."""
    place = np.searchsorted(known, days)
    inside = np.isin(days, known)
    return np.where(inside, place, len(known))
