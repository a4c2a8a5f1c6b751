"""Suggested trades against closed forms, and against every combination of small cases."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.what_if.measures import Holdings, Linear, NormalRisk, Weight, effects, whole_units
from sigmasight_core.what_if.suggestion import least_turnover

Z = 1.6448536269514722


def holdings(
    quantity: list[float],
    unit: list[float],
    lower: list[float] | None = None,
    upper: list[float] | None = None,
) -> Holdings:
    held = np.array(quantity)
    least = np.where(held > 0, 0.0, -np.inf) if lower is None else np.array(lower)
    most = np.where(held > 0, np.inf, 0.0) if upper is None else np.array(upper)
    names = tuple(f"S{number}" for number in range(len(held)))
    return Holdings(names, held, np.array(unit), least, most)


def turnover(held: Holdings, change: np.ndarray) -> float:
    return float(np.abs(change * held.unit_value).sum())


def test_a_linear_target_is_met_by_what_moves_it_most_per_dollar() -> None:
    """Betas 2, 1 and 0.5 on 1,000 USD each; the steepest is sold first, and wholly before the next."""
    held = holdings([100, 50, 10], [10, 20, 100])
    slope = np.array([2.0, 1.0, 0.5]) * held.unit_value
    measure = Linear(slope, 0.0)
    assert measure.value(held.quantity) == 3500
    less = least_turnover(held, measure, 2500.0).change
    np.testing.assert_allclose(less, [-50, 0, 0], atol=1e-9)
    much_less = least_turnover(held, measure, 1000.0).change
    np.testing.assert_allclose(much_less, [-100, -25, 0], atol=1e-9)
    np.testing.assert_allclose(effects(measure, held.quantity, much_less), [-2000, -500, 0], atol=1e-9)


def test_what_cannot_be_reached_says_what_can() -> None:
    held = holdings([10, -5], [1, 2], lower=[4, -8], upper=[12, 0])
    measure = Linear(np.array([1.0, 2.0]), 0.5)
    found = least_turnover(held, measure, 100.0)
    assert found.change is None
    assert (found.lowest, found.highest) == (4 - 16 + 0.5, 12 + 0.5)
    for edge in (found.lowest, found.highest):
        change = least_turnover(held, measure, edge).change
        assert measure.value(held.quantity + change) == pytest.approx(edge)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_no_whole_trades_of_less_turnover_reach_a_linear_target(seed: int) -> None:
    """Every combination of trades of -3 to 3 units, whose own value is the target."""
    rng = np.random.default_rng(seed)
    held = holdings([4, 5, -6], rng.uniform(1, 9, 3).tolist(), lower=[1, 2, -9], upper=[7, 8, -3])
    slope = rng.normal(size=3)
    measure = Linear(slope, 1.0)
    every = np.array(list(itertools.product(range(-3, 4), repeat=3)), dtype=float)
    chosen = every[rng.integers(len(every))]
    target = float(measure.value(held.quantity + chosen))
    change = least_turnover(held, measure, target).change
    assert measure.value(held.quantity + change) == pytest.approx(target, abs=1e-8)
    same = every[np.isclose(measure.value(held.quantity + every), target)]
    best = np.abs(same * held.unit_value).sum(axis=1).min()
    assert turnover(held, change) <= best * (1 + 1e-9) + 1e-9


def test_a_weight_is_met_by_the_group_or_by_the_others() -> None:
    """Group 600 of 1,000 gross. To 50%: 200 sold of it, 400 / 800, is less than 200 bought of the others."""
    held = holdings([60, 30, -10], [10, 10, 10])
    measure = Weight(np.array([10.0, 0, 0]), 10.0 * np.sign(held.quantity))
    assert measure.value(held.quantity) == pytest.approx(0.6)
    found = least_turnover(held, measure, 0.5)
    assert measure.value(held.quantity + found.change) == pytest.approx(0.5)
    assert turnover(held, found.change) == pytest.approx(200)
    assert (found.lowest, found.highest) == (pytest.approx(0, abs=1e-9), pytest.approx(1, abs=1e-9))
    bound = holdings([60, 30, -10], [10, 10, 10], lower=[50, 30, -10], upper=[60, 30, -10])
    refused = least_turnover(bound, measure, 0.5)
    assert refused.change is None
    assert refused.lowest == pytest.approx(500 / 900)


def test_less_risk_equalises_the_marginal_risk_per_dollar() -> None:
    """Two independent ones: s1^2 w1 = s2^2 w2 once both are sold: w = t / (z s^2 sqrt(1/s1^2 + 1/s2^2))."""
    deviation = np.array([0.01, 0.02])
    held = holdings([100, 100], [10, 20])
    measure = NormalRisk(np.diag((deviation * held.unit_value) ** 2), Z, held.quantity)
    now = float(measure.value(held.quantity))
    assert now == pytest.approx(Z * np.hypot(10, 40))
    target = 0.1 * now
    change = least_turnover(held, measure, target).change
    dollars = target / Z / np.sqrt((deviation**-2).sum()) / deviation**2
    np.testing.assert_allclose((held.quantity + change) * held.unit_value, dollars, rtol=1e-5)
    # a little less is had by the riskier one alone: z sqrt(10^2 + (0.02 w)^2) = target
    one = least_turnover(held, measure, 0.9 * now).change
    w = np.sqrt((0.9 * now / Z) ** 2 - 100) / 0.02
    np.testing.assert_allclose((held.quantity + one) * held.unit_value, [1000, w], rtol=1e-6)


@pytest.mark.parametrize("part", [0.6, 0.85, 1.3])
def test_no_grid_of_trades_has_less_turnover_for_the_risk(part: float) -> None:
    rng = np.random.default_rng(5)
    root = rng.normal(size=(3, 4))
    held = holdings([30, 20, -25], [10, 15, 12], lower=[0, 0, -40], upper=[45, 40, 0])
    measure = NormalRisk(root @ root.T, Z, held.quantity)
    target = part * float(measure.value(held.quantity))
    change = least_turnover(held, measure, target).change
    assert measure.value(held.quantity + change) == pytest.approx(target, rel=1e-5)
    axes = [np.linspace(low, high, 81) for low, high in zip(held.lower, held.upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3) - held.quantity
    values = measure.value(held.quantity + grid)
    there = grid[values <= target] if part < 1 else grid[values >= target]
    best = np.abs(there * held.unit_value).sum(axis=1).min()
    assert turnover(held, change) <= best * (1 + 1e-6)


def test_many_holdings_end_where_no_other_trade_is_cheaper() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(60, 20))
    held = holdings(
        (rng.uniform(10, 90, 60) * rng.choice([-1, 1], 60)).tolist(), rng.uniform(5, 50, 60).tolist()
    )
    covariance = (root @ root.T + np.eye(60)) * np.outer(held.unit_value, held.unit_value)
    measure = NormalRisk(covariance, Z, held.quantity)
    target = 0.7 * float(measure.value(held.quantity))
    change = least_turnover(held, measure, target).change
    after = held.quantity + change
    assert measure.value(after) == pytest.approx(target, rel=1e-6)
    rate = measure.gradient(after) / held.unit_value  # of the risk per dollar bought
    traded, open_ = np.abs(change) > 1e-6, np.abs(after) > 1e-6
    paid = -rate[traded & open_] * np.sign(change[traded & open_])
    np.testing.assert_allclose(paid, paid[0], rtol=1e-3)
    towards_zero = rate * np.sign(held.quantity)
    assert np.abs(rate[~traded]).max() <= paid[0] * 1.001
    assert (towards_zero[traded & ~open_] >= paid[0] * 0.999).all()


def test_a_corrected_risk_is_what_was_computed_there() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(3, 3))
    place, gradient = np.array([1.0, 2.0, -1.0]), np.array([3.0, np.nan, -2.0])
    plain = NormalRisk(root @ root.T, Z, place)
    measure = plain.corrected(place, 77.0, gradient)
    assert measure.value(place) == pytest.approx(77)
    np.testing.assert_allclose(measure.gradient(place)[[0, 2]], gradient[[0, 2]])
    assert measure.gradient(place)[1] == pytest.approx(plain.gradient(place)[1])
    step = 1e-6 * np.eye(3)
    numeric = (measure.value(place + step) - measure.value(place - step)) / 2e-6
    np.testing.assert_allclose(measure.gradient(place), numeric, rtol=1e-6)


def test_whole_units_stay_within_the_bounds() -> None:
    held = holdings([10.4, 3, -5], [1, 1, 1], upper=[np.inf, 5.5, 0])
    np.testing.assert_array_equal(whole_units(held, np.array([-10.4, 2.5, 4.6])), [-10, 2, 5])
    np.testing.assert_array_equal(whole_units(held, np.array([-10.4, 2.6, -0.4])), [-10, 2, 0])
