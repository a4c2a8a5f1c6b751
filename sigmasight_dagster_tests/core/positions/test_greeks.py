"""Greeks of positions: units against finite differences of QuantLib's price, conventions, statuses."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.options.dividend_yields import NO_ROW
from sigmasight_core.positions.greeks import GREEKS, position_greeks
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    MAX_AGE,
    NAN,
    PARAMETERS,
    RATE,
    YIELD,
    World,
    black_price,
    ledger,
    position,
    row,
    splits,
)

POSITION_GREEKS = [f"position_{name}" for name in GREEKS]
CALL, PUT = "XSP240621C00100000", "XSP240621P00110000"


class TestOptions:
    @pytest.mark.parametrize(("symbol", "strike", "is_call"), [(CALL, 100, True), (PUT, 110, False)])
    @pytest.mark.parametrize("quantity", [3, -2])
    def test_against_finite_differences(
        self, symbol: str, strike: float, is_call: bool, quantity: int
    ) -> None:
        world = World(
            ledger(position(symbol, quantity, 5.0, "2024-01-03")), {"XSP": [100, 101, 104]}, "2024-01-02"
        )
        found = row(world.greeks(), world.sessions[2])
        days = (pd.Timestamp("2024-06-21") - world.sessions[2]).days

        def price(spot: float = 104.0, time: float = days, volatility: float = 0.3) -> float:
            return black_price(spot, strike, time, volatility, is_call)

        h = 1e-3
        assert found["delta"] == pytest.approx((price(104 + h) - price(104 - h)) / (2 * h), rel=1e-6)
        assert found["gamma"] == pytest.approx(
            (price(104.05) - 2 * price() + price(103.95)) / 0.05**2, rel=1e-4
        )
        assert found["theta"] == pytest.approx(
            (price(time=days - h) - price(time=days + h)) / (2 * h), rel=1e-5
        )
        assert found["vega"] == pytest.approx(
            (price(volatility=0.3001) - price(volatility=0.2999)) / 0.02, rel=1e-5
        )
        shares = [found[name] * quantity * 100 for name in GREEKS]
        assert found[POSITION_GREEKS].tolist() == pytest.approx(shares, rel=1e-12)
        assert found["delta_exposure"] == pytest.approx(found["delta"] * 104 * quantity * 100, rel=1e-12)

    def test_inputs_and_their_sources(self) -> None:
        world = World(ledger(position(CALL, 1, 5.0, "2024-01-03")), {"XSP": [100, 101]}, "2024-01-02")
        found = row(world.greeks(), world.sessions[1])
        columns = ["underlying_price", "strike", "implied_volatility", "risk_free_rate", "dividend_yield"]
        assert found[columns].tolist() == [
            101, 100, 0.3, RATE, YIELD,
        ]  # fmt: skip
        assert found["days_to_expiry"] == (pd.Timestamp("2024-06-21") - pd.Timestamp("2024-01-03")).days
        assert found[["implied_vol_source", "risk_free_rate_source", "dividend_yield_source"]].tolist() == [
            "realized", "setting", f"setting: {NO_ROW}",
        ]  # fmt: skip
        assert found["status"] == "ok"

    def test_a_split_leaves_dollar_greeks_unchanged(self) -> None:
        book = ledger(position(CALL, 3, 5.0, "2024-01-03"), position("XSP", 3, 5.0, "2024-01-03"))
        closes = np.array([100, 101, 104.0])
        plain = World(book, {"XSP": closes}, "2024-01-02").greeks()
        actions = splits(("2024-01-04", "XSP", 4.0))
        split = World(book, {"XSP": closes / [1, 1, 4]}, "2024-01-02", actions).greeks()
        same = ["position_theta", "position_vega", "position_rho", "delta_exposure", "delta"]
        np.testing.assert_allclose(split[same], plain[same], rtol=1e-9)
        last = row(split, pd.Timestamp("2024-01-04"), f"{CALL}@2024-01-03")
        assert (last["strike"], last["underlying_price"]) == (25, 26)

    @pytest.mark.parametrize(("close", "delta"), [(107.0, 1.0), (93.0, 0.0)])
    def test_at_expiry_the_intrinsic_convention(self, close: float, delta: float) -> None:
        world = World(
            ledger(position("XSP240105C00100000", -2, 5.0, "2024-01-03")),
            {"XSP": [100, 101, 102, close]},
            "2024-01-02",
        )
        found = row(world.greeks(), world.sessions[3])
        assert found[list(GREEKS)].tolist() == [delta, 0, 0, 0, 0]
        assert (found["days_to_expiry"], found["status"]) == (0, "expired")
        assert found["delta_exposure"] == -200 * delta * close

    def test_a_saturday_expiry_is_over_on_friday_even_without_volatility(self) -> None:
        world = World(
            ledger(position("XSP240106C00100000", 1, 5.0, "2024-01-03")),
            {"XSP": [100, 101, 102, 107]},
            "2024-01-02",
            volatility=NAN,
        )
        assert row(world.values(), world.sessions[3])["price"] == 7
        found = row(world.greeks(), world.sessions[3])
        assert found[["days_to_expiry", "delta", "status", "implied_vol_source"]].tolist() == [
            0,
            1,
            "expired",
            "none",
        ]


class TestRows:
    def test_linear_positions(self) -> None:
        world = World(ledger(position("XSP", -7, 5.0, "2024-01-03")), {"XSP": [100, 101]}, "2024-01-02")
        found = row(world.greeks(), world.sessions[1])
        assert found[list(GREEKS)].tolist() == [1, 0, 0, 0, 0]
        assert found[["position_delta", "underlying_price", "delta_exposure"]].tolist() == [-7, 101, -707]
        columns = ["strike", "days_to_expiry", "implied_volatility", "risk_free_rate", "dividend_yield"]
        assert found[columns].isna().all()
        assert (found["status"], found["implied_vol_source"]) == ("linear", "linear")

    def test_closed_positions_have_no_row(self) -> None:
        book = ledger(position("XSP", 1, 5.0, "2024-01-03", exit=("2024-01-04", 5.0)))
        world = World(book, {"XSP": [100, 101, 102]}, "2024-01-02")
        assert world.greeks()["date"].tolist() == [world.sessions[1]]

    def test_without_prices_the_reason_of_the_value(self) -> None:
        book = ledger(position(CALL, 1, 5.0, "2024-01-03"), position("XSP", 1, 5.0, "2024-01-03"))
        greeks = World(book, {"XND": [1, 1]}, "2024-01-02").greeks()
        assert (greeks["status"] == "no price: XSP has none within 7 days").all()
        assert greeks[["underlying_price", "delta_exposure"]].isna().all(axis=None)
        assert greeks.set_index("position_id").loc[f"{CALL}@2024-01-03", list(GREEKS)].isna().all()

    def test_without_volatility(self) -> None:
        world = World(
            ledger(position(CALL, 1, 5.0, "2024-01-03")), {"XSP": [100, 101]}, "2024-01-02", volatility=NAN
        )
        found = row(world.greeks(), world.sessions[1])
        assert (found["implied_vol_source"], found["underlying_price"]) == ("none", 101)
        assert np.isnan(found["delta"])
        assert found["status"].startswith("no volatility: XSP")

    def test_a_stale_underlying_says_so_and_time_goes_on(self) -> None:
        closes = {"XSP": [100, 101, NAN], "XND": [1] * 3}
        world = World(ledger(position(CALL, 1, 5.0, "2024-01-03")), closes, "2024-01-02")
        fresh, stale = (row(world.greeks(), world.sessions[n]) for n in (1, 2))
        assert stale["status"] == "stale: last price 2024-01-03"
        assert stale["days_to_expiry"] == fresh["days_to_expiry"] - 1
        assert stale["underlying_price"] == 101

    def test_an_orphan_value_is_refused(self) -> None:
        world = World(ledger(position("XSP", 1, 5.0, "2024-01-03")), {"XSP": [100, 101]}, "2024-01-02")
        with pytest.raises(
            InputError, match="XSP@2024-01-03 of portfolio book has a value but is not in the ledger"
        ):
            position_greeks(
                position_values=world.values(),
                positions=world.positions.iloc[:0],
                prices=world.prices,
                option_tables=world.option_tables,
                corporate_actions=world.actions,
                parameters=PARAMETERS,
                max_price_age_days=MAX_AGE,
            )

    def test_yields_by_symbol(self) -> None:
        world = World(ledger(position(CALL, 1, 5.0, "2024-01-03")), {"XSP": [100, 101]}, "2024-01-02")
        parameters = type(PARAMETERS)(RATE, "r", {"XSP": 0.05}, YIELD, "q")
        greeks = position_greeks(
            position_values=world.values(),
            positions=world.positions,
            prices=world.prices,
            option_tables=world.option_tables,
            corporate_actions=world.actions,
            parameters=parameters,
            max_price_age_days=MAX_AGE,
        )
        assert greeks["dividend_yield"].tolist() == [0.05]
