"""`sigmasight gains`: what each sale of a portfolio has gained, by its rule of lots."""

from dataclasses import fields
from typing import Final

import click

from sigmasight_core.conventions import LOT_RULES, LotRule
from sigmasight_dagster.commands.arguments import AS_CSV, AS_JSON, one_format
from sigmasight_dagster.commands.output import print_json
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import GAP, table, wrapped
from sigmasight_dagster.ledger.realized import Realized, realized

_SHOWN: Final = ("proceeds", "cost", "gain")
_COLUMNS: Final = (
    ("entered", 0),
    ("closed", 0),
    ("symbol", 0),
    ("quantity", None),
    ("cost", 2),
    ("gain", 2),
)


@click.command()
@click.argument("portfolio")
@click.option(
    "--lots",
    type=click.Choice(LOT_RULES),
    help="As if by this rule; default: the portfolio's own, which sigmasight import --lots sets.",
)
@AS_JSON
@AS_CSV
def gains(portfolio: str, lots: LotRule | None, as_json: bool, as_csv: bool) -> None:
    """What each sale of PORTFOLIO has gained, before fees: proceeds - cost of the lots that it closed.

    The rule decides which lots those are: fifo, the first; highest, those with the highest price; average,
    the first, at the average cost of what was held.
    """
    one_format(as_json, as_csv)
    project = Project.open()
    (name,) = project.chosen([portfolio])
    found = realized(project, name, lots)
    if as_json:
        print_json({"portfolio": name, **{field.name: getattr(found, field.name) for field in fields(found)}})
        return
    if as_csv:
        click.echo(found.rows.to_csv(index=False), nl=False)
        return
    click.echo(f"{name}: realised gains by {found.rule}{' (default)' if found.by_default else ''}, in USD")
    days = found.rows.assign(
        entered=found.rows["entry_date"].dt.strftime("%Y-%m-%d"),
        closed=found.rows["exit_date"].dt.strftime("%Y-%m-%d"),
    )
    click.echo("\n".join(table(days.to_dict("records"), _COLUMNS)))
    for line in summary(found):
        click.echo("\n".join(wrapped(line, "", GAP)))


def summary(found: Realized) -> list[str]:
    """The sum, and what is not in it or has changed since the import."""
    rows = found.rows
    sums = ", ".join(f"{column} {rows[column].sum():,.2f}" for column in _SHOWN)
    lines = [f"{len(rows)} closed lots: {sums}"]
    if rows["gain"].isna().any():
        unknown = ", ".join(sorted(rows.loc[rows["gain"].isna(), "symbol"].unique()))
        lines.append(f"Without a gain, as the closes of a split-off's day are not known: {unknown}")
    if len(found.settled):
        named = ", ".join(found.settled)
        lines.append(f"Not among them, ended by themselves (see position_values): {named}")
    if found.outdated:
        lines.append(
            "The stored lots are of before a split that is known now: import the history again, --replace"
        )
    return lines
