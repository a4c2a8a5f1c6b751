"""Who asks: the user of this machine, or the user of an access token of the API."""

from collections.abc import Sequence
from typing import Protocol

from anyio import to_thread
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken

from sigmasight_core.errors import InputError
from sigmasight_dagster.auth.limits import Limits
from sigmasight_dagster.auth.tokens import AccessTokens
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.access.users import UserStore
from sigmasight_dagster.warehouse.errors import unknown_portfolio


class Callers(Protocol):
    """Knows the caller of the request that is being answered."""

    async def portfolios(self) -> tuple[str, ...]:
        """The registered portfolios that the caller may see. :raises InputError: when they ask too often."""

    def name(self) -> str:
        """For the log."""


class LocalUser:
    """Whoever started the server by stdio. :param only: these portfolios; () = every one."""

    def __init__(self, warehouse: Warehouse, only: Sequence[str] = ()) -> None:
        self._warehouse, self._only = warehouse, only

    async def portfolios(self) -> tuple[str, ...]:
        names = await to_thread.run_sync(self._warehouse.portfolio_names)
        return tuple(name for name in names if not self._only or name in self._only)

    def name(self) -> str:
        return "local"


class TokenUsers:
    """Users of the API by the token of each request; the server's `TokenVerifier`."""

    def __init__(self, tokens: AccessTokens, users: UserStore, limits: Limits) -> None:
        self._tokens, self._users, self._limits = tokens, users, limits

    async def verify_token(self, token: str) -> AccessToken | None:
        """None where the token is forged or expired, its login has ended, or its user is disabled."""
        claims = self._tokens.read(token)
        user = await self._users.with_session(*claims) if claims else None
        if user is None:
            return None
        theirs = {"portfolios": list(user.portfolios)}
        return AccessToken(
            token=token, client_id=user.email, subject=user.email, scopes=[user.role], claims=theirs
        )

    async def portfolios(self) -> tuple[str, ...]:
        """:raises InputError: at more requests than a minute has."""
        token = get_access_token()
        if token is None:
            return ()
        verdict = self._limits.ask(token.client_id)
        if verdict and not verdict.allowed:
            raise InputError(f"{verdict.limit} requests a minute: try again in {verdict.retry_seconds} s")
        return tuple((token.claims or {})["portfolios"])

    def name(self) -> str:
        token = get_access_token()
        return token.client_id if token else ""


async def visible(callers: Callers, portfolio: str) -> str:
    """The portfolio. :raises InputError: where the caller does not see it, as of one that is not there."""
    names = await callers.portfolios()
    if portfolio not in names:
        raise unknown_portfolio(portfolio[:80], names)
    return portfolio
