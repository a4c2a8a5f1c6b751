"""`sigmasight onboard`: a portfolio CSV to first results: preview, import, fetch, first run, readiness."""

import sys
from pathlib import Path

import click
import pandas as pd

from sigmasight_core.brokers.repeats import Repeats
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import TEMPLATE
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster import session_dates
from sigmasight_dagster.commands import glance, other_provider, progress
from sigmasight_dagster.commands.arguments import one_portfolio
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
    FORMAT,
    PRESET,
    REPEATED,
    HistoryFile,
    check_options,
    warn_of_the_end,
)
from sigmasight_dagster.commands.ledger.stated import stated_options
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.readiness_page import lines
from sigmasight_dagster.commands.table import GAP, table, wrapped
from sigmasight_dagster.ledger import files, histories
from sigmasight_dagster.ledger.accounts import Account, ListedAccount, Stated, account_of, listed
from sigmasight_dagster.ledger.first_run import FirstRun
from sigmasight_dagster.ledger.histories import Reading
from sigmasight_dagster.reports.readiness import measure
from sigmasight_dagster.runs.workspace import utc_now

SHOWN = 20


@click.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@one_portfolio("[PORTFOLIO]")
@FORMAT
@PRESET
@stated_options
@SHARES_OF
@ALLOW_SHORT
@REPEATED
@click.option("--yes", is_flag=True, help="Do not ask; for scripts.")
@click.option("--date", metavar="YYYY-MM-DD", help="Date of the first results; default: the last with data.")
@click.option("--replace", is_flag=True, help="Replace the positions of a portfolio that exists already.")
@click.option("--template", is_flag=True, help="Only write an example CSV: to FILE, or to the terminal.")
def onboard(
    file: Path | None,
    name: str | None,
    form: str,
    preset_file: Path | None,
    stated: Stated,
    shares_of: SharesOf,
    allow_short: bool,
    repeats: Repeats,
    yes: bool,
    date: str | None,
    replace: bool,
    template: bool,
) -> None:
    """Take the positions of FILE (CSV), or the history that a broker exports, to their first results.

    Shows what the file says, stores it, fetches the market data that it needs, computes one date, and says
    what each calculation can and cannot do. Bad rows are all named, and then nothing is stored. The same
    command again goes on where it was stopped.
    """
    if template:
        _write_template(file)
        return
    if file is None or name is None:
        raise click.UsageError(
            "give FILE and PORTFOLIO, the name that it gets; an example file: sigmasight onboard --template"
        )
    check_name(name)
    text = read_csv(file)
    project = Project.open()
    _, last = session_dates.bounds(project.settings, utc_now())
    day = session_dates.trading_date(date, project.settings, utc_now()) if date else last
    stated = with_benchmark(project, stated)
    preset = histories.chosen(project.settings, text, str(file), form, preset_file)
    account: Account | ListedAccount
    if preset is None:
        account = _of_list(project, file, text, name, shares_of, stated)
    else:
        check_options(file, stated, shares_of)
        history = HistoryFile(file, text, preset, Reading(repeats=repeats))
        account = _of_history(project, history, name, allow_short, stated)
    _preview(account.lots, name, account.cash)
    _confirm(yes)
    result = account.save(project, replace=replace, command=f"sigmasight onboard {file.name}")
    report_balances(project, name)
    click.echo(f"Portfolio {name}: {len(account.lots)} positions, {result}")
    _compute(project, name, day)


def _of_list(
    project: Project, file: Path, text: bytes, name: str, shares_of: SharesOf, stated: Stated
) -> ListedAccount:
    """The positions of a file without a bad row; else every bad row is told, and the command ends."""
    parsed = files.parse(project, text, name, file.name, allow_unpriced=False, shares_of=shares_of)
    _tell(project, file, parsed.warnings, parsed.errors)
    if parsed.positions.empty:
        raise InputError(f"{file}: no good row: nothing stored")
    return listed(project, name, file.name, parsed.positions, stated)


