"""Answers that are stored documents: they go out as the bytes that they are."""

import datetime as dt
from typing import Any

from fastapi import Request
from starlette.responses import Response

from sigmasight_dagster.api.answers.validators import marks, marks_known
from sigmasight_dagster.api.errors import Problem, described
from sigmasight_dagster.api.services import Services
from sigmasight_dagster.warehouse.answers.report import NoReport, OutdatedReport, current_document


async def document_answer(
    request: Request, use: Services, portfolio: str, date: dt.date | None, section: str | None = None
) -> Response:
    """The stored report of a portfolio, or a section of it.

    :raises Problem: 404 where there is none, 409 where what it is made of was computed again since.
    """
    try:
        found = await current_document(use.pool, portfolio, date, section)
    except NoReport as error:
        raise Problem(404, str(error), "not_published") from None
    except OutdatedReport as error:
        raise Problem(409, str(error), "outdated") from None
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
