"""`sigmasight prices`: stored closes of a symbol, also as they were known at an earlier moment."""

import re

import click
import pandas as pd
from pandas import Timestamp
from rich.markup import escape
from rich.table import Table

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.terminal import wide_console

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
def prices(symbol: str, start: str | None, end: str | None, moment: str | None) -> None:
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
    _show(name, rows)


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


def _show(symbol: str, rows: pd.DataFrame) -> None:
    table = Table(title=f"Closes of {symbol} (USD)", title_justify="left")
    for name in ("date", "close", "adjusted close", "source", "status"):
        table.add_column(name, justify="right" if "close" in name else "left")
    texts = pd.DataFrame({"date": rows["date"].dt.strftime("%Y-%m-%d")})
    for name in ("close", "adjusted_close"):
        texts[name] = rows[name].map("{:,.6g}".format).where(rows[name].notna(), "-")
    for date, *cells in texts.join(rows[["source", "status"]]).astype("str").to_numpy().tolist():
        table.add_row(date, *(escape(cell) for cell in cells))
    wide_console().print(table)
