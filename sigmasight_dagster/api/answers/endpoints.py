"""Reading endpoints, made from their declarations: one way for all of them."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from sigmasight_dagster.api.answers.declaration import Asked, Read, asked_model
from sigmasight_dagster.api.answers.negotiation import ARROW, CSV, FORMS, JSON, chosen_form
from sigmasight_dagster.api.answers.route import Question, questions
from sigmasight_dagster.api.answers.shape import page_example, page_schema
from sigmasight_dagster.api.answers.validators import marks, marks_known
from sigmasight_dagster.api.callers import session_ended, visible
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.paging import cells_of, cursor_of, no_cursor
from sigmasight_dagster.api.services import Services
from sigmasight_dagster.warehouse.answers.ask import Ask, order
from sigmasight_dagster.warehouse.answers.source import Source
from sigmasight_dagster.warehouse.answers.store import Page, on_its_dates

MOST_ROWS: Final = 100_000
MOST_TEXT: Final = 450_000
"""Bytes of an answer without pages: 150,000 tokens of digits and names, three bytes each."""


def add_reads(router: APIRouter, reads: Sequence[Read], *, paged: bool) -> None:
    """Make each declaration an endpoint of the router. :param paged: else an answer is whole, or refused."""
    for read in reads:
        endpoint, route = questions(read, asked_model(read, paged=paged), _answering(read, paged=paged))
        router.add_api_route(
            read.path,
            endpoint,
            methods=["GET"],
            route_class_override=route,
            summary=read.summary,
            operation_id="read_" + re.sub(r"\W+", "_", f"{router.prefix}{read.path}").strip("_"),
            description=read.about or read.summary,
            response_class=Response,
            responses={
                200: _described(read.source, paged=paged),
                304: {"description": "What the caller has is still what is published"},
                **described(400, 401, 404, 406, 422, 429, 503, *(() if paged else (413,))),
            },
        )


def _answering(read: Read, *, paged: bool) -> Any:
    async def answer(question: Question) -> Response:
        return await _answer(read, question, paged=paged)

    return answer


async def _answer(read: Read, question: Question, *, paged: bool) -> Response:
    request, use, asked = question.request, question.use, question.asked
    source, form = read.source, chosen_form(request)
    ask = _ask(read, question.portfolio, asked, paged=paged)
    known = marks_known(request)
    user, page = await use.answers.page_for(question.session, source, ask, known, with_rows=form == JSON)
    if user is None:
        raise session_ended()
    if question.portfolio:
        visible(user, question.portfolio)
    if page is None:
        raise Problem(404, await use.answers.why_none(source, ask), "not_published")
    headers = marks(page.etag, page.last_date)
    if page.etag in known:
        return Response(status_code=304, headers=headers)
    pinned = on_its_dates(ask, page)
    following = _next(request, pinned, asked, page) if page.more else None
    if page.more and not paged:
        raise _too_large(f"more than {MOST_ROWS:,} rows")
    if following:
        headers["Link"] = f'<{following}>; rel="next"'
    body = await _body(use, source, pinned, page, following, form, paged=paged)
    if not paged and form != ARROW and len(body) > MOST_TEXT:
        raise _too_large(f"{len(body):,} bytes of text")
    return Response(body, headers=headers, media_type=FORMS[form])


async def _body(
    use: Services, source: Source, ask: Ask, page: Page, following: str | None, form: str, *, paged: bool
) -> bytes:
    if form == CSV:
        return await use.answers.csv(source, ask)
    if form == ARROW:
        return await use.answers.arrow(source, ask)
    head = {
        "as_of_date": page.last_date,
        "first_date": page.first_date,
        "published_at": page.published_at,
        "n_rows": page.n_rows,
        **({"next": following} if paged else {}),
    }
    return f'{json.dumps(head)[:-1]}, "rows": [{page.rows}]}}'.encode()


def _ask(read: Read, portfolio: str, asked: Asked, *, paged: bool) -> Ask:
    given = asked.model_dump()
    ask = Ask(
        limit=given["limit"] if paged else MOST_ROWS,
        portfolio=portfolio,
        date=given.get("date"),
        first=given.get("first"),
        last=given.get("last"),
        filters={name: given[name] for name in read.filtered if given[name]},
        flags=frozenset(flag for flag in read.flags if given[flag]),
        columns=tuple(dict.fromkeys(given["columns"])),
        sort=given["sort"],
    )
    if not given.get("cursor"):
        return ask
    return Ask(**{**vars(ask), "after": _place(read.source, ask, given["cursor"])})


def _place(source: Source, ask: Ask, cursor: str) -> tuple[Any, ...]:
    """Cells of a cursor. :raises Problem: 422 when they are none of the order's."""
    try:
        cells = cells_of(cursor)
        names = order(source, ask)
        good = isinstance(cells, list) and len(cells) == len(names)
        good = good and all(
            _fits(source.kinds[name], cell) or (cell is None and place == 0 and ask.sort)
            for place, (name, cell) in enumerate(zip(names, cells, strict=True))
        )
    except ValueError:
        good = False
    if not good:
        raise no_cursor("is no cursor of this order: take the path of the Link header as it is")
    return tuple(cells)


def _fits(kind: str, cell: Any) -> bool:
    match kind:
        case "text":
            return isinstance(cell, str) and "\0" not in cell
        case "date":
            return isinstance(cell, str) and len(cell) == 10 and cell.replace("-", "").isdecimal()
        case "int":
            return isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < 2**63
        case "float" | "exact":
            return isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)
    return isinstance(cell, bool)


def _next(request: Request, ask: Ask, asked: Asked, page: Page) -> str:
    """Path of the page after this one, of the same dates."""
    given: dict[str, Any] = asked.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    if ask.date:
        given["date"] = str(ask.date)
    given["cursor"] = cursor_of(page.place)
    return f"{request.url.path}?{urlencode(given, doseq=True)}"


def _too_large(what: str) -> Problem:
    cure = "ask for fewer dates (from, to), columns or symbols, or for Arrow (Accept)"
    return Problem(413, f"the answer has {what}: {cure}", "answer_too_large")


def _described(source: Source, *, paged: bool) -> dict[str, Any]:
    schema = page_schema(source, paged=paged)
    return {
        "description": "The rows, with the date that they are as of",
        "headers": {
            "ETag": _header("For If-None-Match: changes with what is published"),
            **({"Link": _header("The next page")} if paged else {}),
        },
        "content": {
            FORMS[JSON]: {"schema": schema, "example": page_example(source, paged=paged)},
            FORMS[CSV]: {"schema": {"type": "string"}, "example": ",".join(source.view.columns)},
            FORMS[ARROW]: {"schema": {"type": "string", "format": "binary"}},
        },
    }


def _header(about: str) -> dict[str, Any]:
    return {"description": about, "schema": {"type": "string"}}
