"""Cash dividends: the yield and the escrowed model against finite differences.

`finite_differences.csv`: American prices and deltas with discrete dividends, made for this project by finite
differences of 800 x 800 steps, the dividends paid as jumps of the share.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.conventions import OK
from sigmasight_core.options.american.escrowed import escrowed_implied_volatility, escrowed_values
from sigmasight_core.options.american.implied_volatility import BELOW_EXERCISE, american_implied_volatility
from sigmasight_core.options.american.pricing import american_values
from sigmasight_core.options.implied_volatility import MISSING

ROWS = pd.read_csv(Path(__file__).parent / "finite_differences.csv")
LISTS = [json.loads(text) for text in ROWS["dividends_day_amount"]]
WIDTH = max(map(len, LISTS))
PADDED = np.array([[*dividends, *[[np.nan, np.nan]] * (WIDTH - len(dividends))] for dividends in LISTS])
TIMES, AMOUNTS = PADDED[..., 0] / 365, PADDED[..., 1]
SPOT, STRIKE, RATE, VOLATILITY = (
    ROWS[name].to_numpy() for name in ("spot", "strike", "risk_free_rate", "volatility")
)
YEARS, IS_CALL = ROWS["days_to_expiry"].to_numpy() / 365, (ROWS["type"] == "call").to_numpy()
YIELD = np.nan_to_num(4 * AMOUNTS[:, 0] / SPOT)
PRICE, DELTA = ROWS["american_price"].to_numpy(), ROWS["american_delta"].to_numpy()


def test_yield_model():
    """A year of the quarterly dividend over the spot."""
    values = american_values(SPOT, STRIKE, YEARS, RATE, YIELD, VOLATILITY, IS_CALL)
    assert np.abs(values.price / PRICE - 1).max() < 0.02
    assert np.abs(values.delta - DELTA).max() < 0.032
    volatility, status = american_implied_volatility(PRICE, SPOT, STRIKE, YEARS, RATE, YIELD, IS_CALL)
    assert (status == OK).all()
    # A price whose vega is next to nothing says little about volatility: KO in the money and PG deep.
    clear = values.vega > 1e-2 * SPOT / 100
    assert clear.sum() == 6
    assert np.abs(volatility - VOLATILITY)[clear].max() < 0.01


def test_escrowed_model():
    values = escrowed_values(SPOT, STRIKE, YEARS, RATE, VOLATILITY, IS_CALL, TIMES, AMOUNTS)
    assert np.abs(values.price / PRICE - 1).max() < 0.01
    assert np.abs(values.delta - DELTA).max() < 0.015
    volatility, status = escrowed_implied_volatility(
        PRICE, SPOT, STRIKE, YEARS, RATE, IS_CALL, TIMES, AMOUNTS
    )
    assert (status == OK).all()
    assert np.abs(volatility - VOLATILITY)[values.vega > 1e-3 * SPOT / 100].max() < 0.01


def test_escrowed_without_dividends_is_the_formula():
    spots, nothing = np.array([80.0, 95.0, 110.0]), np.full((1, 1), np.nan)
    lattice = escrowed_values(spots, 100, 1.0, 0.05, 0.25, False, nothing, nothing)
    formula = american_values(spots, 100, 1.0, 0.05, 0.0, 0.25, False)
    np.testing.assert_allclose(lattice.price, formula.price, atol=2e-3)
    np.testing.assert_allclose(lattice.delta, formula.delta, atol=2e-3)
    np.testing.assert_allclose(lattice.vega, formula.vega, atol=4e-3)
    np.testing.assert_allclose(lattice.theta, formula.theta, atol=2e-4)


def test_escrowed_round_trip_and_refusals():
    times, amounts = np.array([[0.1, 0.35]]), np.array([[0.8, 0.8]])
    price = escrowed_values(100, [95.0, 105.0], 0.5, 0.04, 0.3, [True, False], times, amounts).price
    found, status = escrowed_implied_volatility(
        price, 100, [95.0, 105.0], 0.5, 0.04, [True, False], times, amounts
    )
    assert (status == OK).all()
    assert found == pytest.approx(0.3, abs=1e-6)
    _, why = escrowed_implied_volatility([20.0, np.nan], 100, [80.0, 95.0], 0.5, 0.04, True, times, amounts)
    assert list(why) == [BELOW_EXERCISE, MISSING]
    worthless = escrowed_values(1.0, 1.0, 0.5, 0.04, 0.3, True, times, amounts)
    assert np.isnan(worthless).all()


NEARER = ["escrowed", "escrowed", "escrowed", "yield", "escrowed", "escrowed", "yield", "yield"]
"""For each row, as docs/options.md says: by the larger of the two misses, in tolerances."""


def test_the_nearer_of_the_two_models():
    """Price within 2%, delta within .03."""
    models = {
        "yield": american_values(SPOT, STRIKE, YEARS, RATE, YIELD, VOLATILITY, IS_CALL),
        "escrowed": escrowed_values(SPOT, STRIKE, YEARS, RATE, VOLATILITY, IS_CALL, TIMES, AMOUNTS),
    }
    misses = {
        name: np.maximum(np.abs(values.price / PRICE - 1) / 0.02, np.abs(values.delta - DELTA) / 0.03)
        for name, values in models.items()
    }
    nearer = np.where(np.array(NEARER) == "yield", misses["yield"], misses["escrowed"])
    np.testing.assert_array_less(nearer, 1.0)
    # Without dividends both are the same model; the lattice has its own rounding
    paid = np.isfinite(AMOUNTS).any(axis=1)
    assert (nearer <= np.minimum(*misses.values()))[paid].all()
