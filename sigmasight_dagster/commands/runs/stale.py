"""`sigmasight stale`: results that late data has made stale, and computing them again."""

import sys

import click
import pandas as pd

from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.arguments import AS_JSON, lists_only
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.staleness.stale import stale, stale_keys


@click.command("stale")
@click.option("--rerun", is_flag=True, help="Compute them again: market data first, then portfolios.")
@AS_JSON
def list_stale(rerun: bool, as_json: bool) -> None:
    """List what was computed before a price, yield, corporate action or security of its windows changed.

    --rerun first asks for corporate actions since each entry that are not known.
    """
    lists_only(as_json, "--rerun", rerun)
    project = Project.open()
    assets = declared(project.settings)
    if rerun and (runs := project.actions_runs()):
        outcomes = progress.execute(project, runs, "Corporate actions since entry")
        if code := progress.exit_code(outcomes):
            sys.exit(code)
    rows = stale(project.platform, assets)
    if as_json:
        print_json(rows)
        return
    if rows.empty:
        click.echo("Nothing is stale.")
        return
    click.echo("\n".join(_lines(rows)))
    click.echo(f"{len(rows):,} partitions are stale.")
    if rerun:
        keys = stale_keys(assets, rows)
        order, chunk = project.portfolio_order(), project.settings.chunk_partitions
        outcomes = progress.execute(project, recovery.plan(assets, keys, order, chunk), "Stale")
        sys.exit(progress.exit_code(outcomes))


def _lines(rows: pd.DataFrame) -> list[str]:
    """A table: one row for each stored table and portfolio, with what changed below it."""
    shown = [
        {
            "table": table_name,
            "portfolio": portfolio or "-",
            "dates": len(group),
            "first": f"{group['date'].min():%Y-%m-%d}",
            "last": f"{group['date'].max():%Y-%m-%d}",
            "cause": _causes(group),
        }
        for (table_name, portfolio), group in rows.groupby(["table_name", "portfolio"], sort=False)
    ]
    columns = [(name, 0) for name in ("table", "portfolio", "dates", "first", "last")]
    return table(shown, columns, below="cause")


def _causes(group: pd.DataFrame) -> str:
    found = list(group.sort_values("changed_at")["cause"].unique())
    return "; ".join(found[:3]) + (f"; {len(found) - 3} more" if len(found) > 3 else "")
