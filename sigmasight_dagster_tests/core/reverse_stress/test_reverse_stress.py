"""Reverse stress against closed forms, SciPy's SLSQP, the stress engine itself, and its identities."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from sigmasight_core.positions.held import partition_frame
from sigmasight_core.reverse_stress import reverse_stress as module
from sigmasight_core.reverse_stress.loss_surface import LossSurface
from sigmasight_core.reverse_stress.most_likely_loss import most_likely_losses
from sigmasight_core.reverse_stress.reverse_stress import reverse_stress
from sigmasight_core.stress.book import held_book
from sigmasight_core.stress.options import shocked_volatility, volatility_with_slope
from sigmasight_core.stress.states import state_model
from sigmasight_core.tables.base import validate
from sigmasight_core.tables.stress import ReverseStress
from sigmasight_dagster_tests.core.stress.stress_inputs import (
    DAY,
    FACTORS,
    Inputs,
    betas,
    covariance_matrix,
    mixed_book,
    scenario,
)

YEAR = 252 * covariance_matrix()
LOSSES = (5.0, 10.0, 20.0)


def run(inputs: Inputs, total_value: float, percents: tuple[float, ...] = LOSSES) -> pd.DataFrame:
    """Rows, held to the table's contract."""
    totals = pd.DataFrame(inputs.partitions, columns=["date", "portfolio"]).assign(total_value=total_value)
    rows = reverse_stress(**inputs.frames(), total_values=totals, loss_percents=percents)
    assert len(rows) == len(inputs.partitions) * len(percents) * len(FACTORS)
    return validate(ReverseStress, rows)


