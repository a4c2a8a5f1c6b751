"""The readiness of a portfolio on a date, from the stored tables."""

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.positions.held import held_symbols
from sigmasight_core.report import availability
from sigmasight_core.tables import TABLES, Grain, PositionValues, Readiness, Table, grain, readiness
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Warehouse


def latest_date(warehouse: Warehouse, portfolio: str, model: type[Table] = PositionValues) -> pd.Timestamp:
    """The latest date of which the portfolio has results in a table.

    :raises InputError: when there are none.
    """
    dates = warehouse.published(model, portfolios=[portfolio])["date"]
    if dates.empty:
        raise InputError(f"portfolio {portfolio}: nothing is computed yet: sigmasight run {portfolio}")
    return dates.max()


def measure(platform: Platform, portfolio: str, date: pd.Timestamp) -> pd.DataFrame:
    """`availability.readiness` of a registered portfolio on a date: what the row models say to report."""
    positions = platform.warehouse.positions([portfolio])
    frames = {
        item.calculation: _rows(platform, model, item, positions, portfolio, date)
        for model in TABLES
        for item in readiness(model)
    }
    return availability.readiness(frames)


def _rows(
    platform: Platform,
    model: type[Table],
    item: Readiness,
    positions: pd.DataFrame,
    portfolio: str,
    date: pd.Timestamp,
) -> pd.DataFrame | None:
    warehouse = platform.warehouse
    shared = grain(model) is Grain.DATE
    portfolios = None if shared else [portfolio]
    if warehouse.published(model, [date], portfolios).empty:
        return None
    symbols = list(held_symbols(positions, date)) if shared else None
    rows = warehouse.read(model, [date], portfolios, symbols=symbols)
    return availability.results(item, rows, symbols or ())
