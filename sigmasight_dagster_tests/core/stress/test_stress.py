"""Stress P&L against hand calculations, QuantLib and the identities that must hold for every book."""

from math import exp, log, sqrt

import numpy as np
import pandas as pd
import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.stress import stress as stress_module
from sigmasight_core.stress.options import shocked_volatility
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_dagster_tests.core.stress.stress_inputs import (
    DAY,
    FACTORS,
    PNL,
    VOLATILITIES,
    Inputs,
    betas,
    mixed_book,
    scenario,
)

SHIPPED = default_scenarios(FACTORS)
"""Some shock factors that the small model here does not have: partial or unavailable."""


def quantlib_price(
    spot: float,
    strike: float,
    days: int,
    rate: float,
    dividend_yield: float,
    volatility: float,
    is_call: bool,
) -> float:
    years = days / 365
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
    forward = spot * exp((rate - dividend_yield) * years)
    return float(ql.BlackCalculator(payoff, forward, volatility * sqrt(years), exp(-rate * years)).value())


class TestLinear:
    def test_market_shock(self) -> None:
        inputs = Inputs(betas={"A": betas(1.2), "B": betas(0.8)})
        inputs.hold("A", 100, 50.0)
        inputs.hold("B", -10, 300.0)
        results = inputs.run(scenario(market=-10)).results.iloc[0]
        expected = 5_000 * (0.9**1.2 - 1) - 3_000 * (0.9**0.8 - 1)
        assert results["direct_pnl"] == pytest.approx(expected, rel=1e-12)
        assert results["spot_only_pnl"] == results["direct_pnl"]
        assert results["correlation_effect"] == results["correlated_pnl"] - results["direct_pnl"]

    def test_style_shock_is_a_total_return(self) -> None:
        """A position that is the value factor itself (beta 0.9 on m, 0.02 on dy_perp) earns the shock."""
        inputs = Inputs(betas={"VALUE": betas(0.9, 1.0, 0.0, 0.02)})
        inputs.hold("VALUE", 1, 1_000.0)
        pnl = inputs.run(scenario(value=20, market=-5, rates=50)).results.iloc[0]
        assert pnl["direct_pnl"] == pytest.approx(200.0, rel=1e-12)
        assert pnl["correlated_pnl"] == pytest.approx(200.0, rel=1e-12)

    def test_direct_leaves_the_orthogonal_part_of_unshocked_factors_alone(self) -> None:
        inputs = Inputs(betas={"STYLE": betas(0.0, 1.0), "MARKET": betas(1.0)})
        inputs.hold("STYLE", 1, 1_000.0)
        inputs.hold("MARKET", 1, 1_000.0)
        output = inputs.run(
            scenario("m", market=-10), scenario("v", value=10), scenario("both", market=-10, value=10)
        )
        pnl = output.positions.pivot_table("direct_pnl", "position_id", "scenario")
        style, market = pnl.loc["STYLE@2022-01-03/0"], pnl.loc["MARKET@2022-01-03/1"]
        assert style["m"] == 0.0
        assert style["v"] == pytest.approx(100.0)
        assert style["both"] == pytest.approx(1_000 * (1.1 / 0.9**0.9 - 1), rel=1e-12)
        assert (market["v"], market["m"]) == (0.0, pytest.approx(-100.0))

    def test_rates_shock(self) -> None:
        inputs = Inputs(betas={"TLT": betas(0.1, 0, 0, -0.16)})
        inputs.hold("TLT", 10, 100.0)
        pnl = inputs.run(scenario(rates=100)).results.iloc[0]
        assert pnl["direct_pnl"] == pytest.approx(1_000 * (exp(-0.16) - 1), rel=1e-12)
        both = inputs.run(scenario(rates=100, market=-10)).results.iloc[0]
        dy_perp = 1.0 - 2.0 * log(0.9)
        assert both["direct_pnl"] == pytest.approx(1_000 * (0.9**0.1 * exp(-0.16 * dy_perp) - 1), rel=1e-12)

    def test_crisis_replay_of_a_book_of_stocks_and_bonds(self) -> None:
        """Bonds of duration 6 gain what yields lost, whatever today's stock-bond correlation says."""
        covid = next(one for one in SHIPPED if one.id == "covid_crash_2020")
        for loading in (2.0, -3.0):
            inputs = Inputs(betas={"SPY": betas(1.0), "BND": betas(-0.06 * loading, 0, 0, -0.06)})
            inputs.loadings["rates"] = (loading, 0.0)
            inputs.hold("SPY", 60, 100.0)
            inputs.hold("BND", 40, 100.0)
            output = inputs.run(covid)
            expected = -0.337 * 6_000 + 4_000 * (exp(0.06 * 0.8) - 1)
            for column in PNL:
                assert output.results[column].item() == pytest.approx(expected, rel=1e-9)
            assert "regime" not in output.results["warning"].item()


