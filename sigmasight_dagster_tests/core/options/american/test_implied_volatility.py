"""Implied volatility of American prices: round trips, QuantLib's prices, and every refusal in words."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sigmasight_core.conventions import OK
from sigmasight_core.options.american import implied_volatility as module
from sigmasight_core.options.american.implied_volatility import american_implied_volatility
from sigmasight_core.options.american.pricing import american_price, american_values
from sigmasight_core.options.implied_volatility import (
    ABOVE_BOUND,
    EXPIRED,
    IMPOSSIBLE,
    MISSING,
    NO_PRICE,
    implied_volatility,
)
from sigmasight_dagster_tests.core.options.american.contracts import quantlib_prices, sample

CONTRACTS = sample(1500, seed=5)


def implied(prices, contracts):
    *rest, _, is_call = contracts.arguments
    return american_implied_volatility(prices, *rest, is_call)


def test_round_trip_over_the_grid():
    values = american_values(*CONTRACTS.arguments)
    volatility, status = implied(values.price, CONTRACTS)
    clear = values.vega > 1e-6 * CONTRACTS.spot
    assert clear.sum() > 900
    assert (status[clear] == OK).all()
    assert np.abs(volatility - CONTRACTS.volatility)[clear].max() < 1e-6


@settings(deadline=None, derandomize=True, max_examples=100)
@given(
    st.floats(0.6, 1.6),
    st.floats(2 / 365, 4),
    st.floats(-0.02, 0.10),
    st.floats(0, 0.12),
    st.floats(0.05, 3),
    st.booleans(),
)
def test_round_trip(ratio, years, rate, dividend_yield, volatility, is_call):
    values = american_values(100 * ratio, 100, years, rate, dividend_yield, volatility, is_call)
    assume(values.vega > 1e-4)
    found, status = american_implied_volatility(
        values.price, 100 * ratio, 100, years, rate, dividend_yield, is_call
    )
    assert status == OK
    assert found == pytest.approx(volatility, abs=1e-6)


def test_quantlib_prices():
    """The volatility of another implementation's price, to 1e-4 of spot over vega."""
    vega = american_values(*CONTRACTS.arguments).vega
    volatility, status = implied(quantlib_prices(CONTRACTS), CONTRACTS)
    clear = vega > 0.1
    assert clear.sum() > 400
    assert (status[clear] == OK).all()
    worth = np.abs(volatility - CONTRACTS.volatility) * 100 * vega
    assert (worth / CONTRACTS.spot)[clear].max() < 1e-4


def test_european_where_exercise_never_pays():
    prices = np.array([3.0, 8.0, 20.0])
    found, _ = american_implied_volatility(prices, 100, 110, 1.0, 0.04, 0.0, True)
    european, _ = implied_volatility(prices, 100, 110, 1.0, 0.04, 0.0, True)
    np.testing.assert_array_equal(found, european)


def test_two_boundaries():
    price = american_price(100, 105, 1.0, -0.01, -0.03, 0.3, False)
    found, status = american_implied_volatility(price, 100, 105, 1.0, -0.01, -0.03, False)
    assert status == OK
    assert found == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize(
    ("price", "spot", "years", "is_call", "status"),
    [
        (np.nan, 100, 1, False, MISSING),
        (10.0, -1, 1, False, IMPOSSIBLE),
        (10.0, 100, 0, False, EXPIRED),
        (0.0, 100, 1, False, NO_PRICE),
        (20.0, 80, 1, False, module.BELOW_EXERCISE),
        (19.0, 80, 1, False, module.BELOW_EXERCISE),
        (30.0, 130, 1, True, module.BELOW_EXERCISE),
        (100.0, 80, 1, False, ABOVE_BOUND),
        (130.0, 130, 1, True, ABOVE_BOUND),
    ],
)
def test_refusals(price, spot, years, is_call, status):
    found, why = american_implied_volatility(price, spot, 100, years, 0.05, 0.06, is_call)
    assert why == status
    assert np.isnan(found)


def test_a_price_beyond_the_search_is_not_an_answer():
    found, why = american_implied_volatility(99.9999999, 100, 100, 1 / 365, 0.05, 0.06, True)
    assert why == module.NOT_CONVERGED or found > 5
    low, status = american_implied_volatility(20.0 + 1e-9, 80, 100, 1, 0.05, 0.0, False)
    assert status == OK
    assert american_price(80, 100, 1, 0.05, 0.0, low, False) == pytest.approx(20, abs=1e-7)


def test_the_same_bits_in_any_batch():
    prices = american_price(*CONTRACTS.arguments)
    volatility, status = implied(prices, CONTRACTS)
    for row in range(0, 1500, 75):
        *rest, _, is_call = (argument[row] for argument in CONTRACTS.arguments)
        alone, why = american_implied_volatility(prices[row], *rest, is_call)
        np.testing.assert_array_equal(alone, volatility[row])
        assert why == status[row]
