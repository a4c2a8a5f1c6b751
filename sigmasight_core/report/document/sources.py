"""Which tables a report is made of, by the calculation that they belong to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sigmasight_core.tables import Table, table_name
from sigmasight_core.tables.collection import row_models

SNAPSHOT_SESSIONS: Final = 30
"""Sessions of snapshots in a report."""
RETURN_SESSIONS: Final = 1260
"""Sessions whose returns are read: five years of months."""
PAST_SESSIONS: Final = 252
"""The last of them, which are in a report one by one."""
NEWEST_SESSIONS: Final = 10
"""Sessions before the date of a report in which a weekly table may have its newest rows."""


@dataclass(frozen=True)
class Source:
    """One table of a report.

    :param sessions: of how many sessions up to the date it takes what is published; 1 = the date's own rows.
    :param newest: the newest published partition within NEWEST_SESSIONS before the date counts.
    :param symbol: of a table by date alone, the column whose symbols are held.
    """

    table: str
    sessions: int = 1
    newest: bool = False
    symbol: str = ""


@dataclass(frozen=True)
class Calculation:
    """What one calculation gives to a report; the first of its tables says whether it is there."""

    description: str
    sources: tuple[Source, ...]


CALCULATIONS: Final[Mapping[str, Calculation]] = {
    "portfolio_snapshot": Calculation(
        "Value, exposures, P&L and Greeks of the portfolio at the close",
        (Source("portfolio_snapshots", sessions=SNAPSHOT_SESSIONS),),
    ),
    "position_exposures": Calculation(
        "Value, exposure and P&L of each position; short is negative", (Source("position_values"),)
    ),
    "greeks_aggregation": Calculation(
        "Greeks of each position, by exercise style; and of the options by time to expiry",
        (Source("position_greeks"), Source("expiries")),
    ),
    "factor_analysis": Calculation(
        "Dollar exposures and betas to the factors, of the portfolio with errors, and of each position",
        (Source("factor_exposures"), Source("position_factor_exposures")),
    ),
    "correlation_analysis": Calculation(
        "Correlations of the holdings, clusters and diversification; the newest on or before the date",
        (
            Source("correlation_summary", newest=True),
            Source("correlation_clusters", newest=True),
            Source("position_correlations", newest=True),
        ),
    ),
    "market_data": Calculation(
        "Prices of what is held, with source and status, and what the securities are",
        (Source("daily_prices", symbol="symbol"), Source("security_master", symbol="symbol")),
    ),
    "stress_testing": Calculation(
        "P&L under each scenario, by factor, and the likeliest states that lose a given share",
        (Source("stress_results"), Source("scenario_impacts"), Source("reverse_stress")),
    ),
    "interest_rate_betas": Calculation(
        "P&L for moves of Treasury yields; the series are alternatives and do not add up",
        (Source("rate_exposures"), Source("rate_betas", symbol="symbol")),
    ),
    "risk_measures": Calculation(
        "Value at risk, expected shortfall and their backtest; contributions to the risk",
        (Source("risk_measures"), Source("risk_contributions"), Source("var_backtests")),
    ),
    "pnl_explain": Calculation(
        "Daily P&L by cause, of the portfolio and of each position",
        (Source("portfolio_pnl_explain"), Source("position_pnl_explain")),
    ),
    "returns": Calculation(
        "Returns with dividends, costs and flows, beside the benchmark; contributions; cash",
        (
            Source("portfolio_returns", sessions=RETURN_SESSIONS),
            Source("return_contributions"),
            Source("return_contributions_by_group"),
            Source("portfolio_cash"),
        ),
    ),
    "groups": Calculation(
        "Sums and risk of positions by group; those of a dimension sum to the portfolio, but for tags",
        (Source("portfolio_groups"),),
    ),
    "liquidity": Calculation(
        "Sessions to close the positions with a set share of the market's volume",
        (Source("portfolio_liquidity"), Source("position_liquidity")),
    ),
}
"""By name, in the order of the document."""


def models() -> dict[Source, type[Table]]:
    """The row model of each source whose table this project has."""
    known = {table_name(model): model for model in row_models()}
    return {source: known[source.table] for source in _every() if source.table in known}


def _every() -> Iterator[Source]:
    for calculation in CALCULATIONS.values():
        yield from calculation.sources
