"""P-values of Student's t against its finite series in 400 digits, and against SciPy's distribution."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sigmasight_core.factors.student_t import LARGEST_LOG, LEAST_DOF, two_sided_p_values

T_STATS = np.array([0.0, 1e-9, 1e-3, 0.1, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25])


def exact(t_stat: float, dof: int) -> float:
    """1 - A(t|n) of even n: Abramowitz and Stegun (1964), 26.7.4."""
    with localcontext() as context:
        context.prec = 400
        t = Decimal(t_stat)
        cosine_squared = Decimal(dof) / (dof + t * t)
        term = total = Decimal(1)
        for k in range(1, dof // 2):
            term *= cosine_squared * (2 * k - 1) / (2 * k)
            total += term
        return float(1 - (1 - cosine_squared).sqrt() * total)


@pytest.mark.parametrize("dof", [2, 10, LEAST_DOF, 58, 100, 250, 500, 2000])
def test_p_values_equal_the_finite_series_relative_to_their_size(dof: int) -> None:
    t_stats = np.concatenate(
        [T_STATS, np.sqrt(np.expm1(LARGEST_LOG) * dof) * np.array([1 - 1e-12, 1 + 1e-12])]
    )
    expected = [exact(t, dof) for t in t_stats.tolist()]
    found = two_sided_p_values(t_stats[:, None], np.full(t_stats.size, dof))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12)


@given(
    t_stat=st.floats(-30, 30, allow_subnormal=False),
    dof=st.integers(1, 600),
)
def test_p_values_equal_scipy_for_every_number_of_observations(t_stat: float, dof: int) -> None:
    found = two_sided_p_values(np.array([[t_stat]]), np.array([dof]))
    np.testing.assert_allclose(found, 2 * stats.t.sf(abs(t_stat), dof), rtol=1e-11)


def test_rows_keep_their_own_degrees_of_freedom_in_any_shape() -> None:
    rng = np.random.default_rng(0)
    dof = rng.integers(1, 300, (40, 50))
    t_stats = rng.normal(0, 10, (40, 50, 3))
    t_stats[0, 0] = np.nan, np.inf, -np.inf
    found = two_sided_p_values(t_stats, dof)
    np.testing.assert_allclose(found, 2 * stats.t.sf(np.abs(t_stats), dof[:, :, None]), rtol=1e-11)
    assert found[0, 0, 1:].tolist() == [0, 0]
    assert two_sided_p_values(np.empty((0, 3)), np.empty(0, dtype=int)).shape == (0, 3)
