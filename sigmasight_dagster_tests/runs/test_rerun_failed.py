"""A bad portfolio in a backfill of five fails for exactly its dates; rerun-failed completes it once repaired.

What failed and what was published is read from the API of a real webserver.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioSnapshots, PositionGreeks, StressResults, table_name
from sigmasight_dagster_tests.conftest import REPOSITORY, execute
from sigmasight_dagster_tests.support.dev_server import free_port
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import PORTFOLIOS, SmallProject, all_keys, published_keys

pytestmark = pytest.mark.computes("portfolio_snapshots", "stress_results")

START, END = "2022-11-28", "2022-12-01"
DATES = calendar.sessions(pd.Timestamp(START), pd.Timestamp(END))
BAD = "delta"
GOOD = [name for name in PORTFOLIOS if name != BAD]
SQL = "UPDATE sigmasight.positions SET quantity = {} WHERE portfolio = 'delta' AND symbol = 'AAPL'"
STATUSES = """query($table: String!) { assetNodeOrError(assetKey: {path: [$table]}) { ... on AssetNode {
  assetPartitionStatuses { ... on MultiPartitionStatuses { primaryDimensionName ranges {
    primaryDimStartKey primaryDimEndKey
    secondaryDim { ... on DefaultPartitionStatuses { materializedPartitions failedPartitions } }
  } } } } } }"""


@contextmanager
def webserver(project: SmallProject) -> Iterator[str]:
    """URL of a webserver on the project's instance, which is starting."""
    port = free_port()
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    arguments = [*command, "-m", "sigmasight_dagster.definitions", "-d", str(REPOSITORY)]
    environment = {**os.environ, **project.environment}
    with subprocess.Popen(
        arguments, env=environment, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def answering(url: str) -> None:
    """Wait for a webserver's first answer."""
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "the webserver does not answer"
            time.sleep(0.2)


def statuses(api: str, table: str) -> tuple[set[str], set[str]]:
    """Partition keys that the API calls materialised, and those that it calls failed."""
    body = json.dumps({"query": STATUSES, "variables": {"table": table}}).encode()
    request = urllib.request.Request(f"{api}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        answer = json.load(response)
    found: tuple[set[str], set[str]] = (set(), set())
    node = answer["data"]["assetNodeOrError"]["assetPartitionStatuses"]
    for part in node["ranges"]:
        ends = (part["primaryDimStartKey"], part["primaryDimEndKey"])
        for keys, status in zip(found, ("materializedPartitions", "failedPartitions"), strict=True):
            keys |= _product(node["primaryDimensionName"], ends, part["secondaryDim"][status])
    return found


def _product(primary: str, ends: tuple[str, str], others: list[str]) -> set[str]:
    if primary == "date":
        return all_keys(calendar.sessions(*ends), others)
    first, last = (PORTFOLIOS.index(end) for end in ends)
    return all_keys(pd.DatetimeIndex(others), PORTFOLIOS[first : last + 1])


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> SmallProject:
    return SmallProject.of(new_project(), PORTFOLIOS)


def test_a_corrupted_portfolio_fails_alone_and_is_completed_after_the_repair(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [table_name(model) for model in (PositionGreeks, StressResults, PortfolioSnapshots)]
    execute(project.asset_url, SQL.format("'NaN'"))
    with webserver(project) as api:
        assert project.here("backfill", "--start", START, "--end", END) == 1
        assert "of portfolio delta" in " ".join(capsys.readouterr().out.split())
        answering(api)
        for table in tables:
            assert statuses(api, table) == (all_keys(DATES, GOOD), all_keys(DATES, [BAD]))
        assert published_keys(project, StressResults) == all_keys(DATES, GOOD)

        execute(project.asset_url, SQL.format("30"))
        assert project.here("rerun-failed", "--portfolio", BAD, "--end", "2022-11-29") == 0
        for table in tables:
            assert statuses(api, table)[1] == all_keys(DATES[2:], [BAD])
        assert project.here("rerun-failed") == 0
        for table in tables:
            assert statuses(api, table) == (all_keys(DATES, PORTFOLIOS), set())
    assert published_keys(project, StressResults) == all_keys(DATES, PORTFOLIOS)
    with project.open() as opened:
        later = opened.instance.get_runs(limit=2)
        republished = [opened.platform.warehouse.published(StressResults, run_id=run.run_id) for run in later]
    assert set(pd.concat(republished)["portfolio"]) == {BAD}
    capsys.readouterr()
    assert project.here("rerun-failed") == 0
    assert capsys.readouterr().out.strip() == "Nothing failed."


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--portfolio", "nobody"), "unknown portfolio 'nobody'"),
        (("--start", "2022-12-02", "--end", "2022-12-01"), "swap them"),
        (("--start", "yesterday"), "write YYYY-MM-DD"),
    ],
)
def test_wrong_options_are_named_with_the_cure(
    project: SmallProject, arguments: tuple[str, ...], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        project.here("rerun-failed", *arguments)
