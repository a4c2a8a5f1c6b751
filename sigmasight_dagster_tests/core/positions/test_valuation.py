"""Valuation against hand-computed books, QuantLib, and its identities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.calendar import sessions
from sigmasight_core.errors import InputError
from sigmasight_core.positions.held import held_positions
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    NAN,
    World,
    black_price,
    ledger,
    position,
    row,
    splits,
)

AMOUNTS = ["exposure", "market_value", "cost_basis", "unrealized_pnl", "realized_pnl", "daily_pnl"]


class TestHeldPositions:
    BOOK = ledger(
        position("XSP", 1, 1.0, "2024-01-03"),
        position("XND", 1, 1.0, "2024-01-03", exit=("2024-01-05", 2.0)),
        position("C240106P00005000", 1, 1.0, "2024-01-03"),
        position("D240105C00005000", 1, 1.0, "2024-01-03", exit=("2024-01-05", 2.0)),
    )

    def shown(self, date: str) -> dict[str, str]:
        held = held_positions(self.BOOK, pd.DatetimeIndex([date]))
        return dict(zip(held["underlying"], held["state"], strict=True))

    def test_from_entry_to_exit_or_settlement(self) -> None:
        assert self.shown("2024-01-02") == {}
        assert self.shown("2024-01-03") == dict.fromkeys(("XSP", "XND", "C", "D"), "held")
        assert self.shown("2024-01-04") == dict.fromkeys(("XSP", "XND", "C", "D"), "held")
        assert self.shown("2024-01-05") == {"XSP": "held", "XND": "closed", "C": "expired", "D": "closed"}
        assert self.shown("2024-01-08") == {"XSP": "held"}

    def test_a_saturday_expiry_settles_on_friday(self) -> None:
        held = held_positions(self.BOOK, pd.DatetimeIndex(["2024-01-04"])).set_index("underlying")
        assert held.loc["C", "settlement_date"] == pd.Timestamp("2024-01-05")
        assert pd.isna(held.loc["XSP", "settlement_date"])

    def test_dates_in_any_order_and_twice(self) -> None:
        dates = pd.DatetimeIndex(["2024-01-04", "2024-01-03", "2024-01-04"])
        held = held_positions(self.BOOK, dates)
        assert held["date"].is_monotonic_increasing
        assert len(held) == 8

    def test_an_expiry_beyond_the_calendar(self) -> None:
        book = ledger(position("A401221C00005000", 1, 1.0, "2024-01-03"))
        assert held_positions(book, pd.DatetimeIndex(["2035-12-31"]))["state"].tolist() == ["held"]


class TestLinear:
    def test_long_and_short_from_entry_to_exit(self) -> None:
        book = ledger(
            position("XSP", 10, 99.0, "2024-01-03", exit=("2024-01-05", 103.0)),
            position("XND", -5, 20.0, "2024-01-03"),
        )
        world = World(book, {"XSP": [90, 100, 110, 105], "XND": [19, 21, 18, 18.5]}, "2024-01-02")
        values = world.values()
        entry, held, exit_ = world.sessions[1:]
        long, short = "XSP@2024-01-03", "XND@2024-01-03"
        assert row(values, entry, long)[AMOUNTS].tolist() == [1000, 1000, 990, 10, 0, 10]
        assert row(values, entry, short)[AMOUNTS].tolist() == [-105, 105, -100, -5, 0, -5]
        assert row(values, held, long)[AMOUNTS].tolist() == [1100, 1100, 990, 110, 0, 100]
        assert row(values, held, short)[AMOUNTS].tolist() == [-90, 90, -100, 10, 0, 15]
        closed = row(values, exit_, long)
        assert closed[AMOUNTS].tolist() == [0, 0, 0, 0, 40, -70]
        assert (closed["status"], closed["quantity"], closed["price_source"]) == ("closed", 0, "exit")
        assert row(values, entry, long)["daily_return"] == pytest.approx(10 / 990)
        assert row(values, held, short)["daily_return"] == pytest.approx(15 / 105)
        assert row(values, held, long)["weight"] == pytest.approx(1100 / 1190)
        assert row(values, held, short)["weight"] == pytest.approx(-90 / 1190)
        assert row(values, exit_, short)["weight"] == -1
        assert set(values["status"]) == {"ok", "closed"}
        assert row(values, held, long)["sector"] == "XSP sector"

    def test_bought_and_sold_in_one_session(self) -> None:
        world = World(
            ledger(position("XSP", 10, 99.0, "2024-01-03", exit=("2024-01-03", 98.0))),
            {"XSP": [1, 1]},
            "2024-01-02",
        )
        assert row(world.values(), world.sessions[1])[AMOUNTS].tolist() == [0, 0, 0, 0, -10, -10]

    def test_no_sector_known(self) -> None:
        world = World(ledger(position("XSP", 10, 99.0, "2024-01-02")), {"XSP": [1, 1]}, "2024-01-02")
        world.securities = world.securities.iloc[:0]
        assert world.values()["sector"].tolist() == ["unclassified"]

    def test_dates_need_a_session_before_them(self) -> None:
        world = World(ledger(position("XSP", 10, 99.0, "2024-01-02")), {"XSP": [1, 1]}, "2024-01-02")
        with pytest.raises(InputError, match="2024-01-02 is not among the sessions"):
            world.values(world.at(0))


class TestMissingPrices:
    BOOK = ledger(position("XSP", 10, 99.0, "2024-01-03"), position("XND", 1, 1.0, "2024-01-03"))

    def test_a_stale_price_has_no_daily_pnl_and_the_next_one_covers_the_move(self) -> None:
        world = World(self.BOOK, {"XSP": [100, 101, NAN, NAN, 107], "XND": [1] * 5}, "2024-01-02")
        values = world.values()
        stale = row(values, world.sessions[3], "XSP@2024-01-03")
        assert stale["status"] == "stale: last price 2024-01-03"
        assert stale["price_age_days"] == 2
        assert (stale["exposure"], stale["unrealized_pnl"]) == (1010, 20)
        assert np.isnan(stale["daily_pnl"])
        assert np.isnan(stale["daily_return"])
        after = row(values, world.sessions[4], "XSP@2024-01-03")
        assert (after["daily_pnl"], after["status"], after["price_age_days"]) == (60, "ok", 0)

    def test_a_price_older_than_the_limit_is_no_price(self) -> None:
        world = World(self.BOOK, {"XSP": [100, 101, *[NAN] * 6, 107], "XND": [1] * 9}, "2024-01-02")
        values = world.values()
        assert row(values, world.sessions[6], "XSP@2024-01-03")["price_age_days"] == 7
        missing = row(values, world.sessions[7], "XSP@2024-01-03")
        assert missing["status"] == "no price: XSP has none within 7 days"
        assert missing["price_source"] == "none"
        assert missing[["price", "exposure", "unrealized_pnl", "daily_pnl", "weight"]].isna().all()
        assert missing["cost_basis"] == 990
        assert row(values, world.sessions[7], "XND@2024-01-03")["weight"] == 1
        back = row(values, world.sessions[8], "XSP@2024-01-03")
        assert back["exposure"] == 1070
        assert back["status"].startswith("no previous price: XSP")
        assert np.isnan(back["daily_pnl"])

    def test_a_symbol_without_any_price(self) -> None:
        world = World(ledger(position("ZZZZ", 1, 1.0, "2024-01-03")), {"XSP": [1, 1]}, "2024-01-02")
        assert world.values()["status"].tolist() == ["no price: ZZZZ has none within 7 days"]

    def test_no_price_on_the_entry_session(self) -> None:
        world = World(self.BOOK, {"XSP": [100, NAN, 103], "XND": [1] * 3}, "2024-01-02")
        values = world.values()
        assert row(values, world.sessions[1], "XSP@2024-01-03")["status"] == "stale: last price 2024-01-02"
        assert row(values, world.sessions[2], "XSP@2024-01-03")["daily_pnl"] == 40

    def test_an_exit_after_stale_prices_covers_the_move(self) -> None:
        book = ledger(position("XSP", 10, 99.0, "2024-01-03", exit=("2024-01-05", 90.0)))
        world = World(book, {"XSP": [100, 101, NAN, NAN], "XND": [1] * 4}, "2024-01-02")
        assert row(world.values(), world.sessions[3])["daily_pnl"] == -110

    def test_an_exit_without_any_previous_price(self) -> None:
        book = ledger(position("XSP", 10, 99.0, "2024-01-03", exit=("2024-01-05", 90.0)))
        closed = row(
            World(book, {"XND": [1] * 4}, "2024-01-02").values(pd.DatetimeIndex(["2024-01-05"])), "2024-01-05"
        )
        assert closed["realized_pnl"] == -90
        assert closed["status"] == "closed: no price at the previous session, so no daily P&L"

    def test_an_option_without_volatility(self) -> None:
        world = World(
            ledger(position("XSP240621C00100000", 1, 5.0, "2024-01-03")),
            {"XSP": [100, 101, 102]},
            "2024-01-02",
        )
        world.volatilities.loc[world.volatilities["date"] == world.sessions[1], "annualized_volatility"] = NAN
        values = world.values()
        assert values["status"].tolist() == [
            "no volatility: XSP has none for the session of its last price",
            "no previous price: XSP has none within 7 days of the previous session",
        ]

    def test_a_split_of_unknown_ratio(self) -> None:
        world = World(
            self.BOOK,
            {"XSP": [100, 101, 51], "XND": [1] * 3},
            "2024-01-02",
            splits(("2024-01-04", "XSP", NAN)),
        )
        values = world.values()
        spoiled = row(values, world.sessions[2], "XSP@2024-01-03")
        assert spoiled["status"].startswith("no split ratio: XSP")
        assert np.isnan(spoiled["quantity"])
        assert row(values, world.sessions[1], "XSP@2024-01-03")["status"] == "ok"


class TestOptions:
    SYMBOLS = ("XSP240621C00100000", "XSP240621P00110000")

    def test_four_types_at_quantlib_prices(self) -> None:
        book = ledger(
            *(position(s, q, 5.0, f"2024-01-0{d}") for s in self.SYMBOLS for q, d in ((3, 3), (-2, 4)))
        )
        world = World(book, {"XSP": [100, 101, 104, 99]}, "2024-01-02")
        values = world.values(world.at(3))
        days = (pd.Timestamp("2024-06-21") - world.sessions[3]).days
        for line, option in book.set_index("position_id").iterrows():
            is_call, found = "C0" in option["symbol"], row(values, world.sessions[3], str(line))
            now = black_price(99, option["strike"], days, 0.3, is_call)
            before = black_price(104, option["strike"], days + 1, 0.3, is_call)
            assert found["price"] == pytest.approx(now, rel=1e-10)
            assert found["exposure"] == pytest.approx(now * option["quantity"] * 100, rel=1e-10)
            assert found["unrealized_pnl"] == pytest.approx((now - 5) * option["quantity"] * 100, rel=1e-9)
            assert found["daily_pnl"] == pytest.approx((now - before) * option["quantity"] * 100, rel=1e-9)
            assert (found["price_source"], found["status"]) == ("model", "ok")
        assert sorted(values["position_type"]) == ["LC", "LP", "SC", "SP"]

    def test_expiry_realizes_the_intrinsic_value(self) -> None:
        book = ledger(
            position("XSP240105C00100000", -2, 5.0, "2024-01-03"),
            position("XSP240105P00100000", 1, 5.0, "2024-01-03"),
        )
        world = World(book, {"XSP": [100, 101, 102, 107, 90]}, "2024-01-02")
        values = world.values()
        expiry, before = world.sessions[3], black_price(102, 100, 1, 0.3, True)
        call = row(values, expiry, "XSP240105C00100000@2024-01-03")
        assert call[["price", "exposure", "unrealized_pnl", "realized_pnl"]].tolist() == [7, -1400, 0, -400]
        assert call["daily_pnl"] == pytest.approx((7 - before) * -200, rel=1e-9)
        assert (call["status"], call["quantity"], call["price_source"]) == ("expired", -2, "intrinsic")
        put = row(values, expiry, "XSP240105P00100000@2024-01-03")
        assert put[["price", "market_value", "realized_pnl"]].tolist() == [0, 0, -500]
        assert (values["date"] <= expiry).all()

    def test_settlement_without_a_close_takes_the_last_one_and_says_so(self) -> None:
        world = World(
            ledger(position("XSP240105C00100000", 1, 5.0, "2024-01-03")),
            {"XSP": [100, 101, 104, NAN], "XND": [1] * 4},
            "2024-01-02",
        )
        settled = row(world.values(), world.sessions[3])
        assert settled["status"] == "expired: settled at the close of 2024-01-04"
        assert (settled["price"], settled["realized_pnl"]) == (4, -100)
        assert settled["daily_pnl"] == pytest.approx(
            (4 - black_price(104, 100, 1, 0.3, True)) * 100, rel=1e-9
        )

    def test_a_stale_underlying_carries_the_model_price_of_its_session(self) -> None:
        world = World(
            ledger(position(self.SYMBOLS[0], 1, 5.0, "2024-01-03")),
            {"XSP": [100, 101, NAN], "XND": [1] * 3},
            "2024-01-02",
        )
        fresh, stale = (row(world.values(), world.sessions[n]) for n in (1, 2))
        assert stale["price"] == fresh["price"]
        assert (stale["status"], stale["price_age_days"]) == ("stale: last price 2024-01-03", 1)


class TestSplits:
    @pytest.mark.parametrize("ratio", [4.0, 1.5, 0.1, 7.0])
    @pytest.mark.parametrize("symbol", ["XSP", "XSP240621C00100000", "XSP240621P00100000"])
    def test_value_and_pnl_are_continuous(self, ratio: float, symbol: str) -> None:
        book = ledger(position(symbol, -30, 6.0, "2024-01-03"))
        closes = np.array([100, 101, 104, 99.0])
        plain = World(book, {"XSP": closes}, "2024-01-02").values()
        split = World(
            book, {"XSP": closes / [1, 1, ratio, ratio]}, "2024-01-02", splits(("2024-01-04", "XSP", ratio))
        ).values()
        columns = [*AMOUNTS, "daily_return", "weight"]
        np.testing.assert_allclose(split[columns], plain[columns], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(split["quantity"], -30 * np.array([1, ratio, ratio]), rtol=1e-12)

    def test_a_carried_price_is_restated(self) -> None:
        book = ledger(position("XSP", 10, 99.0, "2024-01-03"))
        actions = splits(("2024-01-04", "XSP", 4.0))
        values = World(book, {"XSP": [100, 100, NAN, 26], "XND": [1] * 4}, "2024-01-02", actions).values()
        assert values["exposure"].tolist() == [1000, 1000, 1040]
        assert values["price"].tolist() == [100, 25, 26]
        assert values["daily_pnl"].iloc[2] == 40

    def test_exit_price_is_in_the_units_of_the_exit(self) -> None:
        book = ledger(position("XSP", 10, 99.0, "2024-01-03", exit=("2024-01-04", 26.0)))
        values = World(
            book, {"XSP": [100, 100, 26]}, "2024-01-02", splits(("2024-01-04", "XSP", 4.0))
        ).values()
        assert values[["realized_pnl", "daily_pnl"]].iloc[1].tolist() == [50, 40]


class TestIdentities:
    @given(
        scale=st.floats(0.01, 1000),
        quantities=st.lists(st.integers(-50, 50).filter(bool), min_size=4, max_size=4),
        moves=st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=6),
    )
    @settings(max_examples=6, deadline=None)
    def test_scaling_sign_flip_and_independence(
        self, scale: float, quantities: list[int], moves: list[float]
    ) -> None:
        symbols = ("XSP", "XND", "XSP240621C00100000", "B240105P00100000")
        closes = {
            name: 100 * np.exp(np.cumsum([0, *moves]) * sign) for name, sign in (("XSP", 1), ("XND", -1))
        }

        def values(factor: float, keep: slice = slice(None)) -> pd.DataFrame:
            pairs = list(zip(symbols, quantities, strict=True))[keep]
            book = ledger(*(position(s, factor * q, 7.0, "2024-01-03") for s, q in pairs))
            return World(book, closes, "2024-01-02").values()

        one = values(1.0)
        signed = ["exposure", "cost_basis", "unrealized_pnl", "realized_pnl", "daily_pnl"]
        np.testing.assert_allclose(values(scale)[signed], scale * one[signed], rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(values(-1.0)[signed], -one[signed], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(values(-1.0)["market_value"], one["market_value"], rtol=1e-12)
        part = values(1.0, slice(1, 3))
        same = one[one["position_id"].isin(part["position_id"])].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            part.drop(columns="weight"), same.drop(columns="weight"), check_exact=True
        )

    def test_weights_sum_to_one_in_absolute_value(self) -> None:
        book = ledger(position("XSP", 3, 1.0, "2024-01-03"), position("XND", -9, 1.0, "2024-01-03"))
        values = World(book, {"XSP": [1, 2, 3], "XND": [5, 4, 3]}, "2024-01-02").values()
        assert values["weight"].abs().groupby(values["date"]).sum().tolist() == pytest.approx([1, 1])

    def test_a_date_alone_gives_the_same_rows_as_in_a_range(self) -> None:
        book = ledger(
            position("XSP240621C00100000", 3, 1.0, "2024-01-03"), position("XSP", -9, 1.0, "2024-01-03")
        )
        world = World(book, {"XSP": [100, 102, 99, 104, 101]}, "2024-01-02")
        assert len(world.sessions) == len(sessions("2024-01-02", "2024-01-08"))
        whole = world.values()
        alone = pd.concat([world.values(world.at(n)) for n in range(1, 5)], ignore_index=True)
        pd.testing.assert_frame_equal(whole, alone, check_exact=True)