def by_factor(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.pivot_table(column, "loss_percent", "factor")[list(FACTORS)]


def sigmas(rows: pd.DataFrame) -> np.ndarray:
    return rows.groupby("loss_percent")["plausibility_sigma"].first().to_numpy()


def surface_of(inputs: Inputs) -> LossSurface:
    """The loss surface of a single portfolio on a single date."""
    frames = inputs.frames()
    wanted = partition_frame(frames.pop("partitions"))
    model = state_model(
        pd.DatetimeIndex(wanted["date"]),
        factor_state=frames.pop("factor_state"),
        factor_covariance=frames.pop("factor_covariance"),
    )
    book = held_book(partitions=wanted, states=model, **frames)
    every = np.arange(len(book.rows))
    date = np.zeros(1, dtype=np.intp)
    surfaces = module._surfaces(book, model, module._roots(model), every, np.array([True]), date)
    return next(surfaces)[1]


def slsqp(surface: LossSurface, loss: float, starts: int = 8) -> float:
    """Sigmas of the best of many local optima."""
    rng = np.random.default_rng(7)
    best = np.inf
    at = [np.zeros(4), *rng.normal(size=(starts, 4)) * np.geomspace(0.1, 3, starts)[:, None]]
    for start in at:
        constraint = {
            "type": "eq",
            "fun": lambda z: surface.pnl(np.clip(z, -60, 60)[None, None])[0, 0] / loss + 1,
            "jac": lambda z: surface.pnl_and_slope(np.clip(z, -60, 60)[None, None])[1][0, 0] / loss,
        }
        options = {"maxiter": 100, "ftol": 1e-15}
        found = minimize(
            lambda z: z @ z / 2,
            start,
            jac=lambda z: z,
            method="SLSQP",
            constraints=constraint,
            options=options,
        )
        if abs(surface.pnl(found.x[None, None])[0, 0] + loss) < 1e-7 * loss:
            best = min(best, float(np.sqrt(found.x @ found.x)))
    return best


@dataclass(frozen=True)
class Linear:
    """P&L b'x with x = C z."""

    roots: np.ndarray
    slope: np.ndarray

    def __len__(self) -> int:
        return len(self.roots)

    def select(self, chosen: Any) -> "Linear":
        return Linear(self.roots[chosen], self.slope[chosen])

    def kinks(self) -> list[Any]:
        return []

    def quick(self) -> "Linear":
        return self

    def exact(self) -> "Linear":
        return self

    def pnl(self, z: np.ndarray) -> np.ndarray:
        return self.pnl_and_slope(z)[0]

    def pnl_and_slope(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        by_z = np.einsum("gj,gjk->gk", self.slope, self.roots)
        return np.einsum("gk,gnk->gn", by_z, z), np.broadcast_to(by_z[:, None], z.shape).copy()


class TestClosedForms:
    def test_a_linear_book(self) -> None:
        """x* = -L Sigma b / (b' Sigma b), L / sqrt(b' Sigma b) sigmas."""
        rng = np.random.default_rng(3)
        b = rng.normal(0, 1e5, (20, 4))
        roots = np.broadcast_to(np.linalg.cholesky(YEAR), (20, 4, 4))
        losses = np.tile([1e3, 5e3, 1e4], (20, 1))
        found = most_likely_losses(Linear(roots, b), losses)
        variance = np.einsum("gj,jk,gk->g", b, YEAR, b)
        expected = -losses[..., None] * (b @ YEAR / variance[:, None])[:, None]
        np.testing.assert_allclose(np.einsum("gjk,gnk->gnj", roots, found.z), expected, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(
            np.linalg.norm(found.z, axis=2), losses / np.sqrt(variance)[:, None], rtol=1e-12
        )
        np.testing.assert_allclose(found.pnl, -losses, rtol=1e-12)

    @pytest.mark.parametrize("quantity", [100, -100])
    def test_a_single_position(self, quantity: float) -> None:
        """exposure (exp(beta'x) - 1) = -L fixes beta'x."""
        beta = np.array([1.2, 0.3, -0.2, -0.05])
        inputs = Inputs(betas={"A": betas(*beta)})
        inputs.hold("A", quantity, 50.0)
        rows = run(inputs, 8_000.0)
        move = np.log1p(-np.array([400, 800, 1_600]) / (50.0 * quantity))
        variance = beta @ YEAR @ beta
        expected = move[:, None] * (YEAR @ beta) / variance
        np.testing.assert_allclose(by_factor(rows, "state_move"), expected, rtol=1e-7)
        np.testing.assert_allclose(sigmas(rows), np.abs(move) / np.sqrt(variance), rtol=1e-10)
        assert set(rows["status"]) == {"ok"}
        assert rows.groupby("factor")["unit"].first().to_dict() == {
            "market": "log return",
            "value": "log return",
            "growth": "log return",
            "rates": "percentage points",
        }

    def test_small_losses_are_those_of_the_linear_book(self) -> None:
        inputs = Inputs(betas={"A": betas(1.2, 0.3, -0.2, -0.01), "B": betas(0.7, -0.4, 0.5, 0.02)})
        inputs.hold("A", 100, 50.0)
        inputs.hold("B", -30, 120.0)
        slope = 5_000 * np.array([1.2, 0.3, -0.2, -0.01]) - 3_600 * np.array([0.7, -0.4, 0.5, 0.02])
        rows = run(inputs, 10_000.0, (1e-3,))
        expected = -0.1 * YEAR @ slope / (slope @ YEAR @ slope)
        np.testing.assert_allclose(by_factor(rows, "state_move").iloc[0], expected, rtol=1e-3)


class TestAgainstStress:
    @pytest.mark.parametrize("yields", [True, False])
    def test_the_state_as_a_scenario_loses_the_same(self, yields: bool) -> None:
        """A scenario of the whole moves has one state: its P&L and sigmas are those found."""
        inputs = mixed_book()
        names = FACTORS if yields else FACTORS[:3]
        if not yields:
            inputs.loadings["rates"] = (np.nan, np.nan)
        rows = run(inputs, 20_000.0)
        moves = (
            by_factor(rows, "factor_move")
            if yields
            else rows.pivot_table("factor_move", "loss_percent", "factor")
        )
        scenarios = [
            scenario(
                f"lose_{loss:g}",
                **{f: 100 * (move[f] if f == "rates" else np.expm1(move[f])) for f in names},
            )
            for loss, move in moves.iterrows()
        ]
        found = inputs.run(*scenarios).results.set_index("scenario")
        for loss, percent in zip((1_000, 2_000, 4_000), LOSSES, strict=True):
            row = found.loc[f"lose_{percent:g}"]
            assert row["direct_pnl"] == pytest.approx(-loss, rel=1e-8)
            assert row["correlated_pnl"] == pytest.approx(-loss, rel=1e-8)
        assert found["plausibility_sigma"].to_numpy() == pytest.approx(sigmas(rows)[[1, 2, 0]], rel=1e-7)
        np.testing.assert_allclose(rows["achieved_pnl"], rows["target_pnl"], rtol=1e-9)
        status = rows.groupby("factor")["status"].first().to_dict()
        assert status == dict.fromkeys(FACTORS, "ok") | ({} if yields else {"rates": "unavailable: rates"})
        assert rows.loc[rows["factor"] == "rates", "state_move"].notna().all() == yields


class TestOptimum:
    def random_book(self, seed: int) -> Inputs:
        rng = np.random.default_rng(seed)
        inputs = Inputs()
        for name in "ABC":
            inputs.betas[name] = betas(*rng.normal([1, 0, 0, 0], [0.5, 0.5, 0.5, 0.05]))
            inputs.hold(name, float(rng.integers(1, 100)) * (1 if rng.random() < 0.6 else -1), 100.0)
            size, strike = float(rng.integers(1, 10)), float(rng.uniform(85, 115))
            days, volatility = int(rng.integers(2, 300)), float(rng.uniform(0.15, 0.7))
            sign, is_call = rng.choice([-1, 1]), bool(rng.random() < 0.5)
            inputs.hold_option(name, sign * size, 100.0, strike, days, volatility, is_call)
        return inputs

    @pytest.mark.parametrize("seed", range(6))
    def test_no_local_optimizer_finds_a_nearer_state(self, seed: int) -> None:
        inputs = self.random_book(seed)
        found = sigmas(run(inputs, 10_000.0))
        surface = surface_of(inputs)
        for sigma, loss in zip(found, (500.0, 1_000.0, 2_000.0), strict=True):
            best = slsqp(surface, loss)
            assert sigma == pytest.approx(best, rel=1e-6) or sigma < best

    def test_a_hedge_of_the_market_leaves_the_kink_of_the_volatility(self) -> None:
        """Long a convex hedge of the market: the nearest loss is where the market stands still."""
        inputs = Inputs(betas={"A": betas(1.0, 0.6), "B": betas(1.0, -0.4)})
        inputs.hold("A", 50, 100.0)
        inputs.hold("B", -50, 100.0)
        inputs.hold_option("A", 40, 100.0, 100.0, 90, 0.3, is_call=True)
        inputs.hold_option("A", 36, 100.0, 100.0, 90, 0.3, is_call=False)
        rows = run(inputs, 10_000.0, (1.0,))
        assert sigmas(rows)[0] <= slsqp(surface_of(inputs), 100.0) * (1 + 1e-7)

    def test_slope_against_finite_differences(self) -> None:
        surface = surface_of(mixed_book())
        z = np.random.default_rng(0).normal(size=(1, 6, 4))
        slope = surface.pnl_and_slope(z)[1]
        for k, step in enumerate(np.eye(4) * 1e-5):
            change = (surface.pnl(z + step) - surface.pnl(z - step)) / 2e-5
            np.testing.assert_allclose(slope[..., k], change, rtol=1e-6, atol=1e-4)

    @given(st.floats(0.05, 2), st.floats(1, 900), st.floats(-0.8, 0.8).filter(lambda m: abs(m) > 1e-3))
    @settings(max_examples=60, deadline=None)
    def test_slope_of_the_volatility(self, sigma: float, days: float, move: float) -> None:
        up, down = (shocked_volatility(sigma, days, np.array([move + s])) for s in (1e-6, -1e-6))
        near = shocked_volatility(sigma, days, np.array([move - 2e-6, move, move + 2e-6]))
        bend = abs(near[0] - 2 * near[1] + near[2])
        found = volatility_with_slope(sigma, days, np.array([move]))[1][0]
        assert bend > 1e-9 or found == pytest.approx((up - down)[0] / 2e-6, rel=1e-4, abs=1e-6)

    @given(st.integers(0, 10_000))
    @settings(max_examples=12, deadline=None)
    def test_a_larger_loss_is_less_likely(self, seed: int) -> None:
        rows = run(self.random_book(seed), 10_000.0, (2.0, 5.0, 10.0, 15.0, 20.0))
        found = np.nan_to_num(sigmas(rows), nan=np.inf)
        found[~np.isin([2.0, 5.0, 10.0, 15.0, 20.0], rows.dropna()["loss_percent"])] = np.inf
        assert (found[1:] >= found[:-1] * (1 - 1e-9)).all()
        reached = rows.dropna()
        np.testing.assert_allclose(reached["achieved_pnl"], reached["target_pnl"], rtol=1e-8)

    @given(st.floats(0.01, 1_000), st.integers(0, 100))
    @settings(max_examples=6, deadline=None)
    def test_size_does_not_matter(self, scale: float, seed: int) -> None:
        inputs = self.random_book(seed)
        one = run(inputs, 10_000.0)
        inputs.rows = [
            row | {"quantity": scale * row["quantity"], "exposure": scale * row["exposure"]}
            for row in inputs.rows
        ]
        many = run(inputs, scale * 10_000.0)
        np.testing.assert_allclose(many["plausibility_sigma"], one["plausibility_sigma"], rtol=1e-7)


class TestBatches:
    def test_one_call_equals_one_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        inputs = Inputs(partitions=[(DAY, name) for name in "pqrs"])
        inputs.betas = {"A": betas(1.2, 0.3), "B": betas(0.7, -0.4, 0.2, 0.02)}
        for index, name in enumerate("pqr"):
            for _ in range(index + 1):
                inputs.hold("A", 10 + index, 50.0, portfolio=name)
            inputs.hold("B", -4, 60.0 + index, portfolio=name)
            inputs.hold_option("B", -1, 60.0, 58.0, 40, 0.3, is_call=False, portfolio=name)
        whole = run(inputs, 1_000.0)
        monkeypatch.setattr(module, "_POSITIONS", 1)
        pd.testing.assert_frame_equal(run(inputs, 1_000.0), whole, rtol=1e-9)
        everything = inputs.rows
        for name in "pqrs":
            inputs.partitions = [(DAY, name)]
            inputs.rows = [row for row in everything if row["portfolio"] == name]
            one, same = run(inputs, 1_000.0), whole[whole["portfolio"] == name].reset_index(drop=True)
            pd.testing.assert_frame_equal(one, same, rtol=1e-9)
            np.testing.assert_allclose(one["plausibility_sigma"], same["plausibility_sigma"], rtol=1e-12)


class TestStatus:
    def test_a_protected_book_cannot_lose_it(self) -> None:
        """A stock with a put at 95% of its price: it loses 5%, the premium and what higher rates take off."""
        inputs = Inputs(betas={"A": betas(1.0)})
        inputs.hold("A", 100, 100.0)
        inputs.hold_option("A", 1, 100.0, 95.0, 30, 0.2, is_call=False, rate=0.0, dividend_yield=0.0)
        rows = run(inputs, 10_000.0).set_index("loss_percent")
        assert (rows.loc[5.0, "status"] == "ok").all()
        lost = rows.loc[20.0]
        words, percent = lost["status"].iloc[0].rsplit(" ", 1)
        assert words == "unavailable: not reached within 40 sigmas; the largest loss found is"
        assert 5 < float(percent.rstrip("%")) < 10
        assert lost[["state_move", "factor_move", "plausibility_sigma", "achieved_pnl"]].isna().all(axis=None)
        assert (lost["target_pnl"] == -2_000).all()

    @given(st.lists(st.tuples(st.integers(1, 50), st.floats(0.3, 2.0)), min_size=1, max_size=4))
    @settings(max_examples=8, deadline=None)
    def test_a_long_book_always_can(self, holdings: list[tuple[int, float]]) -> None:
        inputs = Inputs()
        for number, (quantity, beta) in enumerate(holdings):
            inputs.betas[f"S{number}"] = betas(beta)
            inputs.hold(f"S{number}", quantity, 100.0)
        rows = run(inputs, 100.0 * sum(quantity for quantity, _ in holdings))
        assert set(rows["status"]) == {"ok"}

    def test_gaps_are_named(self) -> None:
        inputs = mixed_book()
        inputs.hold("Z", 10, 10.0)
        rows = run(inputs, 20_000.0)
        assert set(rows["status"]) == {"partial: no beta for Z"}
        np.testing.assert_allclose(sigmas(rows), sigmas(run(mixed_book(), 20_000.0)), rtol=1e-12)
        alone = Inputs()
        alone.hold("Z", 10, 10.0)
        assert set(run(alone, 100.0)["status"]) == {"unavailable: no beta for Z"}

    @pytest.mark.parametrize(
        ("total_value", "reason"),
        [
            (0.0, "total value is not positive"),
            (-5.0, "total value is not positive"),
            (np.nan, "no total value"),
        ],
    )
    def test_without_a_total_value(self, total_value: float, reason: str) -> None:
        rows = run(mixed_book(), total_value)
        assert set(rows["status"]) == {f"unavailable: {reason}"}
        assert rows[["target_pnl", "achieved_pnl", "state_move"]].isna().all(axis=None)

    def test_nothing_held_and_no_factors(self) -> None:
        assert set(run(Inputs(), 100.0)["status"]) == {"unavailable: nothing is held"}
        inputs = mixed_book()
        inputs.loadings = dict.fromkeys(FACTORS, (np.nan, np.nan))
        assert set(run(inputs, 100.0)["status"]) == {"unavailable: no factor is available"}

    def test_no_partitions(self) -> None:
        frames = replace(Inputs(), partitions=[]).frames()
        frames["partitions"] = frames["partitions"].astype({"date": "datetime64[ns]", "portfolio": "str"})
        totals = frames["partitions"].assign(total_value=1.0)
        assert validate(ReverseStress, reverse_stress(**frames, total_values=totals)).empty
