"""/export: reports that are made: once, as a job, or again and again, as standing orders."""

from typing import Annotated, Final

import pandas as pd
from fastapi import APIRouter, Path, Request

from sigmasight_core.errors import InputError
from sigmasight_dagster import session_dates
from sigmasight_dagster.api.bodies.export import Generate, Generating, Order, Ordered
from sigmasight_dagster.api.bodies.modeling import moment
from sigmasight_dagster.api.callers import Editor, Reader, visible
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.jobs import begin
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.runs.batches import REPORTS, Asked
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.warehouse.access.report_schedules import (
    MOST_SCHEDULES,
    ReportSchedule,
    add_schedules,
    remove_schedule,
    schedules_of,
)
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/export/reports", tags=["export"])

_CHANGES: Final = described(400, 401, 403, 404, 409, 413, 422, 429, 503)
ScheduleId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


@router.post("/generate", status_code=202, summary="Make reports: a job", responses=_CHANGES)
def generate(body: Generate, user: Editor, use: Use) -> Generating:
    """From what is published, in place of those that are stored; `GET /system/jobs/{job_id}` follows it."""
    names = _named(user, body.portfolios)
    date = _with_results(use, names, None if body.date is None else f"{body.date}")
    formats = tuple(dict.fromkeys(body.formats))
    job, rest = begin(use, user, Asked(REPORTS, pd.DatetimeIndex([date]), names), formats)
    rest()
    return Generating(job=job, report_ids=[f"{name}_{date:%Y-%m-%d}" for name in names])


@router.post("/schedule", status_code=201, summary="Order reports for each period", responses=_CHANGES)
async def order(body: Order, user: Editor, request: Request, use: Use) -> list[Ordered]:
    """Their files are written on the server when a period's last session is published; the first at once.

    One order for each portfolio. It rests while its user may not see the portfolio.
    """
    names = _named(user, body.portfolios)
    formats = list(dict.fromkeys(body.formats))
    made = await add_schedules(use.pool, user, names, body.period, formats, request.state.request_id)
    if not made:
        raise Problem(409, f"with these you would have more than {MOST_SCHEDULES} orders: take some back")
    return list(map(_shown, made))


@router.get("/schedule", summary="Orders of reports", responses=described(401, 429, 503))
async def orders(user: Reader, use: Use) -> list[Ordered]:
    """Those of the caller, the oldest first; an admin sees everybody's."""
    return list(map(_shown, await schedules_of(use.pool, user)))


@router.delete("/schedule/{schedule_id}", status_code=204, summary="Take an order back", responses=_CHANGES)
async def take_back(schedule_id: ScheduleId, user: Editor, use: Use) -> None:
    """An own one; an admin anybody's. Files that were written stay."""
    if not await remove_schedule(use.pool, user, schedule_id):
        raise Problem(404, f"there is no order {schedule_id} that you may see")


def _named(user: User, names: list[str]) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(visible(user, name) for name in names)) or user.portfolios
    if not chosen:
        raise Problem(409, "you have no portfolio to report of")
    return chosen


def _with_results(use: Services, names: tuple[str, ...], date: str | None) -> pd.Timestamp:
    """The date of the reports. :raises Problem: 409 when results of it lack."""
    day = None if date is None else session_dates.trading_date(date, use.settings, utc_now())
    try:
        if day is None:
            day = min(portfolio_report.newest_date(use.warehouse, name) for name in names)
        for name in names:
            portfolio_report.require_whole(use.warehouse, name, day)
    except InputError as error:
        raise Problem(409, str(error), "not_published") from None
    return day


def _shown(found: ReportSchedule) -> Ordered:
    return Ordered(
        schedule_id=found.schedule_id,
        portfolio=found.portfolio,
        period=found.period,
        formats=list(found.formats),
        ordered_by=found.email,
        ordered_at=moment(found.added_at),
        last_report_date=None if found.last_report_date is None else f"{found.last_report_date}",
        last_run_id=found.last_run,
        written_at=None if found.written_at is None else moment(found.written_at),
    )
