"""Ridge against linear algebra by the book, and the two ways of solving against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.factors.ridge import ridge_own, ridge_shared

SIZE, SYMBOLS, ROWS = 4, 5, 90
PRIOR = (np.array([1.0, 0, 0, 0]), np.array([0.45, 0.7, 0.7, 0.05]))


def problem(seed: int = 0, noise: float = 0.02) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    g = rng.normal(0, 0.01, (ROWS, SIZE)) @ rng.normal(0, 1, (SIZE, SIZE))
    y = g @ rng.normal(0.5, 1, (SIZE, SYMBOLS)) + rng.normal(0, noise, (ROWS, SYMBOLS))
    return g - g.mean(axis=0), y - y.mean(axis=0)


def both(g: np.ndarray, y: np.ndarray, prior=PRIOR):
    gram, moments, total, n = g.T @ g, g.T @ y, (y**2).sum(axis=0), np.full(y.shape[1], float(len(y)))
    shared = ridge_shared(gram[None], moments[None], total[None], n[:1], prior)
    own = ridge_own(np.repeat(gram[:, :, None], y.shape[1], axis=2), moments, total, n, prior)
    return shared, own


@pytest.mark.parametrize("seed", range(5))
def test_both_solvers_equal_the_closed_form(seed):
    g, y = problem(seed)
    _, left, rank, _ = np.linalg.lstsq(g, y, rcond=None)
    variance = left / (ROWS - rank - 1)
    shared, own = both(g, y)
    for s in range(SYMBOLS):
        penalty = variance[s] * np.diag(PRIOR[1] ** -2)
        beta = np.linalg.solve(g.T @ g + penalty, g.T @ y[:, s] + penalty @ PRIOR[0])
        deviation = np.sqrt(variance[s] * np.diag(np.linalg.inv(g.T @ g + penalty)))
        squares = ((y[:, s] - g @ beta) ** 2).sum()
        for fit, at in ((shared, (0, slice(None), s)), (own, (slice(None), s))):
            np.testing.assert_allclose(fit.beta[at], beta, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(fit.std_error[at], deviation, rtol=1e-9)
        np.testing.assert_allclose([shared.residual_sum[0, s], own.residual_sum[s]], squares, rtol=1e-10)


def test_wide_prior_gives_least_squares():
    g, y = problem()
    expected = np.linalg.lstsq(g, y, rcond=None)[0]
    for fit in both(g, y, (PRIOR[0], np.full(SIZE, 1e6))):
        np.testing.assert_allclose(fit.beta.reshape(SIZE, SYMBOLS), expected, rtol=1e-6)


def test_narrow_prior_gives_its_mean():
    g, y = problem()
    for fit in both(g, y, (PRIOR[0], np.full(SIZE, 1e-9))):
        np.testing.assert_allclose(
            fit.beta.reshape(SIZE, SYMBOLS), np.tile(PRIOR[0][:, None], SYMBOLS), atol=1e-6
        )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), noise=st.floats(1e-6, 1.0))
def test_shrinking_never_fits_better_than_least_squares_nor_leaves_more_than_the_prior_mean(seed, noise):
    g, y = problem(seed, noise)
    least = ((y - g @ np.linalg.lstsq(g, y, rcond=None)[0]) ** 2).sum(axis=0)
    prior = ((y - g @ PRIOR[0][:, None]) ** 2).sum(axis=0)
    rounding = 1e-12 * (y**2).sum(axis=0)
    for fit in both(g, y):
        assert (fit.residual_sum.ravel() >= least - rounding).all()
        assert (fit.residual_sum.ravel() <= prior * (1 + 1e-9) + rounding).all()


def test_repeated_factor_counts_once_and_shares_its_beta():
    g, y = problem()
    doubled = np.column_stack([g[:, :2], g[:, 1]])
    prior = (np.array([1.0, 0, 0]), np.array([0.45, 0.7, 0.7]))
    shared, own = both(doubled, y, prior)
    assert (shared.residual_dof == ROWS - 2 - 1).all()
    assert (own.residual_dof == ROWS - 2 - 1).all()
    np.testing.assert_allclose(shared.beta[0], own.beta, rtol=1e-6)
    np.testing.assert_allclose(shared.beta[0, 1], shared.beta[0, 2], rtol=1e-6)


def test_perfect_fit_is_finite_and_exact():
    g, _ = problem()
    y = g @ np.array([[1.0], [0], [0], [0]])
    for fit in both(g, y):
        np.testing.assert_allclose(fit.beta.ravel(), [1, 0, 0, 0], atol=1e-10)
        assert (fit.std_error > 0).all()
        assert (fit.std_error < 1e-4).all()
