"""`sigmasight db grant`, `revoke` and `grants`: roles of the database that see single portfolios."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.servers.which import address_of, one_line_errors
from sigmasight_dagster.settings import Settings

if TYPE_CHECKING:
    from sigmasight_dagster.warehouse import AuditStamp, Warehouse

_ROLE = click.argument("role")


@click.command()
@_ROLE
@click.argument("portfolios", metavar="PORTFOLIO...", nargs=-1, required=True)
@click.option("--password-stdin", is_flag=True, help="Read the role's password from standard input.")
def grant(role: str, portfolios: tuple[str, ...], password_stdin: bool) -> None:
    """Let ROLE see the rows of PORTFOLIO, in every table and view.

    A role that is not there is made. It reads market data too, and the rows of no other portfolio; it writes
    nothing. What it was granted before stays.
    """
    with _warehouse("db grant") as (warehouse, stamp):
        password = _password() if password_stdin else None
        notes = warehouse.grant_portfolios(role, portfolios, password, stamp)
        found = warehouse.portfolio_grants()
    for note in notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{role} sees {', '.join(found.loc[found['role'] == role, 'portfolio'])}")


@click.command()
@_ROLE
@click.argument("portfolios", metavar="[PORTFOLIO]...", nargs=-1)
def revoke(role: str, portfolios: tuple[str, ...]) -> None:
    """Take PORTFOLIO from ROLE; default: every one.

    The role stays, and sees what it has left, from its next query on.
    """
    with _warehouse("db revoke") as (warehouse, _):
        gone = warehouse.revoke_portfolios(role, portfolios)
    click.echo(f"{role} no longer sees {', '.join(gone)}")


@click.command()
@AS_JSON
def grants(as_json: bool) -> None:
    """List which role sees which portfolios.

    The owner of the tables, sigmasight_reader and sigmasight_writer see all of them.
    """
    with _warehouse("db grants") as (warehouse, _):
        found = warehouse.portfolio_grants()
    if as_json:
        print_json(found)
        return
    for role, names in found.groupby("role")["portfolio"]:
        click.echo(f"{role}: {', '.join(names)}")
    if found.empty:
        click.echo("no role was granted single portfolios")


def _password() -> str:
    """:raises InputError: when standard input has none."""
    password = sys.stdin.readline().rstrip("\n")
    if not password or "\0" in password:
        raise InputError("--password-stdin: standard input has no password; pass one line")
    return password


@contextmanager
def _warehouse(command: str) -> Iterator[tuple["Warehouse", "AuditStamp"]]:
    """The tables, and the stamp of what the command writes."""
    # The other commands of the group need no pandas, and stay fast without it.
    from sigmasight_dagster.warehouse import AuditStamp, Warehouse  # noqa: PLC0415

    with one_line_errors():
        opened = Warehouse(address_of(Settings(), dagster=False))
        yield opened, AuditStamp.now(command)
        opened.close()
