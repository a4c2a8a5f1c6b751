"""`sigmasight readiness`: what each calculation can and cannot say of a portfolio, and why."""

import click

from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.readiness_page import show
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.runs.workspace import utc_now


@click.command()
@click.argument("portfolios", nargs=-1, metavar="[PORTFOLIO]...")
@click.option(
    "--date", metavar="YYYY-MM-DD", help="Default: the latest date with results, of each portfolio."
)
def readiness(portfolios: tuple[str, ...], date: str | None) -> None:
    """What each calculation can and cannot do for a portfolio, from what is stored; default: every one."""
    project = Project.open()
    names = project.chosen(portfolios)
    asked = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    dates = [asked or latest_date(project.platform.warehouse, name) for name in names]
    for name, day in zip(names, dates, strict=True):
        show(project.platform, name, day)
