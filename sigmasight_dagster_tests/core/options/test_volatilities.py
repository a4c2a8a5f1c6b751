"""Implied volatilities of quotes: chains by QuantLib and closed forms, neighbours, refusals, identities."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sigmasight_core.options.implied_volatility import ABOVE_BOUND, EXPIRED
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import CONTRADICTORY, FAR, OLD_TRADE
from sigmasight_core.options.volatilities import UNIDENTIFIED, option_volatilities, with_lacking
from sigmasight_core.tables import DividendYields, OptionQuotes, validate
from sigmasight_dagster_tests.core.options.quote_inputs import (
    closes,
    contract,
    curve,
    implied,
    mid,
    ql_values,
    quote,
    yields,
)
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    NAN,
    PARAMETERS,
    RATE,
    YIELD,
    none_of,
    typed,
)

DAY, EXPIRY = "2024-01-12", "2024-06-21"
DAYS = (pd.Timestamp(EXPIRY) - pd.Timestamp(DAY)).days
SPOT = closes((DAY, "XSP", 100.0))
CURVE = curve(yields(DAY, m3=5.3, y2=4.2, y10=3.9, y30=4.1))
CURVE_RATE = 2 * np.log(1 + np.interp(DAYS / 365, [0.25, 2.0], [5.3, 4.2]) / 200)


def price(strike: float, is_call: bool, volatility: float, rate: float = RATE, spot: float = 100.0) -> float:
    return ql_values(spot, strike, DAYS, rate, YIELD, volatility, is_call)["price"]


def no_price(strike: float, is_call: bool = True) -> dict[str, object]:
    return quote(DAY, contract(strike, is_call), NAN, NAN)


def smile(strike: float) -> float:
    return 0.25 + 0.4 * np.log(strike / 100) ** 2 - 0.1 * np.log(strike / 100)


class TestQuotes:
    def test_a_chain_by_quantlib_is_recovered_at_its_treasury_rate(self) -> None:
        strikes = [60.0, 80.0, 95.0, 100.0, 102.5, 120.0, 150.0]
        terms = [(k, is_call) for k in strikes for is_call in (True, False)]
        prices = {contract(k, c): price(k, c, smile(k), CURVE_RATE) for k, c in terms}
        found = implied([mid(DAY, name, value) for name, value in prices.items()], SPOT, CURVE)
        for (strike, _), name in zip(terms, prices, strict=True):
            row = found.loc[name]
            assert row["implied_volatility"] == pytest.approx(smile(strike), rel=1e-9)
            assert row["price"] == pytest.approx(prices[name], rel=1e-15)
        assert set(found["price_source"]) == {"quote mid"}
        assert set(found["implied_vol_source"]) == {"quote"}
        assert set(found["risk_free_rate_source"]) == {"treasury"}
        np.testing.assert_allclose(found["risk_free_rate"], CURVE_RATE, rtol=1e-14)
        assert found[
            ["underlying_price", "dividend_yield", "n_neighbours"]
        ].drop_duplicates().to_numpy().tolist() == [[100, YIELD, 0]]
        assert set(found["status"]) == {"ok"}

    @pytest.mark.parametrize(
        ("strike", "rate", "dividend_yield", "volatility", "is_call", "value"),
        [
            (100.0, 0.05, 0.0, 0.2, True, 10.4505835722),
            (100.0, 0.05, 0.0, 0.2, False, 5.5735260223),
        ],
    )
    def test_the_textbook_values(
        self,
        strike: float,
        rate: float,
        dividend_yield: float,
        volatility: float,
        is_call: bool,
        value: float,
    ) -> None:
        """One year, Black-Scholes: the reference numbers of many textbooks."""
        parameters = OptionParameters(rate, "settings", {"XSP": dividend_yield}, 0.5, "settings")
        name = contract(strike, is_call, "2025-01-13")
        found = implied(
            [mid("2024-01-14", name, value)], closes(("2024-01-14", "XSP", 100.0)), None, parameters
        )
        assert found["implied_volatility"].iloc[0] == pytest.approx(volatility, abs=1e-11)
        assert found["risk_free_rate_source"].iloc[0] == "settings"

    @pytest.mark.parametrize(
        ("bid", "ask"), [(0.0, 9.0), (9.0, 8.0), (NAN, 9.0), (9.0, NAN), (NAN, NAN), (0.0, 0.0)]
    )
    def test_without_two_good_sides_the_last_trade(self, bid: float, ask: float) -> None:
        last = price(100, True, 0.31)
        row = implied([quote(DAY, contract(100, True), bid, ask, last)], SPOT).iloc[0]
        assert (row["price"], row["price_source"]) == (last, "quote last")
        assert row["implied_volatility"] == pytest.approx(0.31, rel=1e-9)
        assert row["status"] == "ok"

    def test_a_locked_quote_is_two_good_sides(self) -> None:
        row = implied([quote(DAY, contract(100, True), 9.0, 9.0, 1.0)], SPOT).iloc[0]
        assert (row["price"], row["price_source"]) == (9.0, "quote mid")

    def test_no_price_at_all(self) -> None:
        said = implied([no_price(100)], SPOT).iloc[0]
        assert said["status"] == "no price: test: incomplete"
        crossed = quote(DAY, contract(100, True), 9, 8, status="crossed, no trade")
        assert implied([crossed], SPOT)["status"].tolist() == ["no price: crossed, no trade"]
        assert np.isnan([said["price"], said["implied_volatility"]]).all()
        assert said[["price_source", "implied_vol_source"]].tolist() == ["none", "none"]

    @pytest.mark.parametrize(
        ("strike", "is_call", "value", "reason"),
        [
            (80, True, 19.0, CONTRADICTORY),
            (120, False, 15.0, CONTRADICTORY),
            (90, True, 101.0, ABOVE_BOUND),
        ],
    )
    def test_an_impossible_price_stays_and_implies_nothing(
        self, strike: float, is_call: bool, value: float, reason: str
    ) -> None:
        row = implied([mid(DAY, contract(strike, is_call), value)], SPOT).iloc[0]
        assert row["price"] == pytest.approx(value, rel=1e-15)
        assert np.isnan(row["implied_volatility"])
        assert row[["price_source", "implied_vol_source", "status"]].tolist() == ["quote mid", "none", reason]

    def test_at_settlement_nothing_is_implied(self) -> None:
        day = "2024-01-19"
        friday, saturday = contract(90, True, "2024-01-19"), contract(90, True, "2024-01-20")
        found = implied([mid(day, friday, 10.2), mid(day, saturday, 10.2)], closes((day, "XSP", 100.0)))
        assert found["status"].tolist() == [EXPIRED, EXPIRED]
        assert found["implied_volatility"].isna().all()

    def test_only_a_close_of_the_session_itself_counts(self) -> None:
        name = contract(100, True)
        other = closes(("2024-01-11", "XSP", 100.0), (DAY, "XND", 100.0))
        carried = SPOT.assign(price_date=pd.Timestamp("2024-01-10"))
        for prices in (other, carried):
            row = implied([mid(DAY, name, 9.0)], prices).iloc[0]
            assert row["status"] == "no close of XSP on the session"
            assert row["price"] == pytest.approx(9.0)
            assert np.isnan([row["underlying_price"], row["implied_volatility"]]).all()

    def test_what_is_no_contract(self) -> None:
        row = implied([quote(DAY, "XSP", 1, 2, underlying="XSP")], SPOT).iloc[0]
        assert row["status"] == "the contract is no OCC symbol"

    def test_no_quotes(self) -> None:
        assert implied([], SPOT).empty


class TestWhatAPriceSaysOfItsVolatility:
    """With an error of half a cent, a tenth of the spread, a thousandth of a trade: a point, or more."""

    @pytest.mark.parametrize(("strike", "is_call"), [(60, True), (45, False), (160, True), (60, False)])
    def test_next_to_no_vega_implies_none(self, strike: float, is_call: bool) -> None:
        row = implied([mid(DAY, contract(strike, is_call), price(strike, is_call, 0.2))], SPOT).iloc[0]
        assert np.isnan(row["implied_volatility"])
        assert row[["price_source", "implied_vol_source", "status"]].tolist() == [
            "quote mid",
            "none",
            UNIDENTIFIED,
        ]

    @pytest.mark.parametrize(("half", "known"), [(0.001, True), (0.02, True), (0.06, False), (0.1, False)])
    def test_a_wide_quote_in_the_money_implies_none(self, half: float, known: bool) -> None:
        value = price(80, True, 0.25)
        name = contract(80, True)
        row = implied([quote(DAY, name, value * (1 - half), value * (1 + half))], SPOT).iloc[0]
        assert np.isfinite(row["implied_volatility"]) == known

    @pytest.mark.parametrize(("strike", "known"), [(75, True), (70, False), (100, True), (130, True)])
    def test_a_trade_alone(self, strike: float, known: bool) -> None:
        value = price(strike, True, 0.25)
        row = implied([quote(DAY, contract(strike, True), NAN, NAN, value)], SPOT).iloc[0]
        assert np.isfinite(row["implied_volatility"]) == known

    def test_it_takes_that_of_its_chain(self) -> None:
        rows = [
            mid(DAY, contract(60, True), price(60, True, 0.2)),
            mid(DAY, contract(90, True), price(90, True, 0.24)),
        ]
        row = implied(rows, SPOT).loc[contract(60, True)]
        assert row["implied_volatility"] == pytest.approx(0.24, rel=1e-9)
        assert row["status"] == f"chain_neighbour: {UNIDENTIFIED}"


class TestALastTradeAlone:
    CHAIN = (85.0, 92.0, 108.0, 115.0)

    def found(self, strike: float, is_call: bool, factor: float) -> "pd.Series[object]":
        rows = [mid(DAY, contract(k, is_call), price(k, is_call, 0.2)) for k in self.CHAIN]
        traded = quote(DAY, contract(strike, is_call), NAN, NAN, factor * price(strike, is_call, 0.2))
        return implied([*rows, traded], SPOT).loc[contract(strike, is_call)]

    @pytest.mark.parametrize("factor", [0.2, 0.4, 2.3, 6.0])
    @pytest.mark.parametrize(("strike", "is_call"), [(100, True), (88, False), (112, True)])
    def test_half_or_twice_what_its_chain_implies(self, strike: float, is_call: bool, factor: float) -> None:
        row = self.found(strike, is_call, factor)
        assert str(row["status"]).endswith((OLD_TRADE, FAR, CONTRADICTORY, ABOVE_BOUND))
        assert row["implied_vol_source"] == "chain_neighbour"

    @pytest.mark.parametrize("factor", [0.7, 1.0, 1.4])
    @pytest.mark.parametrize(("strike", "is_call"), [(88, False), (112, True), (122, True)])
    def test_near_it(self, strike: float, is_call: bool, factor: float) -> None:
        row = self.found(strike, is_call, factor)
        assert row[["status", "implied_vol_source"]].tolist() == ["ok", "quote"]

    @pytest.mark.parametrize(("factor", "said"), [(0.05, OLD_TRADE), (20.0, FAR)])
    def test_beyond_the_end_of_its_chain(self, factor: float, said: str) -> None:
        assert str(self.found(122, True, factor)["status"]).endswith(said)


class TestQuotesThatCrossTheNextStrike:
    CHAIN = (85.0, 92.0, 100.0, 108.0, 115.0)

    def found(self, of: dict[float, float], is_call: bool, volatility: float = 0.35) -> "pd.Series[str]":
        """Statuses of a chain in which the quotes of some strikes are those of others."""
        rows = [mid(DAY, contract(k, is_call), price(of.get(k, k), is_call, volatility)) for k in self.CHAIN]
        return implied(rows, SPOT)["status"]

    @pytest.mark.parametrize(
        ("strike", "other", "is_call"),
        [(100, 108.5, True), (100, 115, True), (100, 91, False), (92, 84, False)],
    )
    def test_the_one_that_is_not_of_its_strike_is_doubted(
        self, strike: float, other: float, is_call: bool
    ) -> None:
        status = self.found({strike: other}, is_call)
        assert str(status.pop(contract(strike, is_call))).endswith(FAR)
        assert set(status) == {"ok"}

    @pytest.mark.parametrize("is_call", [True, False])
    def test_a_chain_in_order_is_not(self, is_call: bool) -> None:
        assert set(self.found({}, is_call)) == {"ok"}
        assert set(self.found({100: 100.5}, is_call)) == {"ok"}


class TestNeighbours:
    def test_between_two_strikes_calls_or_puts(self) -> None:
        rows = [
            mid(DAY, contract(90, False), price(90, False, 0.30)),
            mid(DAY, contract(110, True), price(110, True, 0.20)),
            mid(DAY, contract(60, False), price(60, False, 0.9)),
        ]
        found = implied([*rows, no_price(95)], SPOT).loc[contract(95, True)]
        assert found["implied_volatility"] == pytest.approx(0.275, rel=1e-9)
        assert found[["implied_vol_source", "n_neighbours"]].tolist() == ["chain_neighbour", 2]
        assert found["status"] == "chain_neighbour: no price: test: incomplete"
        assert np.isnan(found["price"])

    @pytest.mark.parametrize("strike", [50, 130])
    def test_on_one_side_the_nearest_alone(self, strike: float) -> None:
        rows = [mid(DAY, contract(k, True), price(k, True, smile(k))) for k in (70, 90, 110)]
        found = implied([*rows, no_price(strike)], SPOT).loc[contract(strike, True)]
        nearest = 70 if strike < 70 else 110
        assert found["implied_volatility"] == pytest.approx(smile(nearest), rel=1e-9)
        assert found[["implied_vol_source", "n_neighbours"]].tolist() == ["chain_neighbour", 1]

    def test_the_other_type_at_its_own_strike_comes_first(self) -> None:
        rows = [
            mid(DAY, contract(80, True), 19.0),
            mid(DAY, contract(80, False), price(80, False, 0.4)),
            mid(DAY, contract(85, False), price(85, False, 0.1)),
        ]
        found = implied(rows, SPOT).loc[contract(80, True)]
        assert found["implied_volatility"] == pytest.approx(0.4, rel=1e-9)
        assert found[["price", "n_neighbours"]].tolist() == [pytest.approx(19.0), 1]
        assert found["status"] == f"chain_neighbour: {CONTRADICTORY}"

    def test_a_call_and_a_put_of_a_strike_count_with_their_mean(self) -> None:
        rows = [
            mid(DAY, contract(90, True), price(90, True, 0.34)),
            mid(DAY, contract(90, False), price(90, False, 0.30)),
        ]
        found = implied([*rows, no_price(95)], SPOT).loc[contract(95, True)]
        assert found["implied_volatility"] == pytest.approx(0.32, rel=1e-9)

    def test_other_sessions_expiries_and_underlyings_are_no_neighbours(self) -> None:
        prices = closes((DAY, "XSP", 100.0), ("2024-01-11", "XSP", 100.0), (DAY, "XND", 100.0))
        rows = [
            mid("2024-01-11", contract(95, True), 9.0),
            mid(DAY, contract(95, True, "2024-07-19"), 9.0),
            mid(DAY, contract(95, True, root="XND"), 9.0),
        ]
        found = implied([*rows, no_price(96)], prices)
        assert found.loc[contract(96, True), "implied_vol_source"] == "none"
        assert (found["implied_vol_source"] == "quote").sum() == 3

    @settings(max_examples=15)
    @given(st.lists(st.tuples(st.integers(70, 170), st.booleans()), min_size=2, max_size=20, unique=True))
    def test_any_chain_is_interpolated_in_strike(self, chain: list[tuple[int, bool]]) -> None:
        """Against np.interp over the strikes that have a volatility."""
        known = {k: 0.2 + k / 1000 for k, quoted in chain if quoted}
        lacking = [k for k, quoted in chain if not quoted and k not in known]
        assume(known and lacking)
        calls = [(k, k > 100) for k in known]
        rows = [mid(DAY, contract(k, c), price(k, c, known[k])) for k, c in calls]
        found = implied([*rows, *(no_price(k) for k in lacking)], SPOT)
        strikes = sorted(known)
        for k in lacking:
            expected = np.interp(k, strikes, [known[s] for s in strikes])
            row = found.loc[contract(k, True)]
            assert row["implied_volatility"] == pytest.approx(expected, rel=1e-7)
            inside = strikes[0] < k < strikes[-1]
            assert row["n_neighbours"] == (2 if inside else 1)


def test_a_contract_that_the_chain_lacks_takes_its_neighbours() -> None:
    chain = [(DAY, contract(90, True)), (DAY, contract(110, True)), ("2024-01-11", contract(95, True))]
    rows = typed(OptionQuotes, [mid(day, name, 12.0) for day, name in chain])
    held = [
        contract(95, True),
        contract(90, True),
        contract(95, True, "2024-07-19"),
        contract(95, True, root="XND"),
    ]
    terms = parse_occ(pd.Series(held))
    contracts = terms[["expiry_date"]].assign(symbol=held, underlying=terms["root"])
    found = validate(OptionQuotes, with_lacking(quotes=rows, contracts=contracts, source="test"))
    added = found[found["status"] == "no quote of the contract"]
    assert added[["date", "contract", "underlying", "source"]].to_numpy().tolist() == [
        [pd.Timestamp("2024-01-11"), contract(90, True), "XSP", "test"],
        [pd.Timestamp(DAY), contract(95, True), "XSP", "test"],
    ]
    assert len(found) == 5
    prices = closes((DAY, "XSP", 100.0), ("2024-01-11", "XSP", 100.0))
    made = option_volatilities(
        quotes=found, prices=prices, yields=curve(), dividends=none_of(DividendYields), parameters=PARAMETERS
    )
    row = made[(made["date"] == DAY) & (made["contract"] == contract(95, True))].iloc[0]
    assert row["status"] == "chain_neighbour: no price: no quote of the contract"
    assert row["n_neighbours"] == 2
    pd.testing.assert_frame_equal(
        with_lacking(quotes=rows.head(0), contracts=contracts, source="test"), rows.head(0)
    )


MONEY, VOLATILITIES = st.integers(70, 140), st.floats(0.3, 1.5)
"""Where half a cent is less than a point of volatility, also at a quarter of the price."""


class TestIdentities:
    @settings(max_examples=15)
    @given(MONEY, VOLATILITIES)
    def test_put_call_parity(self, strike: int, volatility: float) -> None:
        """A put that is priced off the call by parity implies the call's volatility."""
        call = price(strike, True, volatility)
        years = DAYS / 365
        put = call - 100 * np.exp(-YIELD * years) + strike * np.exp(-RATE * years)
        found = implied(
            [mid(DAY, contract(strike, True), call), mid(DAY, contract(strike, False), put)], SPOT
        )
        levels = found["implied_volatility"]
        assert levels.iloc[0] == pytest.approx(levels.iloc[1], rel=1e-7)
        assert levels.iloc[0] == pytest.approx(volatility, rel=1e-7)

    @settings(max_examples=15)
    @given(MONEY, VOLATILITIES, st.booleans(), st.sampled_from([0.25, 0.5, 2.0, 8.0]))
    def test_prices_and_strikes_in_another_unit(
        self, strike: int, volatility: float, is_call: bool, scale: float
    ) -> None:
        value = price(strike, is_call, volatility)
        found = implied([mid(DAY, contract(strike, is_call), value)], SPOT).iloc[0]
        name = contract(strike * scale, is_call)
        other = implied([mid(DAY, name, value * scale)], closes((DAY, "XSP", 100.0 * scale))).iloc[0]
        assert other["implied_volatility"] == pytest.approx(found["implied_volatility"], rel=1e-12)
        assert other["price"] == found["price"] * scale

    def test_each_session_alone_gives_the_same_rows(self) -> None:
        days = ["2024-01-10", "2024-01-11", DAY]
        spots = closes(*((day, name, 90.0 + n) for n, day in enumerate(days) for name in ("XSP", "XND")))
        rows = [
            mid(day, contract(k, True, root=name), 5 + 60 / k)
            if k != 100
            else quote(day, contract(k, True, root=name), 0, 1)
            for day in days
            for name in ("XSP", "XND")
            for k in (90, 100, 110)
        ]
        treasury = curve(*(yields(day, m3=5.0 + n, y2=4.0) for n, day in enumerate(days)))
        together = option_volatilities(
            quotes=typed(OptionQuotes, rows),
            prices=spots,
            yields=treasury,
            dividends=none_of(DividendYields),
            parameters=PARAMETERS,
        )
        for day in days:
            mine = [row for row in rows if row["date"] == pd.Timestamp(day)]
            alone = option_volatilities(
                quotes=typed(OptionQuotes, mine),
                prices=spots,
                yields=treasury,
                dividends=none_of(DividendYields),
                parameters=PARAMETERS,
            )
            chosen = together[together["date"] == day].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone.reset_index(drop=True), chosen, check_exact=True)
