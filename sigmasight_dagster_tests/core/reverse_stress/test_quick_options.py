"""The quick values that a search goes by are those of stress, in every state and in any selection."""

import numpy as np
import pytest

from sigmasight_core.reverse_stress.loss_surface import LossSurface
from sigmasight_dagster_tests.core.reverse_stress.test_reverse_stress import surface_of
from sigmasight_dagster_tests.core.stress.stress_inputs import Inputs, betas


def surface(days: int = 40, volatility: float = 0.3) -> LossSurface:
    """European calls and puts, in and out of the money, long and short, beside a stock."""
    inputs = Inputs(betas={"A": betas(1.2, 0.3, -0.2, 0.01)})
    inputs.hold("A", 10, 100.0)
    for number, (strike, is_call) in enumerate([(70, True), (100, False), (140, False), (130, True)]):
        sign = -1 if number % 2 else 1
        inputs.hold_option("A", sign * 3.0, 100.0, float(strike), days, volatility, is_call)
    return surface_of(inputs)


@pytest.mark.parametrize("days", [0, 1, 40, 700])
@pytest.mark.parametrize("volatility", [0.05, 0.3, 1.8])
def test_quick_values_and_slopes_are_those_of_stress(days: int, volatility: float) -> None:
    exact = surface(days, volatility)
    draw = np.random.default_rng(4)
    z = draw.normal(size=(1, 400, 4)) * draw.uniform(0, 5, (1, 400, 1))
    pnl, slope = exact.quick().pnl_and_slope(z)
    expected = exact.pnl_and_slope(z)
    np.testing.assert_allclose(pnl, expected[0], rtol=1e-11, atol=1e-8)
    np.testing.assert_allclose(slope, expected[1], rtol=1e-10, atol=1e-7)
    assert exact.quick().pnl(np.zeros((1, 1, 4))) == 0.0


def test_a_portfolio_selected_twice_is_there_twice() -> None:
    one = surface().quick()
    z = np.random.default_rng(5).normal(size=(3, 6, 4))
    pnl, slope = one.select(np.zeros(3, dtype=np.intp)).pnl_and_slope(z)
    for number, states in enumerate(z):
        own = one.pnl_and_slope(states[None])
        np.testing.assert_allclose(pnl[number], own[0][0], rtol=1e-12)
        np.testing.assert_allclose(slope[number], own[1][0], rtol=1e-12)
