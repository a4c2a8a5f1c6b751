"""P&L explain against hand calculations, finite differences of QuantLib prices, and its identities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.tables import CorporateActions
from sigmasight_core.tables.pnl import DELTA_PARTS, PNL_PARTS
from sigmasight_dagster_tests.core.pnl.explain_inputs import AVAILABLE, LOADINGS, Explained
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    NAN,
    RATE,
    World,
    black_price,
    ledger,
    position,
    row,
    splits,
    typed,
)

PARTIAL = "partial: without momentum, quality, size, low_volatility"
ENTRY = "2024-01-03"
CALL, PUT = "A240621C00100000", "B240621P00095000"
BETAS = {
    "A": {"market": 1.2, "value": 0.4, "growth": -0.3, "rates": -0.02},
    "B": {"market": 0.7, "value": -0.5, "growth": 0.6, "rates": 0.05},
}
MOVES = {
    "market": [0, 0.01, -0.02, 0.015, -0.01, 0.03],
    "value": [0, 0.012, -0.01, 0.004, -0.02, 0.02],
    "growth": [0, -0.003, -0.03, 0.02, 0.01, 0.01],
    "rates": [0, 0.05, -0.08, 0.02, 0.11, -0.04],
}
PRICES = {"A": [100, 101, 104, 99, 98, 103.0], "B": [90, 91, 88, 92, 95, 93.0]}


def dividend(day: str, symbol: str, amount: float) -> pd.DataFrame:
    fixed = {"kind": "dividend", "source": "test", "status": "ok" if amount == amount else "?"}
    return typed(CorporateActions, [{"date": pd.Timestamp(day), "symbol": symbol, "amount": amount, **fixed}])


def check_sums(frame: pd.DataFrame) -> None:
    """The contract: the parts sum to daily_pnl, the delta parts to delta_pnl; NULL counts as nothing."""
    known = frame[frame["daily_pnl"].notna()]
    for total, parts in (("daily_pnl", PNL_PARTS), ("delta_pnl", DELTA_PARTS)):
        gap = (known[list(parts)].sum(axis=1) - known[total]).abs()
        assert (gap <= 1e-8 * known[total].abs().clip(lower=1)).all()
    assert frame.loc[frame["daily_pnl"].isna(), list(PNL_PARTS)].isna().all(axis=None)


class TestLinear:
    def test_by_hand(self) -> None:
        world = World(ledger(position("A", -10, 99.0, ENTRY)), PRICES, "2024-01-02")
        found = Explained(world, BETAS, MOVES).run()
        day = row(found.positions, world.sessions[2])
        m, v, g, dy = (MOVES[name][2] for name in AVAILABLE)
        dy_perp = dy - 2.0 * m
        x = {
            "market": m,
            "value": v - 0.9 * m - 0.02 * dy_perp,
            "growth": g - 1.1 * m + 0.03 * dy_perp,
            "rates": dy_perp,
        }
        assert x["value"] == pytest.approx(v - LOADINGS["value"][0] * m - LOADINGS["value"][1] * dy_perp)
        log_return = np.log(104 / 101)
        per_log = -10 * 101 * (104 / 101 - 1) / log_return
        assert day["market_pnl"] == pytest.approx(per_log * 1.2 * m, rel=1e-12)
        assert day["styles_pnl"] == pytest.approx(per_log * (0.4 * x["value"] - 0.3 * x["growth"]), rel=1e-12)
        assert day["rates_pnl"] == pytest.approx(per_log * -0.02 * dy_perp, rel=1e-12)
        assert day["delta_pnl"] == day["daily_pnl"] == -30
        assert day["status"] == PARTIAL
        assert (day[["trading_pnl", "dividend_pnl", "gamma_pnl", "vega_pnl", "theta_pnl"]] == 0).all()
        assert (day[["rho_pnl", "residual_pnl"]] == 0).all()

    @pytest.mark.parametrize("factor", AVAILABLE)
    @pytest.mark.parametrize("size", [0.001, -0.4])
    def test_a_pure_factor_move_leaves_nothing_specific(self, factor: str, size: float) -> None:
        """Whole moves of the other factors follow from their loadings, so that only one state moves."""
        moves = {name: np.zeros(3) for name in AVAILABLE}
        moves[factor][2] = size
        if factor == "market":
            for name in ("value", "growth", "rates"):
                moves[name][2] = LOADINGS[name][0] * size
        if factor == "rates":
            for name in ("value", "growth"):
                moves[name][2] = LOADINGS[name][1] * size
        log_return = BETAS["A"][factor] * size
        world = World(
            ledger(position("A", 7, 99.0, ENTRY)), {"A": [90, 100, 100 * np.exp(log_return)]}, "2024-01-02"
        )
        day = row(Explained(world, BETAS, moves).run().positions, world.sessions[2])
        part = {"market": "market_pnl", "rates": "rates_pnl"}.get(factor, "styles_pnl")
        assert day[part] == pytest.approx(day["daily_pnl"], rel=1e-12)
        assert day["specific_pnl"] == pytest.approx(0, abs=1e-9)

    def test_betas_of_the_previous_close_explain_and_those_of_the_day_do_not(self) -> None:
        world = World(ledger(position("A", 10, 99.0, ENTRY)), PRICES, "2024-01-02")
        explained = Explained(world, BETAS, MOVES)
        whole = row(explained.run().positions, world.sessions[3])
        explained.without_betas = [(3, "A")]
        pd.testing.assert_series_equal(row(explained.run().positions, world.sessions[3]), whole)
        lacking = row(explained.run().positions, world.sessions[4])
        assert lacking["status"] == f"{PARTIAL}; no beta for A"
        assert lacking[["market_pnl", "styles_pnl", "rates_pnl"]].isna().all()
        assert lacking["specific_pnl"] == lacking["daily_pnl"] == -10

    def test_without_yields(self) -> None:
        world = World(ledger(position("A", 10, 99.0, ENTRY)), PRICES, "2024-01-02")
        explained = Explained(world, BETAS, MOVES | {"rates": np.full(6, NAN)})
        found = explained.run()
        day = row(found.positions, world.sessions[2])
        assert np.isnan(day["rates_pnl"])
        assert day["status"] == f"{PARTIAL}, rates"
        m, v, g = (MOVES[name][2] for name in AVAILABLE[:3])
        assert day["styles_pnl"] / day["market_pnl"] == pytest.approx(
            (0.4 * (v - 0.9 * m) - 0.3 * (g - 1.1 * m)) / (1.2 * m), rel=1e-12
        )
        check_sums(found.positions)
        assert row(found.portfolios, world.sessions[2])["status"].startswith("partial: without")

    def test_without_the_market_nothing_is_explained(self) -> None:
        world = World(ledger(position("A", 10, 99.0, ENTRY)), PRICES, "2024-01-02")
        found = Explained(world, BETAS, MOVES | {"market": np.full(6, NAN)}).run()
        day = row(found.positions, world.sessions[2])
        assert day[["market_pnl", "styles_pnl", "rates_pnl"]].isna().all()
        assert day["specific_pnl"] == day["daily_pnl"]


class TestTrades:
    def test_entry_is_trading_pnl(self) -> None:
        world = World(
            ledger(position("A", 10, 95.0, ENTRY), position(CALL, -2, 5.0, ENTRY)), PRICES, "2024-01-02"
        )
        found = Explained(world, BETAS, MOVES).run(world.at(1))
        assert (found.positions["trading_pnl"] == found.positions["daily_pnl"]).all()
        assert (found.positions[list(PNL_PARTS[1:])] == 0).all(axis=None)
        assert set(found.positions["status"]) == {"ok"}

    @pytest.mark.parametrize("symbol", ["A", CALL])
    def test_exit_is_explained_up_to_the_close(self, symbol: str) -> None:
        """Beside the same position that is held on, the difference is what the exit price made."""
        exited = position(symbol, 10, 5.0, ENTRY, exit=("2024-01-05", 7.0))
        kept = position(symbol, 10, 5.0, ENTRY)
        found = []
        for one in (exited, kept):
            world = World(ledger(one), PRICES, "2024-01-02")
            found.append(row(Explained(world, BETAS, MOVES).run().positions, pd.Timestamp("2024-01-05")))
        same = [name for name in PNL_PARTS if name != "trading_pnl"]
        np.testing.assert_allclose(*(one[same].to_numpy(dtype=float) for one in found), atol=1e-9)
        assert found[0]["trading_pnl"] == pytest.approx(
            found[0]["daily_pnl"] - found[1]["daily_pnl"], abs=1e-9
        )
        assert (found[1]["trading_pnl"], found[0]["status"]) == (0, found[1]["status"])

    def test_exit_without_a_close_is_trading_pnl(self) -> None:
        closes = {"A": [100, 101, NAN], "B": [1, 1, 1]}
        world = World(
            ledger(position("A", 10, 99.0, ENTRY, exit=("2024-01-04", 104.0))), closes, "2024-01-02"
        )
        found = Explained(world, BETAS, {}).run()
        day = row(found.positions, world.sessions[2])
        assert (day["trading_pnl"], day["daily_pnl"]) == (30, 30)
        assert day["status"] == "partial: no price at the exit for A"
        assert row(found.portfolios, world.sessions[2])["status"] == "partial: no price at the exit for A"


class TestOptions:
    @pytest.mark.parametrize("quantity", [3, -2])
    @pytest.mark.parametrize(
        ("symbol", "is_call"), [("XSP240621C00100000", True), ("XSP240621P00100000", False)]
    )
    def test_against_finite_differences(self, quantity: float, symbol: str, is_call: bool) -> None:
        """European, by QuantLib's Black calculator."""
        world = World(ledger(position(symbol, quantity, 5.0, ENTRY)), {"XSP": PRICES["A"]}, "2024-01-02")
        second = world.volatilities["date"] == world.sessions[3]
        world.volatilities.loc[second, "annualized_volatility"] = 0.34
        day = row(Explained(world, {"XSP": BETAS["A"]}, MOVES).run().positions, world.sessions[3])
        days = (pd.Timestamp("2024-06-21") - world.sessions[2]).days

        def price(spot: float = 104, left: float = days, volatility: float = 0.3) -> float:
            return black_price(spot, 100, left, volatility, is_call)

        units, move = quantity * 100, 99 - 104
        delta = (price(104.001) - price(103.999)) / 0.002
        gamma = (price(104.01) - 2 * price() + price(103.99)) / 0.01**2
        theta = (price(left=days - 0.01) - price(left=days + 0.01)) / 0.02
        vega = (price(volatility=0.3001) - price(volatility=0.2999)) / 0.0002
        assert day["delta_pnl"] == pytest.approx(units * delta * move, rel=1e-6)
        assert day["gamma_pnl"] == pytest.approx(units * gamma * move**2 / 2, rel=1e-5)
        assert day["theta_pnl"] == pytest.approx(units * theta, rel=1e-5)
        assert day["vega_pnl"] == pytest.approx(units * vega * 0.04, rel=1e-6)
        assert day["rho_pnl"] == 0
        assert RATE == 0.03
        change = price(99, days - 1, 0.34) - price()
        assert day["daily_pnl"] == pytest.approx(units * change, rel=1e-9)
        parts = ["delta_pnl", "gamma_pnl", "theta_pnl", "vega_pnl"]
        assert day["residual_pnl"] == pytest.approx(units * change - day[parts].sum(), rel=1e-6)

    def test_the_residual_is_of_third_order(self) -> None:
        residuals = []
        for move in (1.0, 0.5):
            world = World(ledger(position(CALL, 1, 5.0, ENTRY)), {"A": [99, 100, 100 + move]}, "2024-01-02")
            day = row(Explained(world, BETAS, {}).run().positions, world.sessions[2])
            still = World(ledger(position(CALL, 1, 5.0, ENTRY)), {"A": [99, 100, 100]}, "2024-01-02")
            time = row(Explained(still, BETAS, {}).run().positions, still.sessions[2])["residual_pnl"]
            residuals.append(day["residual_pnl"] - time)
            assert abs(day["residual_pnl"]) < 0.02 * abs(day["daily_pnl"])
        assert abs(residuals[1]) < abs(residuals[0]) / 1.8

    @pytest.mark.parametrize("expiry", ["240105", "240106"])
    def test_expiry(self, expiry: str) -> None:
        """Friday's and Saturday's expiry settle on Friday 2024-01-05; all time has passed."""
        world = World(ledger(position(f"A{expiry}C00100000", 2, 5.0, ENTRY)), PRICES, "2024-01-02", None, 0.2)
        world.volatilities["annualized_volatility"] += 0.05 * (
            world.volatilities["date"] == world.sessions[3]
        )
        found = Explained(world, BETAS, MOVES).run()
        day = row(found.positions, world.sessions[3])
        left = 1 if expiry == "240105" else 2
        greeks = [black_price(104 + bump, 100, left, 0.2, True) for bump in (0.001, -0.001)]
        assert day["delta_pnl"] == pytest.approx(200 * (greeks[0] - greeks[1]) / 0.002 * -5, rel=1e-6)
        assert day["daily_pnl"] == pytest.approx(-200 * black_price(104, 100, left, 0.2, True), rel=1e-9)
        assert day["vega_pnl"] == 0
        bumped = [black_price(104, 100, left + bump, 0.2, True) for bump in (-1e-4, 1e-4)]
        assert day["theta_pnl"] == pytest.approx(200 * (bumped[0] - bumped[1]) / 2e-4 * left, rel=1e-4)
        check_sums(found.positions)

    def test_settled_at_an_old_close_has_no_move(self) -> None:
        closes = {"A": [100, 101, NAN, 99], "B": [1, 1, 1, 1]}
        world = World(ledger(position("A240104C00100000", 1, 3.0, ENTRY)), closes, "2024-01-02")
        found = Explained(world, BETAS, {name: values[:4] for name, values in MOVES.items()}).run()
        day = row(found.positions, world.sessions[2])
        assert day["delta_pnl"] == day["specific_pnl"] == day["market_pnl"] == day["gamma_pnl"] == 0
        assert day["theta_pnl"] < 0
        check_sums(found.positions)


