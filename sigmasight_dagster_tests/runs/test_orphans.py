"""Runs of commands that nobody executes any more, places in pools, which ended runs have left or share."""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from sigmasight_core.tables import TreasuryYields
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.instance.living import alive
from sigmasight_dagster.runs import execute
from sigmasight_dagster.tags import COMMAND_TAG, EXECUTOR_TAG, LAUNCHER_TAG
from sigmasight_dagster_tests.support.house import DATES, House, partition_keys, yields
from sigmasight_dagster_tests.support.partition_readers import wait_for

STARTED = dg.DagsterRunStatus.STARTED
POOL = "treasury_yields"
"""And its step."""


def started(house: House, run_id: str, launcher: str = "elsewhere:1") -> dg.DagsterRun:
    """A run that a process on some host has started, which has a place in the pool of its step."""
    job = house.definitions(yields()).resolve_implicit_global_asset_job_def()
    tags = {LAUNCHER_TAG: f"{launcher}:{run_id}"}
    run = house.instance.create_run_for_job(job, run_id=run_id, tags=tags, status=STARTED)
    house.instance.event_log_storage.set_concurrency_slots("treasury_yields", 1)
    house.instance.event_log_storage.claim_concurrency_slot("treasury_yields", run_id, "treasury_yields")
    return run


def statuses(house: House, run_ids: Sequence[str]) -> list[dg.DagsterRunStatus]:
    found = [house.instance.get_run_by_id(run_id) for run_id in run_ids]
    return [run.status for run in found if run]


def slots(house: House) -> set[str]:
    return house.instance.event_log_storage.get_concurrency_run_ids()


@pytest.mark.parametrize("host", [socket.gethostname(), "another"])
def test_a_run_is_alive_while_somebody_holds_its_lock_whatever_the_host_is_called(
    house: House, host: str
) -> None:
    living, dead = execute.new_run_id(), execute.new_run_id()
    with alive.holding(house.instance, living):
        for run_id in (living, dead):
            started(house, run_id, f"{host}:1")
        assert execute.report_orphans(house.instance) == [dead]
        assert statuses(house, [living, dead]) == [STARTED, dg.DagsterRunStatus.FAILURE]
        assert slots(house) == {living}
    assert execute.report_orphans(house.instance) == [living]
    assert slots(house) == set()


def test_a_run_that_ended_without_giving_its_place_back_lets_others_in(house: House) -> None:
    run = started(house, execute.new_run_id())
    house.instance.report_run_failed(run, "killed")
    assert slots(house) == {run.run_id}
    assert execute.report_orphans(house.instance) == []
    assert slots(house) == set()
    assert house.run(yields()).succeeded


def test_a_copy_of_a_command_s_run_made_in_the_ui_is_not_ours(house: House) -> None:
    run_id = execute.new_run_id()
    job = house.definitions(yields()).resolve_implicit_global_asset_job_def()
    tags = {LAUNCHER_TAG: f"host:1:{execute.new_run_id()}"}
    house.instance.create_run_for_job(job, run_id=run_id, tags=tags, status=STARTED)
    assert execute.report_orphans(house.instance) == []


def test_the_process_of_a_run_of_the_ui_holds_it_until_it_ends(house: House) -> None:
    """kill -9 of Dagster's `dev` left the run as started, and its place in a pool taken, for ever."""
    found: list[str] = []

    @dg.op
    def look(context: dg.OpExecutionContext) -> None:
        assert context.run.run_id in context.instance.get_run_by_id(context.run_id).tags[EXECUTOR_TAG]  # type: ignore[union-attr]
        assert execute.report_orphans(context.instance) == []
        found.append(context.run_id)

    @dg.job
    def looking() -> None:
        look()

    assert looking.execute_in_process(instance=house.instance).success
    assert alive.abandoned(house.instance, found) == set(found)


def test_a_run_of_the_ui_whose_process_is_gone_is_failed_and_its_place_is_free(house: House) -> None:
    run_id = execute.new_run_id()
    started(house, run_id)
    house.instance.run_storage.add_run_tags(run_id, {LAUNCHER_TAG: "", EXECUTOR_TAG: f"gone:1:{run_id}"})
    assert execute.report_orphans(house.instance) == [run_id]
    assert statuses(house, [run_id]) == [dg.DagsterRunStatus.FAILURE]
    assert slots(house) == set()


