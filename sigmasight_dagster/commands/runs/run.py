"""`sigmasight run` and `sigmasight backfill`: real Dagster runs, a progress bar, and what came of them."""

import sys

import click
import pandas as pd
from pandas import DatetimeIndex

from sigmasight_dagster import session_dates
from sigmasight_dagster.checks.coverage import unknown_dividend_names
from sigmasight_dagster.commands import glance, progress
from sigmasight_dagster.commands.arguments import some_portfolios
from sigmasight_dagster.commands.progress import CANCELED
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.results import report
from sigmasight_dagster.commands.table import SHOWN
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings

_END = "default: the newest session with data."


@click.command()
@some_portfolios
@click.option("--date", metavar="YYYY-MM-DD", help=f"Trading date to compute; {_END}")
@click.option("--force", is_flag=True, help="Compute the market of the date even where it is current.")
@click.option("--report", "reported", is_flag=True, help="Write the reports of the portfolios as well.")
def run(names: tuple[str, ...], date: str | None, force: bool, reported: bool) -> None:
    """Compute every asset of one trading date.

    Market data and estimates of the date, which all portfolios share, are taken as they are published, while
    they are current: whole, made with the code and settings of now, and of nothing that has changed since.
    """
    dates = DatetimeIndex([_given_or_last(date)])
    project = Project.open()
    code = _compute(project, dates, names, reuse=not force)
    if not code:
        chosen = project.chosen(names)
        for name in chosen[:SHOWN]:
            click.echo("\n".join(glance.ten_lines(project.platform.warehouse, name, dates[0])))
        if len(chosen) > SHOWN:
            click.echo(f"and {len(chosen) - SHOWN:,} more: sigmasight show PORTFOLIO")
    if reported and code != CANCELED:
        code = max(code, report.make(project, project.chosen(names), dates[0]))
    sys.exit(code)


@click.command()
@some_portfolios
@click.option("--start", required=True, metavar="YYYY-MM-DD", help="First date.")
@click.option("--end", metavar="YYYY-MM-DD", help=f"Last date, inclusive; {_END}")
@click.option(
    "--missing-only",
    is_flag=True,
    help="Only what was never published: goes on after a kill or Ctrl-C. Published rows stay as they are.",
)
@click.option(
    "--all-reports", is_flag=True, help="Make the report of every date, not of the last one of each run."
)
def backfill(
    names: tuple[str, ...], start: str, end: str | None, missing_only: bool, all_reports: bool
) -> None:
    """Compute every asset of every trading date from START to END, in a few range runs.

    Ctrl-C cancels: what is published is whole and stays.
    """
    settings, now = Settings(), utc_now()
    last = end or f"{session_dates.bounds(settings, now)[1]:%Y-%m-%d}"
    dates = session_dates.trading_range(start, last, settings, now)
    sys.exit(_compute(Project.open(), dates, names, missing_only, all_reports))


def _given_or_last(date: str | None) -> pd.Timestamp:
    """The date, or the newest session with data, which is told."""
    settings, now = Settings(), utc_now()
    if date is not None:
        return session_dates.trading_date(date, settings, now)
    last = session_dates.bounds(settings, now)[1]
    click.echo(f"{last:%Y-%m-%d}, the newest session with data", err=True)
    return last


def _compute(
    project: Project,
    dates: pd.DatetimeIndex,
    names: tuple[str, ...],
    missing_only: bool = False,
    all_reports: bool = False,
    reuse: bool = False,
) -> int:
    if warning := unknown_dividend_names(project.platform):
        click.echo(f"warning: {warning}", err=True)
    outcomes = progress.compute(project, dates, project.chosen(names), missing_only, all_reports, reuse)
    return progress.exit_code(outcomes)
