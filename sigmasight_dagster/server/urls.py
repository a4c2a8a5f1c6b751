"""Which databases to use: the embedded server's, or those of an external server named in the settings."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.urls import ONE_FOR_BOTH, canonical_url, identity

if TYPE_CHECKING:
    from sigmasight_dagster.server.embedded import EmbeddedPostgres


def asset_database_url(settings: Settings, start: bool = True) -> str:
    """libpq URL of the database with the asset tables; starts the embedded server if that is the one.

    :raises InputError: when an external server cannot be used; one that does not answer is not refused here.
    """
    if settings.database_url:
        _refuse_one_for_both(settings)
        url = libpq_url(settings.database_url, "SIGMASIGHT_DATABASE_URL")
        return _required(settings, "tables", url) if start else url
    return _embedded_url(settings, "sigmasight", start)


def dagster_database_url(settings: Settings, start: bool = True) -> str:
    """libpq URL of Dagster's own storage; as `asset_database_url`."""
    if settings.dagster_postgres_url:
        _refuse_one_for_both(settings)
        url = libpq_url(settings.dagster_postgres_url, "DAGSTER_POSTGRES_URL")
        return _required(settings, "dagster", url) if start else url
    return _embedded_url(settings, "dagster", start)


def libpq_url(url: str, name: str = "the database URL") -> str:
    """`url` without an SQLAlchemy driver, for psql, psycopg2 and adbc. InputError if not PostgreSQL's."""
    if not url.strip().startswith("postgres"):
        raise InputError(f"{name} must start with postgresql:// (only PostgreSQL is supported)")
    return canonical_url(url, name)


def sqlalchemy_url(url: str) -> str:
    """`url` for SQLAlchemy and Dagster: it names the driver, because SQLAlchemy 2.1 assumes another."""
    return libpq_url(url).replace("postgresql://", "postgresql+psycopg2://", 1)


def embedded_server(settings: Settings, say: Callable[[str], None] | None = None) -> "EmbeddedPostgres":
    """The embedded server of these settings, not started. say: where its messages go (default: the log)."""
    if os.name != "posix":
        raise SigmaSightError(
            "the embedded server needs Linux or macOS: "
            "set SIGMASIGHT_DATABASE_URL and DAGSTER_POSTGRES_URL to an external server, or use WSL"
        )
    # It runs on Linux and macOS only, and is not needed beside an external server.
    from sigmasight_dagster.server.embedded import EmbeddedPostgres  # noqa: PLC0415

    options = {"say": say} if say else {}
    return EmbeddedPostgres(settings.home, settings.db_port, **options)


def _required(settings: Settings, database: str, url: str) -> str:
    """The URL. Who changes tables asks for more: see `Warehouse.migrate`."""
    # It takes its time to import, and beside the embedded server it is not needed.
    from sigmasight_dagster.warehouse.requirements import declared  # noqa: PLC0415

    declared.require(database, url, to_write=database == declared.DAGSTER)
    if settings.database_url and settings.dagster_postgres_url:
        declared.require_apart(libpq_url(settings.database_url), libpq_url(settings.dagster_postgres_url))
    return url


def _refuse_one_for_both(settings: Settings) -> None:
    """:raises InputError: when both settings name one database: Dagster's migrations would see our tables."""
    if not (settings.database_url and settings.dagster_postgres_url):
        return
    ours = libpq_url(settings.database_url, "SIGMASIGHT_DATABASE_URL")
    if identity(ours) == identity(libpq_url(settings.dagster_postgres_url, "DAGSTER_POSTGRES_URL")):
        raise InputError(ONE_FOR_BOTH)


def _embedded_url(settings: Settings, database: str, start: bool) -> str:
    server = embedded_server(settings)
    if start:
        server.start()
    return server.url(database)
