"""Jobs as their users see them: how one begins, which there are, how far each is."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Final

import dagster as dg

from sigmasight_dagster.api.bodies.jobs import Job, JobRun, State
from sigmasight_dagster.api.errors import Problem
from sigmasight_dagster.api.services import Services
from sigmasight_dagster.automation import asked_jobs
from sigmasight_dagster.runs.batches import BATCHES, Asked, made_last, steps
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.tags import ASKED_BY_TAG, BATCH_TAG, JOB_TAG, REQUEST_TAG
from sigmasight_dagster.warehouse.access.users import User

MOST_UNFINISHED: Final = 10
"""Jobs of one user that may wait or run at once."""
MOST_SHOWN: Final = 100
_READ_AT_ONCE: Final = 100
_DAEMON: Final = "QUEUED_RUN_COORDINATOR"
_ALIVE_SECONDS: Final = 120
_WAITS: Final = "no daemon takes runs from the queue: it waits until `sigmasight dev` runs"
_STATES: Final[dict[dg.DagsterRunStatus, State]] = {
    dg.DagsterRunStatus.SUCCESS: "succeeded",
    dg.DagsterRunStatus.FAILURE: "failed",
    dg.DagsterRunStatus.CANCELED: "canceled",
    dg.DagsterRunStatus.QUEUED: "queued",
    dg.DagsterRunStatus.NOT_STARTED: "queued",
}


def begin(
    use: Services, user: User, asked: Asked, formats: tuple[str, ...] = ()
) -> tuple[Job, Callable[[], None]]:
    """A job, and what puts those of its first runs into the queue that are not there yet.

    :param formats: files of reports that it writes. :raises Problem: 409 when the user has too many jobs.
    """
    workspace = use.workspaces.open()
    instance = workspace.instance
    waiting = unfinished(instance, user)
    if len(waiting) >= MOST_UNFINISHED:
        raise Problem(409, f"{len(waiting)} of your jobs are not done: wait for one, or cancel it")
    layers = steps(workspace, asked)
    if asked_jobs.reach(use.settings, [run for layer in layers for run in layer]):
        use.workspaces.forget_definitions()
    definitions = use.workspaces.definitions()
    job_id, rest = asked_jobs.ask(
        instance, definitions, layers[0], asked, user.email, formats, use.stopping.is_set
    )
    return job_of(instance, job_id, user), rest


def _whose(user: User) -> dict[str, str | list[str]]:
    """Tags of the runs of jobs that the user may see."""
    return {BATCH_TAG: list(BATCHES)} if user.role == "admin" else {ASKED_BY_TAG: user.email}


def unfinished(instance: dg.DagsterInstance, user: User) -> list[str]:
    """Ids of jobs that the user may see with runs that have not ended, the newest first."""
    filters = dg.RunsFilter(tags=_whose(user), statuses=list(UNFINISHED))
    runs = instance.get_runs(filters=filters, limit=MOST_SHOWN)
    return list(dict.fromkeys(run.tags[JOB_TAG] for run in runs))


def first_runs(instance: dg.DagsterInstance, user: User, after: str | None) -> Iterator[dg.DagsterRun]:
    """The first run of each job that the user may see, the newest job first: a job has one place.

    :param after: run id of the one before; None = from the newest on.
    """
    firsts: dict[str, str] = {}
    while True:
        runs = instance.get_runs(dg.RunsFilter(tags=_whose(user)), cursor=after, limit=_READ_AT_ONCE)
        for run in runs:
            job_id = run.tags[JOB_TAG]
            if job_id not in firsts:
                of_job = dg.RunsFilter(tags={JOB_TAG: job_id})
                firsts[job_id] = instance.get_runs(of_job, limit=1, ascending=True)[0].run_id
            if run.run_id == firsts[job_id]:
                yield run
        if len(runs) < _READ_AT_ONCE:
            return
        after = runs[-1].run_id


def job_of(instance: dg.DagsterInstance, job_id: str, user: User) -> Job:
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
    waits = state == "queued" and not daemon_runs(instance)
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


def daemon_runs(instance: dg.DagsterInstance) -> bool:
    beat = instance.get_daemon_heartbeats().get(_DAEMON)
    return beat is not None and utc_now().timestamp() - beat.timestamp < _ALIVE_SECONDS


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return (
        dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
