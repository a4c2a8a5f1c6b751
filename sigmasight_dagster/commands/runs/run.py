"""`sigmasight run` and `sigmasight backfill`: real Dagster runs, a progress bar, and what came of them."""

import sys

import click
import pandas as pd
from pandas import DatetimeIndex

from sigmasight_dagster import session_dates
from sigmasight_dagster.checks.coverage import unknown_dividend_names
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings

_PORTFOLIO = click.option(
    "--portfolio",
    "names",
    multiple=True,
    metavar="NAME",
    help="Portfolio to compute; repeat it; default: all.",
)


@click.command()
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="Trading date to compute.")
@_PORTFOLIO
def run(date: str, names: tuple[str, ...]) -> None:
    """Compute every asset of one trading date."""
    dates = DatetimeIndex([session_dates.trading_date(date, Settings(), utc_now())])
    _compute(Project.open(), dates, names)


@click.command()
@click.option("--start", required=True, metavar="YYYY-MM-DD", help="First date.")
@click.option("--end", required=True, metavar="YYYY-MM-DD", help="Last date, inclusive.")
@_PORTFOLIO
@click.option(
    "--missing-only",
    is_flag=True,
    help="Only what was never published: goes on after a kill or Ctrl-C. Published rows stay as they are.",
)
def backfill(start: str, end: str, names: tuple[str, ...], missing_only: bool) -> None:
    """Compute every asset of every trading date from START to END, in a few range runs.

    Ctrl-C cancels: what is published is whole and stays.
    """
    dates = session_dates.trading_range(start, end, Settings(), utc_now())
    _compute(Project.open(), dates, names, missing_only)


def _compute(
    project: Project, dates: pd.DatetimeIndex, names: tuple[str, ...], missing_only: bool = False
) -> None:
    if warning := unknown_dividend_names(project.platform):
        click.echo(f"warning: {warning}", err=True)
    outcomes = progress.compute(project, dates, project.chosen(names), missing_only)
    sys.exit(progress.exit_code(outcomes))
