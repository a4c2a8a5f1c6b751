"""What the routes work with, made once for an app: settings, databases, stores, tokens, limits."""

from dataclasses import dataclass, field
from threading import Event
from typing import Annotated

from fastapi import Depends, Request

from sigmasight_dagster.api.calculations import Calculations
from sigmasight_dagster.api.workspaces import OpenInstance, Workspaces
from sigmasight_dagster.auth.limits import Limits
from sigmasight_dagster.auth.passwords import Passwords
from sigmasight_dagster.auth.tokens import AccessTokens
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.access.alerts import AlertDesk
from sigmasight_dagster.warehouse.access.modeling import ModelingStore
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.sessions import SessionStore
from sigmasight_dagster.warehouse.access.uploads import UploadStore
from sigmasight_dagster.warehouse.access.users import UserStore
from sigmasight_dagster.warehouse.answers.store import AnswerStore


@dataclass(frozen=True)
class Services:
    """`pool` is for moments on the event loop; `warehouse` and `workspaces` block: in `def` routes only."""

    settings: Settings
    pool: Pool
    warehouse: Warehouse
    users: UserStore
    sessions: SessionStore
    passwords: Passwords
    tokens: AccessTokens
    limits: Limits
    answers: AnswerStore
    uploads: UploadStore
    alerts: AlertDesk
    workspaces: Workspaces
    platform: Platform
    modeling: ModelingStore
    calculations: Calculations
    stopping: Event = field(default_factory=Event)
    """Set when the server ends: what can be made up for later is not begun any more."""

    @classmethod
    def make(cls, settings: Settings, url: str, secret: bytes, instance: OpenInstance) -> "Services":
        """:param url: libpq's, of the asset database. :param secret: what access tokens are signed with."""
        pool, platform = Pool(url, settings.api_connections), Platform(settings)
        platform.warehouse = warehouse = Warehouse(url)
        return cls(
            settings,
            pool,
            warehouse,
            UserStore(pool),
            SessionStore(pool),
            Passwords(),
            AccessTokens(secret),
            Limits(settings.api_requests_per_minute),
            AnswerStore(pool, url),
            UploadStore(pool),
            AlertDesk(pool),
            Workspaces(settings, warehouse, instance),
            platform,
            ModelingStore(pool),
            Calculations(settings.api_calculations),
        )


async def services(request: Request) -> Services:  # not in a thread, as `def` would be
    return request.app.state.services


Use = Annotated[Services, Depends(services)]
"""The services, as a parameter of a route."""
