"""Execute range runs against the Dagster instance, one after the other, and say what became of each."""

import datetime as dt
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import dagster as dg
from dagster import DagsterInstance
from dagster._core.definitions.job_base import IJob, InMemoryJob
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from sigmasight_dagster.engine.publish import BAD_PARTITIONS
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.instance.asked_once import partitions_stay
from sigmasight_dagster.instance.living import alive
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.tags import (
    COMMAND_TAG,
    EXECUTOR_TAG,
    GOES_ON_TAG,
    LAUNCHER_TAG,
    LAYER_TAG,
    REFETCH_TAG,
    REPORTS_TAG,
)

REPOSITORY_TAG = ".dagster/repository"
LOCATION, REPOSITORY_NAME = "sigmasight", "__repository__"
"""Of the code location in workspace.yaml, and of the one repository that definitions make."""
REPOSITORY = f"{REPOSITORY_NAME}@{LOCATION}"
DEFINITIONS = "sigmasight_dagster.definitions"
NO_STEP_FAILED = "the run failed before its first step: see its events"

BEGUN: Final = (
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.CANCELING,
)
"""Of runs that somebody executes, or should: they wait in no queue, and have not ended."""


@dataclass(frozen=True)
class RunOutcome:
    """What became of a run.

    :param error: empty on success.
    :param failed_assets: steps that failed.
    :param bad_partitions: partitions that the run named as the reason.
    :param split: it failed, and other runs took its place.
    :param canceled: someone canceled it; without a run id, before it started.
    :param lost: the process that executed it ended; nothing says that its partitions are bad.
    """

    run: RangeRun
    run_id: str
    error: str = ""
    failed_assets: tuple[str, ...] = ()
    bad_partitions: tuple[str, ...] = ()
    split: bool = False
    canceled: bool = False
    lost: bool = False

    @property
    def succeeded(self) -> bool:
        return not self.error

    @property
    def failed(self) -> bool:
        return not self.succeeded and not self.canceled


def new_run_id() -> str:
    return str(uuid.uuid4())


def execute(
    run: RangeRun,
    run_id: str,
    definitions: dg.Definitions,
    instance: DagsterInstance,
    console_level: str = "CRITICAL",
    command: str = "",
) -> RunOutcome:
    """Execute one range run in this process; its events go to the instance as any run's do.

    With a distributed executor this process hands out the steps and waits for them.

    :param console_level: least level of the run's events that is shown on the console.
    :param command: id of the command whose other runs go beside it; '' = none does.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    selection = [dg.AssetKey(name) for name in run.table_names]
    tags = {
        **run.tags,
        LAUNCHER_TAG: alive.this_process(run_id),
        LAYER_TAG: run.layer,
        REPOSITORY_TAG: REPOSITORY,
        **({COMMAND_TAG: command} if command else {}),
        **({REFETCH_TAG: "true"} if run.refetch else {}),
        **({REPORTS_TAG: "all"} if run.every_report else {}),
        **({GOES_ON_TAG: "true"} if run.goes_on else {}),
        **partition_events.tags(instance),
    }
    config = {"loggers": {"console": {"config": {"log_level": console_level}}}}
    # One moment for the whole run: Dagster lists every date x portfolio again for each new one.
    moment = dg.partition_loading_context(dt.datetime.now(dt.UTC), instance)
    with alive.holding(instance, run_id), moment, partitions_stay():
        here = job.executor_def == dg.in_process_executor
        whole = InMemoryJob(job) if here else _loaded_anew(job.name)
        created = create(whole, run_id, instance, selection, tags, config)
        if partition_events.ours(created):
            partition_events.plan(instance, created, whole.get_definition())
        result = execute_run(whole, created, instance)
    if result.success:
        return RunOutcome(run, run_id)
    if result.dagster_run.status is dg.DagsterRunStatus.CANCELED:
        return RunOutcome(run, run_id, error="canceled", canceled=True)
    outcome = failed_outcome(run, run_id, [event for event in result.all_events if event.is_step_failure])
    return outcome if outcome.failed_assets else replace(outcome, error=_run_error(result.all_events))


def create(
    job: IJob,
    run_id: str,
    instance: DagsterInstance,
    selection: Sequence[dg.AssetKey],
    tags: Mapping[str, str],
    config: Mapping[str, object],
) -> dg.DagsterRun:
    """A run of ours, which the UI shows with those of its code location: Dagster's own have no origin.

    As `dg.execute_job` and `execute_in_process`, which cannot be given one, or a run id.
    """
    location = RegisteredCodeLocationOrigin(LOCATION)
    name = job.get_definition().name
    return instance.create_run_for_job(
        job.get_definition(),
        run_id=run_id,
        run_config=config,
        tags=tags,
        asset_selection=frozenset(selection),
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, REPOSITORY_NAME), name),
        job_code_origin=job.get_python_origin() if isinstance(job, ReconstructableJob) else None,
    )


def _loaded_anew(job_name: str) -> ReconstructableJob:
    """The job of a run whose steps other processes execute: they load the definitions by their module."""
    repository = ReconstructableRepository.for_module(
        DEFINITIONS, "defs", container_image=os.environ.get("DAGSTER_CURRENT_IMAGE")
    )
    return repository.get_reconstructable_job(job_name)


def _run_error(events: Sequence[dg.DagsterEvent]) -> str:
    for event in events:
        if event.event_type is dg.DagsterEventType.RUN_FAILURE and event.job_failure_data.error:
            return event.job_failure_data.error.message.strip()
    return NO_STEP_FAILED


def failed_outcome(run: RangeRun, run_id: str, failures: Sequence[dg.DagsterEvent]) -> RunOutcome:
    """What a failed run's step failures say."""
    error, bad = why_failed(failures)
    assets = tuple(str(event.step_key) for event in failures)
    return RunOutcome(run, run_id, error=error, failed_assets=assets, bad_partitions=tuple(bad))


