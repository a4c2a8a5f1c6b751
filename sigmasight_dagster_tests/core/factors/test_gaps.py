"""Betas of symbols with gaps or little history, and of factors that are not there."""

import numpy as np
import pytest
import statsmodels.api as sm

from sigmasight_core.factors.model import estimate
from sigmasight_core.tables import FactorBetas, FactorState, validate
from sigmasight_dagster_tests.core.factors.factor_inputs import (
    CONFIG,
    IDS,
    SMALL,
    VALUES,
    betas,
    factor_moves,
    of,
    reference,
    restrict,
    symbol_moves,
)


class TestGapsAndShortHistories:
    factors = factor_moves(150)

    def test_symbol_with_gaps_is_fitted_on_its_own_sessions(self):
        symbols = symbol_moves(self.factors, 3)
        symbols.iloc[[80, 81, 99, 140], 1] = np.nan
        symbols.iloc[:110, 2] = np.nan
        rows = betas(SMALL, symbols, self.factors)
        window = self.factors.to_numpy()[-80:]
        for symbol, n in {"S0": 80, "S1": 76, "S2": 40}.items():
            y = symbols[symbol].to_numpy()[-80:]
            expected = reference(y, window, SMALL)
            np.testing.assert_allclose(of(rows, symbol), expected.beta, rtol=1e-8)
            np.testing.assert_allclose(of(rows, symbol, "std_error"), expected.std_error, rtol=1e-8)
            np.testing.assert_allclose(of(rows, symbol, "r_squared"), expected.r_squared, rtol=1e-8)
            known = np.isfinite(y)
            for k in range(8):
                fit = sm.OLS(y[known], sm.add_constant(window[known, k])).fit()
                columns = [
                    "univariate_beta",
                    "univariate_std_error",
                    "univariate_p_value",
                    "univariate_r_squared",
                ]
                row = rows[rows["symbol"] == symbol].iloc[k]
                expected_row = [fit.params[1], fit.bse[1], fit.pvalues[1], fit.rsquared]
                np.testing.assert_allclose(row[columns].astype(float), expected_row, rtol=1e-8)
            assert set(of(rows, symbol, "n_obs")) == {n}
            assert set(of(rows, symbol, "quality")) == {"full" if n == 80 else "limited"}

    def test_too_few_none_and_constant(self):
        symbols = symbol_moves(self.factors, 4)
        symbols.iloc[:121, 0] = np.nan
        symbols.iloc[:, 1] = np.nan
        symbols.iloc[:, 2] = 0.0
        symbols.iloc[:, 3] = np.where(np.arange(150) % 9 == 0, np.nan, 0.0001)
        rows = betas(SMALL, symbols, self.factors)
        validate(FactorBetas, rows)
        assert rows[VALUES].isna().all(axis=None)
        assert set(rows["quality"]) == {"insufficient"}
        constant = "insufficient: constant returns in the window"
        expected = [
            "insufficient: 29 of 30 observations",
            "insufficient: 0 of 30 observations",
            constant,
            constant,
        ]
        for symbol, status in zip(symbols, expected, strict=True):
            assert set(of(rows, symbol, "status")) == {status}

    def test_unavailable_factors_have_rows_and_the_rest_goes_on(self):
        symbols = symbol_moves(self.factors, 2)
        factors = self.factors.assign(growth=np.nan, rates=np.nan)
        found = estimate(
            SMALL, symbol_log_returns=symbols, factor_log_returns=factors, dates=symbols.index[-1:]
        )
        validate(FactorBetas, found.betas)
        validate(FactorState, found.state)
        gone = found.betas["factor"].isin(["growth", "rates"])
        assert len(found.betas) == 2 * 8
        assert found.betas.loc[gone, VALUES].isna().all(axis=None)
        assert set(found.betas.loc[gone, "quality"]) == {"unavailable"}
        assert (found.betas.loc[gone, "n_obs"] == 0).all()
        kept = [f for f in IDS if f not in ("growth", "rates")]
        alone = betas(restrict(SMALL, *kept), symbols, factors[kept])
        np.testing.assert_allclose(found.betas.loc[~gone, VALUES], alone[VALUES], rtol=1e-12)

    @pytest.mark.parametrize("lost", [[*IDS], ["market"]])
    def test_nothing_available(self, lost):
        symbols = symbol_moves(self.factors, 2)
        found = estimate(
            SMALL,
            symbol_log_returns=symbols,
            factor_log_returns=self.factors.assign(**dict.fromkeys(lost, np.nan)),
            dates=symbols.index[-3:],
        )
        validate(FactorBetas, found.betas)
        validate(FactorState, found.state)
        assert found.betas[VALUES].isna().all(axis=None)
        assert found.betas["status"].str.startswith("unavailable: ").all()

    def test_factor_that_stands_still_on_the_symbols_sessions(self):
        factors = self.factors.copy()
        factors.iloc[-40:, 7] = 0.0
        symbols = symbol_moves(self.factors, 2)
        symbols.iloc[:-40, 1] = np.nan
        rows = betas(SMALL, symbols, factors)
        validate(FactorBetas, rows)
        rates = rows[(rows["symbol"] == "S1") & (rows["factor"] == "rates")].iloc[0]
        assert rates["status"].startswith("partial: the factor is constant")
        assert np.isfinite(rates["beta"])

    def test_returns_shorter_than_the_window(self):
        factors = self.factors.iloc[:70]
        symbols = symbol_moves(factors, 2)
        rows = betas(CONFIG, symbols, factors, factors.index[[58, 59]])
        assert rows.groupby("date")["quality"].unique().str[0].tolist() == ["unavailable", "limited"]
        first = reference(symbols["S0"].to_numpy()[:60], factors.to_numpy()[:60], CONFIG)
        np.testing.assert_allclose(of(rows.iloc[16:], "S0"), first.beta, rtol=1e-8)

    def test_no_dates_or_no_symbols(self):
        symbols = symbol_moves(self.factors, 2)
        empty = estimate(
            SMALL, symbol_log_returns=symbols, factor_log_returns=self.factors, dates=symbols.index[:0]
        )
        assert (len(empty.betas), len(empty.state)) == (0, 0)
        found = estimate(
            SMALL, symbol_log_returns=symbols[[]], factor_log_returns=self.factors, dates=symbols.index[-1:]
        )
        assert (len(found.betas), len(found.state)) == (0, 8)
        validate(FactorBetas, found.betas)
