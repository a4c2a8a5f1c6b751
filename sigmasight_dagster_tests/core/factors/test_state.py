"""The state: Frisch-Waugh identities, gaps, and factors that come, go or are missing."""

import numpy as np
import pytest
from statsmodels.stats.outliers_influence import variance_inflation_factor as reference_vif

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.state import StateArrays, StateCollector, state_blocks, variance_inflation
from sigmasight_dagster_tests.core.factors.factor_inputs import (
    CONFIG,
    IDS,
    SMALL,
    factor_moves,
    residual,
    restrict,
    state,
)

RATES = IDS.index("rates")


def state_arrays(config: FactorModelConfig, factors: Floats, ends: Ints) -> StateArrays:
    """The state alone, for windows of `factors` [T, K] that end at rows `ends` [D]."""
    collector = StateCollector(config, factors, ends)
    for block in state_blocks(config, factors, ends):
        collector.add(block)
    return collector.arrays()


def one(factors: np.ndarray, config=CONFIG):
    """State of the last row's window."""
    return state_arrays(config, factors, np.array([len(factors) - 1]))


class TestStateOfOneWindow:
    factors = factor_moves(252).to_numpy(copy=True)

    def test_loadings_are_least_squares_on_market_and_yield(self):
        found = one(self.factors)
        market, change = self.factors[:, 0], residual(self.factors[:, RATES], self.factors[:, 0])
        for k in range(1, RATES):
            x = np.column_stack([np.ones(252), market, change])
            expected = np.linalg.lstsq(x, self.factors[:, k], rcond=None)[0]
            loadings = [found.market_loading[0, k], found.rates_loading[0, k]]
            np.testing.assert_allclose(loadings, expected[1:], rtol=1e-10)

    def test_market_and_rates_have_the_loadings_that_their_place_gives(self):
        found = one(self.factors)
        slope = np.polyfit(self.factors[:, 0], self.factors[:, RATES], 1)[0]
        assert found.market_loading[0, [0, RATES]] == pytest.approx([0, slope], rel=1e-10)
        assert found.rates_loading[0, [0, RATES]].tolist() == [0, 0]

    def test_residual_volatility_is_that_of_the_state(self):
        expected = state(self.factors, CONFIG).std(axis=0, ddof=1)
        np.testing.assert_allclose(one(self.factors).residual_volatility[0], expected, rtol=1e-10)

    def test_design_is_orthogonal_to_market_and_yield(self):
        (block,) = state_blocks(CONFIG, self.factors, np.array([251]))
        np.testing.assert_allclose(block.design[0], state(self.factors, CONFIG).T, atol=1e-15)
        gram = np.corrcoef(block.design[0])
        assert np.abs(gram[0, 1:]).max() < 1e-12
        assert np.abs(gram[RATES, :RATES]).max() < 1e-12

    def test_total_undoes_orthogonal(self):
        (block,) = state_blocks(CONFIG, self.factors, np.array([251]))
        np.testing.assert_allclose(block.total(block.orthogonal(block.values)), block.values, atol=1e-16)

    def test_vif_equals_statsmodels(self):
        x = np.column_stack([np.ones(252), self.factors])
        expected = [reference_vif(x, k + 1) for k in range(8)]
        np.testing.assert_allclose(one(self.factors).variance_inflation_factor[0], expected, rtol=1e-8)


