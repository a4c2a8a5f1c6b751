"""Covariance of the state against a direct weighted sum, pandas and its own invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.factors.covariance import collinear_pairs, factor_covariance
from sigmasight_core.factors.model import estimate
from sigmasight_core.tables import FactorCovariance, validate
from sigmasight_dagster_tests.core.factors.factor_inputs import (
    IDS,
    SMALL,
    factor_moves,
    residual,
    restrict,
    symbol_moves,
)

VALUES = ["covariance", "correlation", "n_obs"]


def last(factors: pd.DataFrame, config=SMALL) -> pd.DataFrame:
    return factor_covariance(config, factors, factors.index[-1:])


def matrix(rows: pd.DataFrame, column: str = "covariance") -> np.ndarray:
    size = int(np.sqrt(len(rows)))
    return rows[column].to_numpy().reshape(size, size)


def state_moves(factors: pd.DataFrame) -> np.ndarray:
    """State of one window without gaps, loadings by least squares, no mean removed."""
    values = factors.to_numpy()
    market = values[:, 0]
    by = np.polyfit(market, values[:, -1], 1)[0]
    change = values[:, -1] - by * market
    columns = [market]
    for k in range(1, len(IDS) - 1):
        x = np.column_stack([np.ones(len(values)), market, residual(values[:, -1], market)])
        _, b, c = np.linalg.lstsq(x, values[:, k], rcond=None)[0]
        columns.append(values[:, k] - b * market - c * change)
    return np.column_stack([*columns, change])


def test_equals_the_weighted_sum_of_squares_shrunk():
    factors = factor_moves(100)
    x = state_moves(factors.iloc[-80:])
    sample, total = np.zeros((8, 8)), 0.0
    for age, row in enumerate(x[::-1]):
        sample += 0.94**age * np.outer(row, row)
        total += 0.94**age
    expected = 0.9 * sample / total + 0.1 * np.diag(np.diag(sample / total))
    rows = last(factors)
    validate(FactorCovariance, rows)
    np.testing.assert_allclose(matrix(rows), expected, rtol=1e-9, atol=1e-15)
    deviation = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(
        matrix(rows, "correlation"), expected / np.outer(deviation, deviation), atol=1e-9
    )


def test_market_variance_is_the_exponential_mean_of_pandas():
    factors = factor_moves(80)
    factors.iloc[30, 3] = np.nan
    squares = factors["market"].where(factors["momentum"].notna()) ** 2
    expected = squares.ewm(alpha=0.06, adjust=True, ignore_na=False).mean().iloc[-1]
    rows = last(factors)
    assert matrix(rows)[0, 0] == pytest.approx(expected, rel=1e-12)
    assert set(rows["n_obs"]) == {79}


def test_variances_of_the_latest_state_use_the_loadings_of_factor_state():
    factors = factor_moves(120)
    dates = factors.index[[90, 119]]
    state = estimate(
        SMALL, symbol_log_returns=symbol_moves(factors, 1), factor_log_returns=factors, dates=dates
    ).state.set_index(["date", "factor"])
    rows = factor_covariance(SMALL, factors, dates).set_index(["date", "factor_1", "factor_2"])["covariance"]
    for end, date in zip((90, 119), dates, strict=True):
        window = factors.iloc[end - 79 : end + 1]
        change = window["rates"] - state.loc[(date, "rates"), "market_loading"] * window["market"]
        size = state.loc[(date, "size")]
        own = window["size"] - size["market_loading"] * window["market"] - size["rates_loading"] * change
        weight = 0.94 ** np.arange(79, -1, -1)
        assert rows[(date, "size", "size")] == pytest.approx((weight @ own**2) / weight.sum(), rel=1e-9)


def test_unavailable_factor_is_null_with_its_reason_and_the_rest_stays():
    factors = factor_moves(80).assign(growth=np.nan)
    rows = last(factors)
    validate(FactorCovariance, rows)
    gone = (rows["factor_1"] == "growth") | (rows["factor_2"] == "growth")
    assert set(rows.loc[gone, "status"]) == {"unavailable: no data of P_growth in the window"}
    assert rows.loc[gone, ["covariance", "correlation"]].isna().all(axis=None)
    kept = [f for f in IDS if f != "growth"]
    alone = last(factors[kept], restrict(SMALL, *kept))
    np.testing.assert_allclose(rows.loc[~gone, VALUES], alone[VALUES], rtol=1e-12)


def test_nothing_available():
    factors = factor_moves(80).assign(market=np.nan)
    rows = last(factors)
    validate(FactorCovariance, rows)
    assert len(rows) == 64
    assert rows["covariance"].isna().all()
    assert rows["status"].str.startswith("unavailable: ").all()


def test_batch_equals_one_date_at_a_time():
    factors = factor_moves(130)
    factors.iloc[:60, 2] = np.nan
    factors.iloc[[100, 110], 7] = np.nan
    dates = factors.index[20:]
    alone = pd.concat([factor_covariance(SMALL, factors, dates[i : i + 1]) for i in range(len(dates))])
    batch = factor_covariance(SMALL, factors, dates)
    pd.testing.assert_frame_equal(batch, alone.reset_index(drop=True), rtol=1e-10, atol=1e-18)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10))
def test_symmetric_positive_definite_and_quadratic_in_scale(seed, scale):
    factors = factor_moves(80, seed)
    one, other = matrix(last(factors)), matrix(last(factors * scale))
    np.testing.assert_array_equal(one, one.T)
    deviation = np.sqrt(np.diag(one))
    assert np.linalg.eigvalsh(one / np.outer(deviation, deviation)).min() > 0.05
    np.testing.assert_allclose(other, scale**2 * one, rtol=1e-7, atol=1e-14 * scale**2)


def test_factors_that_are_one_bet_are_flagged_once():
    factors = factor_moves(80)
    rng = np.random.default_rng(3)
    factors["growth"] = 2 * factors["market"] - factors["value"] + rng.normal(0, 1e-4, 80)
    pairs = collinear_pairs(last(factors))
    assert pairs[["factor_1", "factor_2"]].to_numpy().tolist() == [["value", "growth"]]
    assert -1 <= pairs["correlation"][0] < -0.95
    assert collinear_pairs(last(factor_moves(80)), threshold=0.95).empty


def test_pairs_of_unavailable_factors_are_not_flagged():
    assert collinear_pairs(last(factor_moves(80).assign(market=np.nan))).empty
