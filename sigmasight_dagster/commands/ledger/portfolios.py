"""`sigmasight import` and `sigmasight portfolios`: the ledger of portfolios and positions."""

import sys
from pathlib import Path
from typing import Any

import click

from sigmasight_core.brokers.repeats import Repeats
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster.commands import other_provider
from sigmasight_dagster.commands.arguments import AS_JSON, given_portfolio, one_portfolio
from sigmasight_dagster.commands.csv_files import (
    SHARES_OF,
    check_name,
    read_csv,
    report_balances,
    report_rows,
)
from sigmasight_dagster.commands.ledger.benchmark import with_benchmark
from sigmasight_dagster.commands.ledger.folder import import_folder
from sigmasight_dagster.commands.ledger.history import (
    ALLOW_SHORT,
    EXPLAIN,
    FORMAT,
    PRESET,
    REPEATED,
    HistoryFile,
    check_options,
    explain_history,
    import_history,
)
from sigmasight_dagster.commands.ledger.stated import stated_options
from sigmasight_dagster.commands.output import plain, print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.ledger import files, histories
from sigmasight_dagster.ledger.accounts import Stated, save_list
from sigmasight_dagster.ledger.histories import Reading
from sigmasight_dagster.ledger.received import Sent
from sigmasight_dagster.settings import Settings


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@one_portfolio("PORTFOLIO")
@FORMAT
@PRESET
@EXPLAIN
@stated_options
@SHARES_OF
@ALLOW_SHORT
@REPEATED
@click.option("--skip-bad-rows", is_flag=True, help="Import the good rows and leave out the bad.")
@click.option("--allow-unpriced", is_flag=True, help="Accept symbols that the provider has no prices for.")
@click.option("--replace", is_flag=True, help="Replace a portfolio that exists already.")
def import_portfolio(
    file: Path,
    name: str | None,
    form: str,
    preset_file: Path | None,
    explain: bool,
    stated: Stated,
    shares_of: SharesOf,
    allow_short: bool,
    repeats: Repeats,
    skip_bad_rows: bool,
    allow_unpriced: bool,
    replace: bool,
) -> None:
    """Import FILE (CSV) as a portfolio, after checking every row.

    FILE lists positions, or is the history that a broker exports (docs/brokers.md). Of a folder each NAME.csv
    becomes portfolio NAME: many portfolios in one process, without PORTFOLIO.
    """
    if file.is_dir():
        _refuse_beside_folder(file, name, explain or preset_file is not None or skip_bad_rows)
        asked = Sent("", "", b"", stated, form, shares_of, allow_unpriced, allow_short, repeats)
        import_folder(file, asked, replaces=replace)
    given = "explained" if explain else given_portfolio(name)
    check_name(given)
    text = read_csv(file)
    preset = histories.chosen(Settings(), text, str(file), form, preset_file)
    if preset is None:
        if explain:
            raise InputError(f"{file}: a list of positions; --explain shows histories: leave it out")
        import_positions(file, text, given, stated, shares_of, (skip_bad_rows, allow_unpriced, replace))
        return
    check_options(file, stated, shares_of)
    history = HistoryFile(file, text, preset, Reading(allow_unpriced, repeats))
    if explain:
        explain_history(history)
    import_history(
        history,
        given,
        skip_bad_rows=skip_bad_rows,
        replace=replace,
        allow_short=allow_short,
        stated=stated,
    )


def _refuse_beside_folder(folder: Path, name: str | None, of_one_file: bool) -> None:
    """:raises InputError: for what is said of one file alone."""
    if name is not None:
        raise InputError(f"{folder} is a folder: leave {name} out, each NAME.csv becomes portfolio NAME")
    if of_one_file:
        raise InputError(f"{folder} is a folder: --explain, --preset and --skip-bad-rows are of one file")


def import_positions(
    file: Path,
    text: bytes,
    name: str,
    stated: Stated,
    shares_of: SharesOf,
    options: tuple[bool, bool, bool],
) -> None:
    """Store a list of positions.

    :param options: whether to skip bad rows, to allow unpriced symbols, to replace.
    """
    skip_bad_rows, allow_unpriced, replace = options
    project = Project.open()
    parsed = files.parse(project, text, name, file.name, allow_unpriced=allow_unpriced, shares_of=shares_of)
    report_rows(file, parsed.warnings, parsed.errors)
    if len(parsed.errors) and not skip_bad_rows:
        click.echo(
            f"Nothing imported: {len(parsed.errors)} bad rows. Mend them, or leave them out: --skip-bad-rows"
        )
        other_provider.tell(project.platform, parsed.errors)
        sys.exit(1)
    if parsed.positions.empty:
        raise InputError(f"{file}: no good row: nothing imported")
    stated = with_benchmark(project, stated)
    result = save_list(project, name, file.name, parsed.positions, stated=stated, replace=replace)
    report_balances(project, name)
    click.echo(f"Portfolio {name}: {len(parsed.positions)} positions, {result}")


@click.command("portfolios")
@AS_JSON
def list_portfolios(as_json: bool) -> None:
    """List the registered portfolios."""
    warehouse = Project.open().platform.warehouse
    counts = warehouse.position_counts()
    registry = warehouse.portfolios()
    columns = ["portfolio", "positions", "cash", "margin", "settlement", "lots", "benchmark", "source"]
    rows = plain(registry.assign(positions=registry["portfolio"].map(counts).fillna(0).astype(int))[columns])
    if as_json:
        print_json(rows)
    elif not rows:
        click.echo("No portfolio is registered: sigmasight onboard FILE NAME")
    else:
        shown = [row | {"terms": _terms(row), "from": row["source"]} for row in rows]
        named = [("portfolio", 0), ("positions", 0), ("cash", 2), ("from", 0)]
        click.echo("\n".join(table(shown, named, below="terms")))


def _terms(row: dict[str, Any]) -> str:
    """What was said of the account; what was never said is left out."""
    said = {
        "margin": row["margin"] == "yes",
        "physical settlement": row["settlement"] == "physical",
        f"lots {row['lots']}": row["lots"],
        f"beside {row['benchmark']}": row["benchmark"],
    }
    return ", ".join(text for text, holds in said.items() if holds)
