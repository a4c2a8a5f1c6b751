"""`sigmasight retention`: delete what is older than it is to be kept."""

import click
import dagster as dg
import pandas as pd

from sigmasight_dagster.automation.retention import MB, Retired, held_back, retire
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.places import dagster_home


@click.command()
@click.option(
    "--days",
    type=click.IntRange(min=1),
    help="Of detail by position, in place of SIGMASIGHT_KEEP_DETAIL_DAYS.",
)
@click.option("--dry-run", is_flag=True, help="Count, and delete nothing.")
def retention(days: int | None, dry_run: bool) -> None:
    """Delete what is older than the settings SIGMASIGHT_KEEP_... say.

    Detail by position, what source rows were before they changed, alerts, and ended runs with their events
    and captured output. Snapshots, exposures, stress results, risk measures, market data and what the
    UI shows of partitions stay.
    """
    dagster_home()
    settings = Settings()
    platform = Platform(settings)
    platform.warehouse.migrate()
    kept = settings if days is None else settings.model_copy(update={"keep_detail_days": days})
    with dg.DagsterInstance.get() as instance:
        for retired in retire(platform, instance, kept, utc_now(), dry_run):
            click.echo("\n".join(lines(retired, dry_run)))
    if held := held_back(platform.warehouse):
        click.echo(f"warning: {held}", err=True)


def lines(retired: Retired, dry_run: bool) -> list[str]:
    """What leaves, table by table, and a sentence that sums it up."""
    chosen = retired.tables[retired.tables["n_rows"] > 0].sort_values(
        "n_bytes", ascending=False, kind="stable"
    )
    rows = pd.DataFrame({"what": chosen["what"], "rows": chosen["n_rows"], "MB": chosen["n_bytes"] / MB})
    shown = table(rows.to_dict("records"), [("what", 0), ("rows", 0), ("MB", 1)]) if len(rows) else []
    return [*shown, f"{'Would delete' if dry_run else 'Deleted'} {retired.summary}."]
