"""Nearest correlation matrices against published examples, statsmodels and the dual problem."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from statsmodels.stats.correlation_tools import corr_nearest

from sigmasight_core.correlation.nearest_psd import nearest_correlations
from sigmasight_core.errors import InputError


def improper(n: int, size: int, seed: int = 0) -> np.ndarray:
    """Symmetric matrices of unit diagonal and random correlations: far from positive semi-definite."""
    upper = np.triu(np.random.default_rng(seed).uniform(-1, 1, (n, size, size)), 1)
    return upper + upper.swapaxes(1, 2) + np.eye(size)


def dual_distance(matrix: np.ndarray) -> float:
    """Least Frobenius distance by the unconstrained dual of H. Qi and D. Sun (SIAM J. Matrix Anal. 2006)."""

    def dual(y: np.ndarray) -> tuple[float, np.ndarray]:
        values, vectors = np.linalg.eigh(matrix + np.diag(y))
        positive = (vectors * np.maximum(values, 0)) @ vectors.T
        return 0.5 * (positive**2).sum() - y.sum(), np.diag(positive) - 1

    best = minimize(dual, np.zeros(len(matrix)), jac=True, method="L-BFGS-B", options={"ftol": 1e-15})
    return float(np.sqrt(max(0.0, (matrix**2).sum() - 2 * best.fun)))


def test_published_example_of_order_3() -> None:
    """Higham (2002), section 4: [[1,1,0],[1,1,1],[0,1,1]]."""
    found, distance = nearest_correlations(np.array([[[1.0, 1, 0], [1, 1, 1], [0, 1, 1]]]))
    expected = [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]]
    np.testing.assert_allclose(found[0], expected, atol=5e-5)
    assert distance[0] == pytest.approx(0.5278, abs=5e-5)


def test_published_example_of_order_4() -> None:
    """Higham (2002), section 4: the tridiagonal second difference matrix, whose diagonal is 2."""
    given_matrix = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    found, distance = nearest_correlations(given_matrix[None])
    a, b, c, d = -0.8084, 0.1916, 0.1068, -0.6562
    np.testing.assert_allclose(found[0], [[1, a, b, c], [a, 1, d, b], [b, d, 1, a], [c, b, a, 1]], atol=5e-5)
    assert distance[0] == pytest.approx(2.1337, abs=5e-5)


@pytest.mark.filterwarnings("ignore:\\nMaximum iteration reached")
def test_is_nearest_by_the_dual_problem_and_no_farther_than_statsmodels() -> None:
    matrices = improper(8, 7)
    found, distance = nearest_correlations(matrices)
    np.testing.assert_allclose(distance, [dual_distance(m) for m in matrices], rtol=1e-6)
    others = np.array([np.linalg.norm(corr_nearest(m, threshold=1e-8, n_fact=500) - m) for m in matrices])
    assert (distance <= others + 1e-6).all()
    np.testing.assert_allclose(distance, np.linalg.norm(found - matrices, axis=(1, 2)), rtol=1e-12)


def test_correlation_matrices_come_back_untouched() -> None:
    proper = np.array([np.corrcoef(np.random.default_rng(s).standard_normal((40, 5)).T) for s in range(4)])
    proper = (proper + proper.swapaxes(1, 2)) / 2
    proper[:, np.arange(5), np.arange(5)] = 1.0
    proper[3] = 1.0
    found, distance = nearest_correlations(proper)
    np.testing.assert_array_equal(found, proper)
    np.testing.assert_array_equal(distance, 0)


def test_unused_rows_stay_and_change_nothing() -> None:
    small = improper(3, 4)
    padded = np.broadcast_to(np.eye(6), (3, 6, 6)).copy()
    padded[:, :4, :4] = small
    found, distance = nearest_correlations(padded)
    expected, expected_distance = nearest_correlations(small)
    np.testing.assert_allclose(found[:, :4, :4], expected, atol=1e-10)
    np.testing.assert_allclose(found[:, 4:, 4:], np.broadcast_to(np.eye(2), (3, 2, 2)), atol=1e-14)
    np.testing.assert_allclose(found[:, :4, 4:], 0, atol=1e-14)
    np.testing.assert_allclose(distance, expected_distance, atol=1e-9)


def test_empty_batches() -> None:
    assert nearest_correlations(np.empty((0, 3, 3)))[0].shape == (0, 3, 3)
    assert nearest_correlations(np.empty((2, 0, 0)))[1].tolist() == [0, 0]


def test_refuses_missing_and_asymmetric_values() -> None:
    with pytest.raises(InputError, match="missing"):
        nearest_correlations(np.array([[[1, np.nan], [np.nan, 1]]]))
    with pytest.raises(InputError, match="symmetric"):
        nearest_correlations(np.array([[[1, 0.5], [0.4, 1]]]))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 8))
def test_result_is_a_correlation_matrix_and_a_fixed_point(seed: int, size: int) -> None:
    matrices = improper(3, size, seed)
    found, _ = nearest_correlations(matrices)
    assert np.linalg.eigvalsh(found).min() >= -1e-10
    np.testing.assert_array_equal(found[:, np.arange(size), np.arange(size)], 1)
    np.testing.assert_allclose(found, found.swapaxes(1, 2), atol=1e-15)
    np.testing.assert_array_equal(nearest_correlations(found)[0], found)
    order = np.random.default_rng(seed).permutation(size)
    np.testing.assert_allclose(
        nearest_correlations(matrices[:, order][:, :, order])[0], found[:, order][:, :, order], atol=1e-6
    )
    alone = [nearest_correlations(m[None])[0][0] for m in matrices]
    np.testing.assert_allclose(found, alone, atol=1e-10)
