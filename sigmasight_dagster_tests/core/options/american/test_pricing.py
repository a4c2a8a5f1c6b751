"""American prices: QuantLib, closed-form limits, symmetry, shape, bounds, and the same bits in any batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.options.american.pricing import american_price, american_values
from sigmasight_core.options.black_scholes import black_scholes_merton, option_price
from sigmasight_dagster_tests.core.options.american.contracts import (
    Sample,
    finite_difference_prices,
    quantlib_prices,
    sample,
)

CONTRACTS = sample(600, seed=7)
TOLERANCE = 1e-4
rates = st.floats(-0.01, 0.08)
yields = st.floats(0, 0.12)
volatilities = st.floats(0.03, 1.5)
times = st.floats(1 / 365, 5)
moneyness = st.floats(0.5, 2)
relaxed = settings(deadline=None, derandomize=True, max_examples=60)


def test_quantlib():
    prices = american_price(*CONTRACTS.arguments)
    assert np.max(np.abs(prices - quantlib_prices(CONTRACTS)) / CONTRACTS.spot) < TOLERANCE


def test_bounds():
    prices = american_price(*CONTRACTS.arguments)
    assert (prices >= CONTRACTS.intrinsic).all()
    assert (prices >= option_price(*CONTRACTS.arguments)).all()
    highest = np.where(
        CONTRACTS.is_call,
        CONTRACTS.spot,
        CONTRACTS.strike * np.exp(np.maximum(-CONTRACTS.rate, 0) * CONTRACTS.years),
    )
    assert (prices <= highest).all()


def test_a_call_without_dividends_and_a_put_without_interest_are_european():
    spots = np.linspace(50, 200, 31)
    call = american_values(spots, 100, 2.0, 0.05, 0.0, 0.3, True)
    put = american_values(spots, 100, 2.0, -0.01, 0.03, 0.3, False)
    np.testing.assert_array_equal(call, black_scholes_merton(spots, 100, 2.0, 0.05, 0.0, 0.3, True))
    np.testing.assert_array_equal(put, black_scholes_merton(spots, 100, 2.0, -0.01, 0.03, 0.3, False))


@pytest.mark.parametrize("dividend_yield", [0.0, 0.03])
def test_perpetual_put(dividend_yield):
    """Merton (1973): B = g / (g - 1) K, value (K - B) (S / B)^g, g the negative root."""
    rate, volatility = 0.08, 0.3
    tilt = (rate - dividend_yield) / volatility**2 - 0.5
    root = -tilt - np.sqrt(tilt**2 + 2 * rate / volatility**2)
    boundary = 100 * root / (root - 1)
    spots = np.array([boundary * 1.01, 90.0, 120.0, 200.0])
    expected = (100 - boundary) * (spots / boundary) ** root
    assert american_price(spots, 100, 150.0, rate, dividend_yield, volatility, False) == pytest.approx(
        expected, rel=2e-3
    )


@relaxed
@given(moneyness, times, rates, yields, volatilities)
def test_symmetry(ratio, years, rate, dividend_yield, volatility):
    """McDonald and Schroder (1998): a call is a put with spot and strike, rate and yield exchanged."""
    call = american_price(100 * ratio, 100, years, rate, dividend_yield, volatility, True)
    put = american_price(100, 100 * ratio, years, dividend_yield, rate, volatility, False)
    assert call == pytest.approx(put, rel=1e-9, abs=1e-9)


@relaxed
@given(times, rates, yields, volatilities, st.booleans())
def test_monotone_and_convex_in_spot(years, rate, dividend_yield, volatility, is_call):
    spots = np.linspace(50, 200, 151)
    prices = american_price(spots, 100, years, rate, dividend_yield, volatility, is_call)
    moves = np.diff(prices) * (1 if is_call else -1)
    slack = TOLERANCE * 100
    assert moves.min() >= -slack
    assert moves.max() <= 1 + slack
    assert np.diff(prices, 2).min() >= -slack


@relaxed
@given(moneyness, rates, yields, st.booleans())
def test_rises_with_time_and_volatility(ratio, rate, dividend_yield, is_call):
    slack = TOLERANCE * 100 * ratio
    longer = american_price(100 * ratio, 100, np.linspace(0, 5, 41), rate, dividend_yield, 0.25, is_call)
    wilder = american_price(100 * ratio, 100, 1.0, rate, dividend_yield, np.linspace(0, 1.5, 41), is_call)
    assert np.diff(longer).min() >= -slack
    assert np.diff(wilder).min() >= -slack


def test_continuous_at_the_boundary():
    spots = np.linspace(60, 100, 4001)
    values = american_values(spots, 100, 1.0, 0.05, 0.02, 0.3, False)
    exercised = values.price == 100 - spots
    edge = spots[exercised].max()
    assert 65 < edge < 75
    assert exercised[spots <= edge].all()
    assert np.abs(np.diff(values.price)).max() < 0.01 * (1 + 1e-2)
    assert np.abs(np.diff(values.delta)).max() < 2e-3
    assert (values.delta[exercised] == -1).all()
    for greek in values[2:]:
        assert (greek[exercised] == 0).all()


def test_limits():
    """No time: intrinsic. No volatility: the best certain time to exercise."""
    np.testing.assert_array_equal(
        american_price([90, 110, 90, 110], 100, [0, 0, -1, 0], 0.05, 0.02, 0.2, [True, True, False, False]),
        [0, 10, 10, 0],
    )
    certain = american_price(
        [80, 100, 110], 100, 2.0, [0.05, 0.01, 0.05], [0.0, 0.06, 0.0], 0.0, [False, False, True]
    )
    times = np.linspace(0, 2, 20001)
    falling = np.max(100 * np.exp(-0.01 * times) - 100 * np.exp(-0.06 * times))
    assert certain == pytest.approx([20, falling, 110 - 100 * np.exp(-0.1)], rel=1e-7)
    almost = american_price(
        [80, 100, 110], 100, 2.0, [0.05, 0.01, 0.05], [0.0, 0.06, 0.0], 1e-4, [False, False, True]
    )
    assert almost == pytest.approx(certain, abs=1e-3)
    assert american_price(95, 100, 1e-8, 0.05, 0.02, 0.2, False) == pytest.approx(5, abs=1e-6)


def test_missing_and_impossible_inputs_are_nan():
    values = american_values([np.nan, -1, 100, 100], 100, 1, 0.05, 0.02, [0.2, 0.2, -0.1, np.inf], False)
    assert np.isnan(values).all()
    assert american_price(np.empty((0, 3)), 100, 1, 0.05, 0.02, 0.2, True).shape == (0, 3)


def test_two_boundaries_against_finite_differences():
    size = 24
    draw = np.random.default_rng(3)
    rate = draw.uniform(-0.03, -0.005, size)
    dividend_yield = rate - draw.uniform(0.001, 0.04, size)
    is_call = np.arange(size) % 2 == 0
    spot, strike = draw.uniform(70, 140, size), np.full(size, 100.0)
    days, volatility = draw.integers(20, 1500, size), draw.uniform(0.08, 0.6, size)
    rate, dividend_yield = np.where(is_call, dividend_yield, rate), np.where(is_call, rate, dividend_yield)
    contracts = Sample(spot, strike, days, rate, dividend_yield, volatility, is_call)
    prices = american_price(*contracts.arguments)
    assert np.max(np.abs(prices - finite_difference_prices(contracts)) / contracts.spot) < TOLERANCE
    assert np.max(prices - option_price(*contracts.arguments)) > 1


def test_the_same_bits_in_any_batch():
    prices, values = american_price(*CONTRACTS.arguments), np.array(american_values(*CONTRACTS.arguments))
    np.testing.assert_array_equal(prices, values[0])
    for row in range(0, 600, 25):
        alone = [argument[row] for argument in CONTRACTS.arguments]
        assert american_price(*alone) == prices[row]
        np.testing.assert_array_equal(np.array(american_values(*alone)), values[:, row])
    part = [argument[100:137] for argument in CONTRACTS.arguments]
    np.testing.assert_array_equal(np.array(american_values(*part)), values[:, 100:137])
