"""Backfills over Celery workers in processes of their own, some of them killed. Needs rabbitmq-server."""

import os
import secrets
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import dagster as dg
import psycopg2
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import (
    TABLES,
    DailyPrices,
    Grain,
    PortfolioSnapshots,
    PositionValues,
    grain,
    table_name,
)
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.instance.test_graphql import LAUNCH
from sigmasight_dagster_tests.instance.test_storage import plain
from sigmasight_dagster_tests.runs.test_cancel import assert_nothing_is_left_behind, running
from sigmasight_dagster_tests.runs.test_rerun_failed import BAD, SQL
from sigmasight_dagster_tests.support.broker import rabbitmq
from sigmasight_dagster_tests.support.celery_project import (
    CeleryProject,
    executions,
    freeze_a_busy_worker,
    wait_until,
    worker,
)
from sigmasight_dagster_tests.support.dev_server import dev_server
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents
from sigmasight_dagster_tests.support.small_project import PORTFOLIOS, SmallProject, all_keys, published_keys

pytestmark = pytest.mark.celery

NAMES = PORTFOLIOS[:3]
START, END = "2022-11-17", "2022-12-20"
DATES = calendar.sessions(START, END)
BACKFILL = ("backfill", "--start", START, "--end", END)
FINISHED = dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS])
PASSWORD = f"canary-{secrets.token_hex(8)}"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rabbitmq(tmp_path_factory.mktemp("broker"), PASSWORD) as url:
        yield url


@pytest.fixture
def project(new_project: Callable[[], CliProject], broker: str) -> CeleryProject:
    return CeleryProject.distributed(SmallProject.of(new_project(), NAMES), broker)


def databases_that_hold(text: str, *urls: str) -> list[str]:
    """Tables, of any schema, with a row in which the text appears."""
    found = []
    for url in urls:
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE %s", (f"%{text}%",))
                found += [table] if cursor.fetchone()[0] else []
    return found


def kill(killed: "list[int]") -> None:
    for pid in killed:
        os.kill(pid, signal.SIGKILL)


def starts(instance: dg.DagsterInstance, run_id: str, step: str) -> int:
    logs = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_START)
    return sum(entry.step_key == step for entry in logs)


def test_killed_workers_lose_nothing(project: CeleryProject, new_project: Callable[[], CliProject]) -> None:
    undisturbed = SmallProject.of(new_project(), NAMES)
    undisturbed.ok(*BACKFILL)
    output = project.home / "backfill.log"
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(project)) for _ in range(2)]
        log = stack.enter_context(output.open("w"))
        opened = stack.enter_context(project.open())
        backfill = subprocess.Popen(
            project.command(*BACKFILL),
            env=project.environment,
            cwd=project.home,
            stdout=log,
            stderr=log,
        )
        stack.callback(backfill.kill)
        # A worker's machine goes: all of its processes at once.
        lost, first = freeze_a_busy_worker(opened.instance, workers, set(), output)
        kill([process.pid for process in lost.processes()])
        # Then the process of the other one that executes a step, as when memory runs out.
        left, second = freeze_a_busy_worker(
            opened.instance, [w for w in workers if w != lost], {first}, output
        )
        kill([process.pid for process in left.processes()[1:]])
        os.kill(left.process.pid, signal.SIGCONT)

        assert backfill.wait(300) == 0, output.read_text()
        for run_id, step in (first, second):
            assert starts(opened.instance, run_id, step) == 2, (step, list(executions(opened.instance)))
        names = {name for _, _, name, _ in executions(opened.instance)}
        assert all(any(name.startswith(each.name) for name in names) for each in workers)
        assert_nothing_is_left_behind(opened.instance)
        runs = opened.instance.get_runs()
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        assert opened.unpublished(opened.plan(DATES, NAMES)) == []
        logs = [output.read_text(), *(each.log.read_text() for each in workers)]
    assert_same_contents(undisturbed.contents(), project.contents())
    for model in TABLES:
        if grain(model) is not Grain.UNPARTITIONED:
            assert not project.warehouse().published(model).duplicated().any()
    assert databases_that_hold(PASSWORD, project.asset_url, project.dagster_url) == []
    assert not [text for text in logs if PASSWORD in text]


