"""kill -9 in the middle of a backfill, then the same command again: as if nothing had happened."""

import signal
import subprocess
import time
from collections.abc import Callable

import dagster as dg
import pytest

from sigmasight_core.tables import PortfolioSnapshots, PositionValues
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents

BACKFILL = ("backfill", "--start", "2022-12-05", "--end", "2022-12-20")


def kill_when(project: CliProject, reached: Callable[[Warehouse], bool]) -> None:
    """Start the backfill and kill -9 its process as soon as a condition holds in the tables."""
    warehouse = project.warehouse()
    with subprocess.Popen(
        project.command(*BACKFILL),
        env=project.environment,
        cwd=project.home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if reached(warehouse):
                process.send_signal(signal.SIGKILL)
                break
            time.sleep(0.02)
    assert process.returncode == -signal.SIGKILL, "the backfill ended before it was killed"


def test_a_killed_backfill_is_completed_by_the_same_command(
    new_project: Callable[[], CliProject],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed, killed = new_project(), new_project()
    for project in (undisturbed, killed):
        project.import_examples()
    undisturbed.ok(*BACKFILL)

    kill_when(killed, lambda warehouse: len(warehouse.published(PositionValues)) > 0)
    assert killed.warehouse().published(PortfolioSnapshots).empty
    killed.ok(*BACKFILL)

    assert_same_contents(undisturbed.contents(), killed.contents())
    for name, text in killed.environment.items():
        monkeypatch.setenv(name, text)
    with dg.DagsterInstance.get() as instance:
        unfinished = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        failed = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert unfinished == []
    assert len(failed) == 1
