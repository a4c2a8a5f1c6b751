"""Value at risk of books against loops over scenarios and QuantLib's option prices."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.historical_simulation import SimulatedRisk, simulated_risk
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    DAYS_TO_NEXT,
    RATE,
    SESSIONS,
    YIELD,
    Holdings,
    history,
    mixed,
    naive_growth,
    naive_scenarios,
    naive_tail,
    panel,
)

HISTORY = history("A", "B", "C")
LEVELS = (0.95, 0.99)


def simulate(holdings: Holdings, returns: pd.DataFrame = HISTORY, *partitions: tuple) -> SimulatedRisk:
    book = holdings.book(*partitions)
    return simulated_risk(book, panel(book, returns))


def quantlib_price(spot: float, strike: float, days: float, sigma: float, is_call: bool) -> float:
    import QuantLib as ql

    years = days / 365
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward = spot * np.exp((RATE - YIELD) * years)
    return ql.BlackCalculator(payoff, forward, sigma * np.sqrt(years), np.exp(-RATE * years)).value()


def naive_pnl(holdings: Holdings, returns: pd.DataFrame) -> np.ndarray:
    """P&L of a book, position by position and scenario by scenario."""
    total = np.zeros(504)
    for row in holdings.rows:
        moves = naive_scenarios(returns[row["underlying"]].to_numpy())
        growth = naive_growth(returns[row["underlying"]].to_numpy())
        spot = row["underlying_price"]
        if row["position_type"] in ("LONG", "SHORT"):
            total += [row["exposure"] * (np.exp(move) - 1) for move in moves]
            continue
        strike, days, sigma = row["strike"], row["days_to_expiry"], row["implied_volatility"]
        is_call = row["position_type"][1] == "C"
        base = quantlib_price(spot, strike, days, sigma, is_call)
        left = days - DAYS_TO_NEXT
        values = np.array(
            [
                quantlib_price(spot * np.exp(move), strike, left, sigma * factor, is_call)
                for move, factor in zip(moves, growth, strict=True)
            ]
        )
        total += 100 * row["quantity"] * (values - base)
    return total


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_book_of_all_kinds_equals_loops_with_quantlib(sign: float) -> None:
    holdings = mixed(sign)
    pnl = naive_pnl(holdings, HISTORY)
    result = simulate(holdings)
    for place, level in enumerate(LEVELS):
        var, es = naive_tail(pnl, level)
        assert result.value_at_risk[0, place] == pytest.approx(var, rel=1e-9)
        assert result.expected_shortfall[0, place] == pytest.approx(es, rel=1e-9)
    assert result.deviation[0] == pytest.approx(pnl.std(ddof=1), rel=1e-9)
    assert (result.n_obs[0], result.status[0]) == (504, "ok")


@pytest.mark.parametrize("quantity", [200.0, -200.0])
def test_one_stock_is_textbook_filtered_simulation(quantity: float) -> None:
    moves = np.exp(naive_scenarios(HISTORY["A"].to_numpy())) - 1
    var, es = naive_tail(quantity * 50 * moves, 0.99)
    result = simulate(Holdings().hold("A", quantity, 50.0))
    assert result.value_at_risk[0, 1] == pytest.approx(var, rel=1e-10)
    assert result.expected_shortfall[0, 1] == pytest.approx(es, rel=1e-10)


def test_value_at_risk_is_homogeneous() -> None:
    once, thrice = simulate(mixed(1.0)), simulate(mixed(3.0))
    np.testing.assert_allclose(thrice.value_at_risk, 3 * once.value_at_risk, rtol=1e-12)
    np.testing.assert_allclose(thrice.expected_shortfall, 3 * once.expected_shortfall, rtol=1e-12)


def test_a_long_and_a_short_of_the_same_cancel() -> None:
    result = simulate(Holdings().hold("A", 100, 50.0).hold("A", -100, 50.0))
    np.testing.assert_array_equal(result.value_at_risk, 0.0)
    np.testing.assert_array_equal(result.expected_shortfall, 0.0)


def test_a_long_call_and_short_put_are_the_forward() -> None:
    # Parity: C - P = S exp(-qT) - K exp(-rT): whatever volatility does, P&L is that of shares and the carry.
    now, later = 90 / 365, (90 - DAYS_TO_NEXT) / 365
    options = Holdings().hold_option("A", 1, 50.0, 55.0, 90, 0.3, True)
    options.hold_option("A", -1, 50.0, 55.0, 90, 0.3, False)
    shares = Holdings().hold("A", 100 * np.exp(-YIELD * later), 50.0)
    income = 50 * (np.exp(-YIELD * later) - np.exp(-YIELD * now))
    interest = 55 * (np.exp(-RATE * later) - np.exp(-RATE * now))
    expected = simulate(shares).value_at_risk - 100 * (income - interest)
    np.testing.assert_allclose(simulate(options).value_at_risk, expected, rtol=1e-10)


def test_an_option_on_a_price_that_stands_loses_the_time_that_passes() -> None:
    still = HISTORY * 0.0
    result = simulate(Holdings().hold_option("A", 2, 50.0, 50.0, 30, 0.3, True), still)
    loss = quantlib_price(50, 50, 30, 0.3, True) - quantlib_price(50, 50, 30 - DAYS_TO_NEXT, 0.3, True)
    np.testing.assert_allclose(result.value_at_risk, 200 * loss, rtol=1e-9)
    assert result.deviation[0] == pytest.approx(0.0, abs=1e-9)


def test_over_a_weekend_three_days_pass() -> None:
    friday = SESSIONS[-4]
    assert friday.day_name() == "Friday"
    holdings = Holdings().hold_option("A", 2, 50.0, 50.0, 3, 0.3, False, date=friday)
    result = simulate(holdings, HISTORY * 0.0)
    np.testing.assert_allclose(result.value_at_risk, holdings.rows[0]["exposure"], rtol=1e-12)


def test_a_share_that_jumped_out_of_quiet_has_losses_of_the_order_of_the_position() -> None:
    """Case 51: 1,000 shares short, 246,000 USD; unbounded, its expected shortfall was 1.6e69 USD."""
    moves = np.random.default_rng(7).normal(0, 0.001, len(SESSIONS))
    moves[-50:] = np.random.default_rng(8).normal(0, 0.09, 50)
    moves[[-52, -51]] = np.log(4.57), np.log(2.07)
    returns = pd.DataFrame(moves[:, None], index=SESSIONS, columns=pd.Index(["SPC"], dtype="str"))
    result = simulate(Holdings().hold("SPC", -1000, 246.0), returns)
    assert 246_000 * 0.1 < result.value_at_risk[0, 1] < 246_000
    assert result.expected_shortfall[0, 1] < 4 * 246_000
    assert result.deviation[0] < 246_000
    assert 1 <= result.n_bounded[0] <= 10


def test_a_scenario_is_bounded_where_one_of_the_underlyings_is() -> None:
    returns = HISTORY.copy()
    returns.iloc[-100, 0], returns.iloc[[-100, -200], 1] = 0.9, 0.9
    both = simulate(Holdings().hold("A", 100, 50.0).hold("B", 10, 100.0), returns)
    alone = simulate(Holdings().hold("B", 10, 100.0), returns)
    assert both.n_bounded[0] == alone.n_bounded[0] == 2
    assert simulate(Holdings().hold("C", 10, 100.0), returns).n_bounded[0] == 0


def test_a_long_option_cannot_lose_more_than_its_price() -> None:
    holdings = Holdings().hold_option("A", 3, 50.0, 50.0, 20, 0.3, False)
    crash = HISTORY * 8
    result = simulate(holdings, crash)
    assert result.expected_shortfall[0, 1] <= holdings.rows[0]["exposure"] + 1e-9


def test_portfolios_and_dates_in_one_call_equal_each_alone() -> None:
    days = SESSIONS[[-40, -2, -1]]
    together = Holdings()
    for number, day in enumerate(days):
        together.rows += mixed(1 + number, date=day).rows
        together.rows += Holdings().hold("B", 10, 99.0, date=day, portfolio="small").rows
    for number, row in enumerate(together.rows):
        row["position_id"] = f"{number:03d}"
    all_at_once = simulate(together)
    book = together.book()
    for place, (day, name) in enumerate(book.partitions.itertuples(index=False)):
        part = Holdings([row for row in together.rows if (row["date"], row["portfolio"]) == (day, name)])
        alone = simulate(part, HISTORY.loc[:day])
        for one, many in zip(alone[:-1], all_at_once[:-1], strict=True):
            np.testing.assert_array_equal(one[0], many[place])


def test_small_blocks_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = simulate(mixed())
    for name in ("book.CELLS", "historical_simulation._BLOCK"):
        monkeypatch.setattr(f"sigmasight_core.risk.{name}", 2000)
    for small, large in zip(simulate(mixed()), expected, strict=True):
        np.testing.assert_array_equal(small, large)


def test_a_scenario_needs_a_return_of_every_underlying() -> None:
    returns = HISTORY.copy()
    returns.iloc[-100:-90, 0] = np.nan
    returns.iloc[-95:-85, 1] = np.nan
    result = simulate(Holdings().hold("A", 100, 50.0).hold("B", 10, 100.0), returns)
    assert (result.n_obs[0], result.status[0]) == (489, "ok")
    alone = simulate(Holdings().hold("A", 100, 50.0), returns)
    assert alone.n_obs[0] == 494
    known = naive_scenarios(returns["A"].to_numpy())
    var, _ = naive_tail(5000 * np.expm1(known[np.isfinite(known)]), 0.95)
    assert alone.value_at_risk[0, 0] == pytest.approx(var, rel=1e-10)


def test_a_short_history_is_left_out_and_named() -> None:
    returns = HISTORY.copy()
    returns.iloc[:-200, 2] = np.nan
    result = simulate(mixed(), returns)
    without = Holdings([row for row in mixed().rows if row["underlying"] != "C"])
    assert result.status[0] == "partial: fewer than 252 scenarios for C"
    np.testing.assert_allclose(result.value_at_risk, simulate(without, returns).value_at_risk, rtol=1e-12)


def test_too_few_scenarios_are_no_value_at_risk() -> None:
    result = simulate(Holdings().hold("A", 100, 50.0), history("A", count=200))
    assert np.isnan(result.value_at_risk).all()
    assert np.isnan(result.deviation).all()
    assert result.status[0] == "insufficient: 180 of 252 scenarios"


def test_histories_that_do_not_overlap_are_insufficient_together() -> None:
    returns = HISTORY.copy()
    returns.iloc[::2, 0] = np.nan
    returns.iloc[1::2, 1] = np.nan
    result = simulate(Holdings().hold("A", 100, 50.0).hold("B", 10, 100.0), returns)
    assert np.isnan(result.value_at_risk).all()
    assert (result.n_obs[0], result.status[0]) == (0, "insufficient: 0 of 252 scenarios")


def test_positions_without_price_or_greeks_are_named() -> None:
    holdings = mixed().hold("D", 10, np.nan)
    holdings.rows[2]["implied_volatility"] = np.nan
    result = simulate(holdings)
    missing = holdings.rows[2]["symbol"]
    assert result.status[0] == f"partial: no price for D; no Greeks for {missing}"
    rest = Holdings([row for place, row in enumerate(mixed().rows) if place != 2])
    np.testing.assert_allclose(result.value_at_risk, simulate(rest).value_at_risk, rtol=1e-12)


def test_nothing_left_is_unavailable() -> None:
    result = simulate(Holdings().hold("D", 10, np.nan))
    assert np.isnan(result.value_at_risk).all()
    assert result.status[0] == "unavailable: no price for D"


def test_nothing_held_has_no_risk() -> None:
    result = simulate(Holdings(), HISTORY, (DAY, "empty"))
    np.testing.assert_array_equal(result.value_at_risk, 0.0)
    np.testing.assert_array_equal(result.deviation, 0.0)
    assert (result.n_obs[0], result.status[0]) == (0, "ok")


def test_a_settled_option_has_no_risk_left() -> None:
    settled = Holdings().hold("A", 100, 50.0).hold_option("A", 5, 50.0, 40.0, 0, 0.3, True)
    np.testing.assert_array_equal(
        simulate(settled).value_at_risk, simulate(Holdings().hold("A", 100, 50.0)).value_at_risk
    )


def test_many_names_are_counted() -> None:
    holdings = Holdings().hold("A", 1, 10.0)
    for number in range(8):
        holdings.hold(f"X{number}", 1, np.nan)
    assert simulate(holdings).status[0] == "partial: no price for X0, X1, X2, X3, X4 and 3 more"


def test_a_position_outside_of_the_partitions_is_refused() -> None:
    with pytest.raises(InputError, match="outside of the partitions"):
        mixed().book((DAY, "other"))


def test_greeks_without_values_are_refused() -> None:
    values, greeks = mixed().frames()
    with pytest.raises(InputError, match="no row in position_values"):
        RiskBook.of(greeks[["date", "portfolio"]], values.iloc[1:], greeks)