def why_failed(failures: Sequence[dg.DagsterEvent]) -> tuple[str, list[str]]:
    """The first reason among step failures, and the partitions that they name."""
    return next(_messages(failures), NO_STEP_FAILED), list(_bad_partitions(failures))


def _messages(failures: Sequence[dg.DagsterEvent]) -> Iterator[str]:
    for event in failures:
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            yield data.user_failure_data.description
        elif data.error:
            yield (data.error.cause or data.error).message.strip()


def _bad_partitions(failures: Sequence[dg.DagsterEvent]) -> Iterator[str]:
    for event in failures:
        user_data = event.step_failure_data.user_failure_data
        if user_data and BAD_PARTITIONS in user_data.metadata:
            bad = user_data.metadata[BAD_PARTITIONS].value
            yield from bad if isinstance(bad, list) else ()


def end(instance: DagsterInstance, run: dg.DagsterRun, why: str) -> None:
    """Mark a run as failed, or canceled, whose process is gone, and free its places in pools."""
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message="The process that ran it ended.")
    else:
        instance.report_run_failed(run, why)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def report_orphans(instance: DagsterInstance) -> list[str]:
    """Mark runs as failed, or canceled, that a process had begun and nobody executes any more; their ids.

    Slots of pools that ended runs have left, of whichever process, are freed.
    """
    every = instance.get_runs(filters=dg.RunsFilter(statuses=list(BEGUN)))
    begun = (LAUNCHER_TAG, EXECUTOR_TAG)
    unfinished = [run for run in every if any(alive.is_told(run.tags, tag, run.run_id) for tag in begun)]
    gone = alive.abandoned(instance, [run.run_id for run in unfinished])
    orphans = [run for run in unfinished if run.run_id in gone]
    for run in orphans:
        end(instance, run, "The process that ran it ended without finishing it.")
    storage = instance.event_log_storage
    with_slots = list(storage.get_concurrency_run_ids())
    known = instance.get_runs(filters=dg.RunsFilter(run_ids=with_slots)) if with_slots else []
    for run_id in set(with_slots) - {run.run_id for run in known if not run.is_finished}:
        storage.free_concurrency_slots_for_run(run_id)
    return [run.run_id for run in orphans]
