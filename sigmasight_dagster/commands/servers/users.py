"""`sigmasight users`: who may use the API, and which portfolios are theirs."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import click

from sigmasight_core.errors import InputError
from sigmasight_core.tables.access.users import ROLES
from sigmasight_dagster.auth.passwords import hashed
from sigmasight_dagster.commands.arguments import AS_JSON, some_portfolios
from sigmasight_dagster.commands.demo_portfolios import PORTFOLIOS
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.table import GAP, table, wrapped
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.users import UserStore
from sigmasight_dagster.warehouse.errors import LayoutTooOld

Result = TypeVar("Result")
BY: Final = "sigmasight users"
DEMO_DOMAIN: Final = "demo.sigmasight.local"
LONGEST_EMAIL: Final = 40
"""In a row of the list."""


@click.group()
def users() -> None:
    """Who may use the API (`sigmasight serve`), and which portfolios are theirs."""


@users.command("add")
@click.argument("email", required=False)
@some_portfolios
@click.option(
    "--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What they may do."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--demo", is_flag=True, help="A reader for each demo portfolio; prints what to log in with.")
def add(email: str | None, names: tuple[str, ...], role: str, password_stdin: bool, demo: bool) -> None:
    """Add the user EMAIL, who sees these portfolios; asks for the password."""
    if demo == (email is not None):
        raise click.UsageError("give EMAIL, or --demo")
    if demo:
        _add_demo()
        return
    address = _address(email or "")
    password_hash = hashed(_password(password_stdin))
    _with_store(lambda store: store.add(address, password_hash, role, names, BY))
    click.echo(f"Added {address}: {role}, portfolios {', '.join(names) or 'none'}")


@users.command("list")
@AS_JSON
def list_users(as_json: bool) -> None:
    """List the users with their roles and portfolios."""
    found = _with_store(lambda store: store.every())
    if as_json:
        print_json(found)
        return
    if not found:
        click.echo("No user is added: sigmasight users add EMAIL PORTFOLIO")
        return
    rows = [_shown(user) for user in found]
    columns = [("email", 0), ("role", 0), ("disabled", 0), ("portfolios", 0)]
    click.echo("\n".join(table(rows, columns, above="long_email")))


@users.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Let the user EMAIL in no more, and end what they have open."""
    _with_store(lambda store: store.disable(_address(email), BY))
    click.echo(f"Disabled {_address(email)}: their tokens are not valid any more")


@users.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(email: str, password_stdin: bool) -> None:
    """Give the user EMAIL another password, and end what they have open."""
    password_hash = hashed(_password(password_stdin))
    _with_store(lambda store: store.set_password(_address(email), password_hash, BY))
    click.echo(f"{_address(email)} has another password: their tokens are not valid any more")


def _shown(user: Mapping[str, Any]) -> dict[str, str]:
    """A user as a row; an address that leaves the others no room stands above it."""
    email, since = user["email"], user["disabled_at"]
    long = len(email) > LONGEST_EMAIL
    return {
        "email": "" if long else email,
        "long_email": email if long else "",
        "role": user["role"],
        "disabled": f"{since:%Y-%m-%d}" if since else "",
        "portfolios": "every one" if user["role"] == "admin" else ", ".join(user["portfolios"]) or "none",
    }


def _add_demo() -> None:
    warehouse = Warehouse(asset_database_url(Settings()))
    there = warehouse.portfolio_names()
    warehouse.close()
    wanted = [name for name in PORTFOLIOS if name in there]
    if not wanted:
        raise InputError("no demo portfolio is registered; make them: sigmasight demo")
    known = {user["email"] for user in _with_store(lambda store: store.every())}
    added: list[dict[str, str]] = []
    for name in wanted:
        address = f"{name}@{DEMO_DOMAIN}"
        if address in known:
            said = f"{address} is there already; another password: sigmasight users password {address}"
            click.echo("\n".join(wrapped(said, "", GAP)))
            continue
        given = secrets.token_urlsafe(12)
        _with_store(_adding(address, hashed(given), name))
        added.append({"email": address, "password": given, "reader_of": name})
    if added:
        click.echo("\n".join(table(added, [("email", 0), ("password", 0), ("reader_of", 0)])))


def _adding(address: str, password_hash: str, portfolio: str) -> Callable[[UserStore], Awaitable[None]]:
    return lambda store: store.add(address, password_hash, "reader", [portfolio], BY)


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return click.prompt("Password", hide_input=True, confirmation_prompt=True)


def _address(email: str) -> str:
    """:raises InputError: when it is no address."""
    address = email.strip().lower()
    name, _, domain = address.partition("@")
    if not name or not domain or any(c.isspace() or c in "@\0" for c in name + domain) or len(address) > 320:
        raise InputError(f"{email!r} is no address; write NAME@DOMAIN")
    return address


def _with_store(work: Callable[[UserStore], Awaitable[Result]]) -> Result:
    """Do the work on the users' tables, which are made where they are missing."""
    url = asset_database_url(Settings())

    async def run() -> Result:
        pool = Pool(url, size=1)
        await pool.open()
        try:
            return await work(UserStore(pool))
        finally:
            await pool.close()

    try:
        return asyncio.run(run())
    except LayoutTooOld:
        warehouse = Warehouse(url)
        warehouse.migrate()
        warehouse.close()
    return asyncio.run(run())
