"""Onboarding on real tables: refusals, kills between the steps, a second portfolio with new symbols."""

import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.ledger.portfolio_csv import TEMPLATE
from sigmasight_core.tables import (
    TABLES,
    DailyPrices,
    FactorBetas,
    Grain,
    PortfolioSnapshots,
    PositionValues,
    SecurityMaster,
    Table,
    grain,
)
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents
from sigmasight_dagster_tests.support.small_project import SmallProject

pytestmark = pytest.mark.computes("factor_betas", "portfolio_snapshots")

DAY = "2022-12-16"
FIRST = "ticker,quantity,entry_price,entry_date\nAAPL,10,148.70,2022-11-15\nJPM,-20,130.00,2022-11-15\n"
SECOND = "ticker,quantity,entry_price,entry_date\nNEWCO,5,50,2022-11-18\nAAPL,1,148.70,2022-11-15\n"


@dataclass(frozen=True)
class SimulatedProject(SmallProject):
    """A project whose provider is asked for what is held."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "SIGMASIGHT_PROVIDER": "simulated", "SIGMASIGHT_END_DATE": DAY}

    @classmethod
    def made(cls, plain: CliProject, **files: str) -> "SimulatedProject":
        project = cls(plain.home, plain.asset_url, plain.dagster_url)
        for name, text in files.items():
            (project.home / f"{name}.csv").write_text(text)
        return project

    def onboarding(self, name: str) -> tuple[str, ...]:
        return ("onboard", str(self.home / f"{name}.csv"), "--portfolio", name, "--cash", "1000", "--yes")


@pytest.fixture
def project(new_project: Callable[[], CliProject]) -> SimulatedProject:
    return SimulatedProject.made(new_project(), first=FIRST, second=SECOND, example=TEMPLATE)


def kill_when(project: SimulatedProject, name: str, reached: Callable[[], bool]) -> None:
    """Start the onboarding and kill -9 its process as soon as a condition holds in the tables."""
    with subprocess.Popen(
        project.command(*project.onboarding(name)),
        env=project.environment,
        cwd=project.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if reached():
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL, "the onboarding ended before it was killed"


def published(project: CliProject, model: type[Table]) -> int:
    return len(project.warehouse().published(model))


@pytest.mark.computes
def test_first_results_and_what_they_can_say(project: SimulatedProject) -> None:
    shown = project.ok(*project.onboarding("first"))
    assert "1 LONG, 1 SHORT; 2 symbols; entered 2022-11-15..2022-11-15" in shown
    assert "Portfolio first: 2 positions, created" in shown
    assert f"Readiness of first on {DAY}" in shown
    assert "\nvaluation " in shown
    assert "2 of 2" in next(line for line in shown.splitlines() if "valuation" in line)
    snapshots = project.warehouse().read(PortfolioSnapshots)
    assert snapshots["date"].dt.strftime("%Y-%m-%d").tolist() == [DAY]

    before = project.contents()
    again = project.ok(*project.onboarding("first"))
    assert "2 positions, unchanged" in again
    assert again.count("nothing is missing") == 3
    assert_same_contents(before, project.contents())
    history = project.warehouse().ledger_changes("first")
    assert set(history["command"]) == {"sigmasight onboard first.csv"}
    assert set(history["change"]) == {1}
    assert f"Readiness of first on {DAY}" in project.ok("readiness", "--date", DAY)


def test_a_kill_between_fetch_and_run_is_made_up_for(
    project: SimulatedProject, new_project: Callable[[], CliProject]
) -> None:
    undisturbed = SimulatedProject.made(new_project(), first=FIRST)
    assert undisturbed.here(*undisturbed.onboarding("first")) == 0
    project.warehouse().migrate()
    kill_when(project, "first", lambda: published(project, DailyPrices) > 0)
    assert published(project, PositionValues) == 0
    kill_when(project, "first", lambda: published(project, FactorBetas) > 0)
    assert published(project, PortfolioSnapshots) == 0
    assert project.here(*project.onboarding("first")) == 0
    assert_same_contents(undisturbed.contents(), project.contents())
    assert set(project.warehouse().ledger_changes("first")["change"]) == {1}


def test_a_second_portfolio_fetches_its_new_symbols_for_published_sessions(
    project: SimulatedProject, new_project: Callable[[], CliProject]
) -> None:
    assert project.here(*project.onboarding("first")) == 0
    warehouse = project.warehouse()
    assert warehouse.read(DailyPrices, symbols=["NEWCO"]).empty
    assert project.here(*project.onboarding("second")) == 0
    sessions = calendar.sessions("2022-11-14", DAY)
    prices = warehouse.read(DailyPrices, symbols=["NEWCO"])
    assert pd.DatetimeIndex(prices["date"]).equals(sessions)
    assert not warehouse.read(FactorBetas, [pd.Timestamp(DAY)], symbols=["NEWCO"]).empty
    assert not warehouse.read(SecurityMaster, [pd.Timestamp(DAY)], symbols=["NEWCO"]).empty
    assert "Nothing is stale." in project.ok("stale")

    at_once = SimulatedProject.made(new_project(), first=FIRST, second=SECOND)
    for name in ("first", "second"):
        file = str(at_once.home / f"{name}.csv")
        assert at_once.here("import", file, "--portfolio", name, "--cash", "1000") == 0
    assert at_once.here("run", "--date", DAY) == 0
    one_by_one, together = project.contents(), at_once.contents()
    market = [model for model in TABLES if grain(model) is Grain.DATE]
    for model in market:
        both = [rows[model][rows[model]["date"] == DAY] for rows in (one_by_one, together)]
        left, right = (rows.reset_index(drop=True) for rows in both)
        pd.testing.assert_frame_equal(left, right, rtol=1e-9, atol=1e-12)


def test_the_template_imports(project: SimulatedProject) -> None:
    assert project.ok("onboard", "--template") == TEMPLATE
    file = project.home / "mine.csv"
    assert "replace its lines by your positions" in project.ok("onboard", str(file), "--template")
    assert file.read_text() == TEMPLATE
    result = project.run("onboard", str(file), "--template")
    assert (result.returncode, "is there already" in result.stderr) == (1, True)
    shown = project.ok("import", str(file), "--portfolio", "mine")
    assert "Portfolio mine: 4 positions, created" in shown
    kinds = project.warehouse().positions(["mine"])["position_type"]
    assert sorted(kinds) == ["LC", "LONG", "LONG", "SHORT"]


def test_without_a_terminal_nothing_is_stored_unasked(project: SimulatedProject) -> None:
    result = project.run(*project.onboarding("first")[:-1])
    assert result.returncode == 1
    *doubts, last = result.stderr.strip().splitlines()
    assert last == "Error: nothing stored: there is no terminal to ask on; add --yes"
    assert all("(simulated, seed 1)" in doubt for doubt in doubts)
    assert "1 LONG, 1 SHORT" in result.stdout
    assert project.warehouse().portfolios().empty


def test_a_no_at_the_terminal_stores_nothing(project: SimulatedProject) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        project.command(*project.onboarding("first")[:-1]),
        env=project.environment,
        cwd=project.home,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.write(ours, b"n\n")
        shown, told = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert "Store these positions and compute them?" in shown + told
    assert (process.returncode, "Aborted." in told) == (130, True)
    assert project.warehouse().portfolios().empty


def test_another_file_does_not_replace_a_portfolio_unasked(project: SimulatedProject) -> None:
    project.here("import", str(project.home / "first.csv"), "--portfolio", "second", "--cash", "1000")
    result = project.run(*project.onboarding("second"))
    assert (result.returncode, "use --replace" in result.stderr) == (1, True)
    assert sorted(project.warehouse().positions()["symbol"]) == ["AAPL", "JPM"]
