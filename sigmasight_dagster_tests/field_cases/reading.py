"""Portfolio files read as of a fixed day, for the tests of this folder."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pandas as pd

from sigmasight_core.ledger.portfolio_csv import DataEnd, ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.tables import Positions, validate

AS_OF = pd.Timestamp("2026-06-01")
HEADER = "ticker,quantity,entry_price,entry_date"
CALL, PUT = "AAPL240119C00150000", "AAPL240119P00150000"


def parse(text: str | bytes, known: set[str] | None = None, end: DataEnd | None = None) -> ParsedPortfolio:
    parsed = parse_portfolio_csv(text, "book", "book.csv", AS_OF, known, data_end=end)
    validate(Positions, parsed.positions)
    return parsed


def one(
    ticker: str, date: str = "2022-03-01", price: str = "150", known: set[str] | None = None
) -> ParsedPortfolio:
    return parse(f"{HEADER}\n{ticker},10,{price},{date}\n", known)


def beside(column: str, value: str, ticker: str = "AAPL", quantity: str = "10") -> ParsedPortfolio:
    return parse(f"{HEADER},{column}\n{ticker},{quantity},150,2022-03-01,{value}\n")


class Case(NamedTuple):
    """An input of a case from the field, and what must come of it."""

    number: str
    door: Callable[[Any], dict[str, Any]]
    """What it comes in by: says what was found of it."""
    given: Any
    right: dict[str, Any]
    """Some of what the door says: a value, or of a text a pattern."""
