"""`sigmasight benchmark`, and the check of a benchmark by the commands that register a portfolio."""

import shlex
from dataclasses import replace
from pathlib import Path

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.csv_files import read_csv, report_rows
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger.accounts import Stated
from sigmasight_dagster.ledger.benchmark import checked_benchmark
from sigmasight_dagster.ledger.edits import Ledger
from sigmasight_dagster.ledger.holdings import parsed_holdings, unpriced
from sigmasight_dagster.runs.workspace import Workspace


def asked_benchmark(workspace: Workspace, symbol: str | None) -> str | None:
    """The benchmark as it is stored; None = none was given. :raises InputError: without prices of it."""
    stored, note = checked_benchmark(workspace, symbol)
    if note:
        click.echo(f"warning: {note}", err=True)
    return stored


def with_benchmark(workspace: Workspace, stated: Stated) -> Stated:
    """What an import says, its benchmark as it is stored. :raises InputError: without prices of it."""
    return replace(stated, benchmark=asked_benchmark(workspace, stated.benchmark))


@click.command()
@click.argument("portfolio")
@click.argument("symbol")
@click.option(
    "--holdings",
    type=click.Path(path_type=Path),
    help="CSV of what SYMBOL holds (symbol, weight, optional sector and date), for active share and "
    "attribution; it replaces the one before. Default: as stored for SYMBOL.",
)
@click.option("--allow-short", is_flag=True, help="Weights of --holdings may be negative.")
def benchmark(portfolio: str, symbol: str, holdings: Path | None, allow_short: bool) -> None:
    """Hold the returns of PORTFOLIO against SYMBOL.

    Its prices are fetched as those of a position; where they lack: sigmasight coverage --fill. What another
    benchmark held is forgotten.
    """
    project = Project.open()
    typed = ["sigmasight", "benchmark", portfolio, symbol]
    typed += ["--holdings", str(holdings)] if holdings else []
    typed += ["--allow-short"] if allow_short else []
    edited = Ledger(project, portfolio, shlex.join(typed))
    stored = asked_benchmark(project, symbol)
    rows = None
    if holdings is not None:
        rows = _read(project, holdings, edited.name, str(stored), allow_short)
    before = len(project.platform.warehouse.benchmark_holdings([edited.name]))
    result = edited.set_benchmark(str(stored))
    after = "" if result == "unchanged" else "; what is held against it no longer counts as published"
    click.echo(f"Portfolio {portfolio}: beside {stored}, {result}{after}")
    if rows is not None:
        done = project.save_benchmark_holdings(edited.name, rows, shlex.join(typed))
        dates = rows["holdings_date"].nunique()
        said = f" on {dates} dates" if dates > 1 else ""
        click.echo(f"{stored}: {rows['symbol'].nunique()} holdings{said} from {holdings}, {done}")
    elif before and result != "unchanged":
        click.echo(f"The {before} holdings of its former benchmark are forgotten; give those of {stored}:")
        click.echo(f"sigmasight benchmark {portfolio} {stored} --holdings FILE")


def _read(project: Project, file: Path, name: str, symbol: str, allow_short: bool) -> pd.DataFrame:
    """Rows of the file. :raises InputError: when one of them is refused; then nothing is stored."""
    text = read_csv(file, "CSV of what the benchmark holds")
    parsed = parsed_holdings(
        project, text, file.name, portfolio=name, benchmark=symbol, allow_short=allow_short
    )
    report_rows(file, parsed.warnings, parsed.errors)
    if len(parsed.errors):
        raise InputError(f"{file}: {len(parsed.errors)} errors; nothing was stored")
    lacking = unpriced(project, parsed.holdings)
    if lacking.symbols:
        shown = ", ".join(lacking.symbols[:5])
        click.echo(
            f"warning: {len(lacking.symbols)} of the holdings ({lacking.weight:.1%} of the weight) have no "
            f"prices yet: {shown}; fetch them: sigmasight coverage --fill",
            err=True,
        )
    return parsed.holdings
