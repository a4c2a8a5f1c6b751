"""Answers that are stored documents: they go out as the bytes that they are."""

import datetime as dt
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from sigmasight_dagster.api.answers.validators import marks, marks_known
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.services import Services
from sigmasight_dagster.warehouse.answers.report import stored_document

_CURE: Final = "make it: sigmasight report {portfolio}{on}"


async def document_answer(
    request: Request, use: Services, portfolio: str, date: dt.date | None, section: str | None = None
) -> Response:
    """The stored report of a portfolio, or a section of it.

    :raises Problem: 404 where there is none, 409 where what it is made of was computed again since.
    """
    found = await stored_document(use.pool, portfolio, date, section)
    on = f" --date {date}" if date else ""
    cure = _CURE.format(portfolio=portfolio, on=on)
    if found is None:
        raise Problem(404, f"no report of portfolio {portfolio} is stored: {cure}", "not_published")
    if found.outdated:
        said = f"the report of {found.date} is older than what it is made of"
        raise Problem(
            409, f"{said}: {cure} --date {found.date}" if not date else f"{said}: {cure}", "outdated"
        )
    headers = marks(found.etag, found.date)
    if found.etag in marks_known(request):
        return Response(status_code=304, headers=headers)
    return Response(found.text.encode(), headers=headers, media_type="application/json")


def document_responses(schema: dict[str, Any], example: Any) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI."""
    return {
        200: {
            "description": "The document, as it is stored",
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        304: {"description": "What the caller has is still what is published"},
        **described(401, 404, 409, 422, 429, 503),
    }
