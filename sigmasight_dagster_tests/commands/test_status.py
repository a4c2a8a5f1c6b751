"""`sigmasight status`: of an empty project, and of dates that are not whole."""

import json
from collections.abc import Callable

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.runs.status import _dates, _lines, _next, _portfolio_lines
from sigmasight_dagster_tests.support.project import CliProject

NOW = pd.Timestamp("2022-12-23 21:29", tz="UTC")
DAYS = list(calendar.sessions("2022-12-01", "2022-12-14"))


class _Stored:
    """What a warehouse would answer."""

    def dates_of_everybody(self) -> pd.DataFrame:
        whole = [day in (*DAYS[:2], DAYS[-1]) for day in DAYS]
        return pd.DataFrame({"portfolio": "alpha", "date": DAYS, "complete": whole})


@pytest.fixture(scope="module")
def empty(new_project: Callable[[], CliProject]) -> CliProject:
    return new_project()


def test_an_empty_project(empty: CliProject) -> None:
    with empty.settings():
        project = Project.open()
        at = [_next(project, NOW + pd.Timedelta(minutes=late)) for late in (0, 1)]
    assert [tick["at"] for tick in at] == ["2022-12-23T16:30:00-05:00", "2022-12-27T16:30:00-05:00"]
    assert [tick["skipped"] for tick in at] == [None, None]
    found = json.loads(empty.ok("status", "--json"))
    assert found["portfolios"] == found["running"] == found["failed"] == []
    assert "is after the data ends" in found["next"]["skipped"]


def test_missing_dates_are_named() -> None:
    class Opened:
        class platform:
            warehouse = _Stored()

        def portfolio_order(self) -> list[str]:
            return ["alpha", "beta"]

    rows = _dates(Opened())  # type: ignore[arg-type]
    assert rows[0]["missing"] == [f"{day:%Y-%m-%d}" for day in DAYS[2:-1]]
    failed = [{"asset": "position_values", "partitions": 2, "last": "2022-12-02|alpha"}]
    running = [{"run": "0123456789", "state": "started", "dates": "2022-12-15", "portfolios": ""}]
    coming = {"schedule": "daily_market", "at": "2022-12-15T16:30:00-05:00", "skipped": None}
    lines = _lines({"portfolios": rows, "running": running, "failed": failed, "next": coming})
    assert lines == [
        "alpha: 2022-12-01..2022-12-14, 3 complete, missing 2022-12-05, 2022-12-06, 2022-12-07, 2022-12-08, "
        "2022-12-09 and 2 more",
        "beta: nothing is computed yet",
        "started: run 01234567, 2022-12-15",
        "failed: position_values, 2 partitions, the last 2022-12-02|alpha",
        "again: sigmasight rerun-failed",
        "next: daily_market 2022-12-15T16:30:00-05:00, while sigmasight dev or a daemon runs",
    ]


def test_portfolios_of_the_same_dates_are_told_together_where_they_are_many() -> None:
    dates = {"first": "2022-12-01", "last": "2022-12-02", "complete": 2, "missing": []}
    rows = [{"portfolio": f"p{number:05d}", **dates} for number in range(10_000)]
    late = {"portfolio": "late", **dates, "complete": 1, "missing": ["2022-12-01"]}
    assert _portfolio_lines([*rows, late]) == [
        "p00000, p00001, p00002, p00003, p00004 and 9,995 more: 2022-12-01..2022-12-02, 2 complete, "
        "none missing",
        "late: 2022-12-01..2022-12-02, 1 complete, missing 2022-12-01",
    ]
