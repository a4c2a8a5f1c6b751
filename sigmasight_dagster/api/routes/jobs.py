"""/system: jobs: computations that are asked for through the API, executed by Dagster's daemon."""

import datetime as dt
from typing import Annotated, Any, Final, Literal

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from sigmasight_dagster import session_dates
from sigmasight_dagster.api.callers import Editor, Reader, visible
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.routes.management import Day
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Word
from sigmasight_dagster.automation import asked_jobs
from sigmasight_dagster.runs import execute
from sigmasight_dagster.runs.batches import BATCHES, MARKET_DATA, Asked, made_last, steps
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.tags import ASKED_BY_TAG, BATCH_TAG, JOB_TAG, REQUEST_TAG
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/system", tags=["system"])

MOST_SESSIONS: Final = 260
MOST_UNFINISHED: Final = 10
"""Jobs of one user that may wait or run at once."""
MOST_SHOWN: Final = 100
_DAEMON: Final = "QUEUED_RUN_COORDINATOR"
_ALIVE_SECONDS: Final = 120
_CHANGES: Final = described(400, 401, 403, 404, 409, 413, 422, 429, 503)
_READS: Final = described(401, 404, 422, 429, 503)
_WAITS: Final = "no daemon takes runs from the queue: it waits until `sigmasight dev` runs"

Batch = Annotated[str, Path(json_schema_extra={"enum": list(BATCHES)}, examples=["run-all"])]
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
State = Literal["queued", "running", "succeeded", "failed", "canceled"]
_STATES: Final[dict[dg.DagsterRunStatus, State]] = {
    dg.DagsterRunStatus.SUCCESS: "succeeded",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "canceled",
    dg.DagsterRunStatus.QUEUED: "queued",
    dg.DagsterRunStatus.NOT_STARTED: "queued",
}


class Wanted(Body):
    """What is to be computed."""

    start_date: Day | None = Field(default=None, description="First session; default: the newest with data")
    end_date: Day | None = Field(default=None, description="Last session; default: the first")
    portfolios: list[Word] = Field(
        default_factory=list, max_length=1000, description="Own ones; default: all of them"
    )


class JobRun(BaseModel):
    """One Dagster run of a job."""

    run_id: str
    state: State
    tables: list[str]
    created_at: str
    started_at: str | None
    ended_at: str | None


class Job(BaseModel):
    """A job and its runs so far; run-all may have more layers to come."""

    job_id: str
    batch: str
    state: State
    detail: str = Field(description="What it waits for; empty = nothing")
    start_date: str
    end_date: str
    portfolios: list[str]
    runs: list[JobRun]


class RunResult(BaseModel):
    """What a run has done."""

    run_id: str
    state: State
    published_partitions: int = Field(description="Partitions of tables that are published as it made them")
    error: str = Field(description="Why it failed; empty = it did not")
    bad_partitions: list[str]


class Schedule(BaseModel):
    """A schedule of daily operation."""

    name: str
    cron: str
    timezone: str
    running: bool
    description: str


@router.post("/batch/{batch}", status_code=202, summary="Compute something: a job", responses=_CHANGES)
def ask(batch: Batch, body: Wanted, user: Editor, use: Use) -> Job:
    """Its runs are put into Dagster's queue; without a daemon they wait there, and `detail` says so."""
    if batch not in BATCHES:
        raise Problem(404, f"no such batch: use one of {', '.join(BATCHES)}")
    names = tuple(visible(user, name) for name in body.portfolios) or user.portfolios
    if batch == MARKET_DATA:
        names = ()
    elif not names:
        raise Problem(409, "you have no portfolio to compute")
    settings, workspace = use.settings, use.workspaces.open()
    last = f"{session_dates.bounds(settings, utc_now())[1]:%Y-%m-%d}"
    first = body.start_date or last
    dates = session_dates.trading_range(first, body.end_date or first, settings, utc_now())
    if len(dates) > MOST_SESSIONS:
        raise Problem(422, f"{len(dates)} sessions: ask for {MOST_SESSIONS} at most")
    waiting = _jobs(workspace.instance, user, tuple(UNFINISHED))
    if len(waiting) >= MOST_UNFINISHED:
        raise Problem(409, f"{len(waiting)} of your jobs are not done: wait for one, or cancel it")
    asked = Asked(batch, dates, names)
    if asked_jobs.reach(settings, [run for layer in steps(workspace, asked) for run in layer]):
        use.workspaces.forget_definitions()
    job_id, _ = asked_jobs.ask(workspace, use.workspaces.definitions(), asked, user.email)
    return _job(workspace.instance, job_id, user)


