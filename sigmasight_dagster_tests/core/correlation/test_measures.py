"""Measures of diversification against closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.correlation.measures import (
    average_correlation,
    drop_undefined,
    effective_bets,
    effective_positions,
    repair,
)


def constant(n: int, rho: float) -> np.ndarray:
    return np.where(np.eye(n, dtype=bool), 1.0, rho)[None]


def everything(n: int) -> np.ndarray:
    return np.ones((1, n), dtype=bool)


def bets(
    weight: list[float], correlation: np.ndarray, shrinkage: float = 0.3, volatility: float = 0.02
) -> float:
    n = len(weight)
    sigma = np.full((1, n), volatility)
    return float(effective_bets(np.array([weight]), sigma, correlation, everything(n), shrinkage)[0])


@pytest.mark.parametrize("n", [2, 7, 50])
@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_equal_names_are_n_bets_if_uncorrelated_and_one_if_identical(n: int, shrinkage: float) -> None:
    weight = [1 / n] * n
    assert bets(weight, constant(n, 0.0), shrinkage) == pytest.approx(n, rel=1e-12)
    assert bets(weight, constant(n, 1.0), shrinkage) == pytest.approx(1, rel=1e-12)
    assert bets(weight, constant(n, 0.5), shrinkage) == pytest.approx(n / (1 + (n - 1) * 0.5), rel=1e-12)


def test_hedged_book() -> None:
    """Half long, half short of equal volatility: 2 / (1 - rho); a perfect hedge has no variance."""
    assert bets([0.5, -0.5], constant(2, 0.8)) == pytest.approx(2 / 0.2, rel=1e-12)
    assert bets([0.5, -0.5], constant(2, -1.0)) == pytest.approx(1, rel=1e-12)
    assert np.isnan(bets([0.5, -0.5], constant(2, 1.0)))


def test_shrinkage_goes_from_sample_to_constant_correlation() -> None:
    sample = np.array([[[1, 0.9, 0.1], [0.9, 1, 0.2], [0.1, 0.2, 1]]])
    weight, mean = np.array([0.5, 0.3, -0.2]), (0.9 + 0.1 + 0.2) / 3
    for shrinkage in (0.0, 0.3, 1.0):
        target = (1 - shrinkage) * sample[0] + shrinkage * constant(3, mean)[0]
        assert bets(weight.tolist(), sample, shrinkage) == pytest.approx(
            1 / (weight @ target @ weight), rel=1e-12
        )


def test_volatility_weighs_the_bets() -> None:
    found = effective_bets(
        np.array([[0.5, 0.5]]), np.array([[0.03, 0.01]]), constant(2, 0.0), everything(2), 0.3
    )
    assert found[0] == pytest.approx(0.04**2 / (0.03**2 + 0.01**2), rel=1e-12)


def test_slots_that_are_not_kept_do_not_count() -> None:
    correlation, keep = constant(3, 0.0), np.array([[True, True, False]])
    correlation[0, 2, :2] = correlation[0, :2, 2] = np.nan
    volatility = np.array([[0.02, 0.02, np.nan]])
    assert average_correlation(correlation, keep).tolist() == [0.0]
    repaired, adjustment = repair(correlation, np.full((1, 3, 3), 90), keep)
    np.testing.assert_array_equal(repaired, np.eye(3)[None])
    assert adjustment.tolist() == [0.0]
    found = effective_bets(np.array([[0.5, 0.5, 7.0]]), volatility, repaired, keep, 0.3)
    assert found[0] == pytest.approx(2, rel=1e-12)


def test_effective_positions() -> None:
    assert effective_positions(np.full((1, 8), 1 / 8)).tolist() == pytest.approx([8])
    assert effective_positions(np.array([[0.5, -0.25, 0.25], [1, 0, 0]])).tolist() == pytest.approx(
        [1 / 0.375, 1]
    )
    assert np.isnan(effective_positions(np.zeros((1, 3)))).all()


def test_average_needs_two_names() -> None:
    assert np.isnan(average_correlation(np.ones((1, 2, 2)), np.array([[True, False]])))[0]


def test_drops_the_most_undefined_first_then_the_smallest_then_the_last() -> None:
    correlation = np.ones((3, 4, 4))
    correlation[0, 1, :] = correlation[0, :, 1] = np.nan
    correlation[1, 2, 3] = correlation[1, 3, 2] = np.nan
    correlation[2, 0, 1] = correlation[2, 1, 0] = np.nan
    size = np.array([[4.0, 9, 2, 1], [4, 3, 1, 2], [5, 5, 5, 5]])
    keep = drop_undefined(correlation, np.ones((3, 4), dtype=bool), size)
    assert keep.tolist() == [[True, False, True, True], [True, True, False, True], [True, False, True, True]]


def test_an_undefined_name_that_is_not_there_costs_nothing() -> None:
    correlation = np.full((1, 3, 3), np.nan)
    correlation[0, :2, :2] = 1.0
    present = np.array([[True, True, False]])
    np.testing.assert_array_equal(drop_undefined(correlation, present, np.ones((1, 3))), present)


def test_repairs_only_what_is_not_positive_semi_definite() -> None:
    bad = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    good = constant(3, 0.5)[0]
    n_obs = np.full((3, 3, 3), 90)
    n_obs[:, 0, 1] = n_obs[:, 1, 0] = 60
    n_obs[2] = 90
    repaired, adjustment = repair(np.array([bad, good, good]), n_obs, np.ones((3, 3), dtype=bool))
    assert np.linalg.eigvalsh(repaired[0]).min() >= -1e-10
    # Nearest is the singular matrix with all correlations ±1/2: distance sqrt(6) x 0.4.
    np.testing.assert_allclose(np.abs(repaired[0][~np.eye(3, dtype=bool)]), 0.5, atol=1e-6)
    assert adjustment[0] == pytest.approx(np.sqrt(6) * 0.4, rel=1e-6)
    np.testing.assert_array_equal(repaired[1:], [good, good])
    assert adjustment[1:].tolist() == [0, 0]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 0.5))
def test_what_is_left_is_defined_and_what_is_defined_is_left(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    undefined = np.triu(rng.random((5, 7, 7)) < share)
    correlation = np.where(undefined | undefined.swapaxes(1, 2), np.nan, 0.5)
    present, size = rng.random((5, 7)) < 0.8, rng.random((5, 7))
    keep = drop_undefined(correlation, present, size)
    pairs = keep[:, :, None] & keep[:, None, :]
    assert np.isfinite(correlation[pairs]).all()
    assert not (keep & ~present).any()
    clean = np.where(present[:, :, None] & present[:, None, :], np.isnan(correlation), False).sum(axis=2) == 0
    assert (keep | ~(clean & present)).all()
    order = rng.permutation(7)
    again = drop_undefined(correlation[:, order][:, :, order], present[:, order], size[:, order])
    np.testing.assert_array_equal(again, keep[:, order])