EVENTS = (
    "SELECT run_id, event FROM event_logs WHERE dagster_event_type IN "
    "('ASSET_MATERIALIZATION', 'ASSET_MATERIALIZATION_PLANNED', 'ASSET_CHECK_EVALUATION_PLANNED')"
)


def events(url: str) -> Counter[str]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(EVENTS)
        return Counter(plain(event, run_id or "of no run") for run_id, event in cursor.fetchall())


def test_events_of_partitions_are_those_of_one_process(
    project: CeleryProject, new_project: Callable[[], CliProject]
) -> None:
    """Which are those of Dagster's own way, to the character: see the tests of the storage."""
    day = ("backfill", "--start", END, "--end", END)
    alone = SmallProject.of(new_project(), NAMES)
    alone.ok(*day)
    with worker(project):
        project.ok(*day)
    found, expected = events(project.dagster_url), events(alone.dagster_url)
    assert list((found - expected).elements())[:1] == list((expected - found).elements())[:1]
    assert found.total() > 2 * len(TABLES)


def test_ctrl_c_cancels_what_workers_execute(project: CeleryProject) -> None:
    with worker(project), running(project) as process:
        deadline = time.monotonic() + 120
        while project.warehouse().published(PositionValues).empty:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 130, output
    assert "canceled" in output
    assert "Traceback" not in output
    assert project.warehouse().published(PortfolioSnapshots).empty
    with project.open() as opened:
        assert_nothing_is_left_behind(opened.instance)
        canceled = dg.RunsFilter(statuses=[dg.DagsterRunStatus.CANCELED])
        assert len(opened.instance.get_runs(filters=canceled)) == 1


def test_a_bad_portfolio_fails_alone(project: CeleryProject) -> None:
    execute(project.asset_url, SQL.format("'NaN'"))
    with worker(project, "--concurrency", "2"):
        backfill = project.process("backfill", "--start", "2022-11-17", "--end", "2022-11-18")
    assert backfill.returncode == 1, backfill.stderr
    assert f"of portfolio {BAD}" in " ".join(backfill.stdout.split())
    good = [name for name in NAMES if name != BAD]
    assert published_keys(project, PortfolioSnapshots) == all_keys(DATES[:2], good)
    with project.open() as opened:
        assert_nothing_is_left_behind(opened.instance)


def test_runs_of_the_daemon_are_executed_by_workers(project: CeleryProject) -> None:
    keys = [f"{date:%Y-%m-%d}" for date in DATES[:3]]
    params = {"assetSelection": [{"path": [table_name(DailyPrices)]}], "partitionNames": keys}
    with worker(project), dev_server(project) as server, project.open() as opened:
        launched = server.graphql(LAUNCH, params=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        wait_until(
            lambda: (
                published_keys(project, DailyPrices) == set(keys)
                and opened.instance.get_runs_count(FINISHED) == 1
            ),
            120,
            project.home / "dev.log",
        )
        assert "daily_prices" in {step for _, step, _, _ in executions(opened.instance)}
        assert_nothing_is_left_behind(opened.instance)
        (run,) = opened.instance.get_runs()
        assert PASSWORD not in dg.serialize_value(run)
    assert databases_that_hold(PASSWORD, project.asset_url, project.dagster_url) == []


def test_the_processes_of_a_killed_worker_end_too(project: CeleryProject) -> None:
    with worker(project, "--queue", "market", "--concurrency", "2") as killed:
        children = killed.processes()[1:]
        assert len(children) >= 2
        killed.process.kill()
        wait_until(lambda: not any(child.is_running() for child in children), 20, killed.log)


def test_a_command_says_that_nobody_listens(project: CeleryProject) -> None:
    nobody = project.process(*BACKFILL)
    assert nobody.returncode == 1
    assert nobody.stderr == (
        "Error: no worker listens on dagster, market, portfolio: "
        "sigmasight worker --queue dagster --queue market --queue portfolio\n"
    )
    address = project.broker_url.rpartition("@")[2]
    for place in ("127.0.0.1:1//", address):
        url = f"pyamqp://sigmasight:wrong-canary@{place}"
        wrong = project.process(*BACKFILL, SIGMASIGHT_CELERY_BROKER_URL=url)
        assert wrong.returncode == 1
        assert wrong.stderr.count("\n") == 1, wrong.stderr
        assert "SIGMASIGHT_CELERY_BROKER_URL" in wrong.stderr
        assert "canary" not in wrong.stderr
