"""American options in the scenarios of value at risk, against direct prices and QuantLib's."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.risk import early_exercise as module
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.historical_simulation import simulated_risk
from sigmasight_core.risk.past_sessions import past_breaches
from sigmasight_core.risk.portfolio_backtest import var_backtests
from sigmasight_core.risk.revaluation import Options
from sigmasight_dagster_tests.core.options.american.contracts import Sample, quantlib_prices
from sigmasight_dagster_tests.core.risk.risk_inputs import DAY, SESSIONS, Holdings, history, panel

CONTRACTS, SCENARIOS = 300, 60
LEFT = 1 / 365
"""DAY is a Wednesday: one day passes."""
DRAW = np.random.default_rng(11)
TERMS = {
    "strike": np.round(100 * np.exp(DRAW.uniform(-0.5, 0.5, CONTRACTS)), 2),
    "days": np.round(np.exp(DRAW.uniform(np.log(2), np.log(800), CONTRACTS))).astype(int),
    "sigma": DRAW.uniform(0.12, 0.9, CONTRACTS),
    "rate": DRAW.uniform(0.0005, 0.07, CONTRACTS),
    "dividend_yield": np.where(DRAW.random(CONTRACTS) < 0.3, 0.0, DRAW.uniform(0, 0.08, CONTRACTS)),
    "is_call": DRAW.random(CONTRACTS) < 0.5,
}


def book_of(rows: np.ndarray, american: bool = True) -> Options:
    holdings = Holdings()
    for row in rows:
        terms = {name: values[row] for name, values in TERMS.items()}
        holdings.hold_option(f"U{'ABCDEFGHIJ'[row % 10]}", 0.01, 100.0, american=american, **terms)
    book = holdings.book()
    return Options.of(book, np.arange(len(book.rows)))


def shocks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log moves, some to -50% and +80%, and factors of volatility from .97 to 2.63."""
    draw = np.random.default_rng(4)
    shape = (CONTRACTS, SCENARIOS)
    daily = draw.standard_t(3, shape) * TERMS["sigma"][:, None] / 16
    move = np.where(draw.random(shape) < 0.3, draw.uniform(np.log(0.5), np.log(1.8), shape), daily)
    growth = np.where(
        draw.random(shape) < 0.7, draw.uniform(0.967, 1.2, shape), draw.uniform(0.967, 2.635, shape)
    )
    return np.clip(move, np.log(0.5), np.log(1.8))[rows], growth[rows]


def price(rows: np.ndarray, move: np.ndarray, growth: np.ndarray, passed: float) -> np.ndarray:
    terms = {name: values[rows][:, None] for name, values in TERMS.items()}
    return american_price(
        100 * np.exp(move),
        terms["strike"],
        terms["days"] / 365 - passed,
        terms["rate"],
        terms["dividend_yield"],
        terms["sigma"] * growth,
        terms["is_call"],
    )


EVERY = np.arange(CONTRACTS)


def test_pnl_is_that_of_direct_prices() -> None:
    """Within 1e-3 of the price, or half a cent at a spot of 100."""
    move, growth = shocks(EVERY)
    options = book_of(EVERY)
    assert (options.contract >= 0).mean() > 0.8
    found = options.pnl(EVERY, move, growth)
    later = price(EVERY, move, growth, LEFT)
    expected = later - price(EVERY, np.zeros((CONTRACTS, 1)), np.ones((CONTRACTS, 1)), 0.0)
    error = np.abs(found - expected) / np.maximum(1e-3 * later, 5e-5 * 100 * np.exp(move))
    assert error.max() < 1
    assert np.quantile(error, 0.999) < 0.3


def test_values_are_quantlibs() -> None:
    rows = EVERY[::3]
    move, growth = (array[:, :6] for array in shocks(rows))
    options = book_of(rows)
    found = options.pnl(np.arange(len(rows)), move, growth) + options.price
    wide = [np.broadcast_to(TERMS[name][rows][:, None], move.shape).ravel() for name in TERMS]
    strike, days, sigma, rate, dividend_yield, is_call = wide
    contracts = Sample(
        (100 * np.exp(move)).ravel(), strike, days - 1, rate, dividend_yield, sigma * growth.ravel(), is_call
    )
    expected = quantlib_prices(contracts).reshape(move.shape)
    tolerance = np.maximum(1e-3 * expected, 5e-5 * 100 * np.exp(move))
    assert (np.abs(found - expected) <= tolerance).all()


def test_bounds_and_order() -> None:
    """At least what exercise pays and at most the share or the strike; falling or rising with the price."""
    options, move = book_of(EVERY), np.linspace(np.log(0.5), np.log(1.8), 400)[None].repeat(CONTRACTS, axis=0)
    value = options.pnl(EVERY, move, np.ones(move.shape)) + options.price
    side = np.where(TERMS["is_call"], 1, -1)[:, None]
    spot, strike = 100 * np.exp(move), TERMS["strike"][:, None]
    assert (value >= np.maximum(side * (spot - strike), 0) - 1e-12).all()
    assert (value <= np.where(side > 0, spot, strike) + 1e-9).all()
    assert (np.diff(value, axis=1) * side >= -5e-5 * 100).all()


