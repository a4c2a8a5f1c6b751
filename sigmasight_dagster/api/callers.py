"""Who asks, as a parameter of routes: `Reader`, `Editor`, `Admin`; and the portfolio that they ask for."""

from typing import Annotated, Final

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sigmasight_core.tables.access.users import ROLES
from sigmasight_dagster.api.errors import Problem
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.auth.limits import Verdict
from sigmasight_dagster.warehouse.access.users import User

BEARER: Final = HTTPBearer(auto_error=False, description="The access_token of POST /auth/login")
_AGAIN: Final = {"WWW-Authenticate": "Bearer"}


def count(request: Request, verdict: Verdict | None) -> None:
    """Show in the answer what is left of the caller's minute. :raises Problem: 429 when nothing is."""
    if verdict is None:
        return
    request.state.headers |= verdict.headers
    if not verdict.allowed:
        raise Problem(429, f"{verdict.limit} requests a minute: try again in {verdict.retry_seconds} s")


def session_of(request: Request, use: Services) -> tuple[str, str]:
    """Address and login of the request's token, counted as one of the user's requests.

    :raises Problem: 401 without a good token, 429 when the user's minute is used up. Whether the login has
        ended is not asked here.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = scheme.lower() == "bearer"
    claims = use.tokens.read(token.strip()) if given else None
    if claims is None:
        said = "the access token is not valid any more: refresh it" if given else "log in: POST /auth/login"
        raise Problem(401, said, headers=_AGAIN)
    request.state.email = claims[0]
    count(request, use.limits.ask(claims[0]))
    return claims


def session_ended() -> Problem:
    return Problem(401, "the login of this access token has ended: log in again", headers=_AGAIN)


async def caller_of(request: Request, use: Services, session: tuple[str, str]) -> User:
    """The user of a session. :raises Problem: 401 when it has ended."""
    user = await use.users.with_session(*session)
    if user is None:
        raise session_ended()
    request.state.email = user.email
    return user


async def caller(
    request: Request, use: Use, _: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> User:
    """The user of the request's token. :raises Problem: 401 without a good one."""
    return await caller_of(request, use, session_of(request, use))


def _at_least(role: str) -> object:
    async def check(user: Annotated[User, Depends(caller)]) -> User:
        if ROLES.index(user.role) < ROLES.index(role):
            raise Problem(403, f"only {' and '.join(ROLES[ROLES.index(role) :])} may do this")
        return user

    return Depends(check)


Reader = Annotated[User, Depends(caller)]
Editor = Annotated[User, _at_least("editor")]
Admin = Annotated[User, _at_least("admin")]


def visible(user: User, portfolio: str) -> str:
    """The portfolio, when the user may see it. :raises Problem: 404, the same for one that is not there."""
    if portfolio not in user.portfolios:
        raise Problem(404, f"there is no portfolio {portfolio[:80]!r} that you may see", "unknown_portfolio")
    return portfolio


PORTFOLIO: Final = Path(description="A portfolio's name", examples=["individual"])


async def _portfolio(user: Reader, portfolio: Annotated[str, PORTFOLIO]) -> str:
    return visible(user, portfolio)


Portfolio = Annotated[str, Depends(_portfolio)]
"""The `{portfolio}` of a path, when the caller may see it."""
