"""`sigmasight import` of a broker's history: its options, what it shows, and what it stores."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
import pandas as pd

from sigmasight_core.brokers.history import History
from sigmasight_core.brokers.layout import IGNORED
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.brokers.repeats import REPEATS
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands import other_provider
from sigmasight_dagster.commands.csv_files import report_balances, report_rows
from sigmasight_dagster.commands.ledger.benchmark import with_benchmark
from sigmasight_dagster.commands.ledger.explained import show
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger import histories
from sigmasight_dagster.ledger.accounts import Stated, save_history
from sigmasight_dagster.ledger.files import data_end
from sigmasight_dagster.ledger.histories import Reading
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import utc_now
from sigmasight_dagster.settings import Settings

FORMAT = click.option(
    "--format",
    "form",
    default=histories.AUTO,
    show_default=True,
    metavar="NAME",
    help="How FILE is written: auto, positions, transactions, or a broker's preset (docs/brokers.md).",
)
PRESET = click.option(
    "--preset",
    "preset_file",
    type=click.Path(path_type=Path),
    metavar="YAML",
    help="A preset of your own to read FILE by.",
)
EXPLAIN = click.option(
    "--explain", is_flag=True, help="Show how each line of a history is read, and store nothing."
)
ALLOW_SHORT = click.option(
    "--allow-short", is_flag=True, help="Of a history: a sale of more than is held opens a short."
)
REPEATED = click.option(
    "--repeats",
    type=click.Choice(REPEATS),
    default="once",
    show_default=True,
    help="Of a history: rows without an id in the same words are one trade, told, or each one.",
)


@dataclass(frozen=True)
class HistoryFile:
    """A file that is a history, and how the command was asked to read it."""

    path: Path
    text: bytes
    preset: Preset
    how: Reading

    def read(self, platform: Platform, name: str) -> History:
        """What it says."""
        return histories.parse(platform, self.text, name, self.path.name, self.preset, self.how)


def explain_history(file: HistoryFile) -> NoReturn:
    """Show what each line is read as; the command ends with 1 where some are refused."""
    history = file.read(Platform(Settings()), "explained")
    show(history, file.preset.name)
    report_rows(file.path, history.warnings, history.errors)
    sys.exit(1 if len(history.errors) else 0)


def import_history(
    file: HistoryFile,
    name: str,
    *,
    skip_bad_rows: bool,
    replace: bool,
    allow_short: bool,
    stated: Stated,
) -> None:
    """Store the portfolio that a history makes; nothing where a row is refused and not to be skipped.

    :raises InputError: where the file cannot be read, has no transaction, or sells what is not held.
    """
    project = Project.open()
    history = file.read(project.platform, name)
    report_rows(file.path, histories.warnings_of(project, history), history.errors)
    if len(history.errors) and not skip_bad_rows:
        click.echo(
            f"Nothing imported: {len(history.errors)} bad rows. See --explain, mend them, or leave them out: "
            "--skip-bad-rows"
        )
        other_provider.tell(project.platform, history.errors)
        sys.exit(1)
    rows = history.transactions
    if rows.empty:
        raise InputError(f"{file.path}: no transaction: nothing imported")
    stated = with_benchmark(project, stated)
    warn_of_the_end(project, file.path, rows)
    result, made = save_history(
        project, name, file.path.name, rows, replace=replace, allow_short=allow_short, stated=stated
    )
    report_balances(project, name)
    still = int(made["exit_date"].isna().sum())
    ignored = int((history.explained["kind"] == IGNORED).sum())
    more = f"; {ignored} lines ignored (--explain says why)" if ignored else ""
    read = f"{len(rows)} transactions of {file.preset.name}{more}"
    click.echo(f"Portfolio {name}: {read}; {len(made)} lots ({still} not exited), {result}")


def check_options(file: Path, stated: Stated, shares_of: SharesOf) -> None:
    """:raises InputError: for an option of lists of positions."""
    if stated.cash is not None and stated.cash_date is None:
        raise InputError(
            f"{file}: a history has its cash; of which day is the balance? Give --cash-date DATE"
        )
    if shares_of != "entry":
        raise InputError(f"{file}: a history has the shares of each day; leave --shares-of out")


def warn_of_the_end(project: Project, file: Path, rows: pd.DataFrame) -> None:
    """A history may go on after the market data end, but its results cannot."""
    end = data_end(project, session_dates.last_closed_session(utc_now()))
    if end and (late := int((rows["date"] > end.date).sum())):
        first = rows["date"].min()
        reach = "no date of it" if first > end.date else "only dates until then"
        click.echo(
            f"{file}: warning: {late} of {len(rows)} transactions are later, and {reach} can be computed: "
            f"{end.what}: {end.cure}",
            err=True,
        )