class TestOptions:
    @pytest.mark.parametrize("is_call", [True, False])
    @pytest.mark.parametrize("days", [5, 30, 250])
    @pytest.mark.parametrize("shock", [-35.0, -10.0, 25.0])
    def test_revaluation_against_quantlib(self, is_call: bool, days: int, shock: float) -> None:
        inputs = Inputs(betas={"A": betas(1.3)})
        inputs.hold_option("A", -7, 100.0, 105.0, days, 0.3, is_call, rate=0.04, dividend_yield=0.01)
        pnl = inputs.run(scenario(market=shock, rates=50)).results.iloc[0]
        spot = 100 * (1 + shock / 100) ** 1.3
        fade = sqrt(30 / max(days, 30))
        up = 0.3 * max(0.6, (1 + shock / 100) ** (-1.3 * fade))
        volatility = 0.3 + 1.25 * abs(shock / 100) * fade if shock < 0 else up
        base = quantlib_price(100, 105, days, 0.04, 0.01, 0.3, is_call)
        full = quantlib_price(spot, 105, days, 0.045, 0.01, volatility, is_call)
        spot_only = quantlib_price(spot, 105, days, 0.045, 0.01, 0.3, is_call)
        assert pnl["direct_pnl"] == pytest.approx(-700 * (full - base), rel=1e-9)
        assert pnl["spot_only_pnl"] == pytest.approx(-700 * (spot_only - base), rel=1e-9)

    def test_correlated_volatility_follows_the_market_of_the_state(self) -> None:
        """A value shock alone: the market of the most likely state moves, and with it the volatility."""
        inputs = Inputs(betas={"A": betas(0.0)})
        inputs.hold_option("A", 1, 100.0, 100.0, 30, 0.3, is_call=True)
        pnl = inputs.run(scenario(value=-20)).results.iloc[0]
        variance = inputs.sigma
        h = np.array([0.9, 1.0, 0.0, 0.02])
        m, *_, dy_perp = variance @ h / (h @ variance @ h) * log(0.8)
        rate, volatility = 0.04 + (2.0 * m + dy_perp) / 100, 0.3 - 1.25 * (exp(m) - 1)
        base = quantlib_price(100, 100, 30, 0.04, 0.01, 0.3, True)
        shocked = quantlib_price(100, 100, 30, rate, 0.01, volatility, True)
        assert pnl["correlated_pnl"] == pytest.approx(100 * (shocked - base), rel=1e-9)
        assert pnl["direct_pnl"] == 0.0

    @pytest.mark.parametrize("is_call", [True, False])
    def test_rate_follows_the_yield_of_the_state_as_bonds_do(self, is_call: bool) -> None:
        """The yield falls by 2 points per unit of the market's log move, by its loading alone."""
        inputs = Inputs(betas={"A": betas(1.0), "TLT": betas(-0.16 * 2.0, 0, 0, -0.16)})
        inputs.hold_option("A", 1, 100.0, 100.0, 400, 0.3, is_call)
        inputs.hold("TLT", 1, 1_000.0)
        found = inputs.run(scenario(market=-10)).positions
        option, bond = found.iloc[0], found.iloc[1]
        move = 2.0 * log(0.9)
        base = quantlib_price(100, 100, 400, 0.04, 0.01, 0.3, is_call)
        shocked = quantlib_price(90, 100, 400, 0.04 + move / 100, 0.01, 0.3, is_call)
        assert option["spot_only_pnl"] == pytest.approx(100 * (shocked - base), rel=1e-9)
        assert bond["direct_pnl"] == pytest.approx(1_000 * (exp(-0.16 * move) - 1), rel=1e-12)
        inputs.loadings = inputs.loadings | {"rates": (0.0, 0.0)}
        still = inputs.run(scenario(market=-10)).positions.iloc[0]
        unmoved = quantlib_price(90, 100, 400, 0.04, 0.01, 0.3, is_call)
        assert still["spot_only_pnl"] == pytest.approx(100 * (unmoved - base), rel=1e-9)

    def test_truth_of_a_crash_is_not_delta(self) -> None:
        """30-day at-the-money call, volatility 25%: -35% costs the premium, not delta x 35."""
        inputs = Inputs(betas={"A": betas(1.0)})
        inputs.hold_option("A", 1, 100.0, 100.0, 30, 0.25, is_call=True, rate=0.03, dividend_yield=0.0)
        pnl = inputs.run(scenario(market=-35)).results.iloc[0]
        assert pnl["spot_only_pnl"] / 100 == pytest.approx(-2.98, abs=0.01)

    def test_expired_option_moves_with_its_intrinsic_value(self) -> None:
        inputs = Inputs(betas={"A": betas(1.0)})
        inputs.hold_option("A", 2, 100.0, 95.0, 0, np.nan, is_call=True)
        pnl = inputs.run(scenario("down", market=-10), scenario("up", market=10)).results.set_index(
            "scenario"
        )
        assert pnl.loc["down", "direct_pnl"] == pytest.approx(-1_000.0)
        assert pnl.loc["up", "direct_pnl"] == pytest.approx(2_000.0)

    def test_rate_does_not_move_without_yields(self) -> None:
        inputs = Inputs(betas={"A": betas(1.0)})
        inputs.hold_option("A", 2, 100.0, 95.0, 90, 0.3, is_call=True)
        inputs.loadings["rates"] = (np.nan, np.nan)
        pnl = inputs.run(scenario("m", market=-10), scenario("both", market=-10, rates=300)).results
        assert pnl["direct_pnl"].iloc[0] == pnl["direct_pnl"].iloc[1]
        assert pnl.set_index("scenario").loc["both", "status"] == "partial: rates unavailable"

    def test_blocks_do_not_matter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = mixed_book().run(*SHIPPED).positions
        monkeypatch.setattr(stress_module, "_BLOCK", 1)
        pd.testing.assert_frame_equal(whole, mixed_book().run(*SHIPPED).positions)


