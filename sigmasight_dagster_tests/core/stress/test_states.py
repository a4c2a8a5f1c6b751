"""The projection of shocks on the state, against least squares and the conditional normal expectation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.stress.states import StressStates, loading_matrix, stress_states
from sigmasight_dagster_tests.core.stress.stress_inputs import DAY, FACTORS, LOADINGS, Inputs, scenario

H = np.array([[1.0, 0, 0, 0], [0.9, 1, 0, 0.02], [1.1, 0, 1, -0.03], [2.0, 0, 0, 1]])
"""Rows market, value, growth, rates on the state (m, value, growth, dy_perp), written out by hand."""


def states(inputs: Inputs, **shocks: float) -> StressStates:
    days = pd.DatetimeIndex(inputs.dates).astype("datetime64[ns]")
    return stress_states(
        [scenario(**shocks)],
        days,
        factor_state=inputs.factor_state(),
        factor_covariance=inputs.factor_covariance(),
    )


def shock_vector(**shocks: float) -> tuple[list[int], np.ndarray]:
    rows = [FACTORS.index(name) for name in shocks]
    moves = [v / 100 if name == "rates" else np.log1p(v / 100) for name, v in shocks.items()]
    return rows, np.array(moves)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Inputs, dict[str, float]]:
    root = np.array(draw(st.lists(st.floats(-1, 1), min_size=16, max_size=16))).reshape(4, 4)
    scale = np.array([0.01, 0.004, 0.005, 0.06])
    inputs = Inputs(sigma=(root @ root.T + 0.2 * np.eye(4)) * scale[:, None] * scale)
    names = draw(st.lists(st.sampled_from(FACTORS), min_size=1, max_size=4, unique=True))
    return inputs, {name: draw(st.floats(-60, 60)) for name in names}


def test_rows_of_h() -> None:
    market, rates = (np.array([[LOADINGS[f][i] for f in FACTORS]]) for i in (0, 1))
    np.testing.assert_array_equal(
        loading_matrix(FACTORS, market_loading=market, rates_loading=rates, available=np.ones((1, 4), bool))[
            0
        ],
        H,
    )


def test_rows_of_h_where_a_factor_is_unavailable() -> None:
    available = np.array([[True, True, True, False]])
    found = loading_matrix(
        FACTORS,
        market_loading=np.array([[0, 0.9, 1.1, np.nan]]),
        rates_loading=np.zeros((1, 4)),
        available=available,
    )[0]
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0.9, 1, 0, 0], [1.1, 0, 1, 0], [0, 0, 0, 1]])


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_correlated_is_the_nearest_state_by_least_squares(world: tuple[Inputs, dict[str, float]]) -> None:
    """x = L z with the shortest z such that H_S L z = s; its length is the number of sigmas."""
    inputs, shocks = world
    found = states(inputs, **shocks)
    rows, moves = shock_vector(**shocks)
    root = np.linalg.cholesky(inputs.sigma)
    z = np.linalg.lstsq(H[rows] @ root, moves, rcond=None)[0]
    np.testing.assert_allclose(found.correlated[0, 0], root @ z, rtol=1e-8, atol=1e-10)
    assert found.plausibility_sigma[0, 0] == pytest.approx(np.linalg.norm(z) / np.sqrt(252), rel=1e-8)


def test_correlated_is_the_conditional_expectation_of_a_normal() -> None:
    """E[x | H_S x = s] from the joint covariance of the state and the shocked moves."""
    inputs = Inputs()
    rows, moves = shock_vector(market=-20, growth=5)
    joint = np.vstack([np.eye(4), H[rows]])
    cov = joint @ inputs.sigma @ joint.T
    expected = cov[:4, 4:] @ np.linalg.inv(cov[4:, 4:]) @ moves
    np.testing.assert_allclose(states(inputs, market=-20, growth=5).correlated[0, 0], expected, rtol=1e-10)


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_both_states_reproduce_the_shocks(world: tuple[Inputs, dict[str, float]]) -> None:
    inputs, shocks = world
    found = states(inputs, **shocks)
    rows, moves = shock_vector(**shocks)
    for state in (found.direct[0, 0], found.correlated[0, 0]):
        np.testing.assert_allclose((H @ state)[rows], moves, rtol=1e-9, atol=1e-11)
    untouched = [k for k in range(4) if k not in rows]
    assert (found.direct[0, 0][untouched] == 0.0).all()


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_the_rate_moves_as_the_whole_yield_of_the_state(world: tuple[Inputs, dict[str, float]]) -> None:
    inputs, shocks = world
    found = states(inputs, **shocks)
    for state in (found.direct, found.correlated):
        move = found.rate_move(state)[0, 0]
        assert move == pytest.approx(H[3] @ state[0, 0], rel=1e-12, abs=1e-15)
        if "rates" in shocks:
            assert move == pytest.approx(shocks["rates"] / 100, rel=1e-9, abs=1e-11)


def test_direct_by_hand() -> None:
    m, dy = np.log(0.8), 0.5
    dy_perp = dy - 2.0 * m
    growth = np.log(1.1) - 1.1 * m + 0.03 * dy_perp
    found = states(Inputs(), market=-20, rates=50, growth=10).direct[0, 0]
    np.testing.assert_allclose(found, [m, 0.0, growth, dy_perp], rtol=1e-13)


def test_every_date_has_its_own_state() -> None:
    later = DAY + pd.Timedelta(days=1)
    inputs, other = Inputs(), Inputs(dates=[later])
    other.loadings["value"], other.sigma = (0.5, 0.0), np.diag(np.diag(inputs.sigma))
    state = pd.concat([inputs.factor_state(), other.factor_state()])
    covariance = pd.concat([inputs.factor_covariance(), other.factor_covariance()])
    days = pd.DatetimeIndex([DAY, later]).astype("datetime64[ns]")
    both = stress_states([scenario(value=10)], days, factor_state=state, factor_covariance=covariance)
    for index, single in enumerate((states(inputs, value=10), states(other, value=10))):
        np.testing.assert_allclose(both.correlated[index], single.correlated[0], rtol=1e-12)


def test_a_factor_without_variance_is_unavailable() -> None:
    inputs = Inputs()
    inputs.sigma[2] = inputs.sigma[:, 2] = 0.0
    found = states(inputs, growth=10, value=5)
    assert found.status[0, 0] == "partial: growth unavailable"
    assert found.direct[0, 0, 2] == 0.0
