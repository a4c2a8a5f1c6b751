"""Who asks, as a parameter of routes: `Reader`, `Editor`, `Admin`; and the portfolio that they ask for."""

from typing import Annotated, Final

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sigmasight_core.tables.access.users import ROLES
from sigmasight_dagster.api.errors import Problem
from sigmasight_dagster.api.services import Use
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


async def caller(
    request: Request,
    use: Use,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> User:
    """The user of the request's token. :raises Problem: 401 without a good one."""
    claims = use.tokens.read(given.credentials) if given else None
    if claims is None:
        said = "the access token is not valid any more: refresh it" if given else "log in: POST /auth/login"
        raise Problem(401, said, headers=_AGAIN)
    user = await use.users.with_session(*claims)
    if user is None:
        raise Problem(401, "the login of this access token has ended: log in again", headers=_AGAIN)
    request.state.email = user.email
    count(request, use.limits.ask(user.email))
    return user


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


async def _portfolio(
    user: Reader, portfolio: Annotated[str, Path(description="A portfolio's name", examples=["individual"])]
) -> str:
    return visible(user, portfolio)


Portfolio = Annotated[str, Depends(_portfolio)]
"""The `{portfolio}` of a path, when the caller may see it."""
