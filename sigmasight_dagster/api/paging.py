"""Pages of a list: a cursor is the place of the last row of the page before, and `Link` leads to the next."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Query, Request
from pydantic import StringConstraints
from starlette.datastructures import URL

from sigmasight_dagster.api.errors import Problem, WrongField

CURSOR: Final = StringConstraints(max_length=16_000, pattern=r"^[A-Za-z0-9_=-]*$")
Cursor = Annotated[
    str, CURSOR, Query(description="As in the Link header: where the page before ended; '' = the first page")
]
LINKED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"Link": {"description": "The next page", "schema": {"type": "string"}}}}
}
"""For the OpenAPI of a list that has pages."""


def cursor_of(cells: Sequence[Any]) -> str:
    """:param cells: the place of a row, as JSON."""
    return urlsafe_b64encode(json.dumps(cells).encode()).decode()


def cells_of(cursor: str) -> Any:
    """What `cursor_of` was given. :raises ValueError: when it was given nothing of the kind."""
    return json.loads(urlsafe_b64decode(cursor.encode("ascii")))


def texts_of(cursor: str, n: int) -> list[str]:
    """The place of a row whose cells are texts; none of the first page. :raises Problem: 422 on another."""
    if not cursor:
        return []
    try:
        cells = cells_of(cursor)
    except ValueError:
        cells = None
    good = isinstance(cells, list) and len(cells) == n
    if not good or not all(isinstance(cell, str) and "\0" not in cell for cell in cells):
        raise no_cursor("is no cursor of this list: take the path of the Link header as it is")
    return cells


def no_cursor(said: str) -> Problem:
    """What is wrong with a cursor."""
    return Problem(422, f"cursor {said}", fields=[WrongField(field="query.cursor", problem=said)])


def next_page(request: Request, cells: Sequence[Any]) -> dict[str, str]:
    """The header that leads to the page after a row, with the parameters of this one."""
    url = URL(f"{request.url.path}?{request.url.query}").include_query_params(cursor=cursor_of(cells))
    return {"Link": f'<{url}>; rel="next"'}
