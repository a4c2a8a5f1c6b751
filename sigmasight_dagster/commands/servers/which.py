"""Which database the commands of `sigmasight db` are about, and how their errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.server import room
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url, embedded_server
from sigmasight_dagster.settings import Settings

if TYPE_CHECKING:
    from sigmasight_dagster.server.embedded import EmbeddedPostgres, ServerStatus


def migrated(address: str) -> list[str]:
    """Bring the tables up to date; what was changed."""
    # The other commands of this group need no pandas, and stay fast without it.
    from sigmasight_dagster.warehouse import Warehouse  # noqa: PLC0415

    return Warehouse(address).migrate()


@contextmanager
def one_line_errors() -> Iterator[None]:
    """What a user can mend, as click shows it."""
    try:
        yield
    except SigmaSightError as error:
        raise click.ClickException(str(error)) from error


def external(settings: Settings, dagster: bool) -> bool:
    """Whether the settings name the database."""
    return bool(settings.dagster_postgres_url if dagster else settings.database_url)


def tell_external(settings: Settings, err: bool = False) -> bool:
    """Say which databases are external; True if both are, so that no embedded server is needed."""
    if settings.database_url:
        click.echo("the asset database is external (SIGMASIGHT_DATABASE_URL): nothing to do for it", err=err)
    if settings.dagster_postgres_url:
        click.echo("Dagster's database is external (DAGSTER_POSTGRES_URL): nothing to do for it", err=err)
    return bool(settings.database_url and settings.dagster_postgres_url)


def facts(settings: Settings, now: "ServerStatus | None") -> dict[str, Any]:
    """Which databases are external, the embedded server (null where none is needed), and free room."""
    names = ("asset_database", "dagster_database")
    outside = dict(zip(names, (external(settings, dagster) for dagster in (False, True)), strict=True))
    free = {str(folder): round(free) for folder, free in room.places(settings)}
    return {"external": outside, "embedded": None if now is None else asdict(now), "free_mb": free}


def tell_room(settings: Settings) -> None:
    """Say how much room is left, and of which disks that is not known."""
    for folder, free in room.places(settings):
        click.echo(
            f"disk:     {free:,.0f} MB free at {folder}; nothing is stored below {settings.min_free_mb:,}"
        )
    if settings.database_url or settings.dagster_postgres_url:
        click.echo("disk:     that of an external server is not seen from here: watch it there")


def server_of(settings: Settings) -> "EmbeddedPostgres":
    """The embedded server; what it has to say goes to standard error."""
    return embedded_server(settings, say=lambda message: click.echo(message, err=True))


def address_of(settings: Settings, dagster: bool) -> str:
    """URL of the database, after starting the embedded server if it is the one."""
    if not external(settings, dagster):
        server_of(settings).start()
    return (dagster_database_url if dagster else asset_database_url)(settings, start=False)
