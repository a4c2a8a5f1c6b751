"""/export: published rows, reports and trades as files. Who took what is kept in `activity`."""

import datetime as dt
import shutil
from pathlib import Path as FilePath
from tempfile import mkdtemp
from typing import Annotated, Any, Final, Literal

import pandas as pd
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from sigmasight_dagster.api.answers.declaration import Date
from sigmasight_dagster.api.answers.validators import marks, marks_known
from sigmasight_dagster.api.bodies.export import (
    MEDIA,
    TRADE_FORMATS,
    Exported,
    ReportForm,
    ReportStatus,
    Templates,
    TradeList,
)
from sigmasight_dagster.api.bodies.modeling import Text, moment
from sigmasight_dagster.api.callers import Portfolio, Reader, visible
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.paging import LINKED, Cursor, next_page, no_cursor, texts_of
from sigmasight_dagster.api.routes.modeling import calculated_document
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.reports.download import dates_of, download, of_portfolios
from sigmasight_dagster.reports.table_export import FORMATS, Selection, exportable, portfolio_tables
from sigmasight_dagster.warehouse.access.activity import Done, exported, note
from sigmasight_dagster.warehouse.access.users import User
from sigmasight_dagster.warehouse.answers.report import stored_document
from sigmasight_dagster.what_if import trade_files
from sigmasight_dagster.what_if.documents import from_document

router = APIRouter(prefix="/export", tags=["export"])

_FAILS: Final = (401, 404, 422, 429, 503)
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The file",
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA.values()},
    }
}
Form = Literal[FORMATS]  # type: ignore[valid-type]
ReportId = Annotated[
    str,
    Path(pattern=r"^[a-z0-9_-]{1,63}_\d{4}-\d{2}-\d{2}$", examples=["individual_2022-12-28"]),
]


@router.get("/templates", summary="What can be exported", responses=described(401, 429, 503))
async def templates(_: Reader) -> Templates:
    """Tables and forms, by the endpoint that takes them."""
    tables = [name for name, model in exportable().items() if model in portfolio_tables()]
    return Templates(
        tables=tables,
        table_formats=list(FORMATS),
        report_formats=list(portfolio_report.FORMATS),
        trade_formats=list(TRADE_FORMATS),
    )


@router.get(
    "/portfolio/{portfolio}",
    response_class=Response,
    summary="Published rows as a file",
    responses=_FILE | described(*_FAILS),
)
async def portfolio_file(
    request: Request,
    portfolio: Portfolio,
    user: Reader,
    use: Use,
    form: Annotated[Form, Query(alias="format")] = "csv",
    table: Annotated[list[Text] | None, Query(max_length=100, description="Default: every one")] = None,
    date: Annotated[Date | None, Query(description="Default: the newest")] = None,
    first: Annotated[Date | None, Query(alias="from")] = None,
    last: Annotated[Date | None, Query(alias="to")] = None,
) -> Response:
    """One table is a file, several are a zip of them. A cell of a file is a cell of the table."""
    if date and (first or last):
        raise Problem(422, "date is one date, from and to are a range: give one or the other")
    start, end = (None if day is None else pd.Timestamp(day) for day in (date or first, date or last))
    models = list(of_portfolios(table, exportable())) if table else portfolio_tables()
    folder = FilePath(mkdtemp(prefix="sigmasight-export-"))
    try:
        between = await to_thread.run_sync(dates_of, use.warehouse, portfolio, start, end)
        chosen = Selection((portfolio,), between)
        path = await use.calculations.run(download, use.warehouse, chosen, models, form, folder)
        await _note(request, use, user)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return FileResponse(
        path,
        headers={"As-Of-Date": f"{between[1]:%Y-%m-%d}", "Cache-Control": "private, no-store"},
        media_type=MEDIA[path.suffix[1:]],
        filename=path.name,
        background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
    )


@router.get(
    "/reports/{report_id}/status",
    summary="Whether a report is stored",
    responses=described(*_FAILS),
)
async def report_status(report_id: ReportId, user: Reader, use: Use) -> ReportStatus:
    """A report's id is its portfolio, '_' and its date."""
    portfolio, date = _report(user, report_id)
    found = await stored_document(use.pool, portfolio, date.date(), None)
    status: Any = "missing" if found is None else "outdated" if found.outdated else "stored"
    return ReportStatus(
        report_id=report_id, portfolio=portfolio, report_date=f"{date:%Y-%m-%d}", status=status
    )


