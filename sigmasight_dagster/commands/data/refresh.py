"""`sigmasight refresh`: ask the sources again for what is stored, and tell what they have corrected."""

import sys

import click
import pandas as pd

from sigmasight_core.tables import DailyPrices
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import source_assets
from sigmasight_dagster.checks import late_data
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.runs.plan import RangeRun, runs_of_sessions
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings

SHOWN = 50


@click.command()
@click.option("--start", required=True, metavar="YYYY-MM-DD", help="First date.")
@click.option("--end", required=True, metavar="YYYY-MM-DD", help="Last date, inclusive.")
def refresh(start: str, end: str) -> None:
    """Fetch market data from START to END again, keep the old versions, and say what became stale."""
    dates = session_dates.trading_range(start, end, Settings(), utc_now())
    project = Project.open()
    before = project.platform.warehouse.read(DailyPrices, dates=dates)
    sources = source_assets()
    runs = [RangeRun("refresh", sources, part, refetch=True) for part in runs_of_sessions(dates)]
    outcomes = progress.execute(project, runs, "Refresh")
    _tell(before, project.platform.warehouse.read(DailyPrices, dates=dates))
    n_stale = len(late_data.stale(project.platform))
    click.echo(f"{n_stale:,} partitions are stale" + (": sigmasight stale --rerun" if n_stale else "."))
    sys.exit(progress.exit_code(outcomes))


def _tell(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Closes that changed, came or went."""
    keys = ["date", "symbol"]
    both = before[[*keys, "close"]].merge(
        after[[*keys, "close"]], on=keys, how="outer", suffixes=("_old", "")
    )
    missing = both["close"].isna() & both["close_old"].isna()
    changed = both[(both["close"] != both["close_old"]) & ~missing]
    if len(changed):
        shown = changed.head(SHOWN).assign(date=changed["date"].dt.strftime("%Y-%m-%d"))
        columns = [("symbol", 0), ("date", 0), ("close_old", None), ("close_new", None)]
        rows = shown.rename(columns={"close": "close_new"}).to_dict("records")
        click.echo("\n".join(table(rows, columns)))
    more = len(changed) - SHOWN
    click.echo(f"{len(changed):,} closes differ" + (f" ({more:,} not shown)" if more > 0 else ""))
