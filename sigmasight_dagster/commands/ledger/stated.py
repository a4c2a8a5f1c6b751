"""The options of the commands that register a portfolio: what is said of its account beside the file."""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from typing import Any, Final

import click

from sigmasight_core.conventions import LOT_RULES
from sigmasight_dagster.ledger.accounts import Stated

_OPTIONS: Final = (
    click.option(
        "--cash", type=float, help="Cash balance in USD; default: the stored one, 0 for a new portfolio."
    ),
    click.option(
        "--cash-date",
        metavar="YYYY-MM-DD",
        help="Session at whose close --cash is the balance; default: the last entry date.",
    ),
    click.option(
        "--margin/--no-margin",
        default=None,
        help="Cash may be negative: a debt, on which SIGMASIGHT_CASH_BORROW_SPREAD sets the interest; "
        "default: as stored, of a new portfolio not: purchases beyond its cash are inferred deposits.",
    ),
    click.option(
        "--settlement",
        type=click.Choice(["cash", "physical"]),
        default=None,
        help="What options in the money do at expiry: pay their value, or turn into the shares at the "
        "strike (index options pay); default: as stored, of a new portfolio cash.",
    ),
    click.option(
        "--benchmark",
        metavar="SYMBOL",
        help="What returns are held against: its prices are fetched as those of a position; default: as "
        "stored, of a new portfolio the proxy of the market factor.",
    ),
    click.option(
        "--lots",
        type=click.Choice(LOT_RULES),
        default=None,
        help="Of a history: a sale closes the first lots (fifo), those with the highest price, or the first "
        "at the average cost (sigmasight gains); default: as stored, of a new portfolio fifo.",
    ),
)
"""Each sets the field of `Stated` that has its name."""


def stated_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets what they say as one argument, `stated`.

    :raises InputError: where they contradict each other, before the command begins.
    """

    @wraps(command)
    def with_stated(**given: Any) -> None:
        said = Stated(**{field.name: given.pop(field.name) for field in fields(Stated)})
        command(**given, stated=said)

    for option in reversed(_OPTIONS):
        option(with_stated)
    return with_stated
