"""`sigmasight remove`: a portfolio with all that was computed of it."""

import shlex
import sys

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import wrapped
from sigmasight_dagster.runs import unfinished


@click.command()
@click.argument("portfolio")
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
def remove(portfolio: str, yes: bool) -> None:
    """Remove PORTFOLIO: its ledger, all its results and alerts, and who may see it.

    A later portfolio of the name is another one: grants to users of the API and to database roles, open
    sessions and added rules of alerts go too. The history of its ledger, saved what-ifs, the log of activity
    and files of reports stay.
    """
    project = Project.open()
    (name,) = project.chosen([portfolio])
    unfinished.refuse(project.instance, f"remove {name}")
    warehouse = project.platform.warehouse
    dates = warehouse.glance_dates(name)
    results = (
        f"results of {len(dates)} dates {dates[0]:%Y-%m-%d}..{dates[-1]:%Y-%m-%d}" if dates else "no results"
    )
    click.echo(f"Portfolio {name}: {len(warehouse.positions([name]))} positions, {results}")
    if not yes:
        _confirm(name)
    removed = project.remove_portfolio(name, shlex.join(["sigmasight", "remove", name]))
    results = f"{removed.partitions:,} partitions with {removed.rows:,} rows of results"
    click.echo(f"Removed {name}: {removed.positions} positions, {results}")
    seen = f"{removed.grants} users and roles that saw it see it no more. " if removed.grants else ""
    kept = "Kept: its history (ledger_changes), saved what-ifs, the log of activity, files of reports."
    click.echo("\n".join(wrapped(seen + kept)))


def _confirm(name: str) -> None:
    """:raises InputError: where there is nobody to ask; :raises Abort: on a no."""
    if not sys.stdin.isatty():
        raise InputError("nothing removed: there is no terminal to ask on; add --yes")
    click.confirm(f"Remove {name}, its positions and its results?", abort=True)
