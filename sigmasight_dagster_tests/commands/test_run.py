"""`sigmasight run`: what is published and current of the market is taken as it is."""

from collections.abc import Callable

import pytest

from sigmasight_dagster.runs.reuse import TAKEN
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents
from sigmasight_dagster_tests.support.small_project import SmallProject

pytestmark = pytest.mark.computes("position_values")
DAY = "2022-11-16"


def test_the_market_is_computed_once_then_taken_and_computed_again_by_force(
    new_project: Callable[[], CliProject],
) -> None:
    project = SmallProject.of(new_project(), ["alpha", "beta"])
    first = project.ok("run", "alpha", "--date", DAY)
    assert "\nmarket " in first
    assert "Market of" not in first

    second = project.ok("run", "beta", "--date", DAY)
    assert f"Market of {DAY}: {TAKEN}" in second.splitlines()
    assert "\nportfolio " in second
    assert "\nmarket " not in second

    taken = project.contents()
    forced = project.ok("run", "beta", "--date", DAY, "--force")
    assert "\nmarket " in forced
    assert "Market of" not in forced
    assert_same_contents(taken, project.contents())