class TestVolatilityRule:
    @pytest.mark.parametrize(
        ("sigma", "days", "simple_move", "expected"),
        [
            (0.2, 10, -0.20, 0.45),
            (0.2, 120, -0.20, 0.325),
            (0.2, 30, 0.10, 0.2 * 1.1**-1.3),
            (0.2, 30, 0.60, 0.12),
            (1.3, 30, -0.35, 1.5),
            (1.8, 30, -0.35, 1.8),
            (1.8, 30, 0.0, 1.8),
        ],
    )
    def test_by_hand(self, sigma: float, days: int, simple_move: float, expected: float) -> None:
        found = shocked_volatility(
            np.array([sigma]), np.array([float(days)]), np.array([log(1 + simple_move)])
        )
        assert found[0] == pytest.approx(expected, rel=1e-12)

    @given(st.floats(0.01, 3.0), st.floats(0, 1_000))
    def test_no_move_changes_nothing(self, sigma: float, days: float) -> None:
        assert shocked_volatility(np.array([sigma]), np.array([days]), np.array([0.0]))[0] == sigma


quantities = st.integers(-50, 50).filter(bool)
beta_sets = st.builds(betas, *[st.floats(-2, 3)] + [st.floats(-2, 2)] * 2 + [st.floats(-0.3, 0.3)])


@st.composite
def books(draw: st.DrawFn, sizes: st.SearchStrategy[int] = quantities) -> Inputs:
    inputs = Inputs(betas={name: draw(beta_sets) for name in "AB"})
    for name in draw(st.lists(st.sampled_from("AB"), min_size=1, max_size=3)):
        inputs.hold(name, draw(sizes), draw(st.floats(1, 500)))
    for name in draw(st.lists(st.sampled_from("AB"), max_size=3)):
        strike, days = draw(st.floats(50, 150)), draw(st.integers(0, 700))
        volatility, is_call = draw(st.floats(0.05, 1.8)), draw(st.booleans())
        inputs.hold_option(name, draw(sizes), 100.0, strike, days, volatility, is_call)
    return inputs


