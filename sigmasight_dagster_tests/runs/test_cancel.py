"""A backfill that is canceled or killed in the middle, in processes of its own, and goes on where it was."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import psutil
import pytest
from dagster._utils.interrupts import capture_interrupts

from sigmasight_core import calendar
from sigmasight_core.tables import TABLES, Grain, PortfolioSnapshots, PositionValues, Table, grain
from sigmasight_dagster.runs import lanes
from sigmasight_dagster.runs.cancellation import on_signal
from sigmasight_dagster.runs.worker import PROGRAM
from sigmasight_dagster.tags import COMMAND_TAG, LAUNCHER_TAG, LAYER_TAG
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents
from sigmasight_dagster_tests.support.small_project import PORTFOLIOS, SmallProject

pytestmark = pytest.mark.computes("portfolio_snapshots")

NAMES = PORTFOLIOS[:2]
START, END = "2022-11-17", "2022-12-20"
DATES = calendar.sessions(START, END)
BACKFILL = ("backfill", "--start", START, "--end", END)
HEED_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
WORTH_IT = "from sigmasight_dagster.runs import lanes; lanes.WORTH_A_PROCESS = 1; "
"""So few partitions are else computed by one process."""
UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.STARTING]


@pytest.fixture
def project(new_project: Callable[[], CliProject]) -> SmallProject:
    return SmallProject.of(new_project(), NAMES)


@contextmanager
def running(project: SmallProject, processes: int = 1) -> Iterator["subprocess.Popen[str]"]:
    """The backfill as a terminal runs it: Ctrl-C is heeded, whatever started pytest."""
    python, option, code, *rest = project.command(*BACKFILL)
    with subprocess.Popen(
        [python, option, HEED_CTRL_C + WORTH_IT + code, *rest],
        env={**project.environment, "SIGMASIGHT_PROCESSES": str(processes)},
        cwd=project.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    ) as process:
        yield process


def wait_for(warehouse: Warehouse, model: type[Table], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while warehouse.published(model).empty:
        assert process.poll() is None, "the backfill ended before it was disturbed"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def worker_of(process: "subprocess.Popen[str]") -> psutil.Process:
    """The process that a command of two has started."""
    found = psutil.Process(process.pid).children()
    return next(child for child in found if PROGRAM in child.cmdline())


def wait_for_both(instance: dg.DagsterInstance, process: "subprocess.Popen[str]") -> list[dg.DagsterRun]:
    """The runs of the two portfolios, which two processes execute."""
    deadline = time.monotonic() + 120
    while True:
        assert process.poll() is None, "the backfill ended before it was disturbed"
        assert time.monotonic() < deadline
        runs = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        both = [run for run in runs if COMMAND_TAG in run.tags and run.tags[LAYER_TAG] == "portfolio"]
        if len(both) == len(NAMES):
            return both
        time.sleep(0.02)


def published(project: SmallProject, run_id: str | None = None) -> set[tuple[str, ...]]:
    warehouse = project.warehouse()
    return {
        (model.__name__, str(date), name)
        for model in TABLES
        if grain(model) is not Grain.UNPARTITIONED
        for date, name in warehouse.published(model, run_id=run_id).itertuples(index=False)
    }


def assert_nothing_is_left_behind(instance: dg.DagsterInstance) -> None:
    assert instance.get_runs(filters=dg.RunsFilter(statuses=UNFINISHED)) == []
    storage = instance.event_log_storage
    pools = [storage.get_concurrency_info(key) for key in storage.get_concurrency_keys()]
    assert pools
    assert sum(pool.active_slot_count + pool.pending_step_count for pool in pools) == 0


def test_ctrl_c_cancels_every_process_without_a_partial_partition(project: SmallProject) -> None:
    with running(project, processes=2) as process, project.open() as opened:
        wait_for_both(opened.instance, process)
        worker = worker_of(process)
        os.killpg(process.pid, signal.SIGINT)
        output = process.communicate(timeout=120)[0]
    assert not worker.is_running()
    assert process.returncode == 130
    assert "Canceling" in output
    assert "canceled" in output
    assert "Traceback" not in output
    assert project.warehouse().published(PortfolioSnapshots).empty
    for model in TABLES:
        if grain(model) is Grain.DATE_PORTFOLIO:
            n_published = project.warehouse().published(model).groupby("portfolio").size()
            assert set(n_published) <= {len(DATES)}
    with project.open() as opened:
        assert_nothing_is_left_behind(opened.instance)
        canceled = dg.RunsFilter(statuses=[dg.DagsterRunStatus.CANCELED])
        assert len(opened.instance.get_runs(filters=canceled)) == len(NAMES)
        failed, _ = opened.failed((DATES[0], DATES[-1]), NAMES)
        assert not any(failed.values())


def test_a_process_that_is_killed_has_a_failed_run_and_the_others_go_on(project: SmallProject) -> None:
    with running(project, processes=2) as process, project.open() as opened:
        runs = wait_for_both(opened.instance, process)
        worker = worker_of(process)
        theirs = next(run for run in runs if f":{worker.pid}:" in run.tags[LAUNCHER_TAG])
        worker.kill()
        output = process.communicate(timeout=120)[0]
        assert process.returncode == 1
        assert f"process 2 of the command (pid {worker.pid})" in " ".join(output.split())
        assert f"{theirs.run_id}  failed steps:" in output
        assert "Traceback" not in output
        killed = opened.instance.get_run_by_id(theirs.run_id)
        assert killed
        assert killed.status is dg.DagsterRunStatus.FAILURE
        assert_nothing_is_left_behind(opened.instance)
    done = project.warehouse().published(PortfolioSnapshots)
    assert len(done) == len(DATES)
    assert project.here("rerun-failed") == 0
    assert len(project.warehouse().published(PortfolioSnapshots)) == len(DATES) * len(NAMES)


def test_a_run_canceled_in_the_ui_stops_before_its_next_table(project: SmallProject) -> None:
    with running(project) as process, project.open() as opened:
        instance = opened.instance
        wait_for(project.warehouse(), PositionValues, process)
        (run,) = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        instance.report_run_canceling(run)
        process.communicate(timeout=120)
        assert process.returncode == 130
        canceled = instance.get_run_by_id(run.run_id)
        assert canceled is not None
        assert canceled.status is dg.DagsterRunStatus.CANCELED
        assert_nothing_is_left_behind(instance)
    assert project.warehouse().published(PortfolioSnapshots).empty


def test_a_killed_backfill_goes_on_where_it_was_and_two_processes_compute_the_same(
    project: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(project, processes=2) as process, project.open() as opened:
        wait_for_both(opened.instance, process)
        worker = worker_of(process)
        process.kill()
        worker.wait(timeout=10)
    assert project.warehouse().published(PortfolioSnapshots).empty

    before = published(project)
    with project.open() as opened:
        known = {run.run_id for run in opened.instance.get_runs()}
    assert project.here(*BACKFILL, "--missing-only") == 0
    with project.open() as opened:
        later = {run.run_id for run in opened.instance.get_runs()} - known
        assert_nothing_is_left_behind(opened.instance)
        assert opened.unpublished(opened.plan(DATES, NAMES)) == []
    added = set().union(*(published(project, run_id) for run_id in later))
    assert not added & before
    resumed = published(project), project.contents()
    monkeypatch.setattr(lanes, "WORTH_A_PROCESS", 1)
    whole = project.run(*BACKFILL, SIGMASIGHT_PROCESSES="2")
    assert (whole.returncode, "by 2 processes" in " ".join(whole.stderr.split())) == (0, True)
    assert (added | before, published(project)) == (resumed[0], resumed[0])
    assert_same_contents(resumed[1], project.contents())


def test_in_the_background_what_follows_the_output_can_still_be_ended() -> None:
    """There a shell ignores Ctrl-C; Dagster then ignores SIGTERM too, and its children inherit both."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with capture_interrupts():
            pass
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
        with on_signal(), subprocess.Popen(["sleep", "60"]) as child:
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            child.terminate()
            assert child.wait(10) == -signal.SIGTERM
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
