"""`sigmasight docs-charts`: the page 'What the numbers look like' of one portfolio and date."""

from pathlib import Path

import click

from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import reality_page, results_page
from sigmasight_dagster.reports.reality import reality_check
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.settings import Settings, project_root


@click.command("docs-charts")
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="Trading date that was computed.")
@click.option("--portfolio", "name", required=True, metavar="NAME", help="Portfolio to show.")
@click.option(
    "--docs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to write; default: docs.",
)
def docs_charts(date: str, name: str, folder: Path | None) -> None:
    """Draw exposures, stress and correlations of a portfolio, and compare stress with reality.

    Writes risk_results.md, stress_against_reality.md and images/*.png.
    """
    platform = Platform(Settings())
    warehouse = platform.warehouse
    warehouse.migrate()
    target = folder or project_root() / "docs"
    results = results_page.RiskResults.read(warehouse, platform.market_data.name, name, parse_date(date))
    for path in [*results_page.write(results, target), *reality_page.write(reality_check(platform), target)]:
        click.echo(f"wrote {path}")