class TestIdentities:
    @given(books())
    @settings(max_examples=15, deadline=None)
    def test_zero_shock_is_exactly_zero(self, inputs: Inputs) -> None:
        output = inputs.run(scenario(market=0, growth=0, rates=0))
        assert (output.positions[PNL] == 0.0).all(axis=None)
        assert (output.results[[*PNL, "correlation_effect", "plausibility_sigma"]] == 0.0).all(axis=None)

    @given(books())
    @settings(max_examples=15, deadline=None)
    def test_portfolio_is_the_sum_of_its_positions(self, inputs: Inputs) -> None:
        output = inputs.run(*SHIPPED)
        pnl = output.positions.dropna().groupby("scenario")[PNL]
        sums, gross = pnl.sum(), pnl.agg(lambda values: values.abs().sum())
        results = output.results.dropna().set_index("scenario")[PNL]
        assert list(results.index) == list(sums.index)
        assert ((results - sums).abs() <= 1e-8 + 1e-12 * gross).all(axis=None)

    @given(books(st.integers(1, 50)))
    @settings(max_examples=15, deadline=None)
    def test_unlevered_long_book_never_loses_more_than_all(self, inputs: Inputs) -> None:
        value = sum(
            row["exposure"]
            if row["strike"] is None
            else row["quantity"]
            * 100
            * _model_price(
                row["strike"], row["days_to_expiry"], row["implied_volatility"], row["position_type"]
            )
            for row in inputs.rows
        )
        assert (inputs.run(*SHIPPED).results[PNL].dropna() >= -value * (1 + 1e-9)).all(axis=None)

    @given(books())
    @settings(max_examples=15, deadline=None)
    def test_the_opposite_book_has_the_opposite_pnl(self, inputs: Inputs) -> None:
        pnl = inputs.run(*SHIPPED).results[PNL]
        for row in inputs.rows:
            row["quantity"], row["exposure"] = -row["quantity"], -row["exposure"]
        pd.testing.assert_frame_equal(inputs.run(*SHIPPED).results[PNL], -pnl, check_exact=True)

    @given(beta_sets, st.sampled_from([f for f in FACTORS if f != "rates"]))
    @settings(max_examples=20, deadline=None)
    def test_small_shocks_are_odd(self, beta: dict[str, float], factor: str) -> None:
        inputs = Inputs(betas={"A": beta})
        inputs.hold("A", 1, 1_000.0)
        size = 1e-4
        output = inputs.run(scenario("up", **{factor: size}), scenario("down", **{factor: -size})).results
        up, down = output.set_index("scenario")["correlated_pnl"].loc[["up", "down"]]
        assert up == pytest.approx(-down, rel=1e-4, abs=1e-6)

    def test_a_short_may_lose_more_than_its_value(self) -> None:
        inputs = Inputs(betas={"A": betas(4.0)})
        inputs.hold("A", -10, 100.0)
        assert inputs.run(scenario(market=25)).results["direct_pnl"].item() == pytest.approx(
            -1_000 * (1.25**4 - 1)
        )

    def test_diagonal_covariance_without_loadings_makes_correlated_direct(self) -> None:
        inputs = mixed_book()
        inputs.loadings = dict.fromkeys(FACTORS, (0.0, 0.0))
        inputs.sigma = np.diag([v**2 for v in VOLATILITIES.values()])
        results = inputs.run(*SHIPPED).results.query("status == 'ok'")
        assert len(results) >= 15
        np.testing.assert_allclose(results["correlated_pnl"], results["direct_pnl"], rtol=1e-10, atol=1e-9)

    def test_one_call_equals_one_at_a_time(self) -> None:
        days = [DAY, pd.Timestamp("2022-10-04")]
        inputs = Inputs(dates=days, partitions=[(d, p) for d in days for p in ("p", "q")])
        inputs.betas = {"A": betas(1.2, 0.3), "B": betas(0.7, -0.4)}
        for index, (day, name) in enumerate(inputs.partitions):
            inputs.hold("A", 10 + index, 50.0, portfolio=name, date=day)
            inputs.hold("B", -4, 60.0 + index, portfolio=name, date=day)
        whole = inputs.run(*SHIPPED)
        everything, parts = inputs.rows, inputs.partitions
        for day, name in parts:
            inputs.rows = [row for row in everything if (row["date"], row["portfolio"]) == (day, name)]
            inputs.partitions = [(day, name)]
            single = inputs.run(*SHIPPED)
            for one, many in zip(single, whole, strict=True):
                chosen = many[(many["date"] == day) & (many["portfolio"] == name)].reset_index(drop=True)
                pd.testing.assert_frame_equal(one, chosen, rtol=1e-12)


def _model_price(strike: float, days: int, volatility: float, position_type: str) -> float:
    is_call = position_type.endswith("C")
    if days == 0:
        return max(100.0 - strike, 0.0) if is_call else max(strike - 100.0, 0.0)
    return quantlib_price(100.0, strike, days, 0.04, 0.01, volatility, is_call)
