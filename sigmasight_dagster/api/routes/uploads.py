"""/management: files that become portfolios: uploads, their checks, and what is left to do with them."""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.datastructures import UploadFile

from sigmasight_core.errors import SigmaSightError
from sigmasight_core.ledger.portfolio_csv import TEMPLATE
from sigmasight_dagster.api.callers import Editor, Reader
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.records import records
from sigmasight_dagster.api.routes.management import CHANGES, READS, Day, Name, by, refuse_taken
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Word
from sigmasight_dagster.ledger import received
from sigmasight_dagster.ledger.accounts import Stated
from sigmasight_dagster.ledger.received import MOST_ROWS, Sent
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.warehouse.access.uploads import Upload, about_the_file
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/management", tags=["management"])

UploadId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="upload_id of the upload")]
_FILE_NAME: Final = 100
_DEFECT: Final = "the server failed, and its log says why: POST onboarding/{id}/retry, or report it"
_BEFORE: Final = {"stored": "before", "errors": [], "warnings": []}
"""What is found of a file that an attempt stored which did not come to its end."""
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {}, "example": TEMPLATE},  # any text: with a type, `{}` would break it
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


class Options(Body):
    """What is said beside a file, as options of `sigmasight import`."""

    portfolio: Name
    cash: Annotated[float, Field(allow_inf_nan=False)] | None = None
    cash_date: Day | None = None
    margin: bool | None = None
    settlement: Literal["physical", "cash"] | None = None
    benchmark: Word | None = None
    format: Word = Field(default="auto", description="auto, positions, or a broker's preset")
    shares_of: Literal["entry", "today"] = "entry"
    allow_unpriced: bool = False
    allow_short: bool = False
    repeats: Literal["once", "each"] = "once"
    replace: bool = Field(default=False, description="Replace an own portfolio of that name")
    store: bool = Field(default=True, description="false: check it only; onboarding/{id}/complete stores it")


class Uploaded(BaseModel):
    """An upload and its state."""

    upload_id: str
    portfolio: str
    state: Literal["received", "checked", "refused", "stored", "failed"]


class Findings(Uploaded):
    """What the check of an upload found."""

    result: dict[str, Any] = Field(
        description="read_as, positions, cash_usd; errors and warnings: line, column, value, reason"
    )


@router.post(
    "/portfolios/upload",
    status_code=202,
    summary="Send a CSV that becomes a portfolio",
    responses={**CHANGES, **described(415)},
    openapi_extra=_BODY,
)
async def upload(
    request: Request,
    user: Editor,
    use: Use,
    later: BackgroundTasks,
    options: Annotated[Options, Query()],
) -> Uploaded:
    """Positions or a broker's history, 10,000 rows and 10 MB at most. With a bad row nothing is stored."""
    await refuse_taken(use, user, options.portfolio, options.replace)
    file_name, content = await _read(request)
    if content.count("\n") > MOST_ROWS + 1:
        raise Problem(413, f"more than {MOST_ROWS:,} rows: send a file with fewer")
    name, said = options.portfolio, options.model_dump()
    made = await use.uploads.add(user.email, name, file_name, said, content, request.state.request_id)
    later.add_task(_process, use, user, made, options.store)
    return Uploaded(upload_id=made.upload_id, portfolio=name, state="received")


@router.get(
    "/portfolios/upload/{upload_id}",
    summary="State of an upload",
    responses=READS,
)
async def upload_state(upload_id: UploadId, user: Reader, use: Use) -> Uploaded:
    """received, checked, refused, stored, or failed: what a stopped server left undone, POST retry does."""
    found = await _own(use, user, upload_id)
    return Uploaded(upload_id=upload_id, portfolio=found.portfolio, state=found.state)  # type: ignore[arg-type]


@router.get(
    "/portfolios/upload/{upload_id}/results",
    summary="What the check of an upload found",
    responses={**READS, **described(409)},
)
async def upload_results(upload_id: UploadId, user: Reader, use: Use) -> Findings:
    """Each error and warning with line, column and reason; 409 while it is not checked."""
    found = await _own(use, user, upload_id)
    if found.state == "received":
        raise Problem(409, "it is not checked yet: ask again, or POST onboarding/{id}/retry")
    return _findings(found)


@router.get("/onboarding/{upload_id}/preview", summary="Positions of an upload", responses=CHANGES)
async def preview(upload_id: UploadId, user: Reader, use: Use) -> list[dict[str, Any]]:
    """The positions as they would be stored; none while a row is bad."""
    found = await _own(use, user, upload_id)
    _refuse_stored(found)
    checked = await run_in_threadpool(lambda: received.check(use.workspaces.open(), _sent(found)))
    return records(checked.lots)


@router.post("/onboarding/{upload_id}/validate", summary="Check an upload again", responses=CHANGES)
async def validate(upload_id: UploadId, user: Editor, use: Use) -> Findings:
    """Nothing is stored."""
    return await _again(use, user, upload_id, store=False)


