"""American options through the functions of the assets: quotes, values and Greeks against QuantLib."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.options.american.implied_volatility import BELOW_EXERCISE
from sigmasight_core.options.exercise import AMERICAN, EUROPEAN
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import CONTRADICTORY
from sigmasight_core.tables import DividendYields
from sigmasight_dagster_tests.core.options.american.contracts import Sample, quantlib_prices
from sigmasight_dagster_tests.core.options.quote_inputs import (
    closes,
    contract,
    implied,
    ql_values,
    quote,
    quote_world,
)
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, RATE, World, ledger, position, typed

DAY = "2024-01-03"
EXPIRY = "2024-06-21"
DAYS = (pd.Timestamp(EXPIRY) - pd.Timestamp(DAY)).days
SPOT, YIELD, DIVIDEND = 100.0, 0.065, 1.6
EX_DATE = pd.Timestamp("2024-01-18")
SOURCE = "dividends of 365 days"
TERMS = [(strike, call) for strike in (70.0, 90.0, 100.0, 110.0, 130.0) for call in (True, False)]


def dividends(*names: str) -> pd.DataFrame:
    return typed(
        DividendYields,
        [
            {
                "date": day,
                "symbol": name,
                "dividends": YIELD * SPOT,
                "dividend_yield": YIELD,
                "dividend_yield_source": SOURCE,
                "expected_ex_date": EX_DATE,
                "expected_dividend": DIVIDEND,
                "status": "ok",
            }
            for name in names
            for day in ("2024-01-02", DAY)
        ],
    )


def american(volatility: float, terms: list[tuple[float, bool]] = TERMS, spot: float = SPOT) -> np.ndarray:
    strike, call = (np.array(column) for column in zip(*terms, strict=True))
    full = [np.full(len(terms), value) for value in (spot, DAYS, RATE, YIELD, volatility)]
    return quantlib_prices(Sample(full[0], strike, full[1].astype(int), *full[2:], call))


class TestQuotes:
    def test_a_chain_by_quantlib_is_recovered(self) -> None:
        names = [contract(strike, call, EXPIRY, "KO") for strike, call in TERMS]
        prices = american(0.28)
        quotes = [quote(DAY, name, p * 0.99, p * 1.01) for name, p in zip(names, prices, strict=True)]
        found = implied(quotes, closes((DAY, "KO", SPOT)), dividends=dividends("KO"))
        rows = found.loc[names]
        alive = prices > np.maximum([(1 if c else -1) * (SPOT - k) for k, c in TERMS], 0) + 0.02
        assert alive.sum() >= 8
        np.testing.assert_allclose(rows["implied_volatility"][alive], 0.28, atol=5e-4)
        assert set(rows["exercise_style"]) == {AMERICAN}
        assert set(rows["dividend_yield_source"]) == {SOURCE}
        assert set(rows["dividend_yield"]) == {YIELD}

    def test_an_index_beside_it_stays_european(self) -> None:
        name = contract(130, False, EXPIRY, "XSP")
        price = ql_values(SPOT, 130, DAYS, RATE, YIELD, 0.28, False)["price"]
        found = implied(
            [quote(DAY, name, price, price)], closes((DAY, "XSP", SPOT)), dividends=dividends("XSP")
        )
        assert found["implied_volatility"].tolist() == [pytest.approx(0.28, abs=1e-9)]
        assert found["exercise_style"].tolist() == [EUROPEAN]

    def test_a_price_that_exercise_pays_implies_none_and_the_words_say_so(self) -> None:
        name = contract(70, True, EXPIRY, "KO")
        found = implied([quote(DAY, name, 29.5, 30.1)], closes((DAY, "KO", SPOT)), dividends=dividends("KO"))
        assert found["status"].tolist() == [BELOW_EXERCISE]
        assert found["price"].tolist() == [pytest.approx(29.8)]

    @pytest.mark.parametrize(
        ("bid", "ask", "price", "source"),
        [(28.0, 29.0, 28.5, "quote mid"), (0.0, 29.0, NAN, "none"), (NAN, 29.0, NAN, "none")],
    )
    def test_an_ask_below_what_exercise_pays_is_doubtful(
        self, bid: float, ask: float, price: float, source: str
    ) -> None:
        name = contract(70, True, EXPIRY, "KO")
        found = implied([quote(DAY, name, bid, ask)], closes((DAY, "KO", SPOT)), dividends=dividends("KO"))
        assert found["status"].tolist() == [CONTRADICTORY]
        assert found["price"].tolist() == [pytest.approx(price, nan_ok=True)]
        assert found["price_source"].tolist() == [source]
        assert found["implied_volatility"].isna().all()


NAMES = [contract(strike, call, EXPIRY, root) for root in ("KO", "XSP") for strike, call in TERMS]


@pytest.fixture(scope="module")
def world() -> World:
    book = ledger(*(position(name, -2, 5.0, "2024-01-03") for name in NAMES))
    made = World(book, {"KO": [101.0, SPOT], "XSP": [101.0, SPOT]}, "2024-01-02", volatility=0.28)
    made.dividends = dividends("KO", "XSP")
    return made


class TestPositions:
    def test_model_prices(self, world: World) -> None:
        values = world.values(world.at(1)).set_index("symbol")
        ours = values.loc[NAMES, "price"].to_numpy()
        np.testing.assert_allclose(ours[: len(TERMS)], american(0.28), atol=3e-3)
        europeans = [ql_values(SPOT, k, DAYS, RATE, YIELD, 0.28, c)["price"] for k, c in TERMS]
        np.testing.assert_allclose(ours[len(TERMS) :], europeans, rtol=1e-9)
        assert np.abs(ours[: len(TERMS)] - europeans).max() > 1.0

    def test_greeks(self, world: World) -> None:
        values = world.values(world.at(1))
        greeks = world.greeks(values).assign(symbol=values["symbol"]).set_index("symbol").loc[NAMES]
        mine = greeks.iloc[: len(TERMS)]
        delta = (american(0.28, spot=SPOT + 0.2) - american(0.28, spot=SPOT - 0.2)) / 0.4
        vega = (american(0.285) - american(0.275)) / 1.0
        np.testing.assert_allclose(mine["delta"], delta, atol=2e-3)
        np.testing.assert_allclose(mine["vega"], vega, atol=2e-3)
        np.testing.assert_allclose(mine["position_delta"], -200 * mine["delta"], rtol=1e-12)
        assert greeks["exercise_style"].tolist() == [AMERICAN] * len(TERMS) + [EUROPEAN] * len(TERMS)
        assert set(greeks["dividend_yield_source"]) == {SOURCE}

    def test_early_exercise_before_a_dividend(self, world: World) -> None:
        values = world.values(world.at(1))
        greeks = world.greeks(values)
        terms = parse_occ(values["symbol"])
        time_value = values["price"] - np.maximum(SPOT - terms["strike"], 0)
        likely = (
            terms["is_call"] & (terms["strike"] < SPOT) & (time_value < DIVIDEND) & (terms["root"] == "KO")
        )
        assert (greeks["early_exercise"] == "likely").tolist() == likely.tolist()
        assert likely.sum() >= 1
        assert set(greeks["early_exercise"]) == {"likely", "not expected"}

    def test_a_dividend_after_the_expiry_exercises_nothing(self, world: World) -> None:
        name = contract(70, True, "2024-01-12", "KO")
        other = World(ledger(position(name, 1, 5.0, "2024-01-03")), {"KO": [101.0, SPOT]}, "2024-01-02")
        other.dividends = dividends("KO")
        assert other.greeks()["early_exercise"].tolist() == ["not expected"]
        other.dividends = dividends("KO").assign(expected_dividend=NAN, expected_ex_date=pd.NaT)
        assert other.greeks()["early_exercise"].tolist() == ["not known"]

    def test_a_contradictory_quote_is_doubtful_on_the_position(self) -> None:
        name = contract(70, True, EXPIRY, "KO")
        made = World(ledger(position(name, 1, 5.0, "2024-01-03")), {"KO": [101.0, SPOT]}, "2024-01-02")
        made.dividends = dividends("KO")
        quote_world(made, quote(DAY, name, NAN, 29.0))
        row = made.values(made.at(1)).iloc[0]
        assert row[["price_source", "status"]].tolist() == ["model", CONTRADICTORY]
        assert row["price"] >= 30


REFERENCE = pd.read_csv(Path(__file__).parent / "american" / "finite_differences.csv")
NO_VEGA = ("KO call in the money", "PG put deep in the money")
"""Half a cent of their price is a point of volatility or more: none is published."""


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: row["contract"])
def test_discrete_dividends_by_finite_differences(row: dict[str, Any]) -> None:
    """Prices and deltas of 800 x 800 steps with the dividends as jumps; ours with a year's over the close."""
    paid = json.loads(row["dividends_day_amount"])
    dividend_yield = 4 * paid[0][1] / row["spot"] if paid else 0.0
    is_call, spot = row["type"] == "call", row["spot"]
    expiry = pd.Timestamp(DAY) + pd.Timedelta(days=row["days_to_expiry"])
    name = contract(row["strike"], is_call, f"{expiry:%Y-%m-%d}", "KO")
    made = World(
        ledger(position(name, 1, 5.0, DAY)), {"KO": [spot, spot]}, "2024-01-02", volatility=row["volatility"]
    )
    made.parameters = OptionParameters(row["risk_free_rate"], "settings", {}, 0.0, "settings")
    made.dividends = dividends("KO").assign(dividend_yield=dividend_yield)
    values = made.values(made.at(1))
    assert values["price"].iloc[0] == pytest.approx(row["american_price"], rel=0.02)
    assert made.greeks(values)["delta"].iloc[0] == pytest.approx(row["american_delta"], abs=0.032)
    found = implied(
        [quote(DAY, name, row["american_price"] * 0.999, row["american_price"] * 1.001)],
        closes((DAY, "KO", spot)),
        parameters=made.parameters,
        dividends=made.dividends,
    )["implied_volatility"].iloc[0]
    assert np.isfinite(found) == (not row["contract"].startswith(NO_VEGA))
    if not row["contract"].startswith(NO_VEGA):
        assert found == pytest.approx(row["volatility"], abs=0.01)
