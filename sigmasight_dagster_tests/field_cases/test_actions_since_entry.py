"""Splits since each entry count, whichever door a position came through (case 50 from the field)."""

from collections.abc import Callable

import dagster as dg
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import CorporateActions, PortfolioSnapshots, PositionValues
from sigmasight_dagster.automation import jobs, run_requests
from sigmasight_dagster.ledger import inbox
from sigmasight_dagster.partitions.keys import range_tags
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject, run_requested

pytestmark = pytest.mark.computes("portfolio_snapshots")

HEADER = "ticker,quantity,entry_price,entry_date\n"
DAY = "2021-08-02"
SESSIONS = calendar.sessions("2021-07-30", "2021-08-06").strftime("%Y-%m-%d")
"""One day a door: the days after DAY have no market data before their test."""


class Simulated(SmallProject):
    """The market of seed 1: AAPL splits 5:1 on 2020-06-12, XOM 4:1 on 2020-07-28, FGH 3:1 on 2020-06-08,
    GE 4:1 on 2020-07-15, and DEF before the project's first date, 4:1 on 2017-10-17."""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_START_DATE": "2019-12-02",
            "SIGMASIGHT_END_DATE": "2021-12-31",
            "SIGMASIGHT_PROVIDER": "simulated",
        }

    def file(self, rows: str, name: str) -> str:
        path = self.home / f"{name}.csv"
        path.write_text(HEADER + rows)
        return str(path)

    def bring(self, name: str, rows: str) -> None:
        assert self.here("import", self.file(rows, name), "--portfolio", name) == 0

    def held(self, portfolio: str, date: str) -> dict[str, tuple[float, bool]]:
        """Quantity of each symbol, and whether anything says that its actions are not known."""
        rows = self.warehouse().read(PositionValues, [pd.Timestamp(date)], [portfolio])
        said = rows["status"].str.contains("not known")
        return dict(zip(rows["symbol"], zip(rows["quantity"], said, strict=True), strict=True))


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> Simulated:
    """Portfolio one holds KO alone, and has results up to DAY: no partition was asked for another symbol."""
    empty = new_project()
    made = Simulated(empty.home, empty.asset_url, empty.dagster_url)
    ko = made.file("KO,100,24,2020-01-02\n", "one")
    assert made.here("onboard", ko, "--portfolio", "one", "--yes", "--date", DAY) == 0
    return made


def test_imported_and_run(project: Simulated) -> None:
    """Also entered on the ex-date, whose split does not count, and before the project's first date."""
    project.bring(
        "two", "AAPL,10,700,2020-01-02\nAAPL,7,140,2020-06-12\nDEF,5,40,2017-10-16\nXOM,-3,30,2020-06-01\n"
    )
    assert project.here("run", "--date", "2021-08-03", "--portfolio", "two") == 0
    rows = project.warehouse().read(PositionValues, [pd.Timestamp("2021-08-03")], ["two"])
    quantity = rows.set_index("position_id")["quantity"].to_dict()
    assert quantity == {
        "AAPL@2020-01-02": 50,
        "AAPL@2020-06-12": 7,
        "DEF@2017-10-16": 20,
        "XOM@2020-06-01": -12,
    }
    assert not rows["status"].str.contains("not known").any()
    assert project.warehouse().reconciliation()["n"].eq(0).all()


def test_what_lacks_is_said_and_then_filled_and_restated(project: Simulated) -> None:
    """A run of portfolios alone has nobody to ask: NULL, until `stale --rerun` or `coverage --fill`."""
    project.bring("three", "GE,10,50,2020-01-02\nKO,1,24,2020-01-02\n")
    request = dg.RunRequest(
        run_key="three",
        asset_selection=[dg.AssetKey("position_values")],
        tags=range_tags(pd.DatetimeIndex([DAY]), ("three", "three")),
    )
    with project.open() as opened:
        assert run_requested(opened, request, jobs.PORTFOLIO).success
    rows = project.warehouse().read(PositionValues, [pd.Timestamp(DAY)], ["three"]).set_index("symbol")
    assert rows["status"]["GE"] == "corporate actions of GE not known from 2020-01-02 on"
    assert rows.loc["GE", ["quantity", "price", "exposure", "daily_pnl"]].isna().all()
    assert rows["quantity"]["KO"] == 1
    assert project.here("stale", "--rerun") == 0
    assert project.held("three", DAY)["GE"] == (40, False)
    actions = project.warehouse().read(CorporateActions, symbols=["GE"])
    assert actions.loc[actions["kind"] == "split", "date"].tolist() == [pd.Timestamp("2020-07-15")]


def test_added_by_hand_and_filled(project: Simulated) -> None:
    lot = ("--quantity", "6", "--entry-price", "30", "--entry-date", "2020-01-02")
    assert project.here("position", "add", "one", "FGH", *lot) == 0
    assert project.here("coverage", "--fill") == 0
    assert project.here("backfill", "--start", DAY, "--end", DAY, "--portfolio", "one", "--missing-only") == 0
    assert project.held("one", DAY)["FGH"] == (18, False)
    snapshot = project.warehouse().read(PortfolioSnapshots, [pd.Timestamp(DAY)], ["one"]).iloc[0]
    assert snapshot["n_positions"] == 2


def test_dropped_into_the_inbox(project: Simulated) -> None:
    with project.open() as opened:
        folder = inbox.directory(opened.settings)
        folder.mkdir(exist_ok=True)
        (folder / "four.csv").write_text(HEADER + "IBM,2,150,2015-07-29\nAAPL,1,700,2020-06-11\n")
        cursor: str | None = None
        for _ in range(12):
            tick = inbox.look(opened, cursor, utc_now())
            cursor = tick.cursor
            for item in tick.wanted:
                job = jobs.PORTFOLIO if item.run.portfolios else jobs.MARKET
                assert run_requested(opened, run_requests.of_run(item.run, item.run_key), job).success
    published = project.warehouse().published(PositionValues, portfolios=["four"])["date"]
    held = project.held("four", published.max().strftime("%Y-%m-%d"))
    assert held == {"IBM": (6, False), "AAPL": (5, False)}


def test_an_earlier_entry_in_a_known_symbol(project: Simulated) -> None:
    project.bring("five", "HD,10,200,2021-06-01\n")
    assert project.here("run", "--date", "2021-08-04", "--portfolio", "five") == 0
    assert project.held("five", "2021-08-04")["HD"] == (10, False)
    file = project.file("HD,10,200,2021-06-01\nHD,1,900,2018-03-15\n", "six")
    assert project.here("onboard", file, "--portfolio", "six", "--yes", "--date", "2021-08-04") == 0
    rows = project.warehouse().read(PositionValues, [pd.Timestamp("2021-08-04")], ["six"])
    assert rows.set_index("position_id")["quantity"].to_dict() == {"HD@2018-03-15": 5, "HD@2021-06-01": 10}
