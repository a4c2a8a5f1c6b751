"""`sigmasight stale`: results that late data has made stale, and computing them again."""

import sys

import click
import pandas as pd

from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.staleness.stale import stale, stale_keys


@click.command("stale")
@click.option("--rerun", is_flag=True, help="Compute them again: market data first, then portfolios.")
def list_stale(rerun: bool) -> None:
    """List what was computed before a price, yield, corporate action or security of its windows changed.

    --rerun first asks for corporate actions since each entry that are not known.
    """
    project = Project.open()
    assets = declared(project.settings)
    if rerun and (runs := project.actions_runs()):
        outcomes = progress.execute(project, runs, "Corporate actions since entry")
        if code := progress.exit_code(outcomes):
            sys.exit(code)
    rows = stale(project.platform, assets)
    if rows.empty:
        click.echo("Nothing is stale.")
        return
    for (table, portfolio), group in rows.groupby(["table_name", "portfolio"], sort=False):
        click.echo(
            f"{table}\t{portfolio or '-'}\t{len(group)} dates "
            f"{group['date'].min():%Y-%m-%d}..{group['date'].max():%Y-%m-%d}\t{_causes(group)}"
        )
    click.echo(f"{len(rows):,} partitions are stale.")
    if rerun:
        keys = stale_keys(assets, rows)
        order, chunk = project.portfolio_order(), project.settings.chunk_partitions
        outcomes = progress.execute(project, recovery.plan(assets, keys, order, chunk), "Stale")
        sys.exit(progress.exit_code(outcomes))


def _causes(group: pd.DataFrame) -> str:
    found = list(group.sort_values("changed_at")["cause"].unique())
    return "; ".join(found[:3]) + (f"; {len(found) - 3} more" if len(found) > 3 else "")
