"""Correlations of raw factors and their collinearity, against plain NumPy and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.outliers_influence import variance_inflation_factor as reference_vif

from sigmasight_core.factors.collinearity import factor_collinearity
from sigmasight_core.factors.state import condition_numbers
from sigmasight_core.tables import FactorCorrelations, FactorModelDiagnostics, validate
from sigmasight_dagster_tests.core.factors.factor_inputs import CONFIG, IDS, SMALL, factor_moves, restrict


def run(factors: pd.DataFrame, dates: pd.DatetimeIndex | None = None, config=CONFIG):
    found = factor_collinearity(config, factors, factors.index[-1:] if dates is None else dates)
    return validate(FactorCorrelations, found.correlations), validate(
        FactorModelDiagnostics, found.diagnostics
    )


def matrix(rows: pd.DataFrame, config=CONFIG) -> np.ndarray:
    """The full matrix in the order of the configuration."""
    half = rows.pivot_table("correlation", "factor_1", "factor_2").reindex(
        index=config.factor_ids, columns=config.factor_ids
    )
    return half.fillna(half.T).to_numpy()


def ewma(values: np.ndarray) -> np.ndarray:
    """Zero-mean EWMA correlation, observation by observation; NaN rows are skipped but age the others."""
    moments = np.zeros((values.shape[1], values.shape[1]))
    for age, row in enumerate(values[::-1]):
        if np.isfinite(row).all():
            moments += 0.94**age * np.outer(row, row)
    deviation = np.sqrt(np.diag(moments))
    return moments / np.outer(deviation, deviation)


class TestCorrelations:
    factors = factor_moves(300)

    def test_zero_mean_ewma_of_the_raw_returns(self):
        rows, _ = run(self.factors)
        np.testing.assert_allclose(matrix(rows), ewma(self.factors.to_numpy()[-252:]), rtol=1e-10)

    def test_each_unordered_pair_once_with_the_diagonal(self):
        rows, _ = run(self.factors)
        assert len(rows) == 8 * 9 / 2
        first, second = (rows[name].map(IDS.index) for name in ("factor_1", "factor_2"))
        assert (first <= second).all()
        assert (rows.loc[first == second, "correlation"] == 1).all()
        assert (rows["n_obs"] == 252).all()

    def test_flag_is_above_eight_tenths_in_absolute_value_off_the_diagonal(self):
        factors = self.factors.copy()
        factors["rates"] = -factors["market"] * 20 + 1e-4 * factors["size"]
        rows, _ = run(factors)
        off = rows["factor_1"] != rows["factor_2"]
        expected = np.where(off & (rows["correlation"].abs() > 0.8), "above 0.8", "")
        assert rows["flag"].tolist() == expected.tolist()
        negative = rows[(rows["factor_1"] == "market") & (rows["factor_2"] == "rates")].iloc[0]
        assert negative["correlation"] < -0.8
        assert negative["flag"] == "above 0.8"

    def test_sessions_without_a_yield_are_left_out_of_every_pair(self):
        factors = self.factors.copy()
        factors.loc[factors.index[[150, 151, 280]], "rates"] = np.nan
        rows, _ = run(factors)
        np.testing.assert_allclose(matrix(rows), ewma(factors.to_numpy()[-252:]), rtol=1e-10)
        assert set(rows["n_obs"]) == {249}

    def test_unavailable_factors_are_null_with_their_reason_and_the_rest_goes_on(self):
        factors = self.factors.copy()
        factors["growth"] = np.nan
        factors.loc[factors.index[:260], "size"] = np.nan
        rows, diagnostics = run(factors)
        touches = {
            f: rows[(rows["factor_1"] == f) | (rows["factor_2"] == f)] for f in ("growth", "size", "value")
        }
        assert touches["growth"]["correlation"].isna().all()
        assert "unavailable: no data of P_growth in the window" in set(touches["growth"]["status"])
        only_size = touches["size"].query("factor_1 != 'growth' and factor_2 != 'growth'")["status"]
        assert set(only_size) == {
            "unavailable: insufficient history of P_size, 40 of 60 observations",
        }
        kept = [f for f in IDS if f not in ("growth", "size")]
        both = rows["factor_1"].isin(kept) & rows["factor_2"].isin(kept)
        np.testing.assert_allclose(
            matrix(rows[both], restrict(CONFIG, *kept)), ewma(factors[kept].to_numpy()[-252:]), rtol=1e-10
        )
        assert diagnostics["n_factors"].tolist() == [6]

    def test_a_factor_that_follows_from_the_market_still_correlates(self):
        factors = self.factors.copy()
        factors["value"] = 1.1 * factors["market"]
        rows, diagnostics = run(factors)
        pair = rows[(rows["factor_1"] == "market") & (rows["factor_2"] == "value")].iloc[0]
        assert pair["correlation"] == pytest.approx(1, abs=1e-12)
        assert pair["status"] == "ok"
        assert diagnostics["largest_vif"].iloc[0] > 1e12
        assert diagnostics["condition_number"].iloc[0] > 1e12

    def test_still_factor_and_missing_market(self):
        factors = self.factors.copy()
        factors["quality"] = 0.0
        rows, _ = run(factors)
        still = rows[(rows["factor_1"] == "quality") | (rows["factor_2"] == "quality")]
        assert still["correlation"].isna().all()
        assert set(still["status"]) == {"unavailable: P_quality does not move in the window"}
        factors["market"] = np.nan
        rows, diagnostics = run(factors)
        assert rows["correlation"].isna().all()
        assert diagnostics[["condition_number", "largest_vif"]].isna().all(axis=None)
        assert diagnostics["status"].tolist() == ["unavailable: no data of P_market in the window"]

    def test_batch_equals_one_date_at_a_time(self):
        factors = self.factors.copy()
        factors.loc[factors.index[[120, 200]], "rates"] = np.nan
        dates = factors.index[[50, 79, 120, 121, 299]]
        batch = run(factors, dates, SMALL)
        single = [run(factors, dates[[i]], SMALL) for i in range(len(dates))]
        for table in (0, 1):
            together = pd.concat([one[table] for one in single], ignore_index=True)
            pd.testing.assert_frame_equal(batch[table], together, rtol=1e-12)


class TestDiagnostics:
    factors = factor_moves(252)

    def test_largest_vif_is_that_of_statsmodels(self):
        _, diagnostics = run(self.factors)
        x = np.column_stack([np.ones(252), self.factors.to_numpy()])
        expected = [reference_vif(x, i + 1) for i in range(8)]
        assert diagnostics["largest_vif"].iloc[0] == pytest.approx(max(expected), rel=1e-9)
        assert diagnostics["largest_vif_factor"].iloc[0] == IDS[int(np.argmax(expected))]

    def test_condition_number_is_that_of_the_sample_correlation_matrix(self):
        _, diagnostics = run(self.factors)
        expected = np.linalg.cond(np.corrcoef(self.factors.to_numpy().T))
        assert diagnostics["condition_number"].iloc[0] == pytest.approx(expected, rel=1e-9)

    def test_pairs_are_counted_and_named_strongest_first(self):
        rows, diagnostics = run(self.factors)
        flagged = rows[rows["flag"] != ""]
        strongest = flagged.loc[flagged["correlation"].abs().idxmax()]
        text = diagnostics["collinear_pairs"].iloc[0]
        name = f"{strongest['factor_1']}~{strongest['factor_2']} {strongest['correlation']:.2f}"
        assert text.startswith(f"{name}, ")
        assert diagnostics["n_collinear_pairs"].iloc[0] == len(flagged) == 21
        assert text.endswith(" and 11 more")

    def test_independent_factors_have_none(self):
        rng = np.random.default_rng(3)
        factors = pd.DataFrame(rng.normal(0, 0.01, (252, 8)), self.factors.index, list(IDS))
        _, diagnostics = run(factors)
        assert diagnostics["n_collinear_pairs"].tolist() == [0]
        assert diagnostics["collinear_pairs"].tolist() == [""]
        assert 1 < diagnostics["condition_number"].iloc[0] < 3
        assert 1 < diagnostics["largest_vif"].iloc[0] < 1.2


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=8, max_size=8), st.integers(0, 100))
def test_correlation_and_conditioning_ignore_the_scale_of_a_factor(scales, seed):
    factors = factor_moves(100, seed)
    plain = factor_collinearity(SMALL, factors, factors.index[-1:])
    scaled = factor_collinearity(SMALL, factors * scales, factors.index[-1:])
    for column, before, after in (
        ("correlation", plain.correlations, scaled.correlations),
        ("condition_number", plain.diagnostics, scaled.diagnostics),
    ):
        np.testing.assert_allclose(after[column], before[column], rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.floats(-0.99, 0.99))
def test_condition_number_of_two_factors_in_closed_form(rho):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 500))
    noise = np.linalg.qr((noise - noise.mean(axis=1, keepdims=True)).T)[0].T
    pair = np.stack([noise[0], rho * noise[0] + np.sqrt(1 - rho**2) * noise[1]])
    expected = (1 + abs(rho)) / (1 - abs(rho))
    assert condition_numbers(pair[None])[0] == pytest.approx(expected, rel=1e-9)
