"""What commands ask for in the same words: portfolios, and one form of output for programs."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

Command = Callable[..., None]
NEWEST = click.option("--date", metavar="YYYY-MM-DD", help="Trading date; default: the newest with results.")
AS_CSV = click.option("--csv", "as_csv", is_flag=True, help="CSV, and nothing else, on standard output.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="JSON, and nothing else, on standard output.")


def some_portfolios(command: Command) -> Command:
    """Give a command the argument [PORTFOLIO]..., which it gets as `names`; none = all.

    `--portfolio NAME`, as it was written before, is taken in its place.
    """

    @wraps(command)
    def with_names(names: tuple[str, ...], former: tuple[str, ...], **given: Any) -> None:
        command(**given, names=_either(names, former))

    click.option("--portfolio", "former", multiple=True, hidden=True)(with_names)
    click.argument("names", nargs=-1, metavar="[PORTFOLIO]...")(with_names)
    return with_names


def one_portfolio(metavar: str) -> Callable[[Command], Command]:
    """Give a command the argument PORTFOLIO, which it gets as `name`; None where it is left out.

    `--portfolio NAME`, as it was written before, is taken in its place.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_name(name: str | None, former: str | None, **given: Any) -> None:
            names = _either([name] if name else [], [former] if former else [])
            command(**given, name=names[0] if names else None)

        click.option("--portfolio", "former", hidden=True)(with_name)
        click.argument("name", required=False, metavar=metavar)(with_name)
        return with_name

    return decorate


def given_portfolio(name: str | None) -> str:
    """The name. :raises UsageError: where it was left out."""
    if name is None:
        raise click.UsageError("Missing argument 'PORTFOLIO'.", click.get_current_context())
    return name


def one_format(as_json: bool, as_csv: bool) -> None:
    """:raises UsageError: where both are asked for."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv are two formats: choose one")


def lists_only(as_json: bool, option: str, given: bool) -> None:
    """:raises UsageError: where JSON is asked for of a command that is also to compute."""
    if as_json and given:
        raise click.UsageError(f"--json lists, and {option} computes: leave one of them out")


def _either(names: Sequence[str], former: Sequence[str]) -> tuple[str, ...]:
    """:raises UsageError: where portfolios are named in both ways."""
    if names and former:
        raise click.UsageError("name portfolios as arguments or by --portfolio, not by both")
    return tuple(names or former)
