"""Scenario tables against direct pricing over wide shocks."""

import numpy as np
import pytest

from sigmasight_core.options.american import scenarios as module
from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.options.american.scenarios import scenario_grid
from sigmasight_dagster_tests.core.options.american.contracts import sample

OPTIONS, SCENARIOS = 250, 40
CONTRACTS = sample(OPTIONS, seed=21)


def shocks(rate_move, seed=1):
    draw = np.random.default_rng(seed)
    shape = (OPTIONS, SCENARIOS)
    spot = CONTRACTS.spot[:, None] * draw.uniform(0.4, 1.8, shape)
    factor = np.exp(draw.uniform(np.log(0.5), np.log(3), shape))
    volatility = np.minimum(CONTRACTS.volatility[:, None] * factor, 1.5)
    rate = CONTRACTS.rate[:, None] + draw.uniform(-rate_move, rate_move, shape)
    return spot, rate, volatility


def table(rate, volatility, fixed, contracts=CONTRACTS, rows=slice(None)):
    years = np.maximum(contracts.days - 1, 0)[rows] / 365
    rates = contracts.rate[rows] if fixed else (rate[rows].min(axis=1), rate[rows].max(axis=1))
    volatilities = (volatility[rows].min(axis=1), volatility[rows].max(axis=1))
    arguments = contracts.strike[rows], years, contracts.dividend_yield[rows], contracts.is_call[rows]
    return scenario_grid(*arguments, rates, volatilities)


def direct(spot, rate, volatility):
    years = np.maximum(CONTRACTS.days - 1, 0) / 365
    columns = [
        array[:, None] for array in (CONTRACTS.strike, years, CONTRACTS.dividend_yield, CONTRACTS.is_call)
    ]
    strike, years, dividend_yield, is_call = columns
    return american_price(spot, strike, years, rate, dividend_yield, volatility, is_call)


@pytest.mark.parametrize("rate_move", [0.0, 0.003, 0.03])
def test_direct_pricing(rate_move):
    """Spot x0.4 to x1.8, volatility x0.5 to x3 up to 150%, rate +-0, 30 and 300 basis points, a day later."""
    spot, rate, volatility = shocks(rate_move)
    grid = table(rate, volatility, fixed=rate_move == 0)
    expected = direct(spot, rate, volatility)
    error = np.abs(grid.prices(spot, rate, volatility) - expected)
    assert (error / np.maximum(1e-3 * expected, 5e-5 * spot)).max() < 1
    if rate_move < 0.01:
        assert grid.smooth[CONTRACTS.days > 1].mean() > 0.8


def test_most_of_the_work_is_the_table(monkeypatch):
    """With a fixed rate hardly a scenario is priced directly."""
    spot, rate, volatility = shocks(0.0)
    grid, counted = table(rate, volatility, fixed=True), []
    monkeypatch.setattr(
        module, "american_price", lambda *inputs: counted.append(inputs[0].size) or american_price(*inputs)
    )
    grid.prices(spot, rate, volatility)
    expired = CONTRACTS.days == 1
    odd = CONTRACTS.is_call & (CONTRACTS.dividend_yield == 0) & (CONTRACTS.rate < 0)
    assert sum(counted) <= (~grid.smooth | expired | odd).sum() * SCENARIOS
    everyday = (CONTRACTS.volatility > 0.12) & (CONTRACTS.days <= 730) & ~expired
    assert grid.smooth[everyday].all()
    assert grid.smooth[~expired].mean() > 0.9


def test_outside_the_ranges_the_price_is_the_direct_one():
    grid = scenario_grid([100.0], [0.5], [0.02], [True], (0.03, 0.032), (0.2, 0.3))
    spot, rate, volatility = np.array([[100.0, 130.0]]), 0.06, np.array([[0.5, 0.25]])
    expected = american_price(spot, 100.0, 0.5, rate, 0.02, volatility, True)
    np.testing.assert_array_equal(grid.prices(spot, rate, volatility), expected)
    fixed = scenario_grid([100.0], [0.5], [0.02], [True], 0.03, (0.2, 0.6))
    moved = american_price(spot, 100.0, 0.5, 0.0301, 0.02, volatility, True)
    np.testing.assert_array_equal(fixed.prices(spot, 0.0301, volatility), moved)


def test_bounds_and_missing_scenarios():
    spot, rate, volatility = shocks(0.0)
    spot[3, 5] = np.nan
    prices = table(rate, volatility, fixed=True).prices(spot, rate, volatility)
    assert np.isnan(prices).sum() == 1
    sign = np.where(CONTRACTS.is_call, 1, -1)[:, None]
    known = np.isfinite(prices)
    assert (prices >= np.maximum(sign * (spot - CONTRACTS.strike[:, None]), 0))[known].all()


def test_the_same_bits_in_any_batch():
    spot, rate, volatility = shocks(0.003)
    prices = table(rate, volatility, fixed=False).prices(spot, rate, volatility)
    for row in range(0, OPTIONS, 12):
        rows = slice(row, row + 1)
        alone = table(rate, volatility, fixed=False, rows=rows)
        inputs = [array[rows] for array in (spot, rate, volatility)]
        np.testing.assert_array_equal(alone.prices(*inputs), prices[rows])
        single = alone.prices(*(array[:, 7:8] for array in inputs))
        np.testing.assert_array_equal(single, prices[rows, 7:8])
