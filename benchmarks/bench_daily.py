"""A day by itself: from the request of the market run to the last table of three portfolios published.

A real `sigmasight dev` does it. The schedule's clock cannot be set, so the market run is launched as its tick
would; the daemon starts it, and the sensor requests the portfolios' run.
"""

import time
from contextlib import closing
from typing import Any

import pandas as pd
import psycopg2

from benchmarks.measure import limit, own_server
from sigmasight_core import calendar
from sigmasight_core.tables import Grain
from sigmasight_dagster.automation import jobs
from sigmasight_dagster.automation.market_to_portfolio import left_out
from sigmasight_dagster.partitions.keys import range_tags
from sigmasight_dagster.tags import DAILY_TAG
from sigmasight_dagster_tests.support.dev_server import DevServer, dev_server
from sigmasight_dagster_tests.support.project import PORTFOLIOS, CliProject

BACKFILLED = ("2022-12-01", "2022-12-21")
DAYS = calendar.sessions(pd.Timestamp("2022-12-22"), pd.Timestamp("2022-12-28"))
MOST_SECONDS = 180
POLL_SECONDS = 0.2

LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on PythonError { message } } }"""
RUNS = """{ runsOrError(limit: 2) { ... on Runs { results { jobName creationTime startTime endTime } } } }"""
PUBLISHED = "SELECT count(*) FROM sigmasight.publications WHERE date = %s AND portfolio <> ''"


def main() -> None:
    with own_server() as (home, postgres):
        project = CliProject(home, postgres.url("sigmasight"), postgres.url("dagster"))
        project.import_examples()
        project.ok("backfill", "--start", BACKFILLED[0], "--end", BACKFILLED[1])
        with dev_server(project) as server:
            _measure(project, server)


def _measure(project: CliProject, server: DevServer) -> None:
    days = iter(DAYS)
    limit("a day of three portfolios", lambda: _a_day(project, server, next(days)), "< 30 s", len(DAYS))
    for run in reversed(_ended_runs(server)):
        started, ended = (run[name] - run["creationTime"] for name in ("startTime", "endTime"))
        print(f"  {run['jobName']}: started {started:.1f} s after its request, ended after {ended:.1f} s")


def _ended_runs(server: DevServer) -> list[dict[str, Any]]:
    """The last two, which may still be checking what they published."""
    while True:
        runs: list[dict[str, Any]] = server.graphql(RUNS)["runsOrError"]["results"]
        if all(run["endTime"] for run in runs):
            return runs
        time.sleep(POLL_SECONDS)


def _a_day(project: CliProject, server: DevServer, day: pd.Timestamp) -> None:
    """Launch the market run, and wait until every portfolio table is published."""
    tags = {**range_tags(pd.DatetimeIndex([day]), None), DAILY_TAG: f"{day:%Y-%m-%d}"}
    selector = {"repositoryLocationName": "sigmasight", "repositoryName": "__repository__"}
    metadata = {"tags": [{"key": key, "value": text} for key, text in tags.items()]}
    params = {"selector": {**selector, "jobName": jobs.MARKET}, "executionMetadata": metadata}
    launched = server.graphql(LAUNCH, params=params)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    deadline = time.monotonic() + MOST_SECONDS
    with closing(psycopg2.connect(project.asset_url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while _published(cursor, day) < _expected(day):
            assert time.monotonic() < deadline, f"{day:%Y-%m-%d} is not published; {project.home / 'dev.log'}"
            time.sleep(POLL_SECONDS)


def _published(cursor: "psycopg2.extensions.cursor", day: pd.Timestamp) -> int:
    cursor.execute(PUBLISHED, (day.date(),))
    return int(cursor.fetchone()[0])


def _expected(day: pd.Timestamp) -> int:
    """How many partitions the portfolios' run publishes."""
    later = sum(len(asset.table_names) for asset in left_out(day))
    return (len(jobs.tables_of(Grain.DATE_PORTFOLIO)) - later) * len(PORTFOLIOS)
