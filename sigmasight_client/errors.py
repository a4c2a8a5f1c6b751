"""Answers other than 2xx, as exceptions: made of the problem details (RFC 9457) that the server sends."""

from typing import Any, Self

import httpx2


class ApiError(Exception):
    """What the server says. `code` is for programs, the text has the cure.

    :ivar fields: which parameters are wrong, each with `field` and `problem`.
    :ivar request_id: for the server's log. :ivar retry_seconds: when to try again, where the server says so.
    """

    def __init__(self, status: int, problem: dict[str, Any], retry_seconds: int | None) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        self.fields: list[dict[str, str]] = problem.get("fields") or []
        self.request_id = str(problem.get("request_id", ""))
        self.retry_seconds = retry_seconds
        super().__init__(f"{status} {self.code}: {problem.get('detail') or problem.get('title', '')}")

    @classmethod
    def of(cls, answer: httpx2.Response) -> Self:
        """Of an answer; one without problem details is of something between us and the server."""
        try:
            problem = answer.json()
        except ValueError:
            problem = {"detail": answer.reason_phrase}
        after = answer.headers.get("retry-after", "")
        kind = KINDS.get(answer.status_code, cls)
        return kind(answer.status_code, problem, int(after) if after.isdecimal() else None)  # type: ignore[return-value]


class Invalid(ApiError):
    """The request is not one that the server takes: see `fields`."""


class NotAllowed(ApiError):
    """The password is wrong, the login has ended, or the role is not enough."""


class NotFound(ApiError):
    """There is no such portfolio that you may see, or nothing is published of what was asked for."""


class TooMany(ApiError):
    """More requests than a minute has: see `retry_seconds`."""


class Unavailable(ApiError):
    """The server's database does not answer: see `retry_seconds`."""


KINDS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    413: Invalid,
    422: Invalid,
    429: TooMany,
    503: Unavailable,
}
