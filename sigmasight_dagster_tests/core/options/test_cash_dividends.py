"""The setting `escrowed`: quotes, values and Greeks by cash dividends, through the assets' functions."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql

from sigmasight_core.options import cash_dividends, pricing
from sigmasight_core.options.dividend_yields import ABOVE_CLOSE, OF_DIVIDENDS
from sigmasight_core.options.parameters import ESCROWED, OptionParameters
from sigmasight_core.tables import DividendYields
from sigmasight_dagster_tests.core.options.quote_inputs import closes, contract, implied, ql_values, quote
from sigmasight_dagster_tests.core.positions.ledger_inputs import World, ledger, position, typed

DAY, SPOT, RATE, VOLATILITY = "2024-01-03", 100.0, 0.05, 0.28
PARAMETERS = OptionParameters(RATE, "settings", {}, 0.02, "settings", ESCROWED)
IN_CASH = f"{ESCROWED}: {OF_DIVIDENDS}"
REFERENCE = pd.read_csv(Path(__file__).parent / "american" / "finite_differences.csv")
NO_VEGA = ("KO call in the money",)
"""Half a cent of their price is a point of volatility or more: none is published."""


def dividends(amount: float, days: int = 15, year: float | None = None, **other: Any) -> pd.DataFrame:
    """`amount` is expected in so many days after DAY; four a year."""
    total = 4 * amount if year is None else year
    row = {
        "symbol": "KO",
        "dividends": total,
        "dividend_yield": min(total / SPOT, 1.0),
        "dividend_yield_source": OF_DIVIDENDS,
        "expected_ex_date": pd.Timestamp(DAY) + pd.Timedelta(days=days) if amount else pd.NaT,
        "expected_dividend": amount,
        "status": "ok",
        **other,
    }
    return typed(DividendYields, [{"date": day, **row} for day in ("2024-01-02", DAY)])


def priced(
    name: str,
    paid: pd.DataFrame,
    parameters: OptionParameters = PARAMETERS,
    spot: float = SPOT,
    volatility: float = VOLATILITY,
) -> tuple["pd.Series[Any]", "pd.Series[Any]"]:
    """Row of position_values (the model's price) and of position_greeks."""
    underlying = paid["symbol"].iloc[0]
    book = ledger(position(name, 1, 5.0, DAY))
    made = World(book, {underlying: [spot, spot]}, "2024-01-02", volatility=volatility)
    made.parameters, made.dividends = parameters, paid
    values = made.values(made.at(1))
    return values.iloc[0], made.greeks(values).iloc[0]


def implied_of(
    name: str, price: float, paid: pd.DataFrame, parameters: OptionParameters = PARAMETERS, spot: float = SPOT
) -> "pd.Series[Any]":
    quotes = [quote(DAY, name, price * 0.999, price * 1.001)]
    underlying = paid["symbol"].iloc[0]
    return implied(quotes, closes((DAY, underlying, spot)), parameters=parameters, dividends=paid).iloc[0]


def option(strike: float, is_call: bool, days: int, root: str = "KO") -> str:
    return contract(strike, is_call, f"{pd.Timestamp(DAY) + pd.Timedelta(days=days):%Y-%m-%d}", root)


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: row["contract"])
def test_finite_differences(row: dict[str, Any]) -> None:
    """800 x 800 steps with the dividends as jumps; ours repeats the next one at the year's interval."""
    paid = json.loads(row["dividends_day_amount"]) or [[0, 0.0]]
    spot = row["spot"]
    parameters = replace(PARAMETERS, risk_free_rate=row["risk_free_rate"])
    name = option(row["strike"], row["type"] == "call", row["days_to_expiry"])
    day, amount = paid[0]
    expected = dividends(amount, day)
    value, greeks = priced(name, expected, parameters, spot, row["volatility"])
    assert value["price"] == pytest.approx(row["american_price"], rel=0.012)
    assert greeks["delta"] == pytest.approx(row["american_delta"], abs=0.015)
    assert greeks["dividend_yield_source"] == IN_CASH
    found = implied_of(name, row["american_price"], expected, parameters, spot)
    assert found["dividend_yield_source"] == IN_CASH
    assert np.isfinite(found["implied_volatility"]) == (not row["contract"].startswith(NO_VEGA))
    if not row["contract"].startswith(NO_VEGA):
        assert found["implied_volatility"] == pytest.approx(row["volatility"], abs=0.01)