def test_a_zero_move_without_time_is_exactly_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's price and a scenario's are made the same way."""
    monkeypatch.setattr("sigmasight_core.risk.book.next_sessions", lambda days: days - pd.Timedelta(days=1))
    still = np.zeros((CONTRACTS, 3))
    np.testing.assert_array_equal(book_of(EVERY).pnl(EVERY, still, np.ones(still.shape)), 0.0)


def test_time_alone_is_the_difference_of_the_model_prices() -> None:
    still, ones = np.zeros((CONTRACTS, 1)), np.ones((CONTRACTS, 1))
    expected = price(EVERY, still, ones, LEFT) - price(EVERY, still, ones, 0.0)
    np.testing.assert_allclose(book_of(EVERY).pnl(EVERY, still, ones), expected, atol=1e-11)


def test_where_exercise_never_pays_the_bits_are_the_european_ones() -> None:
    rows = EVERY[TERMS["is_call"] & (TERMS["dividend_yield"] == 0)]
    assert len(rows) > 20
    places, inputs = np.arange(len(rows)), shocks(rows)
    np.testing.assert_array_equal(
        book_of(rows).pnl(places, *inputs), book_of(rows, False).pnl(places, *inputs)
    )


def test_the_same_bits_in_any_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    move, growth = shocks(EVERY)
    whole = book_of(EVERY).pnl(EVERY, move, growth)
    one = np.zeros(1, dtype=np.intp)
    for row in range(0, CONTRACTS, 17):
        alone = book_of(EVERY[row : row + 1]).pnl(one, move[row : row + 1, 3:4], growth[row : row + 1, 3:4])
        np.testing.assert_array_equal(alone[0], whole[row, 3:4])
    monkeypatch.setattr(module, "_BLOCK", 100)
    backwards = EVERY[::-1]
    found = book_of(backwards).pnl(EVERY, move[backwards], growth[backwards])
    np.testing.assert_array_equal(found, whole[backwards])


def test_contracts_of_many_portfolios_are_priced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    monkeypatch.setattr(
        module, "american_price", lambda *terms: counted.append(terms[0].size) or american_price(*terms)
    )
    holdings = Holdings()
    for number in range(30):
        holdings.hold_option(
            "A", number + 1, 50.0, 55.0, 90, 0.3, False, american=True, portfolio=f"p{number}"
        )
    book = holdings.book()
    Options.of(book, np.arange(30))
    assert counted == [1, 1]


def test_options_without_a_single_boundary_are_priced_anew() -> None:
    """A put with yield < rate < 0, and a volatility of 0."""
    holdings = Holdings()
    holdings.hold_option(
        "A", 0.01, 100.0, 110.0, 90, 0.3, False, american=True, rate=-0.01, dividend_yield=-0.03
    )
    holdings.hold_option("A", 0.01, 100.0, 110.0, 90, 0.0, False, american=True)
    book, move = holdings.book(), np.array([[-0.1, 0.05]] * 2)
    options = Options.of(book, np.arange(2))
    found = options.pnl(np.arange(2), move, np.ones(move.shape)) + options.price
    odd = american_price(100 * np.exp(move[0]), 110.0, 89 / 365, -0.01, -0.03, 0.3, False)
    calm = american_price(100 * np.exp(move[1]), 110.0, 89 / 365, 0.04, 0.01, 0.0, False)
    np.testing.assert_allclose(found, [odd, calm], rtol=1e-12)


@pytest.mark.parametrize("quantity", [-3, 3])
def test_value_at_risk_and_its_backtest_from_direct_prices(quantity: int) -> None:
    """A put in the money: scenarios one by one, priced directly."""
    returns = history("A")
    holdings = Holdings().hold("A", 10, 50.0)
    holdings.hold_option("A", quantity, 50.0, 60.0, 200, 0.3, False, american=True)
    book = holdings.book()
    prices = panel(book, returns)
    found = simulated_risk(book, prices)
    scenarios = prices.scenarios(prices.ends(pd.DatetimeIndex([DAY])) + 1)
    move, growth = scenarios.move[0, 0], scenarios.growth[0, 0]

    def pnl(move: np.ndarray, growth: np.ndarray) -> np.ndarray:
        later = american_price(50 * (1 + move), 60.0, 199 / 365, 0.04, 0.01, 0.3 * growth, False)
        return 500 * move + 100 * quantity * (
            later - american_price(50.0, 60.0, 200 / 365, 0.04, 0.01, 0.3, False)
        )

    gains = np.sort(pnl(move, growth))
    np.testing.assert_allclose(found.value_at_risk[0], [-gains[25], -gains[5]], rtol=1e-3)
    outcome = past_breaches(book, np.arange(2), prices)
    ends = len(SESSIONS) - 252
    for session in range(0, 252, 21):
        past = prices.scenarios(np.array([ends + session]))
        came = pnl(np.expm1(prices.returns[0, ends + session]), prices.growth[0, ends + session])
        worse = (pnl(past.move[0, 0], past.growth[0, 0]) <= came).sum()
        assert outcome.breached[0, :, session].tolist() == [worse < 26, worse < 6]


def test_today_tested_backwards_is_the_same_alone() -> None:
    returns = history("A", "B")
    both, one = Holdings(), Holdings()
    for holdings in (both, one):
        holdings.hold_option("A", -3, 50.0, 52.0, 120, 0.3, False, american=True)
    both.hold_option("B", 2, 80.0, 75.0, 60, 0.4, True, american=True, portfolio="other")
    both.hold("B", 2, 80.0, portfolio="other")
    whole, alone = both.book(), one.book()
    tests = [var_backtests(book, ReturnPanel.of(returns, book.symbols)) for book in (whole, alone)]
    mine = tests[0][tests[0]["portfolio"] == "book"].reset_index(drop=True)
    pd.testing.assert_frame_equal(mine, tests[1], check_exact=True)