def _of_history(
    project: Project, history: HistoryFile, name: str, allow_short: bool, stated: Stated
) -> Account:
    """The account of a broker's history without a bad row; as `_of_list`."""
    read = history.read(project.platform, name)
    _tell(project, history.path, histories.warnings_of(project, read), read.errors)
    if read.transactions.empty:
        raise InputError(f"{history.path}: no transaction: nothing stored")
    warn_of_the_end(project, history.path, read.transactions)
    click.echo(f"{len(read.transactions)} transactions, read by preset {history.preset.name}")
    rows, source = read.transactions, history.path.name
    return account_of(project, name, source, rows, allow_short=allow_short, stated=stated)


def _tell(project: Project, file: Path, warnings: pd.DataFrame, errors: pd.DataFrame) -> None:
    report_rows(file, warnings, errors)
    if len(errors):
        click.echo(
            f"Nothing stored: {len(errors)} errors in {errors['line'].nunique()} rows. Mend them and repeat."
        )
        if other_provider.tell(project.platform, errors):
            other_provider.offer(project.platform)
        sys.exit(1)


def _preview(positions: pd.DataFrame, name: str, cash: float) -> None:
    cost = positions["quantity"] * positions["multiplier"] * positions["entry_price"]
    shown = positions.assign(
        position=positions["position_id"],
        type=positions["position_type"],
        cost=cost,
        closed=("closed " + positions["exit_date"].dt.strftime("%Y-%m-%d")).fillna(""),
    )
    columns = [("position", 0), ("type", 0), ("quantity", None), ("entry_price", None), ("cost", 2)]
    click.echo(f"{name}: {len(positions)} positions, cash {cash:,.2f}; prices and cost in USD")
    said = shown["closed"] + "\n" + shown["tags"]
    rows = shown.assign(said=said).head(SHOWN).to_dict("records")
    click.echo("\n".join(table(rows, columns, below="said")))
    if len(positions) > SHOWN:
        click.echo(f"and {len(positions) - SHOWN} more")
    kinds = ", ".join(f"{count} {kind}" for kind, count in positions["position_type"].value_counts().items())
    first, last = positions["entry_date"].min(), positions["entry_date"].max()
    told = (
        f"{kinds}; {positions['underlying'].nunique()} symbols; entered {first:%Y-%m-%d}..{last:%Y-%m-%d}; "
        f"long {cost[cost > 0].sum():,.2f}, short {cost[cost < 0].sum():,.2f} USD at entry"
    )
    click.echo("\n".join(wrapped(told, "", GAP)))


def _confirm(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nothing stored: there is no terminal to ask on; add --yes")
    click.confirm("Store these positions and compute them?", abort=True)


def _compute(project: Project, name: str, day: pd.Timestamp) -> None:
    first = FirstRun(project, name, day)
    steps = (
        ("Market data", first.sources),
        ("Market calculations", first.market),
        (f"{name} on {day:%Y-%m-%d}", first.portfolio),
    )
    for what, plan in steps:
        runs = plan()
        if not runs:
            click.echo(f"{what}: nothing is missing")
            continue
        if code := progress.exit_code(progress.execute(project, runs, what)):
            click.echo("Stopped: the same command goes on from here.", err=True)
            sys.exit(code)
    rows = measure(project.platform, name, day)
    click.echo("\n".join(lines(rows, name, day)))
    click.echo("\n".join(glance.ten_lines(project.platform.warehouse, name, day)))
    if stale := first.other_stale():
        click.echo(f"{stale:,} partitions of other dates were computed without prices that came now:")
        click.echo("sigmasight stale --rerun")
    click.echo(f"More dates: sigmasight backfill {name} --start DATE --end {day:%Y-%m-%d}")


def _write_template(file: Path | None) -> None:
    if file is None:
        click.echo(TEMPLATE, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as written:
            written.write(TEMPLATE)
    except FileExistsError:
        raise InputError(f"{file}: is there already; give the name of a new file") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}: give the name of a new file") from None
    click.echo(f"{file}: replace its lines by your positions, then: sigmasight onboard {file} NAME")
