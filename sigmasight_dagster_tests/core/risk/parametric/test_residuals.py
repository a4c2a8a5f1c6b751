"""Residual correlations against statsmodels, and a pair that independent residuals get wrong."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.factors.residuals import residual_directions
from sigmasight_core.risk.parametric.residuals import specific_pull
from sigmasight_dagster_tests.core.risk.risk_inputs import SESSIONS, Holdings, factor_moves, history

RETURNS = history("A", "B", "C", seed=3)
FACTORS = factor_moves(RETURNS, "market", "value", "rates").to_numpy(copy=True)
LAST = np.array([len(SESSIONS) - 1])


def directions(returns: np.ndarray, factors: np.ndarray = FACTORS, ends: np.ndarray = LAST) -> np.ndarray:
    return residual_directions(returns.T, factors, ends, 252)


def ols_residuals(returns: np.ndarray, factors: np.ndarray = FACTORS) -> np.ndarray:
    design = sm.add_constant(factors[-252:])
    seen = np.isfinite(design).all(axis=1)
    return np.array([sm.OLS(column[-252:][seen], design[seen]).fit().resid for column in returns.T])


def test_inner_products_are_correlations_of_the_residuals_of_statsmodels() -> None:
    found = directions(RETURNS.to_numpy())[0]
    np.testing.assert_allclose(
        found @ found.T, np.corrcoef(ols_residuals(RETURNS.to_numpy())), rtol=1e-10, atol=1e-12
    )


def test_a_session_without_a_factor_counts_for_nobody() -> None:
    gappy = FACTORS.copy()
    gappy[-30:-20, 2] = np.nan
    found = directions(RETURNS.to_numpy(), gappy)[0]
    np.testing.assert_allclose(
        found @ found.T, np.corrcoef(ols_residuals(RETURNS.to_numpy(), gappy)), rtol=1e-10, atol=1e-12
    )


def test_a_factor_without_values_is_left_out() -> None:
    without = FACTORS.copy()
    without[:, 1] = np.nan
    found = directions(RETURNS.to_numpy(), without)[0]
    np.testing.assert_allclose(found, directions(RETURNS.to_numpy(), FACTORS[:, [0, 2]])[0], atol=1e-12)


def test_a_factor_twice_is_a_factor_once() -> None:
    twice = np.column_stack([FACTORS, FACTORS[:, 0] * 2 + 1e-3])
    np.testing.assert_allclose(
        directions(RETURNS.to_numpy(), twice), directions(RETURNS.to_numpy()), atol=1e-8
    )


def test_what_the_factors_explain_has_no_direction() -> None:
    assert not directions(FACTORS @ np.array([[1.0], [0.5], [-0.1]])).any()


def test_few_returns_count_as_independent() -> None:
    returns = RETURNS.to_numpy(copy=True)
    returns[:-59, 0] = np.nan
    found = directions(returns)[0]
    assert not found[0].any()
    assert np.linalg.norm(found[1]) == pytest.approx(1.0)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.0, 0.5))
def test_correlations_are_positive_semidefinite_whatever_is_missing(seed: int, missing: float) -> None:
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (300, 6))
    returns[rng.random(returns.shape) < missing] = np.nan
    found = residual_directions(returns.T, rng.normal(0, 0.01, (300, 2)), np.array([299]), 252)[0]
    assert np.linalg.eigvalsh(found @ found.T).min() > -1e-12
    assert (np.abs(found @ found.T) <= 1 + 1e-12).all()


def pulled(
    weights: dict[str, float], returns: pd.DataFrame, specific: float = 0.01
) -> tuple[float, np.ndarray]:
    """Specific volatility of a book and the pull on each of its positions."""
    holdings = Holdings()
    for name, weight in weights.items():
        holdings.hold(name, weight, 1.0)
    book = holdings.book()
    moves = np.ascontiguousarray(returns[book.symbols].to_numpy().T)
    delta = book.delta_exposure
    pull = specific_pull(book, delta, np.full(len(delta), specific), moves, FACTORS, LAST, 252)
    return float(np.sqrt(delta @ pull)), pull


def test_a_pair_in_closed_form() -> None:
    rho = np.corrcoef(ols_residuals(RETURNS.to_numpy()))[0, 1]
    for sign in (1.0, -1.0):
        sigma, _ = pulled({"A": 1.0, "B": sign}, RETURNS)
        assert sigma == pytest.approx(0.01 * np.sqrt(2 + sign * 2 * 0.98 * rho), rel=1e-10)


def test_two_lots_are_one_exposure() -> None:
    holdings = Holdings().hold("A", 3.0, 1.0).hold("A", -1.0, 1.0)
    book = holdings.book()
    moves = np.ascontiguousarray(RETURNS[["A"]].to_numpy().T)
    pull = specific_pull(book, book.delta_exposure, np.full(2, 0.01), moves, FACTORS, LAST, 252)
    assert np.sqrt(book.delta_exposure @ pull) == pytest.approx(0.02, rel=1e-12)


def test_a_pair_of_one_industry_is_less_risky_than_independence_says() -> None:
    """Two shares with a common part that no factor has: realised over predicted within .9 to 1.1."""
    rng = np.random.default_rng(0)
    industry = rng.normal(0, 0.01, (len(SESSIONS), 1))
    own = industry + rng.normal(0, 0.005, (len(SESSIONS), 2))
    returns = pd.DataFrame(own, index=SESSIONS, columns=pd.Index(["A", "B"], dtype="str"))
    sigma, _ = pulled({"A": 1.0, "B": -1.0}, returns, specific=np.sqrt(0.01**2 + 0.005**2))
    ratio = np.std(own[:, 0] - own[:, 1]) / sigma
    assert 0.9 < ratio < 1.1
    assert ratio > 1.3 * np.std(own[:, 0] - own[:, 1]) / (np.sqrt(2) * np.sqrt(0.01**2 + 0.005**2))


def test_dates_together_equal_each_alone_to_the_last_bit() -> None:
    ends = np.array([700, 701, 705, 1050])
    together = directions(RETURNS.to_numpy(), ends=ends)
    for place, end in enumerate(ends):
        start = end - 251
        alone = directions(
            RETURNS.to_numpy()[start : end + 1, 1:2], FACTORS[start : end + 1], np.array([251])
        )
        np.testing.assert_array_equal(alone[0, 0], together[place, 1])
