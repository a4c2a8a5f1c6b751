"""`sigmasight what-if` and `sigmasight what-if-sessions`: hypothetical trades beside what is held."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import click
import pandas as pd

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioSnapshots, Table
from sigmasight_core.what_if.fix_messages import FixSession
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.arguments import AS_CSV, AS_JSON, one_format
from sigmasight_dagster.commands.csv_files import read_csv, report_rows
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.results import suggested
from sigmasight_dagster.commands.results import what_if_page as page
from sigmasight_dagster.commands.results.suggested import Wanted, target_options
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.errors import unknown_portfolio
from sigmasight_dagster.what_if.suggest import suggest
from sigmasight_dagster.what_if.trade_files import ENDINGS, trade_file
from sigmasight_dagster.what_if.what_if import WhatIf

_PATH = click.Path(path_type=Path)


@click.command("what-if")
@click.argument("portfolio")
@click.argument("trades", type=_PATH, metavar="[TRADES.CSV]", required=False)
@click.option(
    "--date",
    metavar="YYYY-MM-DD",
    help="Session whose close the trades are made at; default: the newest with results.",
)
@click.option("--save", "session", metavar="NAME", help="Save trades and results as a session.")
@click.option("--replace", is_flag=True, help="Overwrite a session that exists already.")
@target_options
@AS_JSON
@AS_CSV
def what_if(
    portfolio: str,
    trades: Path | None,
    date: str | None,
    session: str | None,
    replace: bool,
    wanted: Wanted | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Risk of PORTFOLIO with the trades of TRADES.CSV beside that without; its tables stay as they are.

    Columns of the file: ticker, quantity (signed change); price (default: the close, of an option the model
    price) and tags are optional.

    With --target in place of the file: the trades of least turnover in what is held that bring a measure to a
    value, each with its effect. What --csv prints of them is a file for TRADES.CSV.
    """
    one_format(as_json, as_csv)
    if wanted is not None:
        if trades or session or replace:
            raise click.UsageError("--target finds the trades: leave out TRADES.CSV, --save and --replace")
        _suggest(portfolio, date, wanted, as_json, as_csv)
        return
    if trades is None:
        raise click.UsageError("give TRADES.CSV, or --target")
    now = utc_now()
    if session is not None:
        _check_session_name(session)
    text = read_csv(trades, "trade list CSV")
    platform, day = _at(portfolio, date, now)
    if session is not None and not replace:
        _refuse_saved(platform, session)
    question = WhatIf(platform, portfolio, day)
    parsed = question.parse(text, trades.name)
    report_rows(trades, parsed.warnings, parsed.errors)
    if len(parsed.errors):
        click.echo(f"Nothing computed: {len(parsed.errors)} errors in {trades}: mend them", err=True)
        sys.exit(1)
    comparison = question.compute(parsed.trades, trades.name)
    rows = comparison.rows(now.tz_localize(None).normalize())
    _show(rows, as_json, as_csv)
    if session is not None:
        platform.warehouse.save_what_if(session, rows, AuditStamp.now("sigmasight what-if"), replace)
        click.echo(f"Saved as {session}: sigmasight what-if-sessions show {session}", err=as_json or as_csv)


@click.group("what-if-sessions")
def what_if_sessions() -> None:
    """Saved what-ifs: list, show, export as a trade list, remove."""


@what_if_sessions.command("list")
@AS_JSON
def list_sessions(as_json: bool) -> None:
    """List the saved sessions."""
    sessions = _platform().warehouse.what_if_sessions()
    if as_json:
        print_json(sessions)
    elif sessions.empty:
        click.echo("No session is saved: sigmasight what-if PORTFOLIO TRADES.csv --save NAME")
    else:
        click.echo("\n".join(page.session_lines(sessions)))


@what_if_sessions.command("show")
@click.argument("name")
@AS_JSON
@AS_CSV
def show_session(name: str, as_json: bool, as_csv: bool) -> None:
    """Show the stored comparison of session NAME, as it was computed then."""
    one_format(as_json, as_csv)
    rows = _platform().warehouse.what_if(name)
    _show(rows, as_json, as_csv)


@what_if_sessions.command("export")
@click.argument("name")
@click.argument("file", type=_PATH, required=False)
@click.option("--format", "form", type=click.Choice(list(ENDINGS)), default="csv", show_default=True)
@click.option("--sender", metavar="ID", help="SenderCompID of FIX messages.")
@click.option("--target", metavar="ID", help="TargetCompID of FIX messages.")
@click.option("--first-number", type=click.IntRange(1), default=1, help="MsgSeqNum of the first; default: 1.")
def export_session(
    name: str, file: Path | None, form: str, sender: str | None, target: str | None, first_number: int
) -> None:
    """Write the trades of session NAME as a trade list that what-if reads, or as orders.

    json and broker (CSV): market orders for the day; fix: FIX 4.4 NewOrderSingle. Nothing is sent to anybody.
    Without FILE they go to standard output.
    """
    fix = FixSession(sender, target, first_number) if sender and target else None
    text = trade_file(_platform().warehouse.what_if(name), form, name, utc_now(), fix)
    if file is None:
        click.echo(text, nl=False)
    else:
        _write(file, text)


@what_if_sessions.command("remove")
@click.argument("name")
def remove_session(name: str) -> None:
    """Remove session NAME."""
    _platform().warehouse.remove_what_if(name)
    click.echo(f"Session {name}: removed")


def _suggest(portfolio: str, date: str | None, wanted: Wanted, as_json: bool, as_csv: bool) -> None:
    platform, day = _at(portfolio, date, utc_now())
    found = suggest(platform, portfolio, day, wanted.target, wanted.limits, whole=wanted.whole)
    suggested.require_reached(found, wanted)
    if as_json:
        print_json(suggested.content(found, wanted))
    elif as_csv:
        click.echo(suggested.as_csv(found), nl=False)
    else:
        click.echo("\n".join(suggested.lines(found, wanted)))


def _at(portfolio: str, date: str | None, now: pd.Timestamp) -> tuple[Platform, pd.Timestamp]:
    """The project, and the session at whose close trades are made.

    :raises InputError: when the portfolio is not registered, or nothing of it is computed.
    """
    asked = session_dates.trading_date(date, Settings(), now) if date else None
    platform = _platform()
    if portfolio not in (names := platform.warehouse.portfolio_names()):
        raise unknown_portfolio(portfolio, names)
    return platform, asked or latest_date(platform.warehouse, portfolio, PortfolioSnapshots)


def _platform() -> Platform:
    """Settings and an up-to-date warehouse; Dagster's instance is not needed."""
    platform = Platform(Settings())
    platform.warehouse.migrate()
    return platform


def _check_session_name(name: str) -> None:
    if not re.fullmatch(PORTFOLIO_NAME_PATTERN, name):
        raise InputError(
            f"session name '{name}' must match {PORTFOLIO_NAME_PATTERN}: up to 63 of a-z, 0-9, '_', '-', "
            "starting with a letter or digit"
        )


def _refuse_saved(platform: Platform, name: str) -> None:
    if name in set(platform.warehouse.what_if_sessions()["session"]):
        raise InputError(f"what-if session {name}: already saved; use --replace to overwrite it")


def _show(rows: Mapping[type[Table], pd.DataFrame], as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(page.content(rows))
    elif as_csv:
        click.echo(page.as_csv(rows), nl=False)
    else:
        click.echo("\n".join(page.lines(rows)))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}: give a path that can be written") from None
