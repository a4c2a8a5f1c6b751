"""`sigmasight benchmark`, and the option of the commands that register a portfolio."""

from dataclasses import replace

import click

from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger.accounts import Stated
from sigmasight_dagster.ledger.benchmark import checked_benchmark
from sigmasight_dagster.ledger.edits import Ledger
from sigmasight_dagster.runs.workspace import Workspace

BENCHMARK = click.option(
    "--benchmark",
    metavar="SYMBOL",
    help="What returns are held against: its prices are fetched as those of a position; default: as stored, "
    "of a new portfolio the proxy of the market factor.",
)


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
def benchmark(portfolio: str, symbol: str) -> None:
    """Hold the returns of PORTFOLIO against SYMBOL.

    Its prices are fetched as those of a position; where they lack: sigmasight coverage --fill.
    """
    project = Project.open()
    edited = Ledger(project, portfolio, f"sigmasight benchmark {portfolio} {symbol}")
    stored = asked_benchmark(project, symbol)
    result = edited.set_benchmark(str(stored))
    after = "" if result == "unchanged" else "; what is held against it no longer counts as published"
    click.echo(f"Portfolio {portfolio}: beside {stored}, {result}{after}")
