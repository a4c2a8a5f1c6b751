"""`sigmasight db`: the database server of this project."""

import os
import shutil

import click

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.servers.check import check
from sigmasight_dagster.commands.servers.grants import grant, grants, revoke
from sigmasight_dagster.commands.servers.which import (
    address_of,
    external,
    facts,
    migrated,
    one_line_errors,
    server_of,
    tell_external,
    tell_room,
)
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.urls import without_password

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


for command in (check, grant, revoke, grants):
    db.add_command(command)


@db.command()
def start() -> None:
    """Start the embedded server.

    Every command that needs the server starts it too.
    """
    with one_line_errors():
        settings = Settings()
        if tell_external(settings):
            return
        server = server_of(settings)
        server.start()
        now = server.status()
        click.echo(f"PostgreSQL {now.version} {now.message} (pid {now.pid}, data in {now.data_dir})")


@db.command()
def stop() -> None:
    """Stop the embedded server.

    Open connections end, transactions in progress roll back.
    """
    with one_line_errors():
        settings = Settings()
        if tell_external(settings):
            return
        server = server_of(settings)
        was_running = server.status().pid is not None
        server.stop()
        click.echo("stopped" if was_running else "was not running")


@db.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Show whether the server runs.

    Also shows where its data are, how large, and how much room is left. The exit code is 3 if it does not
    run.
    """
    with one_line_errors():
        settings = Settings()
        now = None if tell_external(settings, err=as_json) else server_of(settings).status()
    if as_json:
        print_json(facts(settings, now))
        raise SystemExit(0 if now is None or now.running else NOT_RUNNING)
    tell_room(settings)
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
    with one_line_errors():
        settings = Settings()
        if reader and (dagster or external(settings, dagster)):
            raise InputError(_NO_READER_THERE if dagster else _READER_OUTSIDE)
        address = address_of(settings, dagster)
        if reader:
            server = server_of(settings)
            if not server.has_reader():
                migrated(address)
            address = server.reader_url(tcp)
        elif tcp and not external(settings, dagster):
            address = server_of(settings).tcp_url("dagster" if dagster else "sigmasight")
    click.echo(sqlalchemy_url(address) if sqlalchemy else address)


@db.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--dagster", is_flag=True, help="Dagster's own database instead of the one with the assets.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(dagster: bool, arguments: tuple[str, ...]) -> None:
    """Run psql on the database.

    ARGUMENTS go to psql: sigmasight db psql -c 'SELECT 1'.
    """
    with one_line_errors():
        address = address_of(Settings(), dagster)
        program = _psql_program()
    # The list of processes shows arguments to every user, and the environment to nobody else.
    bare, password = without_password(address)
    secret = {} if password is None else {"PGPASSWORD": password}
    os.execve(program, [program, bare, *arguments], os.environ | secret)


@db.command()
def migrate() -> None:
    """Bring the tables up to date.

    Makes the asset database fit the row models and prints what it changed.
    """
    with one_line_errors():
        changes = migrated(address_of(Settings(), dagster=False))
    for change in changes or ["up to date"]:
        click.echo(change)


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
