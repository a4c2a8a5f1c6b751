"""What the tools work with: connections that change nothing, and who calls."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from sigmasight_dagster.agents.callers import Callers, LocalUser, TokenUsers
from sigmasight_dagster.auth.limits import Limits
from sigmasight_dagster.auth.tokens import AccessTokens
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.users import UserStore
from sigmasight_dagster.warehouse.answers.store import AnswerStore

CONNECTIONS = 4


@dataclass(frozen=True)
class Services:
    """`pool` is for statements of a moment, on the event loop; `platform` blocks: in threads only."""

    pool: Pool
    answers: AnswerStore
    platform: Platform
    callers: Callers

    @classmethod
    def of_local_user(cls, settings: Settings, url: str, only: Sequence[str] = ()) -> Self:
        """:param url: libpq's, of the asset database. :param only: portfolios; () = every one."""
        platform = _reading_platform(settings, url)
        pool = Pool(url, CONNECTIONS, read_only=True)
        answers = AnswerStore(pool, url, read_only=True)
        return cls(pool, answers, platform, LocalUser(platform.warehouse, only))

    @classmethod
    def of_token_users(cls, settings: Settings, url: str, secret: bytes) -> Self:
        """:param secret: what the API signs access tokens with."""
        pool = Pool(url, CONNECTIONS, read_only=True)
        limits = Limits(settings.api_requests_per_minute)
        callers = TokenUsers(AccessTokens(secret), UserStore(pool), limits)
        answers = AnswerStore(pool, url, read_only=True)
        return cls(pool, answers, _reading_platform(settings, url), callers)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """The connections, while the server runs."""
        await self.pool.open()
        try:
            yield
        finally:
            await self.pool.close()
            self.answers.close()
            self.platform.warehouse.close()


def _reading_platform(settings: Settings, url: str) -> Platform:
    platform = Platform(settings)
    platform.warehouse = Warehouse(url, read_only=True)
    return platform