class TestSessionsAndAvailability:
    def test_sessions_without_a_factor_are_left_out(self):
        factors = factor_moves(80).to_numpy(copy=True)
        factors[[10, 40], RATES] = np.nan
        factors[41, 3] = np.nan
        found = one(factors, SMALL)
        kept = np.isfinite(factors).all(axis=1)
        expected = state(factors[kept], SMALL).std(axis=0, ddof=1)
        assert set(found.n_obs[0]) == {77}
        np.testing.assert_allclose(found.residual_volatility[0], expected, rtol=1e-10)

    def test_young_factor_is_insufficient_then_enters_with_the_common_sessions(self):
        factors = factor_moves(120).to_numpy(copy=True)
        factors[:70, 2] = np.nan
        found = state_arrays(SMALL, factors, np.array([98, 99]))
        assert found.status[0, 2] == "unavailable: insufficient history of P_growth, 29 of 30 observations"
        assert found.n_obs[0].tolist() == [80, 80, 29, 80, 80, 80, 80, 80]
        assert (found.status[1] == "ok").all()
        assert set(found.n_obs[1]) == {30}

    def test_the_rest_goes_on_without_yields(self):
        factors = factor_moves(80).to_numpy(copy=True)
        factors[:, RATES] = np.nan
        found = one(factors, SMALL)
        assert found.status[0, RATES] == "unavailable: no data of P_rates in the window"
        assert (found.status[0, :RATES] == "ok").all()
        assert (found.rates_loading[0, :RATES] == 0).all()
        without = restrict(SMALL, *IDS[:RATES])
        np.testing.assert_allclose(
            found.residual_volatility[0, :RATES],
            one(factors[:, :RATES], without).residual_volatility[0],
            rtol=1e-12,
        )

    @pytest.mark.parametrize("market", [np.nan, 0.0, 0.001])
    def test_without_a_market_that_moves_nothing_is_available(self, market):
        factors = factor_moves(80).to_numpy(copy=True)
        factors[:, 0] = market
        found = one(factors, SMALL)
        assert found.status[0, 0].startswith("unavailable: ")
        assert set(found.status[0, 1:]) == {"unavailable: needs the market factor"}
        assert np.isnan(found.market_loading).all()

    def test_too_few_common_sessions(self):
        factors = factor_moves(80).to_numpy(copy=True)
        factors[:40, 1] = np.nan
        factors[50:, 2] = np.nan
        reason = "unavailable: insufficient common history of the factors, 10 of 30 observations"
        assert set(one(factors, SMALL).status[0]) == {reason}

    @pytest.mark.parametrize("make", ["market", "constant", "mixture"])
    def test_factor_that_says_nothing_new_is_unavailable(self, make):
        factors = factor_moves(80).to_numpy(copy=True)
        says = {
            "market": factors[:, 0],
            "constant": 0.001,
            "mixture": 0.4 * factors[:, 0] - 2 * factors[:, RATES],
        }
        factors[:, 1] = says[make]
        found = one(factors, SMALL)
        assert found.status[0, 1] == "unavailable: P_value is constant or follows from other factors"
        assert (np.delete(found.status[0], 1) == "ok").all()

    def test_yields_that_never_move_are_unavailable_and_change_nothing_else(self):
        factors = factor_moves(80).to_numpy(copy=True)
        factors[:, RATES] = 0.0
        found = one(factors, SMALL)
        assert found.status[0, RATES] == "unavailable: P_rates is constant or follows from other factors"
        expected = state(factors[:, :RATES], restrict(SMALL, *IDS[:RATES])).std(axis=0, ddof=1)
        np.testing.assert_allclose(found.residual_volatility[0, :RATES], expected, rtol=1e-10)

    def test_batch_equals_one_date_at_a_time(self):
        factors = factor_moves(150).to_numpy(copy=True)
        factors[:60, 4] = np.nan
        factors[100, RATES] = np.nan
        ends = np.arange(20, 150)
        batch = state_arrays(SMALL, factors, ends)
        alone = [state_arrays(SMALL, factors, ends[i : i + 1]) for i in range(len(ends))]
        for name in ("market_loading", "residual_volatility", "variance_inflation_factor", "n_obs"):
            expected = np.concatenate([getattr(a, name) for a in alone])
            np.testing.assert_allclose(getattr(batch, name), expected, rtol=1e-12)
        assert (batch.status == np.concatenate([a.status for a in alone])).all()


class TestVarianceInflation:
    def test_alone_is_one(self):
        assert variance_inflation(np.random.default_rng(0).normal(size=(1, 1, 50)))[0, 0] == pytest.approx(1)

    def test_twins_are_huge_but_finite(self):
        x = np.random.default_rng(0).normal(size=50)
        assert (variance_inflation(np.stack([x, x])[None]) > 1e12).all()
        assert np.isfinite(variance_inflation(np.stack([x, x])[None])).all()
