"""`sigmasight position`, `cash` and `ledger`: edits of a portfolio, and what has become of it."""

import json
import shlex
import sys
from collections.abc import Callable
from typing import Any

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import SharesOf
from sigmasight_dagster.commands.arguments import AS_JSON
from sigmasight_dagster.commands.csv_files import SHARES_OF, report_balances
from sigmasight_dagster.commands.output import plain, print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import number, table
from sigmasight_dagster.ledger.edits import Ledger

_QUANTITY = click.option("--quantity", metavar="N", help="Shares or contracts; negative = short.")
_ENTRY_PRICE = click.option("--entry-price", metavar="USD", help="Per share, as traded then.")
_ENTRY_DATE = click.option("--entry-date", metavar="YYYY-MM-DD", help="First session that holds it.")
_TAGS = click.option("--tags", metavar="A,B", help="All tags, comma-separated; '' = none.")
_NOTES = click.option("--notes", metavar="TEXT", help="What you want to remember of it; '' = nothing.")

_SIDES = ("before", "after")


@click.group()
def position() -> None:
    """Add, change, close, tag or remove a position of a portfolio.

    The rules are those of `sigmasight import`. Results from the first entry date concerned on no longer count
    as published: compute them again with `sigmasight run` or `backfill`.
    """


@position.command()
@click.argument("portfolio")
@click.argument("ticker")
@_QUANTITY
@_ENTRY_PRICE
@_ENTRY_DATE
@_TAGS
@_NOTES
@SHARES_OF
@click.option("--allow-unpriced", is_flag=True, help="Accept a symbol that the provider has no prices for.")
def add(portfolio: str, ticker: str, shares_of: SharesOf, allow_unpriced: bool, **fields: str | None) -> None:
    """Add a position in TICKER: a symbol, or an option in OCC form."""
    given = {name: text for name, text in fields.items() if text is not None}
    _edit(portfolio, lambda ledger: ledger.add({"ticker": ticker, **given}, allow_unpriced, shares_of))


@position.command()
@click.argument("portfolio")
@click.argument("position_id")
@_QUANTITY
@_ENTRY_PRICE
@_ENTRY_DATE
@_TAGS
@_NOTES
@click.option("--exit-date", metavar="YYYY-MM-DD", help="'' = not exited.")
@click.option("--exit-price", metavar="USD", help="'' = not exited.")
def change(portfolio: str, position_id: str, **fields: str | None) -> None:
    """Change a position; what is not given stays.

    POSITION_ID is symbol@entry_date, of the second lot of a day symbol@entry_date#2.
    """
    given = {name: text for name, text in fields.items() if text is not None}
    if not given:
        raise InputError(
            "nothing to change: give --quantity, --entry-price, --entry-date, --tags, --notes or an exit"
        )
    _edit(portfolio, lambda ledger: ledger.change(position_id, given))


@position.command()
@click.argument("portfolio")
@click.argument("position_id")
@click.option("--date", required=True, metavar="YYYY-MM-DD", help="Session of the exit.")
@click.option("--price", required=True, metavar="USD", help="Per share.")
def close(portfolio: str, position_id: str, date: str, price: str) -> None:
    """Close a position: it counts on dates before the exit."""
    _edit(portfolio, lambda ledger: ledger.change(position_id, {"exit_date": date, "exit_price": price}))


@position.command()
@click.argument("portfolio")
@click.argument("position_id")
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Remove the tags instead of adding them.")
def tag(portfolio: str, position_id: str, tags: tuple[str, ...], remove: bool) -> None:
    """Add TAGS to a position, or remove them."""
    _edit(portfolio, lambda ledger: ledger.tag(position_id, tags, remove))


@position.command("remove")
@click.argument("portfolio")
@click.argument("position_id")
def remove_position(portfolio: str, position_id: str) -> None:
    """Remove a position that was entered by mistake; one that was sold is closed."""
    _edit(portfolio, lambda ledger: ledger.remove(position_id), "removed")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("portfolio")
@click.argument("amount", type=float)
@click.option(
    "--date",
    metavar="YYYY-MM-DD",
    help="Session at whose close it is the balance; default: the last entry date.",
)
def cash(portfolio: str, amount: float, date: str | None) -> None:
    """State that the cash of PORTFOLIO is AMOUNT (USD; negative = borrowed), as a bank states a balance.

    What the account had come to without it is a deposit or withdrawal of that day, marked as an adjustment.
    """
    opened = _open(portfolio)
    result = opened.set_cash(amount, date)
    if date is not None:
        report_balances(opened.workspace, portfolio)
    since = date or "every date"
    click.echo(f"Portfolio {portfolio}: cash {amount:,.2f}, {_said(result, since)}")


