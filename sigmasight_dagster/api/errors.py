"""Errors as answers: RFC 9457 problem details with a code, the fields that are wrong and the request's id."""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from sigmasight_core.errors import InputError
from sigmasight_dagster.warehouse.errors import UpstreamNotPublished, WarehouseError, WarehouseUnavailable

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 5
_CODES: Final = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    408: "request_timeout",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


class WrongField(BaseModel):
    """One field of a request that is wrong."""

    field: str = Field(description="Where it is: body, query or path, and its name", examples=["query.date"])
    problem: str = Field(examples=["a date YYYY-MM-DD"])


class ProblemDetails(BaseModel):
    """What every error looks like (RFC 9457)."""

    type: str = Field(default="about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no portfolio 'alpha' that you may see"])
    code: str = Field(
        description="For programs: stays the same when the words change", examples=["not_found"]
    )
    fields: list[WrongField] = Field(default_factory=list)
    request_id: str = Field(examples=["5f1d6a0c9f0e4f7e"])


class Problem(Exception):
    """An answer other than 2xx.

    :param detail: one sentence that names the thing and the cure. :param code: default: that of the status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        code: str = "",
        headers: Mapping[str, str] | None = None,
        fields: Sequence[WrongField] = (),
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.fields = status, detail, fields
        self.code, self.headers = code or _CODES.get(status, "error"), dict(headers or {})

    def response(self, request_id: str) -> Response:
        details = ProblemDetails(
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            fields=list(self.fields),
            request_id=request_id,
        )
        return Response(details.model_dump_json(), self.status, self.headers, MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """How an error is told; what nobody expected says no more than that."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error.errors())
        case HTTPException():
            return Problem(error.status_code, str(error.detail), headers=error.headers)
        case WarehouseUnavailable():
            return Problem(
                503, f"{error}: try again in a moment", headers={"Retry-After": str(RETRY_SECONDS)}
            )
        case UpstreamNotPublished():
            return Problem(409, str(error), "not_published")
        case InputError():
            return Problem(422, str(error))
        case UnicodeEncodeError():
            return Problem(422, "a text has half of a character (a lone surrogate): send whole ones")
        case WarehouseError():
            return Problem(500, "the database refused; the log says why under the request's id")
        case _:
            return Problem(500, "an error of the server; the log says more under the request's id")


def install(app: FastAPI) -> None:
    """Every error that a route raises becomes a problem. What is none of these, `frame` sees."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 405:
            problem.headers["Allow"] = _allowed(app.openapi()["paths"], request.url.path)
        return problem.response(request.state.request_id)

    for kind in (
        Problem,
        RequestValidationError,
        HTTPException,
        InputError,
        WarehouseUnavailable,
        UpstreamNotPublished,
    ):
        app.add_exception_handler(kind, handle)


def _allowed(paths: Mapping[str, Mapping[str, Any]], path: str) -> str:
    """Methods of a path: the framework knows those of the first function that has it, not of the others."""
    found = (
        [paths[path]]
        if path in paths
        else [
            methods
            for template, methods in paths.items()
            if re.fullmatch(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)), path)
        ]
    )
    return ", ".join(sorted({method.upper() for methods in found for method in methods}))


def _invalid(found: Sequence[Any]) -> Problem:
    fields = [
        WrongField(field=".".join(str(part) for part in error["loc"]), problem=error["msg"])
        for error in found
    ]
    wrong = "; ".join(f"{item.field}: {item.problem}" for item in fields[:5])
    broken = any(error["type"] == "json_invalid" for error in found)
    return Problem(400 if broken else 422, f"the request is wrong: {wrong}", fields=fields)


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that an endpoint may answer with, for its OpenAPI."""
    too_long = {"text/plain": {"schema": {"type": "string"}, "example": "Invalid HTTP request received."}}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {
                **(too_long if status == 400 else {}),  # no HTTP, or an address beyond 64 KB
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/ProblemDetails"},
                    "example": _example(status),
                },
            },
        }
        for status in sorted(statuses)
    }


def _example(status: int) -> dict[str, Any]:
    made = Problem(status, f"why it is {HTTPStatus(status).phrase.lower()}, and what to do").response(
        "5f1d6a0c9f0e4f7e"
    )
    return json.loads(bytes(made.body))
