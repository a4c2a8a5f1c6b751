"""Tables that somebody changes by hand: `verify` sees exactly that, and mends it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core.tables import Publications
from sigmasight_dagster.checks import damage, repair
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.faults.made_by_hand import (
    DAY,
    FAULTS,
    HERE,
    IN_LEDGER,
    KEYS,
    NEXT,
    Found,
    here,
    of_ledger,
    on_day,
    update,
)
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents, new_project
from sigmasight_dagster_tests.support.small_project import SmallProject

__all__ = ["new_project"]


@pytest.fixture(scope="module")
def computed(new_project: Callable[[], CliProject]) -> SmallProject:
    project = SmallProject.of(new_project(), ["alpha", "beta"])
    assert project.here("backfill", "--start", DAY, "--end", NEXT) == 0
    return project


@pytest.fixture
def project(computed: SmallProject, fresh_database: Callable[..., str]) -> SmallProject:
    """The computed project with tables of the test's own."""
    name = computed.asset_url.split("?")[0].rpartition("/")[2]
    others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    execute(computed.dagster_url, others)
    return replace(computed, asset_url=fresh_database(name))


@pytest.fixture
def platform(project: SmallProject) -> Iterator[Platform]:
    with project.settings():
        made = Platform(Settings(_env_file=None))
        yield made
        made.warehouse.close()


def as_set(rows: pd.DataFrame) -> Found:
    days = rows["date"].dt.strftime("%Y-%m-%d").fillna("")
    return set(zip(rows["table_name"], days, rows["portfolio"], rows["damage"], strict=True))


def test_nothing_is_damaged_by_a_run(platform: Platform) -> None:
    assert damage.find(platform).empty


@pytest.mark.parametrize("fault", FAULTS)
def test_a_change_by_hand_is_seen(project: SmallProject, platform: Platform, fault: str) -> None:
    statements, expected = FAULTS[fault]
    execute(project.asset_url, *statements)
    assert as_set(damage.find(platform)) == expected


def test_a_renamed_portfolio(project: SmallProject, platform: Platform) -> None:
    published = platform.warehouse.read(Publications)
    execute(project.asset_url, update("portfolios", "portfolio = 'gamma'", IN_LEDGER))
    results = published[published["portfolio"] == "alpha"].assign(damage=damage.UNREGISTERED)
    ledger = of_ledger("portfolios") | of_ledger("portfolios", "gamma")
    assert as_set(damage.find(platform)) == ledger | as_set(results)


def test_every_publication_deleted(project: SmallProject, platform: Platform) -> None:
    published = platform.warehouse.read(Publications)
    filled = published[published["n_rows"] > 0].assign(damage=damage.FOREIGN)
    execute(project.asset_url, "DELETE FROM sigmasight.publications")
    assert as_set(damage.find(platform)) == as_set(filled)


def test_the_check_and_parts_of_the_tables(project: SmallProject, platform: Platform) -> None:
    execute(
        project.asset_url, *FAULTS["total value"][0], *FAULTS["price"][0], *FAULTS["cash in the ledger"][0]
    )
    [verdict] = damage.nothing_was_changed_by_hand(
        dg.build_asset_check_context(resources={"platform": platform})
    )
    assert not verdict.passed
    assert verdict.metadata["damaged"].value == 3
    day, after = pd.Timestamp(DAY), pd.Timestamp(NEXT)
    assert as_set(damage.find(platform, names=["beta"])) == on_day("daily_prices")
    assert as_set(damage.find(platform, (after, after), ["beta"])) == set()
    assert as_set(damage.find(platform, (day, day), ["alpha"])) == (
        here("portfolio_snapshots") | on_day("daily_prices") | of_ledger("portfolios")
    )


def test_what_was_published_without_a_checksum(project: SmallProject, platform: Platform) -> None:
    nothing = update("publications", "checksum = NULL", f"{HERE} AND table_name = 'expiries'")
    execute(project.asset_url, nothing)
    assert project.here("verify") == 0
    assert as_set(damage.find(platform)) == here("expiries", damage.UNKNOWN)
    assert project.here("verify", "--accept") == 0
    assert damage.find(platform).empty


def test_what_a_person_meant_is_accepted(project: SmallProject, platform: Platform) -> None:
    meant = ("quantity x 10 in the ledger", "total value", "row on a Saturday", "lost row", "row twice")
    execute(project.asset_url, *(statement for name in meant for statement in FAULTS[name][0]))
    execute(project.asset_url, *FAULTS["NaN among scenarios"][0])
    edit = project.run("position", "tag", "alpha", "AAPL@2022-11-15", "core")
    assert edit.returncode == 1
    assert "positions changed by no command since the last one; see `sigmasight verify alpha`" in edit.stderr
    assert project.here("verify", "--accept") == 1, "a number that is none is never accepted"
    assert as_set(damage.find(platform)) == FAULTS["NaN among scenarios"][1]
    assert project.run("position", "tag", "alpha", "AAPL@2022-11-15", "core").returncode == 0


def test_what_looks_back_on_damage_is_computed_again(project: SmallProject) -> None:
    lost = pd.DataFrame([("portfolio_cash", pd.Timestamp(DAY), "alpha", damage.CHANGED)], columns=KEYS)
    with project.open() as opened:
        runs = repair.computations(opened, lost)
    planned = {(name, key) for run in runs for name in run.table_names for key in run.partition_keys}
    returns = {key for name, key in planned if name == "portfolio_returns"}
    assert returns == {f"{DAY}|alpha", f"{NEXT}|alpha"}
    assert ("portfolio_cash", f"{NEXT}|alpha") not in planned


def test_every_fault_is_repaired(project: SmallProject, platform: Platform) -> None:
    """All at once, in one repair; the ledger by its file."""
    before = project.contents()
    ledger = {name for name, (_, found) in FAULTS.items() if {row[1] for row in found} == {""}}
    execute(project.asset_url, *(each for name in FAULTS if name not in ledger for each in FAULTS[name][0]))
    assert project.here("verify", "--repair") == 0
    assert damage.find(platform).empty
    assert_same_contents(before, project.contents(), rtol=1e-9)
    execute(project.asset_url, *FAULTS["quantity x 10 in the ledger"][0])
    assert project.here("verify", "--repair") == 1, "no run computes a ledger"
    assert (
        project.here("import", str(project.home / "alpha.csv"), "alpha", "--replace", "--allow-unpriced") == 0
    )
    assert project.here("verify") == 0
