"""Jobs that users of the API ask for: their first runs are put into Dagster's queue, the rest follows.

A job is the runs that share a tag. The daemon executes them; what comes after a layer, and what of a layer
was not put into the queue, is requested by the sensor here: a job goes on whether the API runs or not.
"""

from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import DagsterEvent

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.automation import jobs, report_files, run_requests
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.partitions.keys import range_of
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import execute
from sigmasight_dagster.runs.batches import Asked, steps
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.tags import (
    ASKED_BY_TAG,
    BATCH_TAG,
    JOB_TAG,
    REFETCH_TAG,
    REPORT_FORMATS_TAG,
    REQUEST_TAG,
)


def tags_of(job_id: str, email: str, asked: Asked) -> dict[str, str]:
    """What the runs of a job share."""
    return {JOB_TAG: job_id, BATCH_TAG: asked.batch, ASKED_BY_TAG: email, REQUEST_TAG: asked.text()}


def ask(
    instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    layer: Sequence[RangeRun],
    asked: Asked,
    email: str,
    formats: Sequence[str] = (),
    stopping: Callable[[], bool] | None = None,
) -> tuple[str, Callable[[], None]]:
    """Put the first run of a job into the queue: the job's id, and what puts the others of the layer there.

    To store a run of a year takes Dagster a second, and years of history lack at a portfolio's first run.

    :param formats: files of reports that the runs write too.
    :param stopping: asked before each of the others: then the sensor puts those there that are left.
    """
    job_id = uuid4().hex
    tags = tags_of(job_id, email, asked)
    if formats:
        tags[REPORT_FORMATS_TAG] = ",".join(formats)
    first, *others = layer
    first_id = queue(instance, definitions, first, tags)

    def rest() -> None:
        for run in others:
            if stopping and stopping():
                return
            begun = instance.get_run_by_id(first_id)
            if begun is not None and begun.status is not dg.DagsterRunStatus.CANCELED:
                queue(instance, definitions, run, tags)

    return job_id, rest


def queue(
    instance: dg.DagsterInstance, definitions: dg.Definitions, run: RangeRun, tags: Mapping[str, str]
) -> str:
    """Put a run into the queue, as the UI does; its id. The daemon launches it in a process of its own."""
    with_files = REPORT_FORMATS_TAG in tags
    name = report_files.NAME if with_files else jobs.PORTFOLIO if run.portfolios else jobs.MARKET
    refetch = {REFETCH_TAG: "true"} if run.refetch else {}
    made = execute.create(
        InMemoryJob(definitions.resolve_job_def(name)),
        execute.new_run_id(),
        instance,
        [dg.AssetKey(table) for table in (*run.table_names, *([report_files.NAME] if with_files else []))],
        {**run.tags, **refetch, execute.REPOSITORY_TAG: execute.REPOSITORY, **tags},
        {},
    )
    instance.report_dagster_event(DagsterEvent.job_enqueue(made), run_id=made.run_id)
    return made.run_id


def reach(settings: Settings, runs: Sequence[RangeRun]) -> bool:
    """Let partitions reach as far back as runs do; whether definitions have to be built anew."""
    return starts.reach(settings.home, runs) is not None


def next_requests(workspace: Workspace, run: dg.DagsterRun) -> list[dg.RunRequest] | dg.SkipReason:
    """What follows on a run of a job, when every run of it so far has succeeded: what lacks of a layer."""
    text, job_id = run.tags.get(REQUEST_TAG), run.tags.get(JOB_TAG)
    if text is None or job_id is None:
        return dg.SkipReason(f"run {run.run_id}: nobody asked for it through the API")
    asked = Asked.read(text)
    others = workspace.instance.get_runs(filters=dg.RunsFilter(tags={JOB_TAG: job_id}))
    if any(other.status is not dg.DagsterRunStatus.SUCCESS for other in others):
        return dg.SkipReason(f"job {job_id}: another run of it has not succeeded")
    made = {(frozenset(other.asset_selection or ()), range_of(other.tags)) for other in others}
    try:
        layers = steps(workspace, asked)
    except SigmaSightError as error:
        return dg.SkipReason(f"job {job_id}: {error}")
    ahead = ([item for item in layer if _key(item) not in made] for layer in layers)
    left = next(filter(None, ahead), [])
    if not left:
        return dg.SkipReason(f"job {job_id}: is done")
    tags = tags_of(job_id, run.tags[ASKED_BY_TAG], asked)
    keys = [f"{job_id}:{item.assets[0].name}:{item.range_tags}" for item in left]
    return [run_requests.of_run(item, key, tags) for item, key in zip(left, keys, strict=True)]


def _key(run: RangeRun) -> tuple[frozenset[dg.AssetKey], tuple[str, str] | None]:
    return frozenset(dg.AssetKey(name) for name in run.table_names), range_of(run.range_tags)


def build(settings: Settings) -> dg.SensorDefinition:
    """The sensor for one set of settings."""

    @dg.run_status_sensor(
        name="asked_jobs",
        run_status=dg.DagsterRunStatus.SUCCESS,
        monitored_jobs=list(jobs.JOBS),
        request_jobs=list(jobs.JOBS),
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "When the runs of a layer of a job that was asked for through the API have succeeded: its next "
            "layer, market data before what follows from them, the portfolios last; what a server that was "
            "stopped has not put into the queue."
        ),
    )
    def asked_jobs(
        context: dg.RunStatusSensorContext, platform: dg.ResourceParam[Platform]
    ) -> dg.SensorResult | dg.SkipReason:
        if JOB_TAG not in context.dagster_run.tags:
            return dg.SkipReason(f"run {context.dagster_run.run_id}: nobody asked for it through the API")
        found = next_requests(Workspace(settings, platform, context.instance), context.dagster_run)
        return found if isinstance(found, dg.SkipReason) else dg.SensorResult(run_requests=found)

    return asked_jobs