@router.get("/batch/status", summary="What waits and runs", responses=described(401, 429, 503))
def batch_status(user: Reader, use: Use) -> dict[str, Any]:
    """Unfinished jobs of the caller, and whether a daemon takes runs from the queue."""
    instance = use.workspaces.open().instance
    waiting = _jobs(instance, user, tuple(UNFINISHED))
    return {
        "daemon_running": _daemon_runs(instance),
        "jobs": [_job(instance, name, user) for name in waiting],
    }


@router.get("/batch/history", summary="Jobs, the newest first", responses=described(401, 429, 503))
def batch_history(user: Reader, use: Use) -> list[Job]:
    """Those of the caller; an admin sees everybody's."""
    instance = use.workspaces.open().instance
    return [_job(instance, name, user) for name in _jobs(instance, user, ())]


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
    return _job(use.workspaces.open().instance, job_id, user)


@router.get("/jobs/{job_id}/result", summary="What a job has done", responses={**_READS, **described(409)})
def job_result(job_id: JobId, user: Reader, use: Use) -> list[RunResult]:
    """For each run: what it published, or why it failed. 409 while the job is not done."""
    instance = use.workspaces.open().instance
    found = _job(instance, job_id, user)
    if found.state in ("queued", "running"):
        raise Problem(409, f"job {job_id} is {found.state}: ask again later")
    return [_result(use, instance, run) for run in found.runs]


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=_CHANGES)
def cancel(job_id: JobId, user: Editor, use: Use) -> Job:
    """What waits does not start; what runs stops before its next publication. What is published stays."""
    instance = use.workspaces.open().instance
    _job(instance, job_id, user)
    filters = dg.RunsFilter(tags={JOB_TAG: job_id}, statuses=list(UNFINISHED))
    for run in instance.get_runs(filters=filters):
        said = f"Canceled by {user.email} through the API."
        if run.status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED):
            instance.report_run_canceling(run, message=said)
            instance.report_run_canceled(run, message=said)
        elif run.status is not dg.DagsterRunStatus.CANCELING:
            instance.run_coordinator.cancel_run(run.run_id)
    return _job(instance, job_id, user)


def _jobs(instance: dg.DagsterInstance, user: User, statuses: tuple[dg.DagsterRunStatus, ...]) -> list[str]:
    """Ids of jobs that the user may see, newest first, of the last runs."""
    whose = {BATCH_TAG: list(BATCHES)} if user.role == "admin" else {ASKED_BY_TAG: user.email}
    filters = dg.RunsFilter(tags=whose, statuses=list(statuses) or None)
    runs = instance.get_runs(filters=filters, limit=MOST_SHOWN)
    return list(dict.fromkeys(run.tags[JOB_TAG] for run in runs))


def _job(instance: dg.DagsterInstance, job_id: str, user: User) -> Job:
    """:raises Problem: 404 where there is none that the user may see."""
    records = instance.get_run_records(filters=dg.RunsFilter(tags={JOB_TAG: job_id}), ascending=True)
    owner = records[0].dagster_run.tags[ASKED_BY_TAG] if records else None
    if owner is None or (user.role != "admin" and owner != user.email):
        raise Problem(404, f"there is no job {job_id} that you may see")
    tags = records[0].dagster_run.tags
    asked = Asked.read(tags[REQUEST_TAG])
    runs = [
        JobRun(
            run_id=record.dagster_run.run_id,
            state=_STATES.get(record.dagster_run.status, "running"),
            tables=sorted(key.to_user_string() for key in record.dagster_run.asset_selection or ()),
            created_at=_moment(record.create_timestamp.timestamp()) or "",
            started_at=_moment(record.start_time),
            ended_at=_moment(record.end_time),
        )
        for record in records
    ]
    last = any(made_last(record.dagster_run, asked) for record in records)
    state = _of_runs([run.state for run in runs], last)
    waits = state == "queued" and not _daemon_runs(instance)
    return Job(
        job_id=job_id,
        batch=tags[BATCH_TAG],
        state=state,
        detail=_WAITS if waits else "",
        start_date=f"{asked.dates[0]:%Y-%m-%d}",
        end_date=f"{asked.dates[-1]:%Y-%m-%d}",
        portfolios=list(asked.portfolios),
        runs=runs,
    )


def _of_runs(states: list[State], last: bool) -> State:
    """The state of a job: what has not ended counts first, then what went wrong.

    :param last: whether its last layer is among the runs; else the sensor asks for the next one.
    """
    order: tuple[State, ...] = ("running", "queued", "failed", "canceled")
    found = next((state for state in order if state in states), None)
    if found == "queued" and "succeeded" in states:
        return "running"
    return found or ("succeeded" if last else "running")


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


def _daemon_runs(instance: dg.DagsterInstance) -> bool:
    beat = instance.get_daemon_heartbeats().get(_DAEMON)
    return beat is not None and utc_now().timestamp() - beat.timestamp < _ALIVE_SECONDS


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return (
        dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