def quantlib(strike: float, is_call: bool, days: int, first: int, amount: float) -> ql.VanillaOption:
    """An American option by QuantLib's finite differences of the escrowed model, dividends every 91 days."""
    today = ql.Date(3, 1, 2024)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()
    flat = ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, count))
    none = ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, count))
    level = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), VOLATILITY, count))
    process = ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(SPOT)), none, flat, level)
    ex_days = list(range(first, days, 91))
    schedule = ql.DividendVector([today + day for day in ex_days], [amount] * len(ex_days))
    made = ql.VanillaOption(
        ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike),
        ql.AmericanExercise(today, today + days),
    )
    engine = ql.FdBlackScholesVanillaEngine
    made.setPricingEngine(
        engine(process, schedule, 800, 800, 0, ql.FdmSchemeDesc.Douglas(), False, 0.0, engine.Escrowed)
    )
    return made


@pytest.mark.parametrize(
    ("strike", "is_call", "days", "first", "amount"),
    [
        (80, True, 170, 15, 1.6),
        (100, True, 170, 60, 1.6),
        (100, False, 170, 15, 1.6),
        (115, False, 350, 40, 0.5),
    ],
)
def test_quantlib_has_the_same_model(
    strike: float, is_call: bool, days: int, first: int, amount: float
) -> None:
    reference = quantlib(strike, is_call, days, first, amount)
    value, greeks = priced(option(strike, is_call, days), dividends(amount, first))
    assert value["price"] == pytest.approx(reference.NPV(), abs=0.01)
    assert greeks["delta"] == pytest.approx(reference.delta(), abs=0.005)
    found = implied_of(option(strike, is_call, days), reference.NPV(), dividends(amount, first))
    assert found["implied_volatility"] == pytest.approx(VOLATILITY, abs=2e-3)


def test_a_call_in_the_money_with_its_ex_date_tomorrow_is_worth_what_exercise_pays() -> None:
    name, paid = option(80, True, 30), dividends(0.5, 1)
    value, greeks = priced(name, paid)
    interest = 80 * (1 - np.exp(-RATE / 365))  # the strike is paid just before the dividend
    assert value["price"] == pytest.approx(20.0 + interest, abs=1e-3)
    assert greeks["delta"] == pytest.approx(1.0, abs=1e-6)
    assert greeks["early_exercise"] == "likely"
    by_yield, _ = priced(name, paid, replace(PARAMETERS, dividend_model="yield"))
    assert by_yield["price"] > 20.1
    assert implied_of(name, 19.99, paid)["status"] == "the price is not above the value on exercise"
    out, _ = priced(option(110, True, 30), paid)
    net = ql_values(SPOT - 0.5 * np.exp(-RATE / 365), 110, 30, RATE, 0.0, VOLATILITY, True)
    assert out["price"] == pytest.approx(net["price"], abs=2e-3)


@pytest.mark.parametrize("is_call", [True, False])
def test_europeans_are_black_scholes_on_the_share_less_its_dividends(is_call: bool) -> None:
    days, amount, first = 106, 1.6, 15
    times = np.array([first, days - 0.25]) / 365  # the second ex-date is the expiry
    worth = (amount * np.exp(-RATE * times)).sum()
    expected = ql_values(SPOT - worth, 105, days, RATE, 0.0, VOLATILITY, is_call)
    name, paid = option(105, is_call, days, "XSP"), dividends(amount, first, symbol="XSP")
    value, greeks = priced(name, paid)
    assert value["price"] == pytest.approx(expected["price"], abs=1e-9)
    for greek in ("delta", "gamma", "vega"):
        assert greeks[greek] == pytest.approx(expected[greek], abs=1e-9)
    found = implied_of(name, expected["price"], paid)
    assert found["implied_volatility"] == pytest.approx(VOLATILITY, abs=1e-6)