class TestCorporateActions:
    @pytest.mark.parametrize("symbol", ["A", CALL, "A240621P00100000"])
    @pytest.mark.parametrize("ratio", [4.0, 0.1])
    def test_a_split_changes_nothing(self, symbol: str, ratio: float) -> None:
        book = ledger(position(symbol, -30, 6.0, ENTRY))
        closes = np.array(PRICES["A"])
        after = np.where(np.arange(6) >= 3, ratio, 1.0)
        plain = World(book, {"A": closes}, "2024-01-02")
        split = World(book, {"A": closes / after}, "2024-01-02", splits(("2024-01-05", "A", ratio)))
        found = [Explained(world, BETAS, MOVES).run().positions for world in (plain, split)]
        np.testing.assert_allclose(*(one[list(PNL_PARTS)] for one in found), rtol=1e-9, atol=1e-8)
        assert found[0]["status"].tolist() == found[1]["status"].tolist()

    def test_a_dividend_is_apart(self) -> None:
        """The log return with the dividend is the market's alone, so nothing is specific."""
        closes = {"A": [100, 100, 100 * np.exp(1.2 * 0.01) - 2.0]}
        moves = {
            "market": [0, 0, 0.01],
            "value": [0, 0, 0.009],
            "growth": [0, 0, 0.011],
            "rates": [0, 0, 0.02],
        }
        book = ledger(position("A", -10, 99.0, ENTRY), position(CALL, 1, 5.0, ENTRY))
        world = World(book, closes, "2024-01-02", dividend("2024-01-04", "A", 2.0))
        found = Explained(world, BETAS, moves).run().positions
        day = row(found, world.sessions[2], f"A@{ENTRY}")
        assert day["dividend_pnl"] == pytest.approx(20)
        assert day["market_pnl"] == pytest.approx(-1000 * np.expm1(0.012), rel=1e-12)
        assert day["specific_pnl"] == pytest.approx(0, abs=1e-9)
        option = row(found, world.sessions[2], f"{CALL}@{ENTRY}")
        days = (pd.Timestamp("2024-06-21") - world.sessions[1]).days
        delta = (
            black_price(100.001, 100, days, 0.3, True) - black_price(99.999, 100, days, 0.3, True)
        ) / 0.002
        assert option["dividend_pnl"] == pytest.approx(-200 * delta, rel=1e-6)
        assert option["specific_pnl"] == pytest.approx(0, abs=1e-9)
        check_sums(found)

    def test_dividends_over_a_gap_and_a_split(self) -> None:
        actions = pd.concat(
            [
                dividend("2024-01-04", "A", 2.0),
                splits(("2024-01-05", "A", 4.0)),
                dividend("2024-01-08", "A", 0.25),
                dividend("2024-01-09", "A", 9.0),
            ]
        )
        closes = {"A": [100, 100, NAN, NAN, 25, 25], "B": [1.0] * 6}
        world = World(ledger(position("A", 10, 99.0, ENTRY)), closes, "2024-01-02", actions)
        found = Explained(world, BETAS, MOVES).run().positions
        assert row(found, world.sessions[4])["dividend_pnl"] == pytest.approx(-40 * (2.0 / 4 + 0.25))
        assert row(found, world.sessions[5])["dividend_pnl"] == pytest.approx(-360)
        check_sums(found)

    def test_an_unknown_dividend_is_said(self) -> None:
        book = ledger(position("A", 10, 99.0, ENTRY))
        world = World(book, PRICES, "2024-01-02", dividend("2024-01-04", "A", NAN))
        found = Explained(world, BETAS, MOVES).run()
        day = row(found.positions, world.sessions[2])
        assert np.isnan(day["dividend_pnl"])
        assert day["status"] == f"{PARTIAL}; no dividend amount for A"
        check_sums(found.positions)
        check_sums(found.portfolios)


