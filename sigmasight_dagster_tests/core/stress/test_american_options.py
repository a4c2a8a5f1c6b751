"""American options under stress, against QuantLib and direct prices."""

from math import exp, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.stress import stress as stress_module
from sigmasight_core.stress.options import shocked_volatility
from sigmasight_core.stress.scenarios import default_scenarios
from sigmasight_dagster_tests.core.options.american.contracts import Sample, quantlib_prices
from sigmasight_dagster_tests.core.stress.stress_inputs import DAY, FACTORS, PNL, Inputs, betas, scenario

SHIPPED = default_scenarios(FACTORS)


def quantlib(*rows: tuple[float, float, int, float, float, float, bool]) -> np.ndarray:
    """Of (spot, strike, days, rate, yield, volatility, is_call)."""
    return quantlib_prices(Sample(*(np.array(column) for column in zip(*rows, strict=True))))


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(("days", "strike"), [(5, 105.0), (60, 80.0), (250, 120.0), (700, 100.0)])
@pytest.mark.parametrize("shock", [-50.0, -20.0, 25.0, 80.0])
def test_revaluation_against_quantlib(is_call: bool, days: int, strike: float, shock: float) -> None:
    inputs = Inputs(betas={"A": betas(1.0)})
    inputs.hold_option(
        "A", -7, 100.0, strike, days, 0.3, is_call, rate=0.03, dividend_yield=0.04, american=True
    )
    pnl = inputs.run(scenario("up", market=shock, rates=100), scenario("down", market=shock, rates=-100))
    fade = np.sqrt(30 / max(days, 30))
    move = shock / 100
    volatility = 0.3 - 1.25 * move * fade if move < 0 else 0.3 * max(0.6, (1 + move) ** (-1.3 * fade))
    volatility = min(volatility, 1.5)
    rows = [(100.0, strike, days, 0.03, 0.04, 0.3, is_call)]
    for rate in (0.04, 0.02):
        rows += [(100 * (1 + move), strike, days, rate, 0.04, sigma, is_call) for sigma in (volatility, 0.3)]
    base, *shocked = quantlib(*rows)
    found = pnl.results.set_index("scenario")
    for name, (full, spot_only) in (("up", shocked[:2]), ("down", shocked[2:])):
        assert found.loc[name, "direct_pnl"] == pytest.approx(-700 * (full - base), abs=700 * 1e-2)
        assert found.loc[name, "spot_only_pnl"] == pytest.approx(-700 * (spot_only - base), abs=700 * 1e-2)


def test_a_short_put_on_spy_and_a_fall_of_a_fifth() -> None:
    """At 435 with 430 as strike, 90 days: after the fall it is worth what exercise pays, not less."""
    american, european = Inputs(betas={"SPY": betas()}), Inputs(betas={"SPY": betas()})
    terms: dict[str, Any] = {"rate": 0.05, "dividend_yield": 0.014, "is_call": False}
    american.hold_option("SPY", -1, 435.0, 430.0, 90, 0.13, american=True, **terms)
    european.hold_option("SPY", -1, 435.0, 430.0, 90, 0.13, **terms)
    fall = scenario(market=-20)
    found, other = (inputs.run(fall).results.iloc[0] for inputs in (american, european))
    base = quantlib((435.0, 430.0, 90, 0.05, 0.014, 0.13, False))[0]
    rate = 0.05 + 2.0 * log(0.8) / 100
    after = quantlib((348.0, 430.0, 90, rate, 0.014, 0.13, False))[0]
    assert found["spot_only_pnl"] == pytest.approx(-100 * (after - base), abs=1.0)
    assert after == pytest.approx(82.0, abs=0.02)
    assert found["spot_only_pnl"] != pytest.approx(other["spot_only_pnl"], abs=5.0)


def held(draw_seed: int, american: bool = True) -> Inputs:
    draw = np.random.default_rng(draw_seed)
    inputs = Inputs(betas={name: betas(*draw.normal([1, 0, 0, 0], [0.5, 0.3, 0.3, 0.05])) for name in "AB"})
    for name in "AB":
        for _ in range(3):
            strike, days = float(draw.uniform(60, 150)), int(draw.integers(1, 700))
            inputs.hold_option(
                name,
                float(draw.choice([-3, 2, 10])),
                100.0,
                round(strike, 2),
                days,
                float(draw.uniform(0.08, 0.9)),
                bool(draw.random() < 0.4),
                rate=float(draw.uniform(-0.002, 0.06)),
                dividend_yield=float(draw.choice([0, 0.01, 0.05])),
                american=american,
            )
    return inputs


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_zero_shock_is_exactly_zero(seed: int) -> None:
    output = held(seed).run(scenario(market=0, growth=0, rates=0))
    assert (output.positions[PNL] == 0.0).all(axis=None)


