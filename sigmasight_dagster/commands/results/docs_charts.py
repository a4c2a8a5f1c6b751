"""`sigmasight docs-charts`: the page 'What the numbers look like' of one portfolio and date."""

from pathlib import Path

import click

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.arguments import NEWEST, given_portfolio, one_portfolio
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports import portfolio_report, reality_page, results_page
from sigmasight_dagster.reports.reality import reality_check
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.settings import Settings, project_root
from sigmasight_dagster.warehouse.errors import unknown_portfolio


@click.command("docs-charts")
@one_portfolio("PORTFOLIO")
@NEWEST
@click.option(
    "--docs",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where to write; default: docs.",
)
def docs_charts(name: str | None, date: str | None, folder: Path | None) -> None:
    """Draw exposures, stress and correlations of a portfolio, and compare stress with reality.

    Writes risk_results.md, stress_against_reality.md and images/*.png.
    """
    portfolio = given_portfolio(name)
    platform = Platform(Settings())
    warehouse = platform.warehouse
    warehouse.migrate()
    target = folder or project_root() / "docs"
    if portfolio not in (names := warehouse.portfolio_names()):
        raise unknown_portfolio(portfolio, names)
    day = parse_date(date) if date else portfolio_report.newest_date(warehouse, portfolio)
    portfolio_report.require_whole(warehouse, portfolio, day)
    results = results_page.RiskResults.read(warehouse, platform.market_data.name, portfolio, day)
    check = reality_check(platform)
    click.echo(f"{portfolio} on {day:%Y-%m-%d}:")
    try:
        for path in [*results_page.write(results, target), *reality_page.write(check, target)]:
            click.echo(f"wrote {path}")
    except OSError as error:
        raise InputError(f"{target}: {error.strerror or error}: name another one with --docs") from None
