"""Results of a ledger that was replaced stay in their tables, but no longer count as published."""

from typing import Any

import pandas as pd

from sigmasight_core.tables import TABLES, facts, table_name
from sigmasight_dagster.warehouse.checksums.partitions import withdraw
from sigmasight_dagster.warehouse.sql import literal, one_of


def unpublish(cursor: Any, portfolio: str, since: pd.Timestamp | None) -> None:
    """Those of a portfolio, from the first date that the ledger changes; None = all."""
    _withdraw(
        cursor, portfolio, "" if since is None else f" AND date >= {literal(since.strftime('%Y-%m-%d'))}"
    )


def unpublish_beside_benchmark(cursor: Any, portfolio: str) -> None:
    """Those of a portfolio that are held against its benchmark, on every date."""
    beside = (table_name(model) for model in TABLES if facts(model).benchmark)
    _withdraw(cursor, portfolio, f" AND {one_of('table_name', beside)}")


def unpublish_beside_holdings(cursor: Any, portfolio: str) -> None:
    """Those of a portfolio that are held against what its benchmark holds, on every date."""
    beside = (table_name(model) for model in TABLES if facts(model).holdings)
    _withdraw(cursor, portfolio, f" AND {one_of('table_name', beside)}")


def _withdraw(cursor: Any, portfolio: str, condition: str) -> None:
    withdraw(cursor, f" WHERE {one_of('portfolio', [portfolio])}{condition}")