def test_events_of_a_copy_made_in_the_ui_are_dagster_s_own(house: House) -> None:
    """Re-executed, a run has the tags of the one that it copies; its partitions are told as of any other."""
    outcome, run_id = house.run(yields()), execute.new_run_id()
    copied = house.instance.get_run_by_id(outcome.run_id)
    assert copied
    assert partition_events.ours(copied)
    job = house.definitions(yields()).resolve_implicit_global_asset_job_def()
    made = house.instance.create_run_for_job(job, run_id=run_id, tags=copied.tags)
    stored = house.instance.get_run_by_id(run_id)
    assert stored
    assert not partition_events.ours(stored)
    assert not partition_events.ours(made)
    done = execute_run(InMemoryJob(job), made, house.instance)
    assert done.success
    told = house.instance.event_log_storage.get_asset_partitions_for_run
    key = dg.AssetKey("treasury_yields")
    for kind in ("ASSET_MATERIALIZATION", "ASSET_MATERIALIZATION_PLANNED"):
        assert told(run_id, dg.DagsterEventType(kind))[key] == partition_keys(DATES)


def test_the_lock_is_taken_again_after_the_server_dropped_the_connection(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alive, "HEARTBEAT_SECONDS", 0.05)
    run_id = execute.new_run_id()
    with alive.holding(house.instance, run_id):
        with house.instance.event_log_storage.index_connection() as connection:  # type: ignore[attr-defined]
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'sigmasight launcher' AND datname = current_database()"
            )
        deadline = time.monotonic() + 20
        while alive.abandoned(house.instance, [run_id]):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(0.3)
        assert alive.abandoned(house.instance, [run_id]) == set()
    # the server drops it a moment after the connection is closed
    wait_for(lambda: alive.abandoned(house.instance, [run_id]) == {run_id}, 10)


def test_a_command_s_run_holds_its_lock_until_it_ends(house: House) -> None:
    seen: list[set[str]] = []

    def look(rows):  # type: ignore[no-untyped-def]
        running = house.instance.get_runs(filters=dg.RunsFilter(statuses=[STARTED]))
        seen.append(alive.abandoned(house.instance, [run.run_id for run in running]))
        return rows

    outcome = house.run(yields(look))
    assert outcome.succeeded, outcome.error
    assert seen == [set()]
    assert alive.abandoned(house.instance, [outcome.run_id]) == {outcome.run_id}
    assert len(house.platform.warehouse.published(TreasuryYields)) == 5


class Pool:
    """A pool of one place, and runs that want it."""

    def __init__(self, house: House) -> None:
        self._storage, self._instance = house.instance.event_log_storage, house.instance
        self._job = house.definitions(yields()).resolve_implicit_global_asset_job_def()
        self._storage.set_concurrency_slots(POOL, 1)
        self._made: list[str] = []

    def run(self, command: str = "") -> str:
        run_id, tags = execute.new_run_id(), {COMMAND_TAG: command} if command else {}
        self._instance.create_run_for_job(self._job, run_id=run_id, tags=tags, status=STARTED)
        self._made.append(run_id)
        return run_id

    def lets_in(self, run_id: str) -> bool:
        return self._storage.claim_concurrency_slot(POOL, run_id, POOL).is_claimed

    def left_by(self, run_id: str) -> None:
        self._storage.free_concurrency_slot_for_step(run_id, POOL)

    def close(self) -> None:
        for run_id in self._made:
            self._instance.delete_run(run_id)


@pytest.fixture
def pool(house: House) -> Iterator[Pool]:
    with closing(Pool(house)) as made:
        yield made


def test_runs_of_one_command_are_in_a_pool_together_and_nobody_else(pool: Pool) -> None:
    first, second, third = (pool.run("one") for _ in range(3))
    other, alone = pool.run("another"), pool.run()
    assert pool.lets_in(first)
    assert pool.lets_in(second)
    assert not pool.lets_in(other)
    assert not pool.lets_in(alone)
    assert not pool.lets_in(third), "others wait for longer"
    pool.left_by(first)
    assert not pool.lets_in(other), "the second is still there"
    pool.left_by(second)
    assert pool.lets_in(other)
    assert not pool.lets_in(alone)
    pool.left_by(other)
    assert pool.lets_in(alone)
    pool.left_by(alone)
    assert pool.lets_in(third)


def test_runs_of_no_command_wait_for_each_other(pool: Pool) -> None:
    first, second = pool.run(), pool.run()
    assert pool.lets_in(first)
    assert not pool.lets_in(second)
    pool.left_by(first)
    assert pool.lets_in(second)


def test_a_place_outlives_the_end_of_the_run_that_had_it_first(pool: Pool) -> None:
    """The first is killed; the one beside it still computes, and one more of the command may join it."""
    first, second, third, other = pool.run("one"), pool.run("one"), pool.run("one"), pool.run()
    assert pool.lets_in(first)
    assert pool.lets_in(second)
    pool.left_by(first)
    assert pool.lets_in(third)
    assert not pool.lets_in(other)
    pool.left_by(third)
    assert not pool.lets_in(other)
    pool.left_by(second)
    assert pool.lets_in(other)
