"""`sigmasight doubtful`: what cannot be believed of a source, and what a user says of it."""

import getpass
import textwrap

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.spelling import plain_symbol
from sigmasight_dagster.checks import late_data
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.engine import doubts
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.warehouse import AuditStamp

WIDTH = 80
KINDS = ("close", "adjusted_close", "range", "split", "dividend")
_KIND = click.option("--kind", type=click.Choice(KINDS), help="Of several doubts of that day, this one.")
_REASON = click.option("--reason", default="", metavar="TEXT", help="Why; kept with the version.")


@click.group()
def doubtful() -> None:
    """Prices, splits and dividends that cannot be believed: list, confirm and reject them."""


@doubtful.command("list")
@click.option("--symbol", metavar="SYMBOL", help="Of this symbol only.")
@click.option("--all", "every", is_flag=True, help="Every version, settled ones too.")
@AS_JSON
def list_doubts(symbol: str | None, every: bool, as_json: bool) -> None:
    """List what is in doubt and so not used, with what it was held against."""
    warehouse = Project.open().platform.warehouse
    rows = warehouse.doubts(None if symbol is None else [plain_symbol(symbol)], every)
    rows = rows if every else rows[rows["state"] == "open"]
    rows = rows.sort_values(["date", "symbol", "kind", "version"])
    if as_json:
        print_json(rows)
        return
    for _, row in rows.iterrows():
        click.echo(_told(row))
    if rows.empty:
        click.echo("Nothing is in doubt." if not every else "Nothing was ever in doubt.")
    elif not every:
        click.echo(f"{len(rows):,} in doubt. Settle: sigmasight doubtful confirm SYMBOL DATE, or reject.")


@doubtful.command()
@click.argument("symbol")
@click.argument("date")
@_KIND
@_REASON
def confirm(symbol: str, date: str, kind: str | None, reason: str) -> None:
    """Say that the value of SYMBOL on DATE is right: it is used from now on."""
    _settle(symbol, date, kind, "confirmed", reason)


@doubtful.command()
@click.argument("symbol")
@click.argument("date")
@_KIND
@_REASON
def reject(symbol: str, date: str, kind: str | None, reason: str) -> None:
    """Say that the value of SYMBOL on DATE is wrong: it is not used, whatever comes later."""
    _settle(symbol, date, kind, "rejected", reason)


def _settle(symbol: str, date: str, kind: str | None, state: str, reason: str) -> None:
    day, name = pd.Timestamp(parse_date(date)), plain_symbol(symbol)
    platform = Project.open().platform
    known = platform.warehouse.doubts([name])
    mine = known[(known["date"] == day) & (known["state"] != "lifted")]
    mine = mine if kind is None else mine[mine["kind"] == kind]
    if mine.empty:
        what = f"{kind} of {name}" if kind else name
        raise InputError(f"{what} on {date} is not in doubt: sigmasight doubtful list --symbol {name} --all")
    chosen = mine[mine["state"] != state]
    for _, row in mine[mine["state"] == state].iterrows():
        click.echo(f"{_head(row)}: {state} already")
    if chosen.empty:
        return
    command = f"doubtful {state.removesuffix('ed')} by {getpass.getuser()}"
    said = reason if reason else chosen["reason"]
    decided = chosen.drop(columns="computed_at").assign(
        state=state, settled_by=command, reason=said, version=chosen["version"] + 1
    )
    findings = doubts.rejudge(platform, decided)
    platform.warehouse.settle(findings, AuditStamp.now(f"sigmasight {command}"))
    for _, row in findings.versions.iterrows():
        click.echo(f"{_head(row)}: {row['state']}")
    n_stale = len(late_data.stale(platform))
    click.echo(f"{n_stale:,} partitions are stale" + (": sigmasight stale --rerun" if n_stale else "."))


def _head(row: pd.Series) -> str:
    value = "" if pd.isna(row["value"]) else f" {row['value']:,.6g}"
    return f"{row['symbol']} {row['date']:%Y-%m-%d} {row['kind']}{value}"


def _told(row: pd.Series) -> str:
    """A doubt in lines of at most WIDTH characters."""
    against = "" if pd.isna(row["held_against"]) else f", held against {row['held_against']:,.6g}"
    when = f"{row['computed_at']:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"{_head(row)}{against}: {row['state']}",
        row["reason"],
        f"source: {row['source']}",
        f"{row['settled_by']}, {when}, version {row['version']}",
    ]
    wrapped = (
        textwrap.fill(line, WIDTH, initial_indent="  " * (place > 0), subsequent_indent="    ")
        for place, line in enumerate(lines)
    )
    return "\n".join(wrapped)
