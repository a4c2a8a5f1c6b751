"""`sigmasight prices`: stored closes of a symbol, also as they were known at an earlier moment."""

import re

import click
import pandas as pd
from pandas import Timestamp

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import reasons, table
from sigmasight_dagster.session_dates import parse_date

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d))?")


@click.command()
@click.argument("symbol")
@click.option("--start", metavar="YYYY-MM-DD", help="First date; default: the first stored.")
@click.option("--end", metavar="YYYY-MM-DD", help="Last date, inclusive; default: the last stored.")
@click.option(
    "--as-of-knowledge",
    "moment",
    metavar="MOMENT",
    help="What was known then: 2026-11-25T12:00Z, or a date (its midnight UTC). Default: now.",
)
@AS_JSON
def prices(symbol: str, start: str | None, end: str | None, moment: str | None, as_json: bool) -> None:
    """Print the closes of SYMBOL with their source and status."""
    known_at = None if moment is None else parse_moment(moment)
    first = parse_date(start) if start else calendar.FIRST_DATE
    last = parse_date(end) if end else calendar.LAST_DATE
    if first > last:
        raise InputError(f"--start {start} is after --end {end}: swap them")
    warehouse, name = Project.open().platform.warehouse, symbol.upper()
    if known_at is None:
        rows = warehouse.read(DailyPrices, (first, last), symbols=[name])
    else:
        rows = warehouse.read_as_of(DailyPrices, known_at, (Timestamp(first), Timestamp(last)))
        rows = rows[rows["symbol"] == name]
    if rows.empty:
        raise InputError(f"no price of {name} was stored in this range" + (f" at {moment}" if moment else ""))
    if as_json:
        print_json(rows)
    else:
        click.echo("\n".join(_lines(name, rows)))


def parse_moment(text: str) -> pd.Timestamp:
    """:raises InputError: when the text is no date, and no moment with its offset from UTC."""
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError
        stamp = Timestamp(text)
    except ValueError:
        raise InputError(
            f"--as-of-knowledge '{text}': write YYYY-MM-DD, or a moment with its offset, 2026-11-25T12:00Z"
        ) from None
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")


def _lines(symbol: str, rows: pd.DataFrame) -> list[str]:
    """The closes; below, each source and status with the dates that it is of."""
    shown = [
        row | {"date": f"{row['date']:%Y-%m-%d}", "told": f"{row['source']}; {row['status']}"}
        for row in rows.to_dict("records")
    ]
    closes = table(shown, [("date", 0), ("close", 4), ("adjusted_close", 4)])
    return [f"Closes of {symbol} (USD)", *closes, *reasons(shown, "date", "told")]
