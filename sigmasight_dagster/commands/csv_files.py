"""What commands that read a CSV share: the name it is stored under, its bytes, and what is wrong in it."""

import re
from pathlib import Path

import click
import pandas as pd

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_dagster.ledger import files, statements
from sigmasight_dagster.runs.workspace import Workspace

SHARES_OF = click.option(
    "--shares-of",
    type=click.Choice(["entry", "today"]),
    default="entry",
    show_default=True,
    help="Whose shares quantities and prices are in: of the entry's day, or today's, after splits since.",
)


def check_name(name: str) -> None:
    """:raises InputError: when the name cannot be a portfolio's."""
    if not re.fullmatch(PORTFOLIO_NAME_PATTERN, name):
        raise InputError(
            f"portfolio name '{name}' must match {PORTFOLIO_NAME_PATTERN}: up to 63 of a-z, 0-9, '_', '-', "
            "starting with a letter or digit"
        )


def read_csv(file: Path, what: str = "portfolio CSV") -> bytes:
    """:raises InputError: when the file cannot be read; `what` is what it should have been."""
    try:
        return files.read(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}: give the path of a {what}") from None


def report_balances(workspace: Workspace, name: str) -> None:
    """Print which stated balances differ from what the account had come to, to standard error."""
    for line in statements.doubts(workspace, name):
        click.echo(f"{name}: warning: balance: {line}", err=True)


def report_rows(file: Path, warnings: pd.DataFrame, errors: pd.DataFrame) -> None:
    """Print what is odd or wrong in which line of a CSV, to standard error."""
    for kind, rows in (("warning", warnings), ("error", errors)):
        for row in rows.itertuples():
            click.echo(f"{file}:{row.line}: {kind}: {row.column}: {row.value!r}: {row.reason}", err=True)