class TestMissing:
    def test_a_gap_is_explained_as_a_whole(self) -> None:
        closes = {"A": [100, 101, NAN, NAN, 98, 103.0], "B": [1.0] * 6}
        world = World(ledger(position("A", 10, 99.0, ENTRY)), closes, "2024-01-02")
        found = Explained(world, BETAS, MOVES).run()
        stale, back = (row(found.positions, world.sessions[n]) for n in (3, 4))
        assert stale["status"] == "stale: last price 2024-01-03"
        assert stale[["daily_pnl", *PNL_PARTS]].isna().all()
        assert row(found.portfolios, world.sessions[3])["status"] == "unavailable: no daily P&L for A"
        log_return = np.log(98 / 101)
        move = sum(MOVES["market"][2:5])
        assert back["market_pnl"] == pytest.approx(10 * (98 - 101) / log_return * 1.2 * move, rel=1e-12)
        assert back["daily_pnl"] == -30
        check_sums(found.positions)

    def test_the_portfolio_names_what_it_lacks(self) -> None:
        closes = {"A": [100, 101, 102], "B": [90, 91, NAN]}
        book = ledger(position("A", 10, 99.0, ENTRY), position("B", 10, 99.0, ENTRY))
        world = World(book, closes, "2024-01-02")
        found = Explained(world, {"B": BETAS["B"]}, {}).run(portfolios=("book", "empty"))
        day = found.portfolios.set_index(["date", "portfolio"]).loc[world.sessions[2]]
        words = "partial: no daily P&L for B; without low_volatility, momentum, quality, size; no beta for A"
        assert day.loc["book", "status"] == words
        assert day.loc["book", "daily_pnl"] == day.loc["book", "specific_pnl"] == 10
        assert (day.loc["empty", ["daily_pnl", *PNL_PARTS]] == 0).all()
        assert day.loc["empty", "status"] == "ok"

    def test_a_position_outside_of_the_partitions(self) -> None:
        world = World(ledger(position("A", 10, 99.0, ENTRY)), PRICES, "2024-01-02")
        with pytest.raises(InputError, match="outside of the partitions"):
            Explained(world, BETAS, MOVES).run(portfolios=("other",))


