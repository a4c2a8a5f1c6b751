"""`sigmasight retention`: delete old position-level detail."""

import click

from sigmasight_dagster.automation.retention import retire
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings


@click.command()
@click.option("--days", default=365, show_default=True, help="Calendar days of detail to keep.")
@click.option("--dry-run", is_flag=True, help="Count, and delete nothing.")
def retention(days: int, dry_run: bool) -> None:
    """Delete position-level detail older than DAYS before the latest snapshot.

    Snapshots, exposures, stress results, risk measures and market data stay.
    """
    platform = Platform(Settings())
    platform.warehouse.migrate()
    retired = retire(platform.warehouse, days, dry_run)
    if retired is None:
        click.echo("Nothing is published: nothing to retire.")
        return
    click.echo(f"Detail before {retired.before:%Y-%m-%d}{': would be deleted' if dry_run else ': deleted'}")
    rows = retired.tables.rename(columns={"n_partitions": "partitions", "n_rows": "rows"}).to_dict("records")
    click.echo("\n".join(table(rows, [("table_name", 0), ("partitions", 0), ("rows", 0)])))
