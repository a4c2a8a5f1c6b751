"""The stored report and `sigmasight report` on a real project: when it is made, what is written, refused."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core.report.document.sources import CALCULATIONS, models
from sigmasight_core.tables import PortfolioReports, PortfolioSnapshots, grain, table_name
from sigmasight_core.tables.base import Grain
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.reports.portfolio_report import FORMATS
from sigmasight_dagster_tests.automation.test_report_files import order
from sigmasight_dagster_tests.core.report.document.test_build import compare
from sigmasight_dagster_tests.support.api_house import add_users
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject, failure_text, run_requested
from sigmasight_dagster_tests.support.stored_rows import sql

EARLIER, DATE = "2022-11-21", "2022-11-22"
NAMES = ("alpha", "beta")


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> SmallProject:
    made = SmallProject.of(new_project(), NAMES)
    assert made.here("backfill", "--start", EARLIER, "--end", DATE) == 0
    return made


def test_a_range_makes_the_report_of_its_last_date(project: SmallProject) -> None:
    rows = project.warehouse().read(PortfolioReports)
    assert rows[["date", "portfolio"]].to_numpy().tolist() == [[pd.Timestamp(DATE), name] for name in NAMES]
    assert len(project.warehouse().published(PortfolioReports)) == 2 * len(NAMES)
    assert project.warehouse().glance_dates("beta", PortfolioReports) == [pd.Timestamp(DATE)]


def test_every_number_of_the_stored_report_is_a_stored_cell(project: SmallProject) -> None:
    warehouse, date = project.warehouse(), pd.Timestamp(DATE)
    document = json.loads(warehouse.read(PortfolioReports, [date], ["alpha"])["document"].iloc[0])
    compared = 0
    for source, model in models().items():
        name = next(name for name, what in CALCULATIONS.items() if source in what.sources)
        data = document["calculation_engines"][name]["data"]
        own = grain(model) is Grain.DATE_PORTFOLIO
        if data is not None and own and not source.newest:
            rows = warehouse.read(model, [date], ["alpha"])
            compared += compare(data[table_name(model)], rows)
    assert compared > 300


def test_five_files_are_written_and_replaced(project: SmallProject) -> None:
    folder = project.home / "reports" / f"alpha_{DATE}"
    assert "wrote" in project.ok("report", "alpha")
    assert sorted(path.suffix[1:] for path in folder.iterdir()) == sorted(FORMATS)
    about = json.loads((folder / "portfolio_report.json").read_text())["metadata"]
    assert about["generated_at"] >= about["data_known_at"]
    (folder / "portfolio_report.md").write_text("old")
    assert "replaced" in project.ok("report", "alpha", "--format", "md")
    assert (folder / "portfolio_report.md").read_text().startswith("# Portfolio report: alpha")
    assert len(list(folder.iterdir())) == len(FORMATS)


def test_what_is_not_stored_is_made_and_the_next_report_says_what_changed(project: SmallProject) -> None:
    printed = project.ok("report", "beta", "--date", EARLIER, "--no-write", "--format", "json")
    assert json.loads(printed)["changes"] is None
    warehouse, date = project.warehouse(), pd.Timestamp(DATE)
    assert warehouse.glance_dates("beta", PortfolioReports) == [pd.Timestamp(EARLIER), date]
    assert portfolio_report.stored(warehouse, "beta", date) is not None
    # what it is made of was computed again: it is that no more
    sql(
        project.asset_url,
        "UPDATE sigmasight.publications SET computed_at = now() "
        f"WHERE table_name = 'portfolio_snapshots' AND portfolio = 'beta' AND date = '{DATE}'",
    )
    assert portfolio_report.stored(warehouse, "beta", date) is None
    again = json.loads(project.ok("report", "beta", "--json"))
    assert again["changes"]["previous_date"] == EARLIER
    snapshots = warehouse.read(PortfolioSnapshots, portfolios=["beta"])["total_value"]
    values = next(line for line in again["changes"]["numbers"] if line["column"] == "total_value")
    assert (values["before"], values["now"]) == tuple(f"{value:.2f}" for value in snapshots)


def test_a_standing_order_of_the_api_is_carried_out_by_one_run(project: SmallProject) -> None:
    """The sensor asks, the run makes the report, writes its files and notes it: then nothing is due."""
    add_users(project.asset_url)
    order(project.asset_url, "daily", email="admin@example.com", portfolio="beta")
    folder = project.home / "reports" / f"beta_{DATE}"
    shutil.rmtree(folder, ignore_errors=True)

    def tick(opened: Project) -> list[dg.RunRequest]:
        resources = {"platform": opened.platform}
        context = dg.build_sensor_context(instance=opened.instance, resources=resources)
        sensor = opened.definitions.resolve_sensor_def("report_schedules")
        return list(sensor.evaluate_tick(context).run_requests or [])

    with project.open() as opened:
        (request,) = tick(opened)
        done = run_requested(opened, request, "report_files")
        assert done.success, failure_text(done)
        assert tick(opened) == []
        assert {path.name for path in folder.iterdir()} == {"portfolio_report.md", "portfolio_report.html"}
        (noted,) = opened.platform.warehouse.report_schedules().to_dict("records")
        assert (noted["last_report_date"], noted["last_run"]) == (pd.Timestamp(DATE), done.run_id)
    made_by = (
        "SELECT run_id FROM sigmasight.portfolio_reports WHERE portfolio = 'beta' AND date = '2022-11-22'"
    )
    assert sql(project.asset_url, made_by) == [(done.run_id,)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "unknown portfolio 'nobody'"),
        (("alpha", "--date", "2022-11-20"), "not a trading date"),
        (("alpha", "--date", "2022-11-18"), "no results on 2022-11-18; its newest are of 2022-11-22"),
        (("alpha", "--format", "md,pdf"), "unknown format 'pdf': choose of md, json, csv, html, xlsx"),
        (("alpha", "--format", "xlsx", "--no-write"), "xlsx is no text"),
        (("alpha", "--output-dir", "file"), "cannot be written"),
    ],
)
def test_what_is_refused_names_the_cure(project: SmallProject, arguments: tuple[str, ...], said: str) -> None:
    (project.home / "file").write_text("in the way")
    result = project.run("report", *arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_half_published_date_stops_no_other_portfolio(project: SmallProject, tmp_path: Path) -> None:
    # as a change of the ledger does: the row of the report stays, and counts no more
    sql(
        project.asset_url,
        "DELETE FROM sigmasight.publications WHERE portfolio = 'alpha' "
        f"AND table_name IN ('risk_measures', 'portfolio_reports') AND date = '{DATE}'",
    )
    result = project.run("report", "--date", DATE, "--output-dir", str(tmp_path))
    assert result.returncode == 1
    cure = f"sigmasight run alpha --date {DATE}"
    assert f"published in part, without risk_measures: {cure}" in result.stderr
    assert [folder.name for folder in tmp_path.iterdir()] == [f"beta_{DATE}"]
    charts = project.run("docs-charts", "alpha", "--docs", str(tmp_path / "charts"))
    assert (charts.returncode, charts.stdout) == (1, "")
    assert charts.stderr.splitlines() == [line for line in result.stderr.splitlines() if cure in line]
    assert not (tmp_path / "charts").exists()