@router.get(
    "/reports/{report_id}/download",
    response_class=Response,
    summary="A stored report as a file",
    responses=_FILE | {304: {"description": "What the caller has is the same"}} | described(409, *_FAILS),
)
async def report_file(
    report_id: ReportId,
    request: Request,
    user: Reader,
    use: Use,
    form: Annotated[ReportForm, Query(alias="format")] = "html",
) -> Response:
    """The report that is stored, as Markdown, JSON, CSV, HTML or Excel."""
    portfolio, date = _report(user, report_id)
    there = await stored_document(use.pool, portfolio, date.date(), None)
    cure = "make it: POST /export/reports/generate"
    if there is None:
        raise Problem(404, f"no report of portfolio {portfolio} on {date:%Y-%m-%d} is stored: {cure}")
    headers = marks(f"{there.etag}-{form}", there.date)
    if f"{there.etag}-{form}" in marks_known(request):
        return Response(status_code=304, headers=headers)

    def render() -> bytes | None:
        found = portfolio_report.stored(use.warehouse, portfolio, date)
        return None if found is None else next(iter(portfolio_report.rendered(found, [form]).values()))

    content = await use.calculations.run(render)
    if content is None:
        raise Problem(
            409, f"the report of {date:%Y-%m-%d} is older than what it is made of: {cure}", "outdated"
        )
    await _note(request, use, user)
    return _attached(content, f"{report_id}.{form}", MEDIA[form], headers)


@router.post(
    "/trades",
    response_class=Response,
    summary="Trades of a session as orders",
    responses=_FILE | described(400, 409, 413, *_FAILS),
)
async def trades(body: TradeList, user: Reader, use: Use) -> Response:
    """A trade list that what-if reads, or market orders for the day. Nothing is sent to anybody."""
    if body.session_id is not None:
        name = f"session-{body.session_id}"
        rows = from_document(await calculated_document(use, user, body.session_id))
    else:
        name = str(body.saved)
        rows = await to_thread.run_sync(_saved, use, user, name)
    header = None if body.fix is None else trade_files.FixSession(**body.fix.model_dump())
    made = await to_thread.run_sync(
        trade_files.trade_file, rows, body.format, name, pd.Timestamp.now(tz="UTC"), header
    )
    ending = trade_files.ENDINGS[body.format]
    return _attached(made.encode(), f"{name}.{ending}", MEDIA[ending], {"Cache-Control": "private, no-store"})


@router.get("/history", summary="What you exported", responses=LINKED | described(401, 422, 429, 503))
async def history(
    request: Request,
    response: Response,
    user: Reader,
    use: Use,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = "",
) -> list[Exported]:
    """The newest first; an admin sees everybody's."""
    whose = None if user.role == "admin" else user.email
    rows = await exported(use.pool, whose, limit + 1, _place(cursor))
    if len(rows) > limit:
        last = rows[limit - 1]
        response.headers.update(next_page(request, [last.occurred_at.isoformat(), last.activity_id]))
    return [
        Exported(
            occurred_at=moment(row.occurred_at),
            action=row.action,
            target=row.target,
            request_id=row.request_id,
        )
        for row in rows[:limit]
    ]


def _place(cursor: str) -> tuple[dt.datetime, str] | None:
    cells = texts_of(cursor, 2)
    try:
        return (dt.datetime.fromisoformat(cells[0]), cells[1]) if cells else None
    except ValueError:
        raise no_cursor("has no moment: take the path of the Link header as it is") from None


def _saved(use: Services, user: User, name: str) -> Any:
    sessions = use.warehouse.what_if_sessions().set_index("session")["portfolio"]
    if name not in sessions.index or sessions[name] not in user.portfolios:
        raise Problem(404, f"there is no saved session {name!r} of your portfolios", "unknown_session")
    return use.warehouse.what_if(name)


def _report(user: User, report_id: str) -> tuple[str, pd.Timestamp]:
    """The portfolio and date of a report's id."""
    portfolio, _, text = report_id.rpartition("_")
    try:
        date = pd.Timestamp(text)
    except ValueError:
        raise Problem(422, f"report {report_id}: there is no date {text}") from None
    return visible(user, portfolio), date


async def _note(request: Request, use: Services, user: User) -> None:
    """That a file left: reading is noted where it takes data out."""
    state, host = request.state, request.client.host if request.client else ""
    action = f"GET {request.scope['route'].path}"
    target = f"{request.url.path}?{request.url.query}".replace("\0", "")[:500]
    await note(use.pool, Done(user.email, action, target, 200, state.request_id, host))


def _attached(content: bytes, name: str, media: str, headers: dict[str, str]) -> Response:
    attached = {**headers, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=attached, media_type=media)