@pytest.mark.parametrize("american", [True, False])
def test_theta_and_rho_are_at_an_unchanged_share(american: bool) -> None:
    def price(days: float, rate: float) -> float:
        terms = (100.0, 102.0, (170 - days) / 365, rate, 0.9, VOLATILITY, False, american)
        arrays = [np.array([value]) for value in (*terms, 40.0 - days, 91.0, 1.6)]
        return float(cash_dividends.option_price(*arrays)[0])

    terms = (100.0, 102.0, 170 / 365, RATE, 0.9, VOLATILITY, False, american, 40.0, 91.0, 1.6)
    values = cash_dividends.option_values(*(np.array([value]) for value in terms))
    assert values.price[0] == price(0, RATE)
    assert values.theta[0] == pytest.approx((price(0.5, RATE) - price(-0.5, RATE)), abs=2e-4)
    assert values.rho[0] == pytest.approx((price(0, RATE + 1e-3) - price(0, RATE - 1e-3)) / 0.2, abs=2e-3)


def test_a_row_is_the_same_bits_in_any_batch_and_without_cash_those_of_the_yield() -> None:
    strike = np.linspace(70.0, 130.0, 40)
    ones = np.ones(40)
    calls, style = np.arange(40) % 2 == 0, np.arange(40) % 3 > 0
    terms = (100 * ones, strike, 0.5 * ones, RATE * ones, 0.03 * ones, VOLATILITY * ones, calls, style)
    interval = np.where(np.arange(40) % 4 > 0, 91.0, 0.0)
    amount = np.where(interval > 0, 1.1, 0.0)
    every = (*terms, 20 * (interval > 0), interval, amount)
    together = cash_dividends.option_values(*every)
    alone = [cash_dividends.option_values(*(values[i : i + 1] for values in every)) for i in range(40)]
    np.testing.assert_array_equal(
        np.array(together), np.concatenate([np.array(one) for one in alone], axis=1)
    )
    by_yield = np.array(pricing.option_values(*terms))
    np.testing.assert_array_equal(np.array(together)[:, interval == 0], by_yield[:, interval == 0])
    assert (np.array(together)[0] != by_yield[0])[interval > 0].all()
    volatility, status = cash_dividends.implied_volatility(together.price, *terms[:5], *every[6:])
    assert volatility[status == "ok"] == pytest.approx(VOLATILITY, abs=1e-5)
    assert (status == "ok").mean() > 0.7


@pytest.mark.parametrize(
    ("paid", "parameters", "source"),
    [
        (dividends(0.25, year=11.0), PARAMETERS, OF_DIVIDENDS),
        (dividends(60.0, year=90.0), PARAMETERS, OF_DIVIDENDS),
        (dividends(1.6, dividend_yield_source="settings"), PARAMETERS, "settings"),
        (
            dividends(
                np.nan,
                year=np.nan,
                dividend_yield=0.02,
                dividend_yield_source=f"settings: {ABOVE_CLOSE}",
                status=ABOVE_CLOSE,
            ),
            PARAMETERS,
            f"settings: {ABOVE_CLOSE}",
        ),
        (dividends(1.6), replace(PARAMETERS, dividend_model="yield"), OF_DIVIDENDS),
    ],
    ids=["a special dividend", "worth more than the share", "named", "not known", "the default"],
)
def test_without_a_list_of_dividends_the_yield_counts_in_all_three(
    paid: pd.DataFrame, parameters: OptionParameters, source: str
) -> None:
    name, days = option(100, True, 350), 350
    value, greeks = priced(name, paid, parameters)
    given = paid["dividend_yield"].iloc[0]
    expected = pricing.option_values(SPOT, 100.0, days / 365, RATE, given, VOLATILITY, True, True)
    assert value["price"] == expected.price
    assert [greeks[greek] for greek in expected._fields[1:]] == list(expected[1:])
    assert greeks["dividend_yield_source"] == source
    found = implied_of(name, float(expected.price), paid, parameters)
    assert found["dividend_yield_source"] == source
    assert found["implied_volatility"] == pytest.approx(VOLATILITY, abs=1e-6)
