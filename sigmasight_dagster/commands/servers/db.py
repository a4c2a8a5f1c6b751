"""`sigmasight db`: the database server of this project."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.server.urls import (
    asset_database_url,
    dagster_database_url,
    embedded_server,
    sqlalchemy_url,
)
from sigmasight_dagster.settings import Settings

if TYPE_CHECKING:
    from sigmasight_dagster.server.embedded import EmbeddedPostgres, ServerStatus

_NO_READER_THERE = "sigmasight_reader reads the asset database: leave --dagster out"
_READER_OUTSIDE = (
    "the asset database is external (SIGMASIGHT_DATABASE_URL): make a login of its own there, "
    "CREATE ROLE name LOGIN PASSWORD '...' IN ROLE sigmasight_reader"
)
NOT_RUNNING = 3
"""Exit code of `status`, the same as that of `pg_ctl status`."""


@click.group()
def db() -> None:
    """The PostgreSQL server: embedded by default, or an external one.

    SIGMASIGHT_DATABASE_URL and DAGSTER_POSTGRES_URL name an external server instead.
    """


@db.command()
def start() -> None:
    """Start the embedded server.

    Every command that needs the server starts it too.
    """
    with _one_line_errors():
        settings = Settings()
        if _tell_external(settings):
            return
        server = _server(settings)
        server.start()
        now = server.status()
        click.echo(f"PostgreSQL {now.version} {now.message} (pid {now.pid}, data in {now.data_dir})")


@db.command()
def stop() -> None:
    """Stop the embedded server.

    Open connections end, transactions in progress roll back.
    """
    with _one_line_errors():
        settings = Settings()
        if _tell_external(settings):
            return
        server = _server(settings)
        was_running = server.status().pid is not None
        server.stop()
        click.echo("stopped" if was_running else "was not running")


@db.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Show whether the server runs.

    Also shows where its data are and how large. The exit code is 3 if it does not run.
    """
    with _one_line_errors():
        settings = Settings()
        external = _tell_external(settings, err=as_json)
        now = None if external else _server(settings).status()
    if as_json:
        print_json(_facts(settings, now))
        raise SystemExit(0 if now is None or now.running else NOT_RUNNING)
    if now is None:
        return
    click.echo(f"status:   {now.message}")
    click.echo(f"pid:      {now.pid or '-'}")
    click.echo(f"version:  {now.version or '-'}")
    click.echo(f"data:     {now.data_dir}")
    for name, size in now.databases.items():
        click.echo(f"database: {name} {size / 2**20:.1f} MiB")
    if not now.running:
        raise SystemExit(NOT_RUNNING)


@db.command()
@click.option("--dagster", is_flag=True, help="Dagster's own database instead of the one with the assets.")
@click.option("--tcp", is_flag=True, help="Over 127.0.0.1 (see SIGMASIGHT_DB_PORT), with the password.")
@click.option("--reader", is_flag=True, help="For the role sigmasight_reader, which may only read.")
@click.option("--sqlalchemy", is_flag=True, help="With the driver's name: for SQLAlchemy and pandas.")
def url(dagster: bool, tcp: bool, reader: bool, sqlalchemy: bool) -> None:
    """Print the URL of the database.

    psql, psycopg and DuckDB accept it, SQLAlchemy with --sqlalchemy. Starts the embedded server if it does
    not run. Of an external server it is the URL of the settings.
    """
    with _one_line_errors():
        settings = Settings()
        if reader and (dagster or _external(settings, dagster)):
            raise InputError(_NO_READER_THERE if dagster else _READER_OUTSIDE)
        address = _address(settings, dagster)
        if reader:
            server = _server(settings)
            if not server.has_reader():
                _migrate(address)
            address = server.reader_url(tcp)
        elif tcp and not _external(settings, dagster):
            address = _server(settings).tcp_url("dagster" if dagster else "sigmasight")
    click.echo(sqlalchemy_url(address) if sqlalchemy else address)


@db.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--dagster", is_flag=True, help="Dagster's own database instead of the one with the assets.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(dagster: bool, arguments: tuple[str, ...]) -> None:
    """Run psql on the database.

    ARGUMENTS go to psql: sigmasight db psql -c 'SELECT 1'.
    """
    with _one_line_errors():
        address = _address(Settings(), dagster)
        program = _psql_program()
    os.execv(program, [program, address, *arguments])


@db.command()
def migrate() -> None:
    """Bring the tables up to date.

    Makes the asset database fit the row models and prints what it changed.
    """
    with _one_line_errors():
        changes = _migrate(_address(Settings(), dagster=False))
    for change in changes or ["up to date"]:
        click.echo(change)


def _migrate(address: str) -> list[str]:
    # The other commands of this group need no pandas, and stay fast without it.
    from sigmasight_dagster.warehouse import Warehouse  # noqa: PLC0415

    return Warehouse(address).migrate()


@contextmanager
def _one_line_errors() -> Iterator[None]:
    try:
        yield
    except SigmaSightError as error:
        raise click.ClickException(str(error)) from error


def _external(settings: Settings, dagster: bool) -> bool:
    return bool(settings.dagster_postgres_url if dagster else settings.database_url)


def _facts(settings: Settings, now: "ServerStatus | None") -> dict[str, Any]:
    """Which databases are external, and the embedded server; null where none is needed."""
    names = ("asset_database", "dagster_database")
    external = dict(zip(names, (_external(settings, dagster) for dagster in (False, True)), strict=True))
    server = None if now is None else asdict(now)
    return {"external": external, "embedded": server}


def _tell_external(settings: Settings, err: bool = False) -> bool:
    """Say which databases are external; True if both are, so that no embedded server is needed."""
    if settings.database_url:
        click.echo("the asset database is external (SIGMASIGHT_DATABASE_URL): nothing to do for it", err=err)
    if settings.dagster_postgres_url:
        click.echo("Dagster's database is external (DAGSTER_POSTGRES_URL): nothing to do for it", err=err)
    return bool(settings.database_url and settings.dagster_postgres_url)


def _server(settings: Settings) -> "EmbeddedPostgres":
    return embedded_server(settings, say=lambda message: click.echo(message, err=True))


def _address(settings: Settings, dagster: bool) -> str:
    """URL of the database, after starting the embedded server if it is the one."""
    if not _external(settings, dagster):
        _server(settings).start()
    return (dagster_database_url if dagster else asset_database_url)(settings, start=False)


def _psql_program() -> str:
    """psql of the wheel, which fits the embedded server, or else the system's."""
    try:
        # The embedded server runs on Linux and macOS; elsewhere the system's psql has to do.
        from sigmasight_dagster.server.processes import programs  # noqa: PLC0415

        return str(programs() / "psql")
    except (ImportError, SigmaSightError):
        if found := shutil.which("psql"):
            return found
        raise click.ClickException("psql is not installed: install PostgreSQL's client programs") from None
