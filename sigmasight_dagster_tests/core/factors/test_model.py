"""Factor returns and betas against statsmodels, least squares and published reference betas."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

import sigmasight_dagster.providers
from sigmasight_core.errors import InputError
from sigmasight_core.factors import estimates
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.factors.model import estimate, factor_log_returns, factor_returns
from sigmasight_core.tables import FactorBetas, FactorReturns, FactorState, validate
from sigmasight_dagster_tests.core.factors.factor_inputs import (
    CONFIG,
    IDS,
    SMALL,
    VALUES,
    betas,
    factor_moves,
    of,
    reference,
    symbol_moves,
)


class TestFactorReturns:
    dates = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05"], name="date")
    config = FactorModelConfig.default({"market": "SPY", "value": "VTV", "size": "SIZE", "rates": "10Y"})
    closes = pd.DataFrame({"SPY": [100.0, 110, 99, 99], "VTV": [50.0, np.nan, 55, 60]}, index=dates)
    yields = pd.Series([4.0, 4.1, 3.85], index=dates[[0, 1, 3]])

    def moves(self) -> pd.DataFrame:
        return factor_log_returns(self.config, self.closes, self.yields)

    def test_log_returns_and_yield_changes_without_filling(self):
        moves = self.moves()
        assert tuple(moves.columns) == IDS
        np.testing.assert_allclose(moves["market"], [np.nan, np.log(1.1), np.log(0.9), 0])
        np.testing.assert_allclose(moves["value"], [np.nan, np.nan, np.nan, np.log(60 / 55)])
        np.testing.assert_allclose(moves["rates"], [np.nan, 0.1, np.nan, np.nan], atol=1e-12)
        assert moves[["growth", "size"]].isna().all(axis=None)

    def test_rows_hold_simple_returns_or_the_reason(self):
        rows = factor_returns(self.config, self.moves(), self.dates[1:])
        validate(FactorReturns, rows)
        assert len(rows) == 3 * 8
        first = rows[rows["date"] == "2024-01-03"].set_index("factor")
        assert first.loc["market", "return"] == pytest.approx(0.1)
        assert first.loc["rates", "return"] == pytest.approx(0.1)
        assert first.loc["value", "status"] == "unavailable: no return of VTV on this session"
        assert first.loc["growth", ["proxy", "status"]].tolist() == ["", "unavailable: no proxy configured"]

    @pytest.mark.parametrize("yields", [None, pd.Series(dtype=float)])
    def test_no_yields(self, yields):
        assert factor_log_returns(self.config, self.closes, yields)["rates"].isna().all()

    def test_columns_that_are_not_the_factors_are_refused(self):
        with pytest.raises(InputError, match="configuration has market"):
            factor_returns(self.config, self.moves()[["value", "market"]], self.dates)


class TestAgainstStatsmodels:
    factors = factor_moves(252)
    symbols = symbol_moves(factors, 4)
    rows = betas(CONFIG, symbols, factors)

    @pytest.mark.parametrize("factor", IDS)
    def test_univariate(self, factor):
        rows = self.rows[self.rows["factor"] == factor].set_index("symbol")
        for symbol in self.symbols:
            fit = sm.OLS(
                self.symbols[symbol].to_numpy(), sm.add_constant(self.factors[factor].to_numpy())
            ).fit()
            expected = [fit.params[1], fit.bse[1], fit.pvalues[1], fit.rsquared]
            columns = [
                "univariate_beta",
                "univariate_std_error",
                "univariate_p_value",
                "univariate_r_squared",
            ]
            np.testing.assert_allclose(
                rows.loc[symbol, columns].astype(float), expected, rtol=1e-8, atol=1e-300
            )

    def test_unshrunk_joint_fit_is_ols_on_the_raw_factors(self):
        loose = tuple(dataclasses.replace(f, prior_std=1e5) for f in CONFIG.factors)
        rows = betas(FactorModelConfig(loose), self.symbols, self.factors)
        for symbol in self.symbols:
            y = self.symbols[symbol].to_numpy()
            fit = sm.OLS(y, sm.add_constant(self.factors.to_numpy())).fit()
            np.testing.assert_allclose(of(rows, symbol)[1:7], fit.params[2:8], rtol=1e-6)
            np.testing.assert_allclose(of(rows, symbol, "std_error")[1:7], fit.bse[2:8], rtol=1e-6)
            np.testing.assert_allclose(of(rows, symbol, "r_squared"), fit.rsquared, rtol=1e-8)
            specific = np.sqrt(fit.mse_resid * 252)
            np.testing.assert_allclose(
                of(rows, symbol, "annualized_specific_volatility"), specific, rtol=1e-8
            )
            alone = sm.OLS(y, sm.add_constant(self.factors["market"].to_numpy())).fit()
            # What the market regression leaves beyond the joint one is what the other components explain
            squares = self.factors["market"].var(ddof=0) * fit.nobs
            error = np.sqrt((fit.mse_resid + (alone.ssr - fit.ssr) / fit.nobs) / squares)
            np.testing.assert_allclose(of(rows, symbol, "std_error")[0], error, rtol=1e-6)
            np.testing.assert_allclose(error, alone.bse[1], rtol=0.03)
            market = alone.params[1]
            both = sm.OLS(y, sm.add_constant(self.factors[["market", "rates"]].to_numpy())).fit().params
            np.testing.assert_allclose(of(rows, symbol)[[0, 7]], [market, both[2]], rtol=1e-6)

    def test_ridge_is_the_closed_form(self):
        for symbol in self.symbols:
            expected = reference(self.symbols[symbol].to_numpy(), self.factors.to_numpy(), CONFIG)
            np.testing.assert_allclose(of(self.rows, symbol), expected.beta, rtol=1e-9)
            np.testing.assert_allclose(of(self.rows, symbol, "std_error"), expected.std_error, rtol=1e-9)
            np.testing.assert_allclose(
                of(self.rows, symbol, "t_stat"), expected.beta / expected.std_error, rtol=1e-8
            )
            np.testing.assert_allclose(of(self.rows, symbol, "r_squared"), expected.r_squared, rtol=1e-9)
            volatility = of(self.rows, symbol, "annualized_specific_volatility")
            np.testing.assert_allclose(volatility, expected.specific_volatility, rtol=1e-9)


@pytest.fixture(scope="module")
def sample():
    path = Path(sigmasight_dagster.providers.__file__).parent / "sample_data" / "prices.parquet"
    closes = pd.read_parquet(path).set_index("date")
    closes.index = pd.DatetimeIndex(closes.index)
    returns = closes.pct_change(fill_method=None).loc["2021-12-29":]
    proxies = {
        "market": "SP500", "value": "VLUE", "momentum": "MTUM", "quality": "QUAL", "size": "SIZE",
        "low_volatility": "USMV",
    }  # fmt: skip
    config = FactorModelConfig.default(proxies)
    factors = pd.DataFrame({f.id: returns.get(f.proxy, np.nan) for f in config.factors}, index=returns.index)
    assert len(returns) == 252
    return config, returns[["AAPL", "JPM", "XOM"]], factors


class TestReferenceBetas:
    """From statsmodels on 252 simple returns, 2021-12-29 to 2022-12-28, of the skfolio sample."""

    univariate = {"AAPL": 1.306362123457, "JPM": 0.885882655581, "XOM": 0.539383528959}
    joint = {
        "AAPL": [3.3913467797, -0.1300393934, -0.3373597257, 0.0270018241, -1.4881128735, -0.2979334036],
        "JPM": [1.4829557997, 0.9704716058, 0.0532669929, -1.5441983094, 0.2979276654, -0.2533534328],
        "XOM": [0.7845710236, 1.0242640100, 0.3735086155, -1.5852437922, 0.5163046843, -0.4884559650],
    }
    ridge = {
        "AAPL": [1.3042853930, -0.1549687598, -0.3248906635, -0.0110286082, -1.3810748389, -0.2899743250],
        "XOM": [0.5535618101, 0.9585680768, 0.3538856472, -1.0260620522, 0.3364257378, -0.4321186664],
    }

    def test_ridge_and_univariate(self, sample):
        rows = betas(*sample)
        validate(FactorBetas, rows)
        for symbol, expected in self.ridge.items():
            known = rows[(rows["symbol"] == symbol) & (rows["status"] == "ok")]
            assert known["factor"].tolist() == [f for f in IDS if f not in ("growth", "rates")]
            np.testing.assert_allclose(known["beta"], expected, atol=1e-8)
        for symbol, expected in self.univariate.items():
            assert of(rows, symbol, "univariate_beta")[0] == pytest.approx(expected, abs=1e-11)

    def test_joint_on_raw_factors_follows_from_the_unshrunk_betas_and_the_loadings(self, sample):
        config, symbols, factors = sample
        loose = FactorModelConfig(tuple(dataclasses.replace(f, prior_std=1e6) for f in config.factors))
        found = estimate(
            loose, symbol_log_returns=symbols, factor_log_returns=factors, dates=symbols.index[-1:]
        )
        loading = found.state["market_loading"].to_numpy()
        for symbol, expected in self.joint.items():
            beta = of(found.betas, symbol).copy()
            beta[0] -= np.nansum(beta[1:] * loading[1:])
            np.testing.assert_allclose(beta[~np.isnan(beta)], expected, atol=1e-8)


class TestRecovery:
    def test_known_betas_are_recovered(self):
        factors = factor_moves(252, seed=5)
        design = reference(factors["market"].to_numpy(), factors.to_numpy(), CONFIG).design
        truth = np.array([1.2, 0.5, -0.3, 0.2, 0.1, -0.4, 0.3, -0.06])
        noise = np.random.default_rng(0).normal(0, 2e-5, 252)
        symbols = pd.DataFrame({"X": design @ truth + noise, "Y": factors["market"]}, index=factors.index)
        rows = betas(CONFIG, symbols, factors)
        np.testing.assert_allclose(of(rows, "X"), truth, atol=0.005)
        np.testing.assert_allclose(of(rows, "Y"), [1, 0, 0, 0, 0, 0, 0, 0], atol=1e-9)
        assert np.isfinite(rows[VALUES].to_numpy()).all()
        validate(FactorBetas, rows)


class TestBatches:
    def test_any_set_of_dates_equals_one_at_a_time(self):
        factors = factor_moves(160)
        factors.iloc[:70, 2] = np.nan
        factors.iloc[120, 7] = np.nan
        symbols = symbol_moves(factors, 5)
        symbols.iloc[100, 1] = np.nan
        symbols.iloc[:90, 2] = np.nan
        symbols.iloc[:, 3] = np.nan
        for rows in (np.arange(20, 160), np.array([159, 40, 99, 100, 101, 30])):
            dates = symbols.index[rows]
            batch = estimate(SMALL, symbol_log_returns=symbols, factor_log_returns=factors, dates=dates)
            alone = [
                estimate(
                    SMALL, symbol_log_returns=symbols, factor_log_returns=factors, dates=dates[i : i + 1]
                )
                for i in range(len(dates))
            ]
            for name in ("betas", "state"):
                expected = pd.concat([getattr(a, name) for a in alone], ignore_index=True)
                pd.testing.assert_frame_equal(getattr(batch, name), expected, rtol=1e-10, atol=1e-13)
            validate(FactorBetas, batch.betas)
            validate(FactorState, batch.state)

    def test_small_blocks_change_nothing(self, monkeypatch):
        factors = factor_moves(120)
        symbols = symbol_moves(factors, 3)
        symbols.iloc[100, 1] = np.nan
        whole = betas(SMALL, symbols, factors, symbols.index[79:])
        monkeypatch.setattr(estimates, "state_blocks", partial(estimates.state_blocks, budget=1))
        pd.testing.assert_frame_equal(betas(SMALL, symbols, factors, symbols.index[79:]), whole, rtol=1e-10)

    def test_order_of_symbols_does_not_matter(self):
        factors = factor_moves(100)
        symbols = symbol_moves(factors, 6)
        symbols.iloc[90, 4] = np.nan
        order = ["S4", "S1", "S5", "S0", "S3", "S2"]
        one, other = (betas(SMALL, symbols[names], factors) for names in (list(symbols), order))
        for symbol in symbols:
            np.testing.assert_allclose(
                other.loc[other["symbol"] == symbol, VALUES],
                one.loc[one["symbol"] == symbol, VALUES],
                rtol=1e-10,
            )

    def test_dates_and_sessions_must_fit(self):
        factors = factor_moves(100)
        symbols = symbol_moves(factors, 1)
        with pytest.raises(InputError, match="2019-01-01"):
            betas(SMALL, symbols, factors, pd.DatetimeIndex(["2019-01-01"]))
        with pytest.raises(InputError, match="different sessions"):
            betas(SMALL, symbols, factors.iloc[1:])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10), shift=st.floats(-0.01, 0.01), gap=st.booleans())
def test_univariate_betas_scale_with_the_symbol_and_ignore_its_drift(seed, scale, shift, gap):
    factors = factor_moves(80, seed)
    symbols = symbol_moves(factors, 1, seed)
    if gap:
        symbols.iloc[[3, 50]] = np.nan
    one, other = betas(SMALL, symbols, factors), betas(SMALL, symbols * scale + shift, factors)
    np.testing.assert_allclose(
        other["univariate_beta"], scale * one["univariate_beta"], rtol=1e-8, atol=1e-10
    )
    np.testing.assert_allclose(
        other["univariate_r_squared"], one["univariate_r_squared"], rtol=1e-7, atol=1e-10
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), shift=st.floats(-0.01, 0.01), gap=st.booleans())
def test_joint_betas_ignore_drift(seed, shift, gap):
    factors = factor_moves(80, seed)
    symbols = symbol_moves(factors, 1, seed)
    if gap:
        symbols.iloc[[3, 50]] = np.nan
    one, other = betas(SMALL, symbols, factors), betas(SMALL, symbols + shift, factors)
    np.testing.assert_allclose(other["beta"], one["beta"], rtol=1e-8, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), gap=st.booleans())
def test_market_beta_lies_between_the_prior_and_least_squares(seed, gap):
    """The market is orthogonal to the rest of the state, so that its shrinkage is one-dimensional."""
    factors = factor_moves(80, seed)
    symbols = symbol_moves(factors, 1, seed)
    if gap:
        factors.iloc[[3, 50]] = np.nan
    row = betas(SMALL, symbols, factors).iloc[0]
    low, high = sorted([1.0, row["univariate_beta"]])
    assert low - 1e-9 <= row["beta"] <= high + 1e-9
