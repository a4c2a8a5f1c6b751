"""Snapshots: hand-computed totals, statuses, and the identity of cumulative and daily P&L."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.calendar import sessions
from sigmasight_core.errors import InputError
from sigmasight_core.positions.settlement import settled_pnl, settlement_price_dates
from sigmasight_core.positions.snapshot import portfolio_snapshots
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    NAN,
    World,
    cash_rows,
    ledger,
    position,
    row,
    splits,
)

CALL = "A240105C00100000"


def one(world: World, number: int) -> pd.Series:
    return row(world.snapshots(), world.sessions[number])


class TestTotals:
    def test_a_book_by_hand(self) -> None:
        book = ledger(
            position("A", 10, 99.0, "2024-01-03"),
            position("B", -5, 20.0, "2024-01-03"),
            position(CALL, -2, 5.0, "2024-01-03"),
        )
        world = World(book, {"A": [90, 100, 102, 107], "B": [19, 21, 18, 17]}, "2024-01-02")
        world.portfolios["cash"] = 5000.0
        found = one(world, 3)
        expected = {
            "net_exposure": 1070 - 85 - 1400,
            "gross_exposure": 1070 + 85 + 1400,
            "long_exposure": 1070,
            "short_exposure": -85 - 1400,
            "options_exposure": -1400,
            "stock_exposure": 1070 - 85,
            "notional": 1070 + 85 + 2 * 100 * 107,
            "total_value": 1070 - 85 - 1400 + 5000,
            "cash": 5000,
            "delta_usd": 1070 - 85 - 200 * 107,
            "delta_adjusted_exposure": 1070 + 85 + 200 * 107,
            "portfolio_delta": 10 - 5 - 200,
            "portfolio_gamma": 0,
            "cumulative_pnl": (107 - 99) * 10 + (17 - 20) * -5 + (7 - 5) * -200,
        }
        assert found[list(expected)].to_dict() == pytest.approx(expected)
        assert found[["n_positions", "n_long", "n_short", "n_options", "n_priced"]].tolist() == [
            3,
            1,
            2,
            1,
            3,
        ]
        assert found["status"] == "ok"
        values = world.values()
        assert found["daily_pnl"] == values.loc[values["date"] == world.sessions[3], "daily_pnl"].sum()
        previous = one(world, 2)
        assert found["daily_return"] == pytest.approx(found["daily_pnl"] / previous["total_value"], rel=1e-12)

    def test_new_positions_enter_the_return_at_cost(self) -> None:
        book = ledger(position("A", 10, 99.0, "2024-01-03"), position("B", 5, 20.0, "2024-01-04"))
        world = World(book, {"A": [90, 100, 102], "B": [19, 21, 18]}, "2024-01-02")
        assert one(world, 1)["daily_return"] == pytest.approx(10 / 990)
        assert one(world, 2)["daily_return"] == pytest.approx((20 - 10) / (1000 + 100))

    def test_exited_positions_leave_the_return_base_at_their_previous_value(self) -> None:
        book = ledger(position("A", 10, 99.0, "2024-01-03", exit=("2024-01-04", 103.0)))
        world = World(book, {"A": [90, 100, 102, 103]}, "2024-01-02")
        world.portfolios["cash"] = 1030.0
        found = one(world, 2)
        assert found[["daily_pnl", "cumulative_pnl", "n_positions"]].tolist() == [30, 40, 0]
        assert found["total_value"] == 1030.0
        assert found["daily_return"] == pytest.approx(30 / 1000)
        after = one(world, 3)
        assert after[["daily_pnl", "daily_return", "cumulative_pnl", "gross_exposure"]].tolist() == [
            0,
            0,
            40,
            0,
        ]
        assert after["status"] == "ok"

    def test_nothing_held_is_cash(self) -> None:
        world = World(ledger(), {"A": [90, 100]}, "2024-01-02")
        world.portfolios = pd.DataFrame({"portfolio": ["b", "a"], "cash": [7.0, 0.0], "source": "x"})
        found = world.snapshots()
        assert found["portfolio"].tolist() == ["a", "b"]
        assert found["total_value"].tolist() == [0, 7]
        assert (found["status"] == "ok").all()
        zeros = found.drop(columns=["date", "portfolio", "total_value", "cash", "status"])
        assert (zeros == 0).all(axis=None)

    def test_portfolios_do_not_mix(self) -> None:
        first = position("A", 10, 99.0, "2024-01-03", exit=("2024-01-04", 103.0))
        second = position(CALL, 1, 5.0, "2024-01-03", portfolio="other")
        closes = {"A": [90, 100, 102, 107, 108]}
        both = World(ledger(first, second), closes, "2024-01-02")
        both.portfolios = pd.DataFrame({"portfolio": ["other", "book"], "cash": [1.0, 2.0], "source": "x"})
        found = both.snapshots()
        alone = World(ledger(first), closes, "2024-01-02")
        alone.portfolios["cash"] = 2.0
        of_book = found[found["portfolio"] == "book"].reset_index(drop=True)
        pd.testing.assert_frame_equal(of_book, alone.snapshots(), check_exact=True)
        assert found["cumulative_pnl"].tolist()[-2:] == [40, 200]

    def test_a_range_equals_its_dates(self) -> None:
        book = ledger(position("A", 10, 99.0, "2024-01-03"), position(CALL, 1, 5.0, "2024-01-03"))
        world = World(book, {"A": [90, 100, 102, 107, 108]}, "2024-01-02")
        alone = pd.concat([world.snapshots(world.at(n)) for n in range(1, 5)], ignore_index=True)
        pd.testing.assert_frame_equal(world.snapshots(), alone, check_exact=True)

    def test_income_is_pnl_and_flows_are_none(self) -> None:
        book = ledger(position("A", 10, 99.0, "2024-01-03"))
        world = World(book, {"A": [90, 100, 102]}, "2024-01-02")
        moved = {
            "dividends": 7.0,
            "interest": 1.0,
            "fees": -3.0,
            "income_to_date": 9.0,
            "external_flow": -50.0,
        }
        cash = cash_rows(world.portfolios.assign(cash=500.0), world.sessions[2:], **moved)
        values = world.values(world.sessions[2:])
        snapshot = portfolio_snapshots(
            dates=world.sessions[2:],
            portfolio_cash=cash,
            positions=world.positions,
            position_values=values,
            position_greeks=world.greeks(values),
            settled_pnl=world.settled(),
        ).iloc[0]
        assert snapshot[["total_value", "cash", "price_pnl", "income"]].tolist() == [1520.0, 500.0, 20.0, 5.0]
        assert snapshot[["daily_pnl", "external_flow", "cumulative_pnl"]].tolist() == [25.0, -50.0, 39.0]
        # what was there at the previous close: 1520 - 25 + 50
        assert snapshot["daily_return"] == pytest.approx(25 / 1545)
        with pytest.raises(InputError, match="portfolio_cash has 1 rows for 2 dates and 1 portfolios"):
            portfolio_snapshots(
                dates=world.sessions[1:],
                portfolio_cash=cash,
                positions=world.positions,
                position_values=world.values(),
                position_greeks=world.greeks(),
                settled_pnl=world.settled(),
            )


class TestStatus:
    def test_unpriced_positions_are_named(self) -> None:
        book = ledger(*(position(name, 1, 1.0, "2024-01-03") for name in ("A", "Z", "Y")))
        found = one(World(book, {"A": [100, 101]}, "2024-01-02"), 1)
        assert found["status"] == "partial: no price for Y, Z"
        assert found[["net_exposure", "n_positions", "n_priced"]].tolist() == [101, 3, 1]

    def test_many_names_are_cut_short(self) -> None:
        book = ledger(*(position(name, 1, 1.0, "2024-01-03") for name in "ABCDEFGH"))
        status = one(World(book, {"A": [100, 101]}, "2024-01-02"), 1)["status"]
        assert status == "partial: no price for B, C, D, E, F and 2 more"

    def test_with_no_price_at_all_the_sums_are_null(self) -> None:
        found = one(World(ledger(position("Z", 1, 1.0, "2024-01-03")), {"A": [100, 101]}, "2024-01-02"), 1)
        assert found["status"] == "no price for Z"
        columns = ["net_exposure", "total_value", "daily_pnl", "daily_return", "cumulative_pnl", "delta_usd"]
        assert found[columns].isna().all()
        assert found["n_positions"] == 1

    def test_stale_positions_have_no_daily_pnl(self) -> None:
        book = ledger(position("A", 10, 99.0, "2024-01-03"), position("B", 1, 1.0, "2024-01-03"))
        found = one(World(book, {"A": [100, 101, NAN], "B": [1, 2, 4]}, "2024-01-02"), 2)
        assert found["status"] == "partial: no daily P&L for A"
        assert found[["daily_pnl", "net_exposure", "n_priced"]].tolist() == [2, 1014, 2]
        assert found["daily_return"] == pytest.approx(2 / 1012)

    def test_a_base_that_is_not_positive_has_no_return(self) -> None:
        found = one(World(ledger(position("A", -1, 99.0, "2024-01-03")), {"A": [100, 101]}, "2024-01-02"), 1)
        assert found["status"] == "no daily return: previous total value is not positive"
        assert np.isnan(found["daily_return"])
        assert found["daily_pnl"] == -2

    def test_a_settlement_without_price_stays_named(self) -> None:
        book = ledger(
            position("Z240105C00100000", 1, 5.0, "2024-01-03"), position("A", 1, 90.0, "2024-01-03")
        )
        found = World(book, {"A": [90, 100, 102, 107, 108, 109]}, "2024-01-02").snapshots()
        assert (
            found["status"].tolist()
            == ["partial: no price for Z"] * 3 + ["partial: no settlement price for Z"] * 2
        )
        assert found["cumulative_pnl"].tolist() == [10, 12, 17, 18, 19]

    def test_values_that_do_not_match_the_ledger_are_refused(self) -> None:
        world = World(ledger(position("A", 1, 99.0, "2024-01-03")), {"A": [100, 101, 102]}, "2024-01-02")
        values = world.values()
        with pytest.raises(InputError, match="position_values has 1 rows and the ledger 2"):
            portfolio_snapshots(
                dates=world.sessions[1:],
                portfolio_cash=cash_rows(world.portfolios, world.sessions[1:]),
                positions=world.positions,
                position_values=values.iloc[:1],
                position_greeks=world.greeks(values),
                settled_pnl=world.settled(),
            )

    def test_missing_settlements_are_refused(self) -> None:
        world = World(
            ledger(position(CALL, 1, 5.0, "2024-01-03")), {"A": [90, 100, 102, 107, 108]}, "2024-01-02"
        )
        values = world.values()
        early = world.settled(world.sessions[2])
        with pytest.raises(InputError, match="settled_pnl has 0 ended positions and the ledger 1"):
            portfolio_snapshots(
                dates=world.sessions[1:],
                portfolio_cash=cash_rows(world.portfolios, world.sessions[1:]),
                positions=world.positions,
                position_values=values,
                position_greeks=world.greeks(values),
                settled_pnl=early,
            )


class TestSettled:
    BOOK = ledger(
        position("A", 10, 99.0, "2024-01-03", exit=("2024-01-04", 103.0)),
        position(CALL, -2, 5.0, "2024-01-03"),
        position("A240106P00110000", 1, 5.0, "2024-01-03"),
        position("A240621P00110000", 1, 5.0, "2024-01-03"),
        position("B", 1, 5.0, "2024-01-03"),
    )

    def test_dates_to_load(self) -> None:
        dates = settlement_price_dates(self.BOOK, pd.Timestamp("2024-01-08"), 3)
        assert dates.strftime("%m-%d").tolist() == ["01-02", "01-03", "01-04", "01-05"]
        assert len(settlement_price_dates(self.BOOK, pd.Timestamp("2024-01-04"), 3)) == 0

    def test_exits_and_settlements(self) -> None:
        world = World(self.BOOK, {"A": [90, 100, 102, 107, 200], "B": [1] * 5}, "2024-01-02")
        found = world.settled()
        assert found["date"].dt.day.tolist() == [4, 5, 5]
        assert dict(zip(found["position_id"], found["pnl"], strict=True)) == {
            "A@2024-01-03": 40,
            f"{CALL}@2024-01-03": -400,
            "A240106P00110000@2024-01-03": -200,
        }
        assert len(world.settled(pd.Timestamp("2024-01-04"))) == 1

    def test_equal_to_what_was_realized_on_the_day(self) -> None:
        world = World(self.BOOK, {"A": [90, 100, 102, 107, 200], "B": [1] * 5}, "2024-01-02")
        values = world.values()
        ended = values[values["status"].isin(["closed", "expired"])].set_index("position_id")["realized_pnl"]
        settled = world.settled().set_index("position_id")["pnl"]
        pd.testing.assert_series_equal(
            ended.sort_index(), settled.sort_index(), check_names=False, check_exact=True
        )

    def test_an_exit_on_the_settlement_session_is_an_exit(self) -> None:
        book = ledger(position(CALL, 1, 5.0, "2024-01-03", exit=("2024-01-05", 6.5)))
        world = World(book, {"A": [90, 100, 102, 107, 200]}, "2024-01-02")
        assert world.settled()["pnl"].tolist() == [150]
        assert world.snapshots()["cumulative_pnl"].tolist()[-2:] == [150, 150]

    def test_without_a_price(self) -> None:
        prices = World(self.BOOK, {"B": [1] * 5}, "2024-01-02").prices
        found = settled_pnl(
            positions=self.BOOK,
            prices=prices,
            corporate_actions=splits(),
            until=pd.Timestamp("2024-01-08"),
            max_price_age_days=7,
        )
        assert found["pnl"].isna().tolist() == [False, True, True]
        assert found["status"].iloc[1] == "no settlement price or split ratio: A"


SYMBOLS = ("A", "B", "A240112C00100000", "B240113P00120000", "A240621C00110000")


@st.composite
def worlds(draw: Any) -> World:
    """A book of stocks and options over 12 sessions with exits, expiries, splits and missing prices."""
    days = sessions("2024-01-02", "2024-01-18")
    rows = []
    for number, symbol in enumerate(
        draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=5, unique=True))
    ):
        entry = draw(st.integers(1, 5))
        other: dict[str, Any] = {}
        if draw(st.booleans()):
            other["exit"] = (days[draw(st.integers(entry, 8))], draw(st.floats(1, 200)))
        quantity = draw(st.integers(-9, 9).filter(bool)) * 10.0 ** (number % 3)
        rows.append(position(symbol, quantity, draw(st.floats(1, 200)), f"{days[entry]:%Y-%m-%d}", **other))
    closes = {}
    for name in "AB":
        moves = draw(st.lists(st.floats(-0.15, 0.15), min_size=12, max_size=12))
        closes[name] = 110 * np.exp(np.cumsum(moves))
        closes[name][draw(st.lists(st.integers(6, 11), max_size=3, unique=True))] = np.nan
    split_day, ratio = draw(st.integers(1, 11)), draw(st.sampled_from([1.0, 4.0, 1.5, 0.1]))
    closes["A"][split_day:] /= ratio
    actions = splits((f"{days[split_day]:%Y-%m-%d}", "A", ratio))
    return World(ledger(*rows), closes, "2024-01-02", actions)


class TestIdentities:
    @given(world=worlds())
    @settings(max_examples=25, deadline=None)
    def test_cumulative_pnl_is_the_sum_of_daily_pnl(self, world: World) -> None:
        found = world.snapshots()
        total = found["cumulative_pnl"].to_numpy()
        daily = found["daily_pnl"].fillna(0.0).to_numpy()
        scale = 1 + found["gross_exposure"].max() + np.abs(total).max()
        np.testing.assert_allclose(np.diff(total, prepend=0.0), daily, rtol=0, atol=1e-9 * scale)

    @given(world=worlds())
    @settings(max_examples=4, deadline=None)
    def test_portfolios_add_up(self, world: World) -> None:
        whole = world.snapshots()
        ledger_rows = world.positions
        parts = []
        for number in range(len(ledger_rows)):
            world.positions = ledger_rows.iloc[[number]]
            parts.append(world.snapshots())
        columns = [
            "gross_exposure",
            "net_exposure",
            "delta_usd",
            "portfolio_vega",
            "cumulative_pnl",
            "n_positions",
        ]
        total = sum(part[columns].to_numpy(dtype=float) for part in parts)
        np.testing.assert_allclose(whole[columns].to_numpy(dtype=float), total, rtol=1e-9, atol=1e-6)