@router.post("/onboarding/{upload_id}/complete", summary="Store a checked upload", responses=CHANGES)
async def complete(upload_id: UploadId, user: Editor, use: Use) -> Findings:
    """Checks it again; stored when no row is bad. What it needs computed: POST /system/batch/run-all."""
    return await _again(use, user, upload_id, store=True)


@router.post("/onboarding/{upload_id}/retry", summary="Try an upload again", responses=CHANGES)
async def retry(upload_id: UploadId, user: Editor, use: Use) -> Findings:
    """After a failure or a restart of the server: as it was asked for at first. Nothing is stored twice."""
    found = await _own(use, user, upload_id)
    return await _again(use, user, upload_id, store=bool(found.options["store"]))


@router.get("/templates", summary="Templates of files", responses=described(401, 429, 503))
async def templates(_: Reader) -> list[dict[str, str]]:
    """What an upload may look like."""
    return [{"name": "positions", "media_type": "text/csv", "about": "A list of positions"}]


@router.get(
    "/templates/{name}",
    summary="A template",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}, **described(401, 404, 429, 503)},
)
async def template(_: Reader, name: str) -> Response:
    """As a file."""
    if name != "positions":
        raise Problem(404, "no such template: GET /management/templates")
    return Response(TEMPLATE, media_type="text/csv")


async def _read(request: Request) -> tuple[str, str]:
    """The name and the text of the file. :raises Problem: 415, 422."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    name, data = "upload.csv", b""
    if kind == "multipart/form-data":
        form = await request.form(max_files=1, max_fields=10)
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Problem(422, "the form has no file: send it as the field `file`")
        name, data = file.filename or name, await file.read()
    elif kind == "text/csv":
        data = await request.body()
    else:
        raise Problem(415, "send text/csv, or multipart/form-data with the field `file`")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(422, "the file is not UTF-8: save it as CSV (UTF-8)") from None
    if "\0" in text:
        raise Problem(422, "the file has a NUL character: save it as CSV (UTF-8)")
    kept = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    return kept[:_FILE_NAME] or "upload.csv", text


async def _own(use: Services, user: User, upload_id: str) -> Upload:
    found = await use.uploads.of(user.email, upload_id)
    if found is None:
        raise Problem(404, "you have sent no upload of that id")
    return found


def _refuse_stored(found: Upload) -> None:
    if found.state == "stored":
        raise Problem(409, f"it is stored: GET /management/positions/{found.portfolio}")


async def _again(use: Services, user: User, upload_id: str, store: bool) -> Findings:
    found = await _own(use, user, upload_id)
    _refuse_stored(found)
    await _process(use, user, found, store)
    return _findings(await _own(use, user, upload_id))


async def _process(use: Services, user: User, found: Upload, store: bool) -> None:
    """Check a file, store it if that is asked for, and keep what became of it."""
    said, unseen = by(user, f"upload {found.upload_id}"), found.portfolio not in user.portfolios

    def work(registered: bool) -> tuple[str, dict[str, Any]]:
        workspace = use.workspaces.open()
        if registered and _was_stored(workspace, found, said):
            return "stored", _BEFORE
        if registered and unseen:
            raise Problem(409, f"the name {found.portfolio} cannot be used: choose another")
        checked = received.check(workspace, _sent(found))
        summary = checked.summary
        if checked.account is None:
            return "refused", summary
        if not store:
            return "checked", summary
        replaces = bool(found.options["replace"])
        result, doubts = received.store(
            workspace, checked, replaces=replaces, command=said, owner=user.email if unseen else ""
        )
        return "stored", summary | {"stored": result, "balances": doubts}

    try:
        registered = await use.users.registered(found.portfolio)
        state, result = await run_in_threadpool(work, registered)
    except (SigmaSightError, Problem) as error:
        state, result = "failed", about_the_file(str(error))
    except Exception:
        await use.uploads.say(found.upload_id, "failed", about_the_file(_DEFECT))
        raise
    await use.uploads.say(found.upload_id, state, result)


def _was_stored(workspace: Workspace, found: Upload, said: str) -> bool:
    """Whether the ledger that is registered was made by this upload."""
    changes = workspace.platform.warehouse.ledger_changes(found.portfolio)
    return len(changes) > 0 and bool(changes["command"].iloc[-1] == said)


def _sent(found: Upload) -> Sent:
    options: Mapping[str, Any] = found.options
    stated = Stated(
        cash=options["cash"],
        cash_date=options["cash_date"],
        margin=options["margin"],
        settlement=options["settlement"],
        benchmark=options["benchmark"],
    )
    return Sent(
        found.portfolio,
        found.file_name,
        found.content.encode(),
        stated,
        options["format"],
        options["shares_of"],
        options["allow_unpriced"],
        options["allow_short"],
        options["repeats"],
    )


def _findings(found: Upload) -> Findings:
    plain = json.loads(json.dumps(found.result))
    return Findings(
        upload_id=found.upload_id,
        portfolio=found.portfolio,
        state=found.state,  # type: ignore[arg-type]
        result=plain,
    )
