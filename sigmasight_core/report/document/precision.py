"""How many decimals a number is written with. Numbers are rounded here and nowhere else, when written."""

import math
from typing import Any, Final

POLICY: Final = {
    "money": 2,
    "prices_below_1_usd": 4,
    "greeks": 4,
    "betas": 4,
    "quantities": 4,
    "factor_exposures": 6,
    "correlations": 6,
    "other": 6,
}
"""Decimals by what a number is. Prices below 1 USD are quoted in 1/100 cent (SEC Rule 612)."""

NOTE: Final = (
    "Decimals are strings, rounded once, when written, half to even from the stored double. A price per "
    "share below 1 USD has 4 decimals. 'other' are returns, weights, shares, volatilities and probabilities."
)

PRICES: Final = frozenset(
    {"price", "close", "adjusted_close", "open", "high", "low", "entry_price", "exit_price", "current_price"}
    | {"strike", "strike_price", "underlying_price"}
)
GREEKS: Final = frozenset({"delta", "gamma", "theta", "vega", "rho"})
_GREEK_PREFIXES: Final = ("position_", "portfolio_")
_BETA_COLUMNS: Final = ("beta", "std_error", "t_stat")
_FACTOR_TABLES: Final = ("factor_exposures", "position_factor_exposures")
PRICE: Final = "price"
PER_EXPOSURE: Final = "USD per exposure"
AS_ROW: Final = "as `unit`"
"""Unit of a column whose rows have their unit in the column `unit`."""


def kind_of(table: str, column: str, unit: str) -> str:
    """The entry of POLICY for a column, or PRICE; `unit` as its row model states it."""
    bare = column
    for prefix in _GREEK_PREFIXES:
        bare = bare.removeprefix(prefix)
    if column in PRICES:
        return PRICE
    if bare in GREEKS:
        return "greeks"
    if column == "quantity" or unit in ("units", "shares"):
        return "quantities"
    if "correlation" in column and not unit.startswith("USD"):
        return "correlations"
    if any(part in column for part in _BETA_COLUMNS) and not unit.startswith("USD"):
        return "factor_exposures" if table in _FACTOR_TABLES else "betas"
    if unit.startswith(PER_EXPOSURE):
        return "other"
    return "money" if unit.startswith("USD") or column.endswith(("_usd", "_pnl")) else "other"


def decimals(kind: str, number: float) -> int:
    """Decimals of a number of a kind."""
    if kind == PRICE:
        return POLICY["prices_below_1_usd"] if abs(number) < 1 else POLICY["money"]
    return POLICY[kind]


def written(number: Any, kind: str) -> str | None:
    """A number as text, with a point and without separators; None for NULL. No number is written as -0."""
    if number is None or number != number or not math.isfinite(number):
        return None
    text = f"{number:.{decimals(kind, number)}f}"
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.") else text
