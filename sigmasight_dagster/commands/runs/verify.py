"""`sigmasight verify`: is what is stored what runs and commands have stored, and mending it."""

import sys

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_dagster import session_dates
from sigmasight_dagster.checks import damage, repair
from sigmasight_dagster.commands import progress
from sigmasight_dagster.commands.arguments import AS_JSON, lists_only, some_portfolios
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import table
from sigmasight_dagster.warehouse import AuditStamp

_FIRST, _LAST = pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")
ROUNDS = 3
"""Of a repair: once a table is there again, what is computed with it may turn out to be stale."""
LEDGER_CURE = "A ledger cannot be computed: import its file again with --replace, or --accept it as it is."


@click.command()
@some_portfolios
@click.option("--date", metavar="YYYY-MM-DD", help="Only this date.")
@click.option("--start", metavar="YYYY-MM-DD", help="Only from this date.")
@click.option("--end", metavar="YYYY-MM-DD", help="Only to this date, inclusive.")
@click.option("--repair", "mend", is_flag=True, help="Fetch and compute what is damaged again.")
@click.option("--accept", is_flag=True, help="Take what is stored as it is, after a change that you made.")
@AS_JSON
def verify(
    names: tuple[str, ...],
    date: str | None,
    start: str | None,
    end: str | None,
    mend: bool,
    accept: bool,
    as_json: bool,
) -> None:
    """Say what is stored otherwise than runs and commands have stored it; exit code 1 if anything is.

    Rows that were changed, lost or added, publications that lack, ledgers that no command has changed, and
    results of what has changed since. Market data are looked at whichever portfolio is named.
    """
    lists_only(as_json, "--repair", mend)
    lists_only(as_json, "--accept", accept)
    if mend and accept:
        raise click.UsageError("--repair computes again and --accept keeps what is there: choose one")
    dates = _dates(date, start, end)
    project = Project.open()
    chosen = project.chosen(names) if names else ()
    found = damage.find(project.platform, dates, chosen)
    if as_json:
        print_json(found)
        sys.exit(_exit_code(found))
    _show(found)
    if mend and _exit_code(found):
        for _ in range(ROUNDS):
            _mend(project, found)
            found = damage.find(project.platform, dates, chosen)
            if repair.computable(found).empty:
                break
        click.echo("\nAfter the repair:")
        _show(found)
    elif accept and len(found):
        taken = repair.accept(project.platform, found, AuditStamp.now("sigmasight verify --accept"))
        click.echo(f"{len(taken):,} accepted as they are stored.")
        found = found.drop(taken.index)
    sys.exit(_exit_code(found))


def _dates(date: str | None, start: str | None, end: str | None) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    if date and (start or end):
        raise click.UsageError("--date is one date, --start and --end are several: leave one out")
    if not (date or start or end):
        return None
    first, last = (session_dates.parse_date(text) if text else None for text in (date or start, date or end))
    if first and last and first > last:
        raise InputError(f"--start {start} is after --end {end}: swap them")
    return first or _FIRST, last or _LAST


def _exit_code(found: pd.DataFrame) -> int:
    """1 on damage; what was published before there were checksums is none."""
    return int((found["damage"] != damage.UNKNOWN).any())


def _mend(project: Project, found: pd.DataFrame) -> None:
    strays = repair.delete_strays(project.platform, found)
    if strays:
        click.echo(f"Deleted the rows of {strays:,} partitions that belong to nothing.")
    outcomes = []
    if runs := repair.fetches(project, found):
        outcomes += progress.execute(project, runs, "Damaged market data")
    if runs := repair.computations(project, found):
        outcomes += progress.execute(project, runs, "Damaged results")
    if progress.exit_code(outcomes) == progress.CANCELED:
        sys.exit(progress.CANCELED)


def _show(found: pd.DataFrame) -> None:
    unknown = found["damage"] == damage.UNKNOWN
    wrong = found[~unknown]
    if len(wrong):
        click.echo("\n".join(_lines(wrong)))
        click.echo(f"{len(wrong):,} damaged.")
        if (wrong["damage"] == damage.LEDGER).any():
            click.echo(LEDGER_CURE)
    else:
        click.echo("Nothing is damaged.")
    if unknown.any():
        click.echo(
            f"{unknown.sum():,} partitions were published before there were checksums, so that nothing is "
            "known of them: compute them again, or --accept them."
        )


def _lines(rows: pd.DataFrame) -> list[str]:
    """A table: one row for each stored table, portfolio and damage."""
    shown = [
        {
            "table": table_name,
            "portfolio": portfolio or "-",
            "dates": group["date"].count(),
            "first": _day(group["date"].min()),
            "last": _day(group["date"].max()),
            "damage": said,
        }
        for (table_name, portfolio, said), group in rows.groupby(
            ["table_name", "portfolio", "damage"], sort=False
        )
    ]
    columns = [(name, 0) for name in ("table", "portfolio", "dates", "first", "last")]
    return table(shown, columns, below="damage")


def _day(date: pd.Timestamp) -> str:
    return "-" if pd.isna(date) else f"{date:%Y-%m-%d}"
