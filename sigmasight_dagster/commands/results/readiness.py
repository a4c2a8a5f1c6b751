"""`sigmasight readiness`: what each calculation can and cannot say of a portfolio, and why."""

import click

from sigmasight_dagster import session_dates
from sigmasight_dagster.commands.arguments import AS_JSON, NEWEST, some_portfolios
from sigmasight_dagster.commands.output import plain, print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.readiness_page import lines
from sigmasight_dagster.reports.readiness import latest_date, measure
from sigmasight_dagster.runs.workspace import utc_now


@click.command()
@some_portfolios
@NEWEST
@AS_JSON
def readiness(names: tuple[str, ...], date: str | None, as_json: bool) -> None:
    """What each calculation can and cannot do for a portfolio, from what is stored; default: every one.

    Counts results that are ok, that have a value with a reservation (partial, stale), and that have none.
    """
    project = Project.open()
    chosen = project.chosen(names)
    asked = session_dates.trading_date(date, project.settings, utc_now()) if date else None
    days = [asked or latest_date(project.platform.warehouse, name) for name in chosen]
    found = [
        (name, day, measure(project.platform, name, day)) for name, day in zip(chosen, days, strict=True)
    ]
    if as_json:
        print_json(
            [{"portfolio": name, "date": day, **row} for name, day, rows in found for row in plain(rows)]
        )
        return
    for name, day, rows in found:
        click.echo("\n".join(lines(rows, name, day)))
