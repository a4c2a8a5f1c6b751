"""`sigmasight import` and `sigmasight portfolios`: the ledger of portfolios and positions."""

import sys
from pathlib import Path

import click

from sigmasight_core.brokers.repeats import Repeats
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster.commands import other_provider
from sigmasight_dagster.commands.csv_files import (
    SHARES_OF,
    check_name,
    read_csv,
    report_balances,
    report_rows,
)
from sigmasight_dagster.commands.ledger.benchmark import with_benchmark
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
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger import files, histories
from sigmasight_dagster.ledger.accounts import Stated, save_list
from sigmasight_dagster.ledger.histories import Reading
from sigmasight_dagster.settings import Settings


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--portfolio", "name", metavar="NAME", help="Name: a-z, 0-9, '_' and '-'.")
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

    FILE lists positions, or is the history that a broker exports (docs/brokers.md).
    """
    given = "explained" if explain else _given_name(name)
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


def _given_name(name: str | None) -> str:
    """:raises UsageError: without a name; :raises InputError: when it cannot be a portfolio's."""
    if name is None:
        raise click.UsageError("Missing option '--portfolio'.")
    check_name(name)
    return name


@click.command("portfolios")
def list_portfolios() -> None:
    """List the registered portfolios."""
    project = Project.open()
    counts = project.platform.warehouse.positions().groupby("portfolio").size()
    registry = project.platform.warehouse.portfolios()
    own = ("  beside " + registry["benchmark"]).fillna("")
    for row, beside in zip(registry.itertuples(), own, strict=True):
        click.echo(
            f"{row.portfolio}\t{counts.get(row.portfolio, 0)} positions\tcash {row.cash:,.2f}"
            f"{' (margin)' if row.margin == 'yes' else ''}"
            f"{' (physical settlement)' if row.settlement == 'physical' else ''}"
            f"{f' (lots {row.lots})' if isinstance(row.lots, str) else ''}\t{row.source}{beside}"
        )
