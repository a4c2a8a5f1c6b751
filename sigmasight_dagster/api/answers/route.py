"""The way from a request to a reading endpoint, made for speed: no more than a token and its parameters.

The framework takes the longest part of a short answer's time to find out what a function wants. Reading
endpoints all want the same, so that they are asked directly; what they declare serves OpenAPI alone.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.responses import Response

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_dagster.api.answers.declaration import Asked, Read
from sigmasight_dagster.api.callers import BEARER, PORTFOLIO, caller_of, session_of, visible
from sigmasight_dagster.api.services import Services

_NAME: Final = re.compile(PORTFOLIO_NAME_PATTERN)


@dataclass(frozen=True)
class Question:
    """What a caller asks of a reading endpoint.

    :ivar session: address and login of a token that is good; whether the login has ended, the database knows.
    :ivar portfolio: that it is about, seen by the caller or not; '' = none.
    """

    request: Request
    use: Services
    session: tuple[str, str]
    portfolio: str
    asked: Asked


Answer = Callable[[Question], Awaitable[Response]]


def questions(read: Read, model: type[Asked], answer: Answer) -> tuple[Callable[..., Any], type[APIRoute]]:
    """For a router: the function that OpenAPI describes, and the kind of route that answers in its place."""
    lists = {
        field.alias or name
        for name, field in model.model_fields.items()
        if getattr(field.annotation, "__origin__", None) is list
    }

    async def handle(request: Request) -> Response:
        use: Services = request.app.state.services
        session = session_of(request, use)
        query = request.query_params
        given = {name: query.getlist(name) if name in lists else query[name] for name in query}
        path = request.path_params.get("portfolio", "")
        if path and not _NAME.fullmatch(path):
            await _refuse_strangers(request, use, session, path)
        try:
            asked = model.model_validate(given)
        except ValidationError as error:
            await _refuse_strangers(request, use, session, path)
            found = [{**wrong, "loc": ("query", *wrong["loc"])} for wrong in error.errors(include_url=False)]
            raise RequestValidationError(found) from None
        portfolio = path or (asked.portfolio if read.asks_portfolio else "")  # type: ignore[attr-defined]
        return await answer(Question(request, use, session, portfolio, asked))

    class Direct(APIRoute):
        def get_route_handler(self) -> Any:
            return handle

    return _described(model, in_path=read.in_path), Direct


async def _refuse_strangers(request: Request, use: Services, session: tuple[str, str], name: str) -> None:
    """What is wrong with a question is told to who may ask it."""
    user = await caller_of(request, use, session)
    if name:
        visible(user, name)


def _described(model: type[Asked], *, in_path: bool) -> Callable[..., Any]:
    token = Annotated[Any, Security(BEARER)]

    async def of_path(portfolio: Annotated[str, PORTFOLIO], asked: Any, _: token) -> None:
        """Described, not called."""

    async def of_query(asked: Any, _: token) -> None:
        """Described, not called."""

    made = of_path if in_path else of_query
    made.__annotations__["asked"] = Annotated[model, Query()]
    return made
