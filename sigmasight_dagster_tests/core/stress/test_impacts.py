"""Parts of a scenario by factor, against the definition by hand."""

from math import log

import numpy as np
import pytest

from sigmasight_core.tables.portfolio.impacts import REVALUATION
from sigmasight_dagster.gates.stress import IMPACTS_SUM_TO_THE_PNL
from sigmasight_dagster_tests.core.stress.stress_inputs import DAY, Inputs, betas, mixed_book, scenario


def parts(inputs: Inputs, *scenarios: object) -> dict[tuple[str, str], float]:
    rows = inputs.run(*scenarios).impacts  # type: ignore[arg-type]
    return rows.set_index(["scenario", "factor"])["pnl"].to_dict()


def test_a_share_and_its_parts() -> None:
    inputs = Inputs(betas={"A": betas(1.2, 0.5, 0.0, 0.0), "B": betas(0.8, -0.25)})
    inputs.hold("A", 100, 50.0)
    inputs.hold("B", -10, 300.0)
    found = parts(inputs, scenario("one", market=-10), scenario("two", market=-10, value=5))
    own = log(1.05) - 0.9 * log(0.9)  # what value moves beyond its part of the market
    market = (5_000 * 1.2 - 3_000 * 0.8) * log(0.9)
    assert found["one", "market"] == pytest.approx(market, rel=1e-12)
    assert found["one", REVALUATION] == pytest.approx(
        5_000 * (0.9**1.2 - 1) - 3_000 * (0.9**0.8 - 1) - market, rel=1e-9
    )
    assert found["two", "market"] == pytest.approx(market, rel=1e-12)
    assert found["two", "value"] == pytest.approx((2_500 + 750) * own, rel=1e-12)
    assert list(found) == [
        ("one", "market"),
        ("one", REVALUATION),
        ("two", "market"),
        ("two", REVALUATION),
        ("two", "value"),
    ]


def test_an_options_part_is_its_delta_exposure_and_the_rest_revaluation() -> None:
    inputs = Inputs(betas={"A": betas(1.0)})
    inputs.hold_option("A", -7, 100.0, 105.0, 30, 0.3, True)
    delta = inputs.rows[0]["delta_exposure"]
    found = parts(inputs, scenario(market=-20))
    direct = inputs.run(scenario(market=-20)).results["direct_pnl"].item()
    assert found["test", "market"] == pytest.approx(delta * log(0.8), rel=1e-12)
    assert found["test", REVALUATION] == pytest.approx(direct - delta * log(0.8), rel=1e-9)


def test_what_cannot_be_stressed_is_in_no_part() -> None:
    whole, lacking = mixed_book(), mixed_book()
    lacking.hold("NEW", 1_000, 70.0)  # without a beta
    shocks = scenario(market=-15, growth=-20)
    assert parts(lacking, shocks) == parts(whole, shocks)
    assert set(lacking.run(shocks).impacts["status"]) == {"partial: no beta for NEW"}


def test_an_unavailable_factor_is_null_and_named() -> None:
    inputs = mixed_book()
    del inputs.loadings["growth"]
    inputs.sigma = inputs.sigma[np.ix_([0, 1, 3], [0, 1, 3])]
    rows = inputs.run(scenario(market=-15, growth=-20), scenario("gone", growth=5)).impacts
    one = rows.set_index(["scenario", "factor"])
    assert np.isnan(one.loc[("test", "growth"), "pnl"])
    assert one.loc[("test", "growth"), "status"] == "unavailable: growth"
    assert one.loc[("test", "market"), "status"] == "partial: growth unavailable"
    assert one.loc["gone", ["pnl", "direct_pnl"]].isna().all(axis=None)


def test_a_portfolio_without_positions_has_zeros() -> None:
    inputs = mixed_book()
    inputs.partitions.append((DAY, "empty"))
    rows = inputs.run(scenario(market=-15)).impacts
    assert (rows.loc[rows["portfolio"] == "empty", ["pnl", "direct_pnl"]] == 0).all(axis=None)


def test_the_gate_sees_a_part_that_is_missing_or_wrong() -> None:
    rows = mixed_book().run(scenario(market=-15, rates=40)).impacts
    assert IMPACTS_SUM_TO_THE_PNL.evaluate(rows).passed
    assert not IMPACTS_SUM_TO_THE_PNL.evaluate(rows.iloc[1:].reset_index(drop=True)).passed
    wrong = rows.assign(pnl=rows["pnl"] * np.where(rows["factor"] == "market", 1.0001, 1.0))
    assert not IMPACTS_SUM_TO_THE_PNL.evaluate(wrong).passed