@click.command()
@click.argument("portfolio")
@AS_JSON
def ledger(portfolio: str, as_json: bool) -> None:
    """Show the positions of PORTFOLIO and every change that made them."""
    project = Project.open()
    (name,) = project.chosen([portfolio])
    warehouse = project.platform.warehouse
    registry = warehouse.portfolios().set_index("portfolio").loc[name]
    positions, changes = warehouse.positions([name]), warehouse.ledger_changes(name)
    if as_json:
        facts = {"portfolio": name, **registry.to_dict()}
        rows = plain(changes)
        for row in rows:
            row.update({side: json.loads(row[side]) if row[side] else None for side in _SIDES})
        print_json({**facts, "positions": positions, "changes": rows})
        return
    click.echo(f"{name}: {len(positions)} positions, cash {registry['cash']:,.2f}, from {registry['source']}")
    click.echo("\n".join([*_positions(positions), "", "History", *_history(changes)]))


def _positions(positions: pd.DataFrame) -> list[str]:
    rows = [
        {
            "position": row["position_id"],
            "type": row["position_type"],
            "quantity": row["quantity"],
            "entry price": row["entry_price"],
            "tags": row["tags"],
            "left": f"closed {row['exit_date']:%Y-%m-%d} at {number(row['exit_price'], None)}"
            if pd.notna(row["exit_date"])
            else "",
        }
        for row in positions.to_dict("records")
    ]
    named = [("position", 0), ("type", 0), ("quantity", None), ("entry price", None), ("tags", 0)]
    return table(rows, named, below="left") if rows else []


def _history(changes: pd.DataFrame) -> list[str]:
    """Each command, and what it changed."""
    made = [
        {"change": row.change, "time (UTC)": f"{row.computed_at:%Y-%m-%d %H:%M:%S}", "command": row.command}
        for row in changes.drop_duplicates("change").itertuples()
    ]
    rows = [
        {
            "change": row.change,
            "action": row.action,
            "item": row.position_id or "cash",
            "difference": _difference(row),
        }
        for row in changes.itertuples()
    ]
    commands = table(made, [("change", 0), ("time (UTC)", 0), ("command", 0)])
    return [*commands, "", *table(rows, [(name, 0) for name in ("change", "action", "item", "difference")])]


def _difference(row: Any) -> str:
    texts = (row.before, row.after)
    before, after = (json.loads(text) if isinstance(text, str) else {} for text in texts)
    if row.action in ("added", "removed"):
        facts = after or before
        if "kind" in facts:
            return f"{facts['kind']} {facts['amount']:,.2f}"
        if "weight" in facts:
            return f"{facts['weight']:.6g} of {facts['benchmark']}"
        return f"{facts['quantity']:.12g} at {facts['entry_price']:.12g}"
    names = [name for name in after or before if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {before.get(name, '-')} -> {after.get(name, '-')}" for name in names)


def _open(portfolio: str) -> Any:
    return Ledger(Project.open(), portfolio, shlex.join(["sigmasight", *_arguments()]))


def _arguments() -> list[str]:
    """The command as it was typed, without the global options."""
    context = click.get_current_context()
    words = context.command_path.split()[1:]
    given = [
        text
        for parameter in context.command.params
        for text in _typed(parameter, context.params.get(str(parameter.name)))
        if context.params.get(str(parameter.name)) != parameter.default
    ]
    return [*words, *given]


def _typed(parameter: click.Parameter, value: Any) -> list[str]:
    if value is None or value is False:
        return []
    if isinstance(parameter, click.Argument):
        return [str(word) for word in value] if isinstance(value, tuple) else [f"{value}"]
    return [parameter.opts[0]] if value is True else [parameter.opts[0], str(value)]


def _edit(portfolio: str, edit: Callable[[Any], Any], made: str = "stored") -> None:
    done = edit(_open(portfolio))
    for row in done.warnings.itertuples():
        click.echo(f"warning: {row.column}: {row.value!r}: {row.reason}", err=True)
    click.echo(f"Portfolio {portfolio}: {done.position_id}, {_said(done.result, 'its entry date', made)}")
    sys.stdout.flush()


def _said(result: str, since: str, made: str = "stored") -> str:
    if result == "unchanged":
        return "unchanged"
    return f"{made}; results from {since} on no longer count as published"
