"""Quotes as thin markets give them: no bid, sides far apart, a last trade that the ask has left behind."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.options.quotes import CONTRADICTORY, NO_BID, WIDE
from sigmasight_dagster_tests.core.options.quote_inputs import (
    closes,
    contract,
    implied,
    mid,
    quote,
    quote_world,
)
from sigmasight_dagster_tests.core.options.test_quoted_options import CLOSES, DAYS, value, world
from sigmasight_dagster_tests.core.positions.ledger_inputs import NAN, row

DAY = DAYS[2]
SPOT = closes((DAY, "XSP", 104.0), (DAY, "A", 104.0))
CALL, NEAR = contract(100, True), contract(105, True)


@pytest.mark.parametrize(
    ("strike", "is_call", "bid", "ask", "last", "price"),
    [
        (150, True, NAN, 0.05, NAN, 0.025),
        (150, True, 0.0, 0.05, 0.47, 0.025),  # the ask has left the last trade behind
        (60, False, 0.0, 0.02, NAN, 0.01),
        (100, True, NAN, 4.50, NAN, 4.25),
        (120, False, 0.0, 16.0, 17.0, 16.0),
    ],
)
def test_without_a_bid_it_is_worth_at_most_its_ask_and_at_least_intrinsic(
    strike: float, is_call: bool, bid: float, ask: float, last: float, price: float
) -> None:
    name = contract(strike, is_call, root="A")
    found = implied([quote(DAY, name, bid, ask, last)], SPOT).iloc[0]
    assert found["price"] == pytest.approx(price, rel=1e-12)
    assert max(104 - strike if is_call else strike - 104, 0) <= found["price"] <= ask
    assert found[["price_source", "implied_vol_source", "status"]].tolist() == ["quote ask", "none", NO_BID]
    book = quote_world(world(name, closes={"A": CLOSES["XSP"]}), quote(DAY, name, bid, ask, last))
    held = row(book.values(), book.sessions[2], f"{name}@{DAYS[1]}")
    assert held["price"] == pytest.approx(price, rel=1e-12)
    assert held[["price_source", "status"]].tolist() == ["quote ask", NO_BID]


@pytest.mark.parametrize(("bid", "ask"), [(NAN, 3.9), (0.0, 0.01)])
@pytest.mark.parametrize("root", ["A", "XSP"])
def test_an_ask_below_the_intrinsic_value_gives_no_price_and_is_doubtful(
    bid: float, ask: float, root: str
) -> None:
    name = contract(100, True, root=root)
    found = implied([quote(DAY, name, bid, ask, status="no bid")], SPOT).iloc[0]
    assert np.isnan(found["price"])
    assert found[["price_source", "status"]].tolist() == ["none", CONTRADICTORY]
    book = quote_world(world(name, closes={root: CLOSES["XSP"]}), quote(DAY, name, bid, ask))
    held = row(book.values(), book.sessions[2], f"{name}@{DAYS[1]}")
    assert held[["price_source", "status"]].tolist() == ["model", CONTRADICTORY]


def test_a_last_trade_below_the_ask_is_still_a_price() -> None:
    found = implied([quote(DAY, CALL, NAN, 9.0, 8.0)], SPOT).iloc[0]
    assert found[["price", "price_source", "status"]].tolist() == [8.0, "quote last", "ok"]


@pytest.mark.parametrize(("bid", "ask"), [(0.05, 5.00), (2.0, 6.5), (0.01, 0.3)])
def test_a_wide_quote_is_doubtful_and_implies_nothing(bid: float, ask: float) -> None:
    name = contract(110, True)
    wide, good = quote(DAY, name, bid, ask), mid(DAY, NEAR, value(2, 105, True, 0.3)["price"])
    alone = implied([wide], SPOT).iloc[0]
    assert alone["price"] == pytest.approx((bid + ask) / 2)
    assert alone[["price_source", "implied_vol_source", "status"]].tolist() == ["quote mid", "none", WIDE]
    beside = implied([wide, good], SPOT)
    assert beside.loc[name, "implied_volatility"] == pytest.approx(0.3, rel=1e-9)
    assert beside.loc[name, "status"] == f"chain_neighbour: {WIDE}"
    assert beside.loc[NEAR, "implied_vol_source"] == "quote"
    book = quote_world(world(name), wide, good)
    values = book.values()
    held = row(values, book.sessions[2], f"{name}@{DAYS[1]}")
    assert held[["price_source", "status"]].tolist() == ["quote mid", WIDE]
    greeks = row(book.greeks(values), book.sessions[2], f"{name}@{DAYS[1]}")
    assert greeks["implied_vol_source"] == "chain_neighbour"


@pytest.mark.parametrize(
    ("bid", "ask", "strike"), [(0.01, 0.25, 150), (0.05, 0.30, 150), (4.0, 7.9, 100), (90.0, 99.0, 100)]
)
def test_a_quote_of_a_few_ticks_or_below_its_mid_is_plain(bid: float, ask: float, strike: float) -> None:
    names = contract(strike, True), contract(strike + 5, True)
    found = implied([quote(DAY, name, bid, ask) for name in names], SPOT)
    assert not found["status"].str.contains("doubtful").any()
    assert set(found["price_source"]) == {"quote mid"}


@pytest.mark.parametrize(("bid", "ask"), [(5.0, 4.0), (0.0, 0.0), (5.0, NAN), (0.05, 0.04)])
def test_crossed_and_empty_quotes_have_no_price(bid: float, ask: float) -> None:
    found = implied([quote(DAY, CALL, bid, ask, status="crossed or empty")], SPOT).iloc[0]
    assert np.isnan(found["price"])
    assert found[["price_source", "status"]].tolist() == ["none", "no price: crossed or empty"]


def test_at_settlement_a_doubtful_quote_changes_nothing() -> None:
    day = "2024-06-21"
    found = implied([quote(day, CALL, NAN, 5.0)], closes((day, "XSP", 104.0))).iloc[0]
    assert found["status"] == "the option has expired"
    assert pd.isna(found["implied_volatility"])
