"""The readiness of a portfolio on a date, from the stored tables."""

from dataclasses import dataclass

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.positions.held import held_symbols
from sigmasight_core.report import availability as readiness
from sigmasight_core.tables import (
    CorrelationSummary,
    FactorBetas,
    FactorExposures,
    Grain,
    PortfolioPnlExplain,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionGreeks,
    PositionPnlExplain,
    PositionValues,
    RateBetas,
    RateExposures,
    RiskMeasures,
    StressResults,
    Table,
    grain,
)
from sigmasight_dagster.platform import Platform

NO_PRICES = "no prices: the provider has none on the date"


@dataclass(frozen=True)
class Calculation:
    """What is reported of a table.

    :param value: the column that the calculation is for. :param item: and `part`: columns that name a result;
        '' = the portfolio as a whole, or no part.
    """

    name: str
    model: type[Table]
    value: str
    item: str = ""
    part: str = ""


CALCULATIONS = (
    Calculation("valuation", PositionValues, "price", "symbol"),
    Calculation("daily P&L", PositionValues, "daily_pnl", "symbol"),
    Calculation("Greeks", PositionGreeks, "delta", "position_id"),
    Calculation("factor betas", FactorBetas, "beta", "symbol", "factor"),
    Calculation("factor exposures", FactorExposures, "beta", "", "factor"),
    Calculation("rate betas", RateBetas, "beta_per_percentage_point", "symbol", "series"),
    Calculation("rate exposures", RateExposures, "pnl_up_100bp_usd", "", "series"),
    Calculation("correlations of pairs", PositionCorrelations, "correlation", "symbol_1", "symbol_2"),
    Calculation("correlation summary", CorrelationSummary, "average_correlation"),
    Calculation("stress tests", StressResults, "correlated_pnl", "scenario"),
    Calculation("VaR and risk measures", RiskMeasures, "value", "measure"),
    Calculation("P&L explain, positions", PositionPnlExplain, "delta_pnl", "position_id"),
    Calculation("P&L explain, portfolio", PortfolioPnlExplain, "delta_pnl"),
    Calculation("snapshot", PortfolioSnapshots, "total_value"),
)


def latest_date(platform: Platform, portfolio: str) -> pd.Timestamp:
    """The latest date of which the portfolio has results.

    :raises InputError: when there are none.
    """
    dates = platform.warehouse.published(PositionValues, portfolios=[portfolio])["date"]
    if dates.empty:
        raise InputError(
            f"portfolio {portfolio}: nothing is computed yet: "
            f"sigmasight run --date YYYY-MM-DD --portfolio {portfolio}"
        )
    return dates.max()


def measure(platform: Platform, portfolio: str, date: pd.Timestamp) -> pd.DataFrame:
    """`readiness.readiness` of a registered portfolio on a date."""
    positions = platform.warehouse.positions([portfolio])
    frames = {item.name: _rows(platform, item, positions, portfolio, date) for item in CALCULATIONS}
    return readiness.readiness(frames)


def _rows(
    platform: Platform, item: Calculation, positions: pd.DataFrame, portfolio: str, date: pd.Timestamp
) -> pd.DataFrame | None:
    warehouse = platform.warehouse
    shared = grain(item.model) is Grain.DATE
    portfolios = None if shared else [portfolio]
    if warehouse.published(item.model, [date], portfolios).empty:
        return None
    symbols = list(held_symbols(positions, date)) if shared else None
    rows = warehouse.read(item.model, [date], portfolios, symbols=symbols)
    none = pd.Series("", index=rows.index, dtype="str")
    names = rows[item.item] if item.item else none
    if item.item == "position_id":
        names = names.str.partition("@")[0]
    frame = pd.DataFrame(
        {
            "item": names,
            "part": rows[item.part] if item.part else none,
            "status": rows["status"],
            "has_value": rows[item.value].notna() | rows["status"].isin(readiness.GOOD),
        }
    )
    lacking = sorted(set(symbols or ()) - set(names))
    absent = pd.DataFrame({"item": lacking, "part": "", "status": NO_PRICES, "has_value": False})
    return pd.concat([frame, absent.astype(frame.dtypes.to_dict())], ignore_index=True)
