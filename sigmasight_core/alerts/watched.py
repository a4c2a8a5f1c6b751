"""What a rule may watch: tables by date, and what is worked out for the rules and stored nowhere.

Here belongs which tables, columns and keys a rule may name, and how rows of each become alerts. Not here: how
a rule is written (`rules`) and when it fires (`evaluation`).
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from pandera.typing import Series

from sigmasight_core.tables import (
    TABLES,
    Grain,
    Table,
    columns_by_role,
    facts,
    grain,
    primary_key,
    table_name,
)
from sigmasight_core.tables.base import DateTable, Facts, Kind, PortfolioTable, key, label, value

EVERYBODY: Final = "*"
"""In place of a portfolio: of market data, which every user may see."""
PASSED, WARNED, FAILED = 0, 1, 2
"""Outcomes of a check."""


class SymbolCoverage(DateTable):
    """Prices of one symbol that is held, or is a benchmark, in the sessions up to the newest prices."""

    symbol: Series[str] = key("Symbol")
    n_sessions: Series[int] = value("Sessions with an adjusted close, of the last 253", "sessions", ge=0)
    coverage: Series[float] = value("n_sessions / sessions that there are", "fraction", ge=0, le=1)
    gaps: Series[int] = value("Sessions without a price between the first and the last", "sessions", ge=0)
    stale_sessions: Series[int] = value(
        "Sessions since the last price; all of them where there is none", "sessions", ge=0
    )

    class Config:
        name = "symbol_coverage"
        metadata = {"facts": Facts(kind=Kind.WATCHED)}


class PortfolioCoverage(PortfolioTable):
    """Prices of the symbols that one portfolio holds, in the sessions up to the newest prices."""

    n_symbols: Series[int] = value("Symbols that are held", "symbols", ge=1)
    coverage: Series[float] = value("Mean coverage of its symbols", "fraction", ge=0, le=1)
    lowest_coverage: Series[float] = value("That of the symbol with the least", "fraction", ge=0, le=1)
    with_252_sessions: Series[float] = value(
        "Share of its symbols with 252 sessions, or as many as there are", "fraction", ge=0, le=1
    )
    with_150_sessions: Series[float] = value("The same of 150 sessions", "fraction", ge=0, le=1)
    with_60_sessions: Series[float] = value("The same of 60 sessions", "fraction", ge=0, le=1)

    class Config:
        name = "portfolio_coverage"
        metadata = {"facts": Facts(kind=Kind.WATCHED)}


class CheckOutcomes(PortfolioTable):
    """The last outcome of one check of one asset, as Dagster has recorded it."""

    asset: Series[str] = key("Asset, which is named as its table")
    check_name: Series[str] = key("Check")
    outcome: Series[int] = value("0 = passed, 1 = warned, 2 = failed", "level", isin=(PASSED, WARNED, FAILED))
    detail: Series[str] = label("What the check said; empty = it passed")

    class Config:
        name = "check_outcomes"
        metadata = {"facts": Facts(kind=Kind.WATCHED)}


WORKED_OUT: Final[tuple[type[Table], ...]] = (SymbolCoverage, PortfolioCoverage, CheckOutcomes)


@cache
def alert_tables() -> Mapping[str, type[Table]]:
    """What a rule may watch, by name: tables by date and portfolio, market tables, and what is worked out."""
    by_date = (
        model
        for model in TABLES
        if grain(model) is Grain.DATE_PORTFOLIO
        or (grain(model) is Grain.DATE and facts(model).kind in (Kind.SOURCE, Kind.RESULT))
    )
    watched = (model for model in (*by_date, *WORKED_OUT) if not facts(model).private)
    return {table_name(model): model for model in watched if numeric_columns(model)}


@cache
def numeric_columns(model: type[Table]) -> tuple[str, ...]:
    """Value columns of a table that are numbers."""
    columns = model.to_schema().columns
    numeric = ("float", "int", "Int")
    return tuple(
        name for name in columns_by_role(model, "value") if str(columns[name].dtype).startswith(numeric)
    )


@cache
def selectable(model: type[Table]) -> tuple[str, ...]:
    """Keys of a table after its date and portfolio."""
    return tuple(primary_key(model)[len(grain(model).value) :])


def allowed_values(model: type[Table], name: str) -> tuple[str, ...]:
    """Values that a key column may have; empty = any."""
    if model is CheckOutcomes and name == "asset":
        return tuple(map(table_name, TABLES))
    for check in model.to_schema().columns[name].checks:
        if "allowed_values" in check.statistics:
            return tuple(map(str, check.statistics["allowed_values"]))
    return ()


def is_standing(model: type[Table]) -> bool:
    """An alert lasts from its first date until it ends: the rows say how things are now, not on a date."""
    return facts(model).kind is Kind.WATCHED


def is_of_portfolios(model: type[Table]) -> bool:
    """Each row is of one portfolio, and so a rule may name portfolios."""
    return grain(model) is Grain.DATE_PORTFOLIO and model is not CheckOutcomes