@given(st.integers(0, 10_000))
@settings(max_examples=6, deadline=None)
def test_every_scenario_is_the_direct_price(seed: int) -> None:
    inputs = held(seed)
    found = inputs.run(*SHIPPED).positions
    for row in inputs.rows[:2]:
        mine = found[found["position_id"] == row["position_id"]].set_index("scenario")["spot_only_pnl"]
        beta = inputs.betas[row["underlying"]]["market"]
        for shock in (one for one in SHIPPED if [s.factor for s in one.shocks] == ["market"]):
            move = shock.shocks[0].state_move
            rate = row["risk_free_rate"] + 2.0 * move / 100
            terms = (row["days_to_expiry"] / 365, row["dividend_yield"], row["implied_volatility"])
            is_call = row["position_type"][1] == "C"
            after = american_price(100 * exp(beta * move), row["strike"], terms[0], rate, *terms[1:], is_call)
            base = american_price(100.0, row["strike"], terms[0], row["risk_free_rate"], *terms[1:], is_call)
            assert mine[shock.id] == pytest.approx(100 * row["quantity"] * (after - base), rel=1e-9, abs=1e-7)


def test_falls_and_rises_are_in_order_and_within_bounds() -> None:
    shocks = np.linspace(-50, 80, 66)
    for seed in range(4):
        inputs = held(seed)
        inputs.betas = {"A": betas(), "B": betas()}
        inputs.loadings["rates"] = (0.0, 0.0)
        found = inputs.run(*(scenario(f"s{number:02d}", market=shock) for number, shock in enumerate(shocks)))
        pnl = found.positions.pivot_table("spot_only_pnl", "position_id", "scenario")
        for row in inputs.rows:
            is_call, units = row["position_type"][1] == "C", 100 * row["quantity"]
            terms = (row["days_to_expiry"] / 365, row["risk_free_rate"], row["dividend_yield"])
            base = american_price(100.0, row["strike"], *terms, row["implied_volatility"], is_call)
            value = pnl.loc[row["position_id"]].to_numpy() / units + base
            spot, side = 100 + shocks, 1 if is_call else -1
            assert (value >= np.maximum(side * (spot - row["strike"]), 0) - 1e-9).all()
            assert (value <= (spot if is_call else row["strike"]) + 1e-9).all()
            assert (side * np.diff(value) >= -2e-3).all()


def test_where_exercise_never_pays_nothing_changes() -> None:
    outputs = []
    for american in (True, False):
        inputs = Inputs(betas={"A": betas(1.2)})
        inputs.hold_option("A", 3, 100.0, 90.0, 200, 0.3, True, dividend_yield=0.0, american=american)
        outputs.append(inputs.run(*(one for one in SHIPPED if one.category != "rates")).positions)
    np.testing.assert_array_equal(outputs[0]["spot_only_pnl"], outputs[1]["spot_only_pnl"])


def test_portfolios_share_contracts_and_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty portfolios hold the same put: it is priced once, and as alone to the last bit."""
    inputs = Inputs(partitions=[(DAY, f"p{n:02d}") for n in range(40)], betas={"A": betas(1.1), "B": betas()})
    for number in range(40):
        where = {"portfolio": f"p{number:02d}", "american": True}
        inputs.hold_option("A", number + 1, 100.0, 105.0, 90, 0.3, False, **where)
        inputs.hold_option("B", -2, 80.0, 70.0 + number, 200, 0.25, True, dividend_yield=0.05, **where)
    calls: list[int] = []
    gains = stress_module._gains
    monkeypatch.setattr(stress_module, "_gains", lambda *a: calls.append(len(a[3])) or gains(*a))  # type: ignore[func-returns-value]
    whole = inputs.run(*SHIPPED).positions
    assert sum(calls) == 1 + 40
    monkeypatch.setattr(stress_module, "_BLOCK", 1)
    pd.testing.assert_frame_equal(inputs.run(*SHIPPED).positions, whole, check_exact=True)
    rows = inputs.rows
    for number in (0, 7, 39):
        inputs.rows, inputs.partitions = rows[2 * number : 2 * number + 2], [(DAY, f"p{number:02d}")]
        alone = inputs.run(*SHIPPED).positions
        mine = whole[whole["portfolio"] == f"p{number:02d}"].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, mine, check_exact=True)


def test_gains_scale_with_the_quantity_and_volatility_follows_the_rule() -> None:
    inputs = Inputs(betas={"A": betas(0.0)})
    inputs.hold_option("A", 2, 100.0, 115.0, 120, 0.2, False, american=True, rate=0.04)
    inputs.loadings["rates"] = (0.0, 0.0)
    found = inputs.run(scenario(market=-30)).results["direct_pnl"].item()
    shocked = shocked_volatility(0.2, 120.0, np.array([log(0.7)]))[0]
    prices = [american_price(100.0, 115.0, 120 / 365, 0.04, 0.01, sigma, False) for sigma in (shocked, 0.2)]
    assert found == pytest.approx(200 * (prices[0] - prices[1]), rel=1e-10)
