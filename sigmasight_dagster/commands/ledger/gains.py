"""`sigmasight gains`: what each sale of a portfolio has gained, by its rule of lots."""

from typing import Final

import click

from sigmasight_core.conventions import LOT_RULES, LotRule
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger.realized import Realized, realized

_SHOWN: Final = ("proceeds", "cost", "gain")
_HEAD: Final = f"{'entered':10} {'closed':10} {'symbol':19} {'quantity':>9} {'cost':>14} {'gain':>13}"


@click.command()
@click.argument("portfolio")
@click.option(
    "--lots",
    type=click.Choice(LOT_RULES),
    help="As if by this rule; default: the portfolio's own, which sigmasight import --lots sets.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Every column, as CSV.")
def gains(portfolio: str, lots: LotRule | None, as_csv: bool) -> None:
    """What each sale of PORTFOLIO has gained, before fees: proceeds - cost of the lots that it closed.

    The rule decides which lots those are: fifo, the first; highest, those with the highest price; average,
    the first, at the average cost of what was held.
    """
    project = Project.open()
    (name,) = project.chosen([portfolio])
    found = realized(project, name, lots)
    if as_csv:
        click.echo(found.rows.to_csv(index=False), nl=False)
        return
    click.echo(f"{name}: realised gains by {found.rule}{' (default)' if found.by_default else ''}, in USD")
    click.echo(_HEAD)
    for row in found.rows.to_dict("records"):
        days = f"{row['entry_date']:%Y-%m-%d} {row['exit_date']:%Y-%m-%d}"
        numbers = f"{row['quantity']:>9,.10g} {row['cost']:>14,.2f} {row['gain']:>13,.2f}"
        click.echo(f"{days} {row['symbol']:19} {numbers}")
    for line in summary(found):
        click.echo(line)


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
