"""`sigmasight import` and `sigmasight portfolios`: the ledger of portfolios and positions."""

import sys
from pathlib import Path

import click

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster.commands.csv_files import CASH, SHARES_OF, check_name, read_csv, report_rows
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger import files


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--portfolio", "name", required=True, metavar="NAME", help="Name: a-z, 0-9, '_' and '-'.")
@CASH
@SHARES_OF
@click.option("--skip-bad-rows", is_flag=True, help="Import the good rows and leave out the bad.")
@click.option("--allow-unpriced", is_flag=True, help="Accept symbols that the provider has no prices for.")
@click.option("--replace", is_flag=True, help="Replace the positions of a portfolio that exists already.")
def import_portfolio(
    file: Path,
    name: str,
    cash: float | None,
    shares_of: SharesOf,
    skip_bad_rows: bool,
    allow_unpriced: bool,
    replace: bool,
) -> None:
    """Import the positions of FILE (CSV) as a portfolio, after checking every row."""
    check_name(name)
    text = read_csv(file)
    project = Project.open()
    parsed = files.parse(project, text, name, file.name, allow_unpriced=allow_unpriced, shares_of=shares_of)
    report_rows(file, parsed.warnings, parsed.errors)
    if len(parsed.errors) and not skip_bad_rows:
        click.echo(
            f"Nothing imported: {len(parsed.errors)} bad rows. Mend them, or leave them out: --skip-bad-rows"
        )
        sys.exit(1)
    if parsed.positions.empty:
        raise InputError(f"{file}: no good row: nothing imported")
    balance = files.stored_cash(project, name, cash)
    result = project.save_portfolio(name, balance, file.name, parsed.positions, replace)
    click.echo(f"Portfolio {name}: {len(parsed.positions)} positions, {result}")


@click.command("portfolios")
def list_portfolios() -> None:
    """List the registered portfolios."""
    project = Project.open()
    counts = project.platform.warehouse.positions().groupby("portfolio").size()
    for row in project.platform.warehouse.portfolios().itertuples():
        click.echo(
            f"{row.portfolio}\t{counts.get(row.portfolio, 0)} positions\tcash {row.cash:,.2f}\t{row.source}"
        )
