"""Positions in options that have quotes: price, Greeks and P&L against QuantLib at the implied volatility."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.options.dividend_yields import NO_ROW
from sigmasight_core.positions.greeks import GREEKS
from sigmasight_core.tables.pnl import PNL_PARTS
from sigmasight_dagster_tests.core.options.quote_inputs import (
    contract,
    curve,
    mid,
    ql_values,
    quote,
    quote_world,
    yields,
)
from sigmasight_dagster_tests.core.pnl.explain_inputs import Explained
from sigmasight_dagster_tests.core.pnl.test_explain import check_sums
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    NAN,
    RATE,
    YIELD,
    World,
    ledger,
    position,
    row,
    splits,
)

CALL, PUT = contract(100, True), contract(110, False)
EXPIRY = pd.Timestamp("2024-06-21")
DAYS = ("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")
CLOSES = {"XSP": [100.0, 101.0, 104.0, 99.0]}
BETAS = {"XSP": {"market": 1.0}}


def value(
    n: int, strike: float, is_call: bool, volatility: float, rate: float = RATE, spot: float = 0.0
) -> dict[str, float]:
    days = (EXPIRY - pd.Timestamp(DAYS[n])).days
    return ql_values(spot or CLOSES["XSP"][n], strike, days, rate, YIELD, volatility, is_call)


def world(*symbols: str, closes: dict[str, list[float]] = CLOSES, quantity: float = -2) -> World:
    return World(ledger(*(position(s, quantity, 5.0, DAYS[1]) for s in symbols)), closes, DAYS[0])


class TestValues:
    def test_price_and_greeks_are_those_of_the_quote_at_the_treasury_rate(self) -> None:
        book = world(CALL, PUT)
        book.yields = curve(yields(DAYS[2], m3=5.3, y2=4.2))
        years = (EXPIRY - pd.Timestamp(DAYS[2])).days / 365
        rate = 2 * np.log(1 + np.interp(years, [0.25, 2], [5.3, 4.2]) / 200)
        call, put = value(2, 100, True, 0.42, rate), value(2, 110, False, 0.37, rate)
        quote_world(book, mid(DAYS[2], CALL, call["price"]), mid(DAYS[2], PUT, put["price"]))
        values, greeks = book.values(), book.greeks()
        for symbol, expected, volatility in ((CALL, call, 0.42), (PUT, put, 0.37)):
            held = row(values, book.sessions[2], f"{symbol}@{DAYS[1]}")
            assert held["price"] == pytest.approx(expected["price"], rel=1e-14)
            assert held[["price_source", "status", "price_age_days"]].tolist() == ["quote mid", "ok", 0]
            assert held["exposure"] == pytest.approx(-200 * expected["price"], rel=1e-14)
            found = row(greeks, book.sessions[2], f"{symbol}@{DAYS[1]}")
            assert found["implied_volatility"] == pytest.approx(volatility, rel=1e-9)
            assert found["risk_free_rate"] == pytest.approx(rate, rel=1e-14)
            sources = found[["implied_vol_source", "risk_free_rate_source", "dividend_yield_source"]]
            assert sources.tolist() == ["quote", "treasury", f"setting: {NO_ROW}"]
            assert found[list(GREEKS)].tolist() == pytest.approx([expected[g] for g in GREEKS], rel=1e-8)
            assert found["status"] == "ok"

    def test_the_order_of_the_sources(self) -> None:
        """Last trade, neighbour, realized: each with its price and volatility."""
        near = contract(105, True)
        book = world(CALL, near, PUT, contract(120, True, "2024-09-20"))
        last = value(2, 100, True, 0.5)["price"]
        quote_world(book, quote(DAYS[2], CALL, 0, 20, last), quote(DAYS[2], near, NAN, NAN))
        values = book.values(book.at(2)).set_index("symbol")
        greeks = book.greeks(book.values(book.at(2))).set_index("position_id")
        assert values["price_source"].tolist() == ["quote last", "model", "model", "model"]
        assert greeks["implied_vol_source"].tolist() == ["quote", "chain_neighbour", "realized", "realized"]
        assert values.loc[near, "price"] == pytest.approx(value(2, 105, True, 0.5)["price"], rel=1e-9)
        assert values.loc[PUT, "price"] == pytest.approx(value(2, 110, False, 0.3)["price"], rel=1e-9)
        assert set(greeks["risk_free_rate_source"]) == {"setting"}

    def test_a_price_below_intrinsic_stays_and_the_volatility_is_realized(self) -> None:
        deep = contract(60, True)
        book = quote_world(world(deep), quote(DAYS[2], deep, 43.0 * 0.96, 43.0 * 1.04))
        held = row(book.values(), book.sessions[2])
        assert held[["price_source", "status"]].tolist() == ["quote mid", "ok"]
        assert held["price"] == pytest.approx(43.0)
        found = row(book.greeks(), book.sessions[2])
        assert found[["implied_volatility", "implied_vol_source", "status"]].tolist() == [
            0.3,
            "realized",
            "ok",
        ]

    def test_a_price_without_any_volatility_has_no_greeks_and_says_why(self) -> None:
        deep = contract(60, True)
        book = world(deep)
        book.volatilities = book.volatilities.assign(annualized_volatility=NAN)
        quote_world(book, *(quote(day, deep, 20.0, 57.0) for day in DAYS))
        values, greeks = book.values(), book.greeks()
        assert set(values["status"]) == {"ok"}
        assert values["price"].tolist() == pytest.approx([38.5] * 3)
        assert set(greeks["status"]) == {"no volatility: XSP has none for the session of its last price"}
        assert greeks[list(GREEKS)].isna().all(axis=None)
        found = Explained(book, BETAS).run().positions
        assert found["status"].str.endswith("; no volatility for XSP").tolist() == [False, True, True]
        assert found[list(PNL_PARTS)].sum(axis=1).tolist() == found["daily_pnl"].tolist()
        assert found[["delta_pnl", "gamma_pnl", "vega_pnl"]].iloc[1:].isna().all(axis=None)
        assert found["residual_pnl"].iloc[1:].tolist() == found["daily_pnl"].iloc[1:].tolist()
        snapshot = book.snapshots(book.at(2)).iloc[0]
        assert snapshot["status"].startswith("partial: no Greeks for XSP")

    def test_a_quote_of_another_session_is_not_used(self) -> None:
        """Neither the last session's quote, nor today's where the underlying has no close today."""
        book = quote_world(world(CALL), mid(DAYS[1], CALL, 13.0), mid(DAYS[3], CALL, 11.0))
        assert book.values()["price_source"].tolist() == ["quote mid", "model", "quote mid"]
        stale = world(CALL, closes={"XSP": [100, 101, 104, NAN], "XND": [1.0] * 4})
        quote_world(stale, mid(DAYS[2], CALL, 13.0), mid(DAYS[3], CALL, 11.0))
        held = row(stale.values(), stale.sessions[3])
        assert held["price"] == pytest.approx(13.0)
        assert held[["price_source", "price_age_days"]].tolist() == ["quote mid", 1]
        assert held["status"] == "stale: last price 2024-01-04"
        fresh, carried = (row(stale.greeks(), stale.sessions[n]) for n in (2, 3))
        assert (
            carried[["implied_volatility", "implied_vol_source"]].tolist()
            == fresh[["implied_volatility", "implied_vol_source"]].tolist()
        )

    def test_at_settlement_the_intrinsic_value_whatever_the_quote(self) -> None:
        name = contract(100, True, DAYS[3])
        book = world(name, closes={"XSP": [100.0, 101.0, 104.0, 103.0]})
        quote_world(book, mid(DAYS[2], name, 4.4), mid(DAYS[3], name, 8.0))
        held = row(book.values(), book.sessions[3])
        assert held[["price", "price_source", "status"]].tolist() == [3.0, "intrinsic", "expired"]
        assert held["daily_pnl"] == pytest.approx(-200 * (3.0 - 4.4))

    def test_daily_pnl_runs_from_quote_to_quote_and_adds_up(self) -> None:
        mids = (13.0, 15.5, 11.25)
        book = quote_world(world(CALL), *(mid(day, CALL, p) for day, p in zip(DAYS[1:], mids, strict=True)))
        values = book.values()
        assert values["daily_pnl"].tolist() == pytest.approx([-200 * d for d in (8.0, 2.5, -4.25)])
        assert values["unrealized_pnl"].iloc[-1] == pytest.approx(values["daily_pnl"].sum())

    def test_a_dates_rows_do_not_depend_on_the_range(self) -> None:
        book = world(CALL, PUT)
        book.yields = curve(yields(DAYS[0], m3=5.3, y2=5.3), yields(DAYS[3], m3=5.0, y2=5.0))
        quote_world(book, mid(DAYS[1], CALL, 13.0), mid(DAYS[2], CALL, 15.0), mid(DAYS[3], PUT, 12.0))
        together = book.values()
        for n in (1, 2, 3):
            alone = book.values(book.at(n))
            mine = together[together["date"] == book.sessions[n]].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone, mine, check_exact=True)
            pd.testing.assert_frame_equal(
                book.greeks(alone),
                book.greeks(together).query("date == @mine.date[0]").reset_index(drop=True),
            )
        sources = book.greeks(together)["risk_free_rate_source"].unique().tolist()
        assert sources == ["treasury: yields of 2024-01-02", "treasury"]


class TestSplits:
    def test_an_adjusted_contract_is_not_the_one_of_its_symbol(self) -> None:
        """4:1 on the third session: until then the quote, from then on the model; the P&L is continuous."""
        book = World(
            ledger(position(CALL, -2, 5.0, DAYS[1])),
            {"XSP": [100, 101, 26.0, 24.75]},
            DAYS[0],
            splits((DAYS[2], "XSP", 4.0)),
        )
        quote_world(book, *(mid(day, CALL, p) for day, p in zip(DAYS[1:], (13.0, 0.5, 0.6), strict=True)))
        values, greeks = book.values(), book.greeks()
        assert values["price_source"].tolist() == ["quote mid", "model", "model"]
        assert greeks["implied_vol_source"].tolist() == ["quote", "realized", "realized"]
        model = value(2, 25, True, 0.3, spot=26.0)["price"]
        day = values.iloc[1]
        assert day[["price", "quantity"]].tolist() == pytest.approx([model, -8], rel=1e-9)
        assert day["daily_pnl"] == pytest.approx(-800 * (model - 13.0 / 4), rel=1e-9)
        check_sums(Explained(book, BETAS).run().positions)

    def test_a_contract_entered_after_the_split_is(self) -> None:
        new = contract(25, True)
        book = World(
            ledger(position(new, -2, 2.0, DAYS[2])),
            {"XSP": [100, 101, 26.0, 24.75]},
            DAYS[0],
            splits((DAYS[2], "XSP", 4.0)),
        )
        quote_world(book, mid(DAYS[2], new, 3.0), mid(DAYS[3], new, 2.5))
        assert book.values()["price"].tolist() == pytest.approx([3.0, 2.5])
        assert book.values()["daily_pnl"].tolist() == pytest.approx([-200, 100])


class TestExplained:
    def test_vega_is_of_the_contracts_own_volatility_and_rho_of_its_own_rate(self) -> None:
        book = world(CALL)
        book.yields = curve(yields(DAYS[1], m3=5.0, y2=5.0), yields(DAYS[2], m3=5.2, y2=5.2))
        rates = [2 * np.log(1 + y / 200) for y in (5.0, 5.2)]
        first, second = value(1, 100, True, 0.40, rates[0]), value(2, 100, True, 0.45, rates[1])
        quote_world(book, mid(DAYS[1], CALL, first["price"]), mid(DAYS[2], CALL, second["price"]))
        found = row(Explained(book, BETAS).run().positions, book.sessions[2])
        assert found["vega_pnl"] == pytest.approx(-200 * first["vega"] * 5.0, rel=1e-8)
        assert found["rho_pnl"] == pytest.approx(-200 * first["rho"] * 100 * (rates[1] - rates[0]), rel=1e-8)
        assert found["theta_pnl"] == pytest.approx(-200 * first["theta"] * 1, rel=1e-8)
        assert found["daily_pnl"] == pytest.approx(-200 * (second["price"] - first["price"]), rel=1e-12)
        assert abs(found["residual_pnl"]) < 0.05 * abs(found["daily_pnl"])
        assert found["status"].startswith("partial: without")
        assert found[list(PNL_PARTS)].sum() == pytest.approx(found["daily_pnl"], rel=1e-12)

    def test_at_settlement_volatility_and_rate_count_as_unchanged(self) -> None:
        name = contract(100, True, DAYS[3])
        book = world(name, closes={"XSP": [100.0, 101.0, 104.0, 103.0]})
        book.yields = curve(yields(DAYS[2], m3=5.0), yields(DAYS[3], m3=9.0))
        quote_world(book, mid(DAYS[2], name, 4.4), mid(DAYS[3], name, 8.0))
        found = row(Explained(book, BETAS).run().positions, book.sessions[3])
        assert found[["vega_pnl", "rho_pnl"]].tolist() == [0, 0]
