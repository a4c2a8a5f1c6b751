"""The choice by exercise style: each row from the function of its style, to the bit, in any batch."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from sigmasight_core.options import black_scholes, pricing
from sigmasight_core.options import implied_volatility as european
from sigmasight_core.options.american.implied_volatility import american_implied_volatility
from sigmasight_core.options.american.pricing import american_values
from sigmasight_core.options.exercise import is_american
from sigmasight_core.positions import held
from sigmasight_dagster_tests.core.options.american.contracts import sample

SAMPLE = sample(400, seed=5)
CONTRACTS = (SAMPLE.spot, SAMPLE.strike, np.asarray(SAMPLE.days) / 365, SAMPLE.rate, SAMPLE.dividend_yield)
VOLATILITY, CALL = SAMPLE.volatility, SAMPLE.is_call
STYLE = np.random.default_rng(3).random(400) < 0.5


def test_each_row_by_its_style_to_the_bit() -> None:
    found = pricing.option_values(*CONTRACTS, VOLATILITY, CALL, STYLE)
    europeans = black_scholes.black_scholes_merton(*CONTRACTS, VOLATILITY, CALL)
    americans = american_values(*CONTRACTS, VOLATILITY, CALL)
    for got, plain, early in zip(found, europeans, americans, strict=True):
        assert_array_equal(got, np.where(STYLE, early, plain))
    assert_array_equal(pricing.option_price(*CONTRACTS, VOLATILITY, CALL, STYLE), found.price)
    one = [
        pricing.option_price(*(array[i] for array in CONTRACTS), VOLATILITY[i], CALL[i], STYLE[i])
        for i in range(0, 400, 7)
    ]
    assert_array_equal(one, found.price[::7])


def test_implied_volatility_by_style() -> None:
    price = pricing.option_price(*CONTRACTS, VOLATILITY, CALL, STYLE)
    found, status = pricing.implied_volatility(price, *CONTRACTS, CALL, STYLE)
    plain, plain_status = european.implied_volatility(price, *CONTRACTS, CALL)
    early, early_status = american_implied_volatility(price, *CONTRACTS, CALL)
    assert_array_equal(found, np.where(STYLE, early, plain))
    assert_array_equal(status, np.where(STYLE, early_status, plain_status))


@pytest.mark.parametrize("style", [True, False])
def test_shapes_broadcast(style: bool) -> None:
    strikes, rows = np.array([90.0, 100.0, 110.0]), np.array([[style], [style]])
    grid = pricing.option_price(100, strikes, 0.5, 0.05, 0.02, 0.3, False, rows)
    assert grid.shape == (2, 3)
    single = pricing.option_price(100, 90.0, 0.5, 0.05, 0.02, 0.3, False, style)
    assert single.shape == ()
    assert single == grid[0, 0]
    mixed = pricing.option_price(100, strikes, 0.5, 0.05, 0.02, 0.3, False, np.array([[style], [not style]]))
    assert_array_equal(mixed[0], grid[0])
    assert pricing.option_price([], 1.0, 1.0, 0.0, 0.0, 0.2, True, style).shape == (0,)


def test_style_of_contracts_and_positions() -> None:
    symbols = pd.Series(["AAPL240119C00150000", "SPXW  240119P04500000", "SPXPM240119C04500000", "A", None])
    assert is_american(symbols).tolist() == [True, False, False, False, False]
    frame = pd.DataFrame(
        {"symbol": ["KO240119C00060000", "KO", "XSP240119C00450000"], "position_type": ["SC", "LONG", "LC"]}
    )
    assert held.is_american(frame).tolist() == [True, False, False]
    assert held.is_american(frame.iloc[:0]).tolist() == []
