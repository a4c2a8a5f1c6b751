"""From the shocks of scenarios to the state of the factor model, for all dates and scenarios at once.

The state x holds the market log return m, the 10-year yield change that is orthogonal to it, dy_perp
(percentage points), and the orthogonal part of each style. H maps it to what scenarios shock, the whole
moves: m; dy = b_y m + dy_perp; style = b m + c dy_perp + its own part. A scenario fixes H_S x = s for its
shocked factors S.

- direct: what is not shocked has a state of 0, so H_SS x_S = s.
- correlated: the most likely state under x ~ N(0, Sigma), x* = Sigma H_S' (H_S Sigma H_S')^-1 s: the
  conditional mean of the normal (Kupiec, Stress Testing in a Value at Risk Framework, 1998).
- plausibility: sqrt(s' (252 H_S Sigma H_S')^-1 s), the Mahalanobis distance of the shocks under one year's
  covariance (Studer, 1997).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.types import Bools, Floats, Texts
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR
from sigmasight_core.errors import InputError
from sigmasight_core.stress.scenarios import RATES, Scenario

MARKET: Final = "market"
"""Id of the factor that comes first in the state."""


@dataclass(frozen=True)
class StressStates:
    """States by date (D), scenario (N) and factor (K); factors that are not available have a state of 0."""

    dates: pd.DatetimeIndex
    scenarios: tuple[Scenario, ...]
    factors: tuple[str, ...]
    available: Bools
    """(D, K): the factor has loadings and a variance on the date."""
    direct: Floats
    """(D, N, K): state of the shocked factors alone."""
    correlated: Floats
    """(D, N, K): most likely state given the shocks."""
    plausibility_sigma: Floats
    """(D, N): NaN where nothing that the scenario shocks is available."""
    yield_row: Floats
    """(D, K): row of H that maps a state to the whole move of the 10-year yield; 0 without yields."""
    status: Texts
    """(D, N): ok, 'partial: growth unavailable', or 'unavailable: growth' where nothing is left."""

    @property
    def computed(self) -> Bools:
        """(D, N): something that the scenario shocks is available."""
        return ~np.isnan(self.plausibility_sigma)

    def market_log_move(self, state: Floats) -> Floats:
        """(D, N): log move m of the market in `direct` or `correlated`; 0 without the market."""
        if MARKET in self.factors:
            return state[:, :, self.factors.index(MARKET)]
        return np.zeros(state.shape[:2])

    def rate_move(self, state: Floats) -> Floats:
        """(D, N): move b_y m + dy_perp of the 10-year yield in `direct` or `correlated`, percentage points.

        It is the shock where the scenario shocks the yield, else what the state implies; 0 without yields.
        """
        return np.asarray((state @ self.yield_row[:, :, None])[..., 0], dtype=np.float64)


@dataclass(frozen=True)
class StateModel:
    """Distribution of the state by date (D) and factor (K)."""

    dates: pd.DatetimeIndex
    factors: tuple[str, ...]
    available: Bools
    """(D, K): the factor has loadings and a variance on the date."""
    loadings: Floats
    """(D, K, K): H, from the state to the whole moves of the factors; identity where unavailable."""
    covariance: Floats
    """(D, K, K) per session; 0 where unavailable."""


def state_model(
    dates: pd.DatetimeIndex,
    *,
    factor_state: pd.DataFrame,
    factor_covariance: pd.DataFrame,
    more_factors: Sequence[str] = (),
) -> StateModel:
    """Loadings and covariance of the state; the frames as in `stress_states`.

    :param more_factors: ids wanted beside those of `factor_state`, unavailable if they are not among them.
    :raises InputError: on a covariance that is not positive definite.
    """
    factors = tuple(dict.fromkeys([*factor_state["factor"], *more_factors]))
    market_loading, rates_loading = _loadings(factor_state, dates, factors)
    sigma = _covariance(factor_covariance, dates, factors)
    variance = np.diagonal(sigma, axis1=1, axis2=2)
    available = np.isfinite(market_loading) & np.isfinite(rates_loading) & (variance > 0)
    h = loading_matrix(
        factors, market_loading=market_loading, rates_loading=rates_loading, available=available
    )
    sigma = np.where(_pairs(available), sigma, 0.0)
    _require_positive_definite(sigma, available, dates)
    return StateModel(dates, factors, available, h, sigma)


def stress_states(
    scenarios: Sequence[Scenario],
    dates: pd.DatetimeIndex,
    *,
    factor_state: pd.DataFrame,
    factor_covariance: pd.DataFrame,
) -> StressStates:
    """States of every scenario on every date.

    :param factor_state: rows of tables.FactorState. :param factor_covariance: rows of
        tables.FactorCovariance. A factor without loadings or without a positive variance on a date (NULL,
        or no row) is unavailable on it; shocks of unavailable factors are left out and named in `status`.
    :raises InputError: on a covariance that is not positive definite.
    """
    shocked_ids = [shock.factor for scenario in scenarios for shock in scenario.shocks]
    model = state_model(
        dates, factor_state=factor_state, factor_covariance=factor_covariance, more_factors=shocked_ids
    )
    factors, available, h = model.factors, model.available, model.loadings
    shocks, shocked = _shock_arrays(scenarios, factors)
    live = shocked & available[:, None, :]
    moves = np.where(live, shocks, 0.0)
    correlated, sigmas = correlated_states(h, model.covariance, moves, live)
    no_yields = np.zeros((len(dates), len(factors)))
    yield_row = h[:, factors.index(RATES)] if RATES in factors else no_yields
    return StressStates(
        dates=dates,
        scenarios=tuple(scenarios),
        factors=factors,
        available=available,
        direct=direct_states(h, moves, live),
        correlated=correlated,
        plausibility_sigma=np.where(live.any(axis=2), sigmas, np.nan),
        yield_row=yield_row,
        status=_statuses(factors, shocked, live),
    )


def loading_matrix(
    factors: Sequence[str], *, market_loading: Floats, rates_loading: Floats, available: Bools
) -> Floats:
    """H (D, K, K): row f maps the state to the whole move of factor f; identity rows where unavailable.

    :param market_loading: (D, K) coefficients b on m (b_y for rates). :param rates_loading: (D, K)
        coefficients c on dy_perp. The market's own and the rates' own loadings are 1 by definition.
    """
    identity = np.eye(len(factors))
    h = np.tile(identity, (len(available), 1, 1))
    before: list[str] = []
    for name, loading in ((MARKET, market_loading), (RATES, rates_loading)):
        before.append(name)
        rows = [k for k, factor in enumerate(factors) if factor not in before]
        if name in factors:
            h[:, rows, list(factors).index(name)] = loading[:, rows]
    return np.where(_pairs(available), h, identity)


def direct_states(h: Floats, moves: Floats, live: Bools) -> Floats:
    """(D, N, K) states that give the shocked moves with every other component at 0."""
    # (D, N, K, K): rows and columns of shocked factors from H, the others hold their state at 0
    system = _restricted(h[:, None], live)
    return np.asarray(np.linalg.solve(system, moves[..., None])[..., 0], dtype=np.float64)


def correlated_states(h: Floats, sigma: Floats, moves: Floats, live: Bools) -> tuple[Floats, Floats]:
    """Most likely states (D, N, K) given the shocked moves, and how many sigmas away they are (D, N)."""
    # H Sigma H' (D, K, K): covariance of the whole moves. Restricted to the live factors of each scenario
    # by identity rows, so that one batched solve serves scenarios with different shocks
    reach = h @ sigma @ h.swapaxes(1, 2)
    weights = np.linalg.solve(_restricted(reach[:, None], live), moves[..., None])[..., 0]
    distance = np.maximum((weights * moves).sum(axis=2), 0.0)
    # Sigma H' w as rows: (w' H Sigma), as Sigma is symmetric
    states = weights @ (h @ sigma)
    return states, np.sqrt(distance / SESSIONS_PER_YEAR)


def _restricted(matrix: Floats, live: Bools) -> Floats:
    """The rows and columns of the live factors, identity elsewhere."""
    return np.where(_pairs(live), matrix, np.eye(live.shape[-1]))


def _pairs(flags: Bools) -> Bools:
    return flags[..., :, None] & flags[..., None, :]


def _loadings(
    factor_state: pd.DataFrame, dates: pd.DatetimeIndex, factors: tuple[str, ...]
) -> tuple[Floats, Floats]:
    d = codes_of(dates, factor_state["date"])
    f = codes_of(pd.Index(factors), factor_state["factor"])
    known = d >= 0
    loadings = np.full((2, len(dates), len(factors)), np.nan)
    for table, column in zip(loadings, ("market_loading", "rates_loading"), strict=True):
        table[d[known], f[known]] = factor_state[column].to_numpy(dtype=float, na_value=np.nan)[known]
    return loadings[0], loadings[1]


def _covariance(factor_covariance: pd.DataFrame, dates: pd.DatetimeIndex, factors: tuple[str, ...]) -> Floats:
    index = pd.Index(factors)
    d = codes_of(dates, factor_covariance["date"])
    row, column = (codes_of(index, factor_covariance[name]) for name in ("factor_1", "factor_2"))
    known = (d >= 0) & (row >= 0) & (column >= 0)
    sigma = np.full((len(dates), len(factors), len(factors)), np.nan)
    values = factor_covariance["covariance"].to_numpy(dtype=float, na_value=np.nan)
    sigma[d[known], row[known], column[known]] = values[known]
    return sigma


def _require_positive_definite(sigma: Floats, available: Bools, dates: pd.DatetimeIndex) -> None:
    scale = np.sqrt(np.where(available, np.diagonal(sigma, axis1=1, axis2=2), 1.0))
    correlation = _restricted(sigma / (scale[:, :, None] * scale[:, None, :]), available)
    complete = np.asarray(np.isfinite(correlation).all(axis=(1, 2)))
    # On the correlations: the test does not depend on the units of the factors
    smallest = np.linalg.eigvalsh(np.where(complete[:, None, None], correlation, 0.0)).min(
        axis=1, initial=1.0
    )
    bad = np.asarray(~complete | (smallest <= 0))
    if bad.any():
        day = dates[int(bad.argmax())].date()
        raise InputError(
            f"factor_covariance of {day} is not positive definite or lacks a pair of available factors; "
            "compute it again for this date"
        )


def _shock_arrays(scenarios: Sequence[Scenario], factors: tuple[str, ...]) -> tuple[Floats, Bools]:
    position = {factor: index for index, factor in enumerate(factors)}
    entries = [
        (row, position[shock.factor], shock.state_move)
        for row, scenario in enumerate(scenarios)
        for shock in scenario.shocks
    ]
    shocks, shocked = np.zeros((len(scenarios), len(factors))), np.zeros((len(scenarios), len(factors)), bool)
    if entries:
        rows, columns, moves = (list(values) for values in zip(*entries, strict=True))
        shocks[rows, columns], shocked[rows, columns] = moves, True
    return shocks, shocked


def _statuses(factors: tuple[str, ...], shocked: Bools, live: Bools) -> Texts:
    lost = shocked & ~live
    names = np.full(live.shape[:2], "", dtype=object)
    for index, factor in enumerate(factors):
        separator = np.where(names == "", "", ", ").astype(object)
        names = np.where(lost[:, :, index], names + separator + factor, names)
    partial = np.where(names == "", OK, "partial: " + names + " unavailable")
    return np.where(live.any(axis=2), partial, "unavailable: " + names)
