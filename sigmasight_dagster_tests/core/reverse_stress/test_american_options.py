"""Reverse stress with American options: exact states, nearest ones, and the quick values behind them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.reverse_stress import reverse_stress as module
from sigmasight_core.reverse_stress.loss_surface import LossSurface
from sigmasight_core.reverse_stress.most_likely_loss import most_likely_losses
from sigmasight_dagster_tests.core.reverse_stress.test_reverse_stress import (
    LOSSES,
    by_factor,
    run,
    sigmas,
    surface_of,
)
from sigmasight_dagster_tests.core.stress.stress_inputs import DAY, FACTORS, Inputs, betas, scenario


def book(seed: int) -> Inputs:
    """Stocks, and American puts and calls in and out of the money, long and short."""
    draw = np.random.default_rng(seed)
    inputs = Inputs()
    for name in "ABC":
        inputs.betas[name] = betas(*draw.normal([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.05]))
        inputs.hold(name, float(draw.integers(1, 100)) * (1 if draw.random() < 0.6 else -1), 100.0)
        inputs.hold_option(
            name,
            float(draw.integers(1, 10)) * draw.choice([-1, 1]),
            100.0,
            round(float(draw.uniform(80, 125)), 2),
            int(draw.integers(5, 500)),
            float(draw.uniform(0.15, 0.7)),
            bool(draw.random() < 0.3),
            rate=float(draw.choice([0.003, 0.02, 0.05])),
            dividend_yield=float(draw.choice([0.0, 0.01, 0.04])),
            american=True,
        )
    return inputs


def puts(quantity: float, strike: float = 110.0) -> Inputs:
    """An American put in the money on a share that moves with the market."""
    inputs = Inputs(betas={"A": betas(1.1, 0.2, 0.1, -0.01)})
    inputs.hold_option("A", quantity, 100.0, strike, 200, 0.25, False, american=True)
    return inputs


def quick_error(surface: LossSurface, z: np.ndarray) -> np.ndarray:
    value = 100.0 * np.abs(surface.options.units).sum()
    return np.abs(surface.quick().pnl(z) - surface.pnl(z)) / value


@pytest.mark.parametrize("seed", range(8))
def test_the_state_as_a_scenario_loses_the_same(seed: int) -> None:
    inputs = book(seed)
    rows = run(inputs, 20_000.0)
    moves = rows.dropna(subset="achieved_pnl").pivot_table("factor_move", "loss_percent", "factor")
    assert len(moves) > 1
    shocks = [
        scenario(f"lose_{loss:g}", **{f: 100 * (m[f] if f == "rates" else np.expm1(m[f])) for f in FACTORS})
        for loss, m in moves.iterrows()
    ]
    found = inputs.run(*shocks).results.set_index("scenario")["correlated_pnl"]
    for percent in moves.index:
        assert found[f"lose_{percent:g}"] == pytest.approx(-200.0 * percent, rel=1e-8)
    reached = rows.dropna(subset="achieved_pnl")
    np.testing.assert_allclose(reached["achieved_pnl"], reached["target_pnl"], rtol=1e-9)


def states_found(inputs: Inputs, total_value: float) -> tuple[LossSurface, np.ndarray, np.ndarray]:
    """The surface, the losses that are met (n), and their states in standard deviations (n, K)."""
    surface = surface_of(inputs)
    losses = total_value * np.array(LOSSES)[None] / 100
    z = most_likely_losses(surface, losses).z[0]
    met = np.isfinite(z[:, 0])
    return surface, losses[0, met], z[met]


def assert_nearest(surface: LossSurface, losses: np.ndarray, z: np.ndarray) -> None:
    """No exact value loses as much a thousandth nearer, in 2,000 directions and in 2,000 around the state."""
    draw = np.random.default_rng(0)
    for loss, state in zip(losses, z, strict=True):
        sigma = np.linalg.norm(state)
        around = state / sigma + draw.normal(size=(2_000, 4)) * draw.uniform(0, 0.3, (2_000, 1))
        directions = np.concatenate([draw.normal(size=(2_000, 4)), around])
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        for share in (0.5, 0.9, 0.999):
            assert surface.pnl(share * sigma * directions[None]).min() > -loss
        slope = surface.pnl_and_slope(state[None, None])[1][0, 0]
        assert -slope @ state > (1 - 1e-4) * np.linalg.norm(slope) * sigma or abs(state[0]) < 1e-6 * sigma


@pytest.mark.parametrize("seed", range(6))
def test_no_nearer_state_loses_as_much(seed: int) -> None:
    found = states_found(book(seed), 10_000.0)
    assert len(found[1]) > 1
    assert_nearest(*found)


@pytest.mark.parametrize(("quantity", "strike"), [(-10, 110.0), (-10, 150.0), (10, 110.0), (10, 150.0)])
def test_a_book_of_american_puts(quantity: float, strike: float) -> None:
    """Short puts lose through the boundary into exercise; long ones lose what they are worth at most."""
    inputs = puts(quantity, strike)
    value = float(surface_of(inputs).options.base[0, 0]) * abs(quantity) * 100
    rows = run(inputs, value, (5.0, 20.0, 60.0, 99.0))
    assert (rows["status"] == "ok").all()
    np.testing.assert_allclose(rows["achieved_pnl"], rows["target_pnl"], rtol=1e-9)
    assert (np.diff(sigmas(rows)) > 0).all()
    assert_nearest(*states_found(inputs, value))


def test_nothing_is_lost_at_the_origin_and_little_is_missed_around_it() -> None:
    for seed in range(10):
        surface = surface_of(book(seed))
        assert surface.quick().pnl(np.zeros((1, 1, 4))) == 0.0
        draw = np.random.default_rng(seed)
        z = draw.normal(size=(1, 300, 4)) * draw.uniform(0, 1.5, (1, 300, 1))
        error = quick_error(surface, z)
        assert np.median(error) < 1e-4
        assert np.quantile(error, 0.95) < 2e-3
        assert error.max() < 1e-2


def test_quick_slopes_are_those_of_the_quick_values() -> None:
    draw = np.random.default_rng(1)
    for seed in range(6):
        surface = surface_of(book(seed)).quick()
        z = draw.normal(size=(1, 12, 4))
        slope = surface.pnl_and_slope(z)[1]
        for k, step in enumerate(np.eye(4) * 1e-6):
            change = (surface.pnl(z + step) - surface.pnl(z - step)) / 2e-6
            np.testing.assert_allclose(slope[..., k], change, rtol=2e-5, atol=0.05)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("is_call", [True, False])
def test_a_state_that_leaves_nothing_of_a_price_is_not_known_and_not_warned_of(is_call: bool) -> None:
    inputs = Inputs(betas={"A": betas(1.1, 0.0, 0.0, 0.0)})
    inputs.hold_option(
        "A", 1.0, 100.0, 110.0, 200, 0.25, is_call, rate=0.02, dividend_yield=0.04, american=True
    )
    surface = surface_of(inputs)
    z = np.linalg.solve(surface.roots[0], np.array([-2e3, 0.0, 0.0, 0.0]))[None, None]
    np.testing.assert_array_equal(surface.quick().pnl_and_slope(z)[0], surface.pnl(z))


def test_exact_slopes_are_near_the_quick_ones() -> None:
    surface = surface_of(book(3))
    z = np.random.default_rng(2).normal(size=(1, 20, 4))
    scale = np.abs(surface.pnl_and_slope(z)[1]).max()
    np.testing.assert_allclose(
        surface.quick().pnl_and_slope(z)[1], surface.pnl_and_slope(z)[1], atol=0.01 * scale
    )
    exact, direct = surface.quick().exact().pnl_and_slope(z)[0], surface.pnl(z)
    np.testing.assert_array_equal(exact, direct)


def test_one_call_equals_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = Inputs(partitions=[(DAY, name) for name in "pqr"])
    inputs.betas = {"A": betas(1.2, 0.3), "B": betas(0.7, -0.4, 0.2, 0.02)}
    for index, name in enumerate("pqr"):
        where: dict[str, Any] = {"portfolio": name, "american": True}
        inputs.hold("A", 10 + index, 50.0, portfolio=name)
        for _ in range(index + 1):
            inputs.hold_option("B", -1, 60.0, 65.0 + index, 140, 0.3, False, **where)
        inputs.hold_option("B", -1, 60.0, 50.0, 140, 0.3, True, dividend_yield=0.06, **where)
    whole = run(inputs, 3_000.0)
    monkeypatch.setattr(module, "_POSITIONS", 1)
    pd.testing.assert_frame_equal(run(inputs, 3_000.0), whole, rtol=1e-9)
    rows = inputs.rows
    for name in "pqr":
        inputs.partitions = [(DAY, name)]
        inputs.rows = [row for row in rows if row["portfolio"] == name]
        mine = whole[whole["portfolio"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(run(inputs, 3_000.0), mine, rtol=1e-9)


def test_losses_and_moves_have_the_shape_of_the_table() -> None:
    rows = run(puts(-5), 10_000.0)
    assert list(by_factor(rows, "factor_move").columns) == list(FACTORS)
    assert len(rows) == len(LOSSES) * len(FACTORS)