SYMBOLS = ("A", "B", CALL, PUT, "A240105C00100000", "B240108P00090000")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A book of everything: entries, exits, expiries, gaps, splits and dividends."""
    rows = []
    for symbol in SYMBOLS:
        entry = draw(st.sampled_from(["2024-01-03", "2024-01-04"]))
        other = {}
        if draw(st.booleans()):
            other["exit"] = (draw(st.sampled_from(["2024-01-04", "2024-01-08"])), draw(st.floats(1, 120)))
        rows.append(position(symbol, draw(st.integers(-50, 50).filter(bool)), 7.0, entry, **other))
    moves = st.lists(st.floats(-0.2, 0.2), min_size=6, max_size=6)
    closes = {}
    for symbol in "AB":
        prices = 95 * np.exp(np.cumsum(draw(moves)))
        prices[draw(st.lists(st.integers(1, 5), max_size=2))] = NAN
        closes[symbol] = prices
    actions = pd.concat([splits(("2024-01-05", "A", 2.0)), dividend("2024-01-05", "B", 0.5)])
    return World(ledger(*rows), closes, "2024-01-02", actions)


class TestIdentities:
    @given(worlds())
    @settings(max_examples=12, deadline=None)
    def test_parts_sum_and_the_opposite_book_is_the_opposite(self, world: World) -> None:
        found = Explained(world, BETAS, MOVES).run()
        check_sums(found.positions)
        check_sums(found.portfolios)
        values = world.values()
        pd.testing.assert_series_equal(found.positions["daily_pnl"], values["daily_pnl"])
        sums = found.positions.groupby("date")[list(PNL_PARTS)].sum(min_count=1)
        portfolios = found.portfolios.set_index("date")[list(PNL_PARTS)].reindex(sums.index)
        np.testing.assert_allclose(portfolios, sums, rtol=1e-12, atol=1e-9)

        world.positions["quantity"] = -world.positions["quantity"]
        side = {"LONG": "SHORT", "SHORT": "LONG", "LC": "SC", "SC": "LC", "LP": "SP", "SP": "LP"}
        world.positions["position_type"] = world.positions["position_type"].map(side)
        mirror = Explained(world, BETAS, MOVES).run().positions
        np.testing.assert_allclose(
            mirror[list(PNL_PARTS)], -found.positions[list(PNL_PARTS)], rtol=1e-9, atol=1e-9
        )

    @given(worlds())
    @settings(max_examples=3, deadline=None)
    def test_a_date_alone_gives_the_same_rows_as_in_a_range(self, world: World) -> None:
        explained = Explained(world, BETAS, MOVES)
        whole = explained.run()
        alone = [explained.run(world.at(n)) for n in range(1, 6)]
        for number in (0, 1):
            joined = pd.concat([one[number] for one in alone], ignore_index=True)
            pd.testing.assert_frame_equal(whole[number], joined, rtol=1e-12)
