"""/system: jobs: computations that are asked for through the API, executed by Dagster's daemon."""

from itertools import islice
from typing import Annotated, Any, Final

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from fastapi import APIRouter, BackgroundTasks, Path, Query, Request, Response
from pydantic import Field
from starlette.convertors import StringConvertor, register_url_convertor

from sigmasight_dagster import session_dates
from sigmasight_dagster.api.bodies.jobs import Job, JobRun, RunResult, Schedule
from sigmasight_dagster.api.callers import Editor, Reader, visible
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.jobs import MOST_SHOWN, begin, daemon_runs, first_runs, job_of, unfinished
from sigmasight_dagster.api.paging import LINKED, Cursor, next_page, no_cursor, texts_of
from sigmasight_dagster.api.routes.management import Day
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Word
from sigmasight_dagster.runs import execute
from sigmasight_dagster.runs.batches import BATCHES, MARKET_DATA, Asked
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.tags import JOB_TAG

router = APIRouter(prefix="/system", tags=["system"])

MOST_SESSIONS: Final = 260
_CHANGES: Final = described(400, 401, 403, 404, 409, 413, 422, 429, 503)
_READS: Final = described(401, 404, 422, 429, 503)

Batch = Annotated[str, Path(json_schema_extra={"enum": list(BATCHES)}, examples=["run-all"])]
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class Wanted(Body):
    """What is to be computed."""

    start_date: Day | None = Field(default=None, description="First session; default: the newest with data")
    end_date: Day | None = Field(default=None, description="Last session; default: the first")
    portfolios: list[Word] = Field(
        default_factory=list, max_length=1000, description="Own ones; default: all of them"
    )


class _BatchName(StringConvertor):
    """What may be asked for: not the names of what is read there, to which a POST is told 405."""

    regex = "(?!(?:history|schedule|status)$)[^/]+"


register_url_convertor("batch", _BatchName())


@router.post("/batch/{batch:batch}", status_code=202, summary="Compute something: a job", responses=_CHANGES)
def ask(batch: Batch, body: Wanted, user: Editor, use: Use, tasks: BackgroundTasks) -> Job:
    """Its runs are put into Dagster's queue; without a daemon they wait there, and `detail` says so."""
    if batch not in BATCHES:
        raise Problem(404, f"no such batch: use one of {', '.join(BATCHES)}")
    names = tuple(visible(user, name) for name in body.portfolios) or user.portfolios
    if batch == MARKET_DATA:
        names = ()
    elif not names:
        raise Problem(409, "you have no portfolio to compute")
    last = f"{session_dates.bounds(use.settings, utc_now())[1]:%Y-%m-%d}"
    first = body.start_date or last
    dates = session_dates.trading_range(first, body.end_date or first, use.settings, utc_now())
    if len(dates) > MOST_SESSIONS:
        raise Problem(422, f"{len(dates)} sessions: ask for {MOST_SESSIONS} at most")
    begun, rest = begin(use, user, Asked(batch, dates, names))
    tasks.add_task(rest)
    return begun


@router.get("/batch/status", summary="What waits and runs", responses=described(401, 429, 503))
def batch_status(user: Reader, use: Use) -> dict[str, Any]:
    """Unfinished jobs of the caller, and whether a daemon takes runs from the queue."""
    instance = use.workspaces.open().instance
    waiting = unfinished(instance, user)
    return {
        "daemon_running": daemon_runs(instance),
        "jobs": [job_of(instance, name, user) for name in waiting],
    }


@router.get(
    "/batch/history", summary="Jobs, the newest first", responses=LINKED | described(401, 422, 429, 503)
)
def batch_history(
    request: Request,
    response: Response,
    user: Reader,
    use: Use,
    limit: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = 20,
    cursor: Cursor = "",
) -> list[Job]:
    """Those of the caller; an admin sees everybody's."""
    instance = use.workspaces.open().instance
    (after,) = texts_of(cursor, 1) or (None,)
    if after is not None and instance.get_run_by_id(after) is None:
        raise no_cursor("is of a run that is not there any more: begin with the first page")
    found = list(islice(first_runs(instance, user, after), limit + 1))
    if len(found) > limit:
        response.headers.update(next_page(request, [found[limit - 1].run_id]))
    return [job_of(instance, run.tags[JOB_TAG], user) for run in found[:limit]]


@router.get("/batch/schedule", summary="What runs by itself", responses=described(401, 429, 503))
def batch_schedule(_: Reader, use: Use) -> list[Schedule]:
    """Schedules, and whether they are on."""
    workspace = use.workspaces.open()
    storage = workspace.instance.schedule_storage
    changed = storage.all_instigator_state(instigator_type=InstigatorType.SCHEDULE) if storage else ()
    states = {state.instigator_name: state.is_running for state in changed}
    return [
        Schedule(
            name=item.name,
            cron=str(item.cron_schedule),
            timezone=item.execution_timezone or "UTC",
            running=states.get(item.name, item.default_status is dg.DefaultScheduleStatus.RUNNING),
            description=item.description or "",
        )
        for item in use.workspaces.definitions().schedules or ()
        if isinstance(item, dg.ScheduleDefinition)
    ]


@router.get("/jobs/{job_id}", summary="A job", responses=_READS)
def job(job_id: JobId, user: Reader, use: Use) -> Job:
    """Its state and its runs."""
    return job_of(use.workspaces.open().instance, job_id, user)


@router.get("/jobs/{job_id}/result", summary="What a job has done", responses={**_READS, **described(409)})
def job_result(job_id: JobId, user: Reader, use: Use) -> list[RunResult]:
    """For each run: what it published, or why it failed. 409 while the job is not done."""
    instance = use.workspaces.open().instance
    found = job_of(instance, job_id, user)
    if found.state in ("queued", "running"):
        raise Problem(409, f"job {job_id} is {found.state}: ask again later")
    return [_result(use, instance, run) for run in found.runs]


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=_CHANGES)
def cancel(job_id: JobId, user: Editor, use: Use) -> Job:
    """What waits does not start; what runs stops before its next publication. What is published stays."""
    instance = use.workspaces.open().instance
    job_of(instance, job_id, user)
    filters = dg.RunsFilter(tags={JOB_TAG: job_id}, statuses=list(UNFINISHED))
    for run in instance.get_runs(filters=filters):
        said = f"Canceled by {user.email} through the API."
        if run.status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED):
            instance.report_run_canceling(run, message=said)
            instance.report_run_canceled(run, message=said)
        elif run.status is not dg.DagsterRunStatus.CANCELING:
            instance.run_coordinator.cancel_run(run.run_id)
    return job_of(instance, job_id, user)


def _result(use: Services, instance: dg.DagsterInstance, run: JobRun) -> RunResult:
    error = ""
    bad: list[str] = []
    if run.state == "failed":
        logs = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        failures = [entry.dagster_event for entry in logs if entry.dagster_event]
        error, bad = execute.why_failed(failures)
    return RunResult(
        run_id=run.run_id,
        state=run.state,
        published_partitions=use.warehouse.count_published(run.run_id),
        error=error,
        bad_partitions=bad,
    )
