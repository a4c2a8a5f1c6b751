"""`sigmasight rerun-failed`: compute again exactly the partitions whose last attempt failed."""

import sys
from collections import Counter

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.arguments import some_portfolios
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.partitions.keys import split
from sigmasight_dagster.runs.workspace import utc_now


@click.command()
@some_portfolios
@click.option("--start", metavar="YYYY-MM-DD", help="Only from this date.")
@click.option("--end", metavar="YYYY-MM-DD", help="Only to this date, inclusive.")
def rerun_failed(names: tuple[str, ...], start: str | None, end: str | None) -> None:
    """Compute again what failed last, and nothing else: market data first, then portfolios.

    Failed market data of the dates is computed again whichever portfolio is named. Canceled or unstarted
    work is not failed: sigmasight backfill --missing-only.
    """
    project = Project.open()
    first, last = session_dates.bounds(project.settings, utc_now())
    dates = (
        session_dates.parse_date(start) if start else first,
        session_dates.parse_date(end) if end else last,
    )
    if dates[0] > dates[1]:
        raise InputError(f"--start {dates[0]:%Y-%m-%d} is after --end {dates[1]:%Y-%m-%d}: swap them")
    chosen = project.chosen(names) if names else project.portfolio_order()
    failed, runs = project.failed(dates, chosen)
    if not runs:
        click.echo("Nothing failed.")
        return
    keys = frozenset[str]().union(*failed.values())
    counts = Counter(split(key)[1] or "market data" for key in keys)
    what = ", ".join(f"{name} {count} dates" for name, count in sorted(counts.items()))
    sys.exit(progress.exit_code(progress.execute(project, runs, f"Failed: {what}")))
