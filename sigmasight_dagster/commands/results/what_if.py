"""`sigmasight what-if` and `sigmasight what-if-sessions`: hypothetical trades beside what is held."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_core.tables import WhatIfResults, WhatIfSessions, WhatIfTrades
from sigmasight_core.what_if.trades_csv import trades_csv
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.csv_files import read_csv, report_rows
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.what_if import page
from sigmasight_dagster.what_if.what_if import WhatIf

_PATH = click.Path(path_type=Path)


def _exports(command: Callable[..., None]) -> Callable[..., None]:
    for option, what in (("--csv", "the numbers"), ("--json", "session, trades and numbers")):
        name = f"{option.removeprefix('--')}_file"
        command = click.option(option, name, type=_PATH, metavar="FILE", help=f"Write {what} to FILE.")(
            command
        )
    return command


@click.command("what-if")
@click.argument("portfolio")
@click.argument("trades", type=_PATH, metavar="TRADES.CSV")
@click.option(
    "--date", required=True, metavar="YYYY-MM-DD", help="Session whose close the trades are made at."
)
@click.option("--save", "session", metavar="NAME", help="Save trades and results as a session.")
@click.option("--replace", is_flag=True, help="Overwrite a session that exists already.")
@_exports
def what_if(
    portfolio: str,
    trades: Path,
    date: str,
    session: str | None,
    replace: bool,
    json_file: Path | None,
    csv_file: Path | None,
) -> None:
    """Risk of PORTFOLIO with the trades of TRADES.CSV beside that without; its tables stay as they are.

    Columns of the file: ticker, quantity (signed change); price (default: the close, of an option the model
    price) and tags are optional.
    """
    now = utc_now()
    if session is not None:
        _check_session_name(session)
    text = read_csv(trades, "trade list CSV")
    day = session_dates.trading_date(date, Settings(), now)
    platform = _platform()
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
    page.show(rows[WhatIfSessions].iloc[0], rows[WhatIfTrades], rows[WhatIfResults])
    _export(rows, json_file, csv_file)
    if session is not None:
        platform.warehouse.save_what_if(session, rows, AuditStamp.now("sigmasight what-if"), replace)
        click.echo(f"Saved as {session}: sigmasight what-if-sessions show {session}")


@click.group("what-if-sessions")
def what_if_sessions() -> None:
    """Saved what-ifs: list, show, export as a trade list, remove."""


@what_if_sessions.command("list")
def list_sessions() -> None:
    """List the saved sessions."""
    sessions = _platform().warehouse.what_if_sessions()
    if sessions.empty:
        click.echo("No session is saved: sigmasight what-if PORTFOLIO TRADES.csv --date D --save NAME")
    else:
        page.show_sessions(sessions)


@what_if_sessions.command("show")
@click.argument("name")
@_exports
def show_session(name: str, json_file: Path | None, csv_file: Path | None) -> None:
    """Show the stored comparison of session NAME, as it was computed then."""
    rows = _platform().warehouse.what_if(name)
    page.show(rows[WhatIfSessions].iloc[0], rows[WhatIfTrades], rows[WhatIfResults])
    _export(rows, json_file, csv_file)


@what_if_sessions.command("export")
@click.argument("name")
@click.argument("file", type=_PATH, required=False)
def export_session(name: str, file: Path | None) -> None:
    """Write the trades of session NAME as a trade list that what-if reads; default: standard output."""
    text = trades_csv(_platform().warehouse.what_if(name)[WhatIfTrades])
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


def _platform() -> Platform:
    """Settings and an up-to-date warehouse; Dagster's instance is not needed."""
    platform = Platform(Settings())
    platform.warehouse.migrate()
    return platform


def _check_session_name(name: str) -> None:
    if not re.match(PORTFOLIO_NAME_PATTERN, name):
        raise InputError(
            f"session name '{name}' must match {PORTFOLIO_NAME_PATTERN}: up to 63 of a-z, 0-9, '_', '-', "
            "starting with a letter or digit"
        )


def _refuse_saved(platform: Platform, name: str) -> None:
    if name in set(platform.warehouse.what_if_sessions()["session"]):
        raise InputError(f"what-if session {name}: already saved; use --replace to overwrite it")


def _export(rows: Any, json_file: Path | None, csv_file: Path | None) -> None:
    for file, text in ((json_file, page.as_json), (csv_file, page.as_csv)):
        if file is not None:
            _write(file, text(rows))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}: give a path that can be written") from None
