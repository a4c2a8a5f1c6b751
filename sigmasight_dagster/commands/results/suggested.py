"""`sigmasight what-if PORTFOLIO --target`: what is wanted, and the trades that bring it about."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from typing import Any, Final

import click
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.what_if.measured import BETA, DOLLARS, GROUP, GROUPED, MEASURES, Target
from sigmasight_core.what_if.targets import Limits
from sigmasight_dagster.commands.table import RIGHT, reasons, table, wrapped
from sigmasight_dagster.what_if.suggest import Suggestion

_OF: Final = {DOLLARS: ":FACTOR", GROUP: ":DIMENSION=GROUP"}
"""What is said between the measure and its value."""
_RATIOS: Final = (BETA, GROUP)


@dataclass(frozen=True)
class Wanted:
    """A target and how far holdings may be traded. :param name: what stands before `=VALUE`."""

    name: str
    target: Target
    limits: Limits
    whole: bool


def target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --target and its limits, which it gets as `wanted`; None without --target."""

    @wraps(command)
    def with_target(
        target: str | None,
        keep: tuple[str, ...],
        largest_usd: float | None,
        flips: bool,
        options: bool,
        fractions: bool,
        **given: Any,
    ) -> None:
        limited = bool(keep) or largest_usd is not None or flips or options or fractions
        if target is None and limited:
            raise click.UsageError("--keep, --largest-usd, --flips, --options, --fractions: give --target")
        largest = math.inf if largest_usd is None else largest_usd
        limits = Limits(flips, options, largest, frozenset(symbol.upper() for symbol in keep))
        command(**given, wanted=_wanted(target, limits, not fractions) if target is not None else None)

    for option in (
        click.option("--fractions", is_flag=True, help="Parts of shares and contracts too: met exactly."),
        click.option("--options", is_flag=True, help="Trade options too."),
        click.option("--flips", is_flag=True, help="A holding may turn from long to short or back."),
        click.option(
            "--largest-usd",
            type=click.FloatRange(min=0, min_open=True),
            metavar="USD",
            help="Largest |exposure| of a holding afterwards, unless it is larger already.",
        ),
        click.option("--keep", multiple=True, metavar="SYMBOL", help="Not to be traded; may be repeated."),
        click.option(
            "--target",
            metavar="MEASURE=VALUE",
            help="Suggest trades that bring a measure to a value: market_beta=0.8, net_exposure=50000, "
            "parametric_var_95_usd=20000, factor_usd:momentum=0, group_weight:sector=Technology=0.25.",
        ),
    ):
        with_target = option(with_target)
    return with_target


def require_reached(found: Suggestion, wanted: Wanted) -> None:
    """:raises InputError: where the target cannot be reached: with the nearest that can be."""
    if found.after is not None:
        return
    value, measure = wanted.target.value, wanted.target.measure
    low = -math.inf if found.lowest is None else found.lowest
    high = math.inf if found.highest is None else found.highest
    nearest = min(max(value, low), high)
    said = f"{found.portfolio} on {found.trade_date:%Y-%m-%d}: {wanted.name} cannot be made {value:.12g}"
    if nearest == value:
        raise InputError(f"{said}: no trades were found; keep fewer, or allow --fractions or --options")
    between = " to ".join("any" if math.isinf(end) else _number(measure, end) for end in (low, high))
    raise InputError(f"{said}, only {between}; the nearest: --target '{wanted.name}={nearest:.12g}'")


def lines(found: Suggestion, wanted: Wanted) -> list[str]:
    """The suggestion for the terminal."""
    measure = wanted.target.measure
    before, after = (_number(measure, side) for side in (found.before, found.after))
    head = (
        f"{wanted.name} of {found.portfolio} at the close of {found.trade_date:%Y-%m-%d}: {before}, with "
        f"{len(found.trades)} trades of {found.turnover:,.2f} USD {after}. Nothing is stored."
    )
    rows = [
        {
            "symbol": trade["symbol"],
            "quantity": f"{trade['quantity']:+,.10g}",
            "price": trade["price"],
            "usd": f"{trade['usd']:+,.2f}",
            "effect": _number(measure, trade["effect"], "+"),
        }
        for trade in found.trades
    ]
    columns = [("symbol", 0), ("quantity", RIGHT), ("price", 4), ("usd", RIGHT), ("effect", RIGHT)]
    left = [{"symbol": symbol, "why": f"not traded: {why}"} for symbol, why in found.untraded.items()]
    made = ["", *table(rows, columns)] if rows else []
    return [*wrapped(head), *made, *([""] if left else []), *reasons(left, "symbol", "why")]


def as_csv(found: Suggestion) -> str:
    """The trades as a list that what-if reads, with what each comes to and does."""
    columns = ["symbol", "quantity", "usd", "effect"]
    rows = pd.DataFrame(found.trades, columns=[*columns, "price"])[columns]
    return rows.rename(columns={"symbol": "ticker"}).to_csv(index=False, lineterminator="\n")


def content(found: Suggestion, wanted: Wanted) -> dict[str, Any]:
    """The suggestion for JSON, as the API answers it, with the target."""
    return {"target": asdict(wanted.target), "reachable": True, **asdict(found)}


def _wanted(text: str, limits: Limits, whole: bool) -> Wanted:
    """:raises InputError: on a measure that there is not, one that says too little or much, or no number."""
    name, _, number = text.rpartition("=")
    measure, _, of = name.partition(":")
    forms = {known: f"{known}{_OF.get(known, '')}=VALUE" for known in MEASURES}
    if measure not in forms:
        raise InputError(f"--target {text[:80]}: no such measure; choose of {', '.join(forms.values())}")
    dimension, equals, group = of.partition("=") if measure == GROUP else ("", "", "")
    complete = {GROUP: bool(dimension and equals), DOLLARS: bool(of)}.get(measure, not of and measure == name)
    if not complete:
        raise InputError(f"--target {text[:80]}: write it as {forms[measure]}")
    if measure == GROUP and dimension not in GROUPED:
        raise InputError(f"--target {text[:80]}: dimension '{dimension}': choose of {', '.join(GROUPED)}")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        unit = {BETA: "a ratio", GROUP: "a fraction of the gross exposure"}.get(measure, "USD")
        raise InputError(f"--target {text[:80]}: '{number[:40]}' is no number; give {unit}")
    factor = of if measure == DOLLARS else ""
    return Wanted(name, Target(measure, value, factor, dimension, group), limits, whole)


def _number(measure: str, value: float | None, sign: str = "") -> str:
    if value is None:
        return "-"
    return f"{value:{sign},.6g}" if measure in _RATIOS else f"{value:{sign},.2f}"
