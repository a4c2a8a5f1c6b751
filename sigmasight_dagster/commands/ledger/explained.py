"""What every line of a broker's history was read as, in 80 columns."""

import textwrap
from collections.abc import Mapping
from typing import Any, Final

import click
import pandas as pd

from sigmasight_core.brokers.explained import REFUSED
from sigmasight_core.brokers.history import History
from sigmasight_core.brokers.layout import IGNORED, NOT_READ

_WIDTH: Final = 80
_INDENT: Final = 16
_HEAD: Final = (
    f"{'line':>4} {'date':10} {'kind':12} {'symbol':19} {'quantity':>9} {'price':>9} {'amount':>11}"
)


def show(history: History, preset: str) -> None:
    """Print one line for each line of the file, its reason below it, and what they come to."""
    click.echo(f"Read by preset {preset}:")
    click.echo(_HEAD)
    for row in history.explained.to_dict("records"):
        for line in lines_of(row):
            click.echo(line)
    click.echo(summary(history))


def lines_of(row: Mapping[Any, Any]) -> list[str]:
    """The lines of one row of `History.explained`."""
    reason = row["reason"] if isinstance(row["reason"], str) else ""
    if row["kind"] in (REFUSED, IGNORED, NOT_READ):
        start = f"{row['line']:>4} {row['kind']:{_INDENT - 6}} "
        return textwrap.wrap(reason, _WIDTH, initial_indent=start, subsequent_indent=" " * _INDENT)
    quantity = f"{row['quantity']:,.10g}" if row["quantity"] else ""
    price = f"{row['price']:,.10g}" if pd.notna(row["price"]) else ""
    what = f"{row['line']:>4} {row['date']:%Y-%m-%d} {row['kind']:12} {row['symbol']:19}"
    first = f"{what} {quantity:>9} {price:>9} {row['amount']:>11,.2f}"
    below = " " * _INDENT
    return [first.rstrip(), *textwrap.wrap(reason, _WIDTH, initial_indent=below, subsequent_indent=below)]


def summary(history: History) -> str:
    """How many lines became what, and the cash that they move together."""
    rows = history.transactions
    counts = ", ".join(f"{count} {kind}" for kind, count in rows["kind"].value_counts().items())
    ignored = int((history.explained["kind"] == IGNORED).sum())
    refused = int((history.explained["kind"] == REFUSED).sum())
    flows = rows["amount"][rows["kind"] != "statement"].sum()
    lines = "line" if ignored == 1 else "lines"
    read = f"{len(rows)} transactions: {counts or 'none'}; {ignored} {lines} ignored, {refused} refused"
    return f"{textwrap.fill(read, _WIDTH)}\nCash that they move together: {flows:,.2f} USD"
