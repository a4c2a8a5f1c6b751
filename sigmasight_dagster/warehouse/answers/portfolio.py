"""Answers on a portfolio: the tables of its results, and views that join them."""

from typing import Final

from sigmasight_core.tables import (
    CorrelationClusters,
    CorrelationSummary,
    Expiries,
    FactorExposures,
    GroupContributions,
    PortfolioCash,
    PortfolioGroups,
    PortfolioLiquidity,
    PortfolioPnlExplain,
    PortfolioReturns,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionFactorExposures,
    PositionGreeks,
    PositionLiquidity,
    PositionPnlExplain,
    PositionStress,
    RateExposures,
    ReturnContributions,
    ReverseStress,
    RiskContributions,
    RiskMeasures,
    ScenarioImpacts,
    VarBacktests,
)
from sigmasight_dagster.warehouse.answers.source import Source, table
from sigmasight_dagster.warehouse.layout.everyday import PORTFOLIO_TODAY, POSITIONS_TODAY, WORST_STRESS
from sigmasight_dagster.warehouse.layout.view import (
    DAY,
    NOT_COMPARISON,
    View,
    join,
    named,
    published,
    rows_of,
    same,
)

_NOT_COMPARISON: Final = NOT_COMPARISON.format(alias="v")

OVERVIEW: Final = Source(PORTFOLIO_TODAY, ("date",), "portfolio")
POSITIONS: Final = Source(POSITIONS_TODAY, ("date", "position_id"), "portfolio")
SCENARIOS: Final = Source(WORST_STRESS, ("date", "rank"), "portfolio")
SCENARIO_IMPACTS: Final = table(ScenarioImpacts, always=_NOT_COMPARISON)
POSITION_STRESS: Final = table(PositionStress, always=_NOT_COMPARISON)
REVERSE_STRESS: Final = table(ReverseStress)

PERFORMANCE: Final = table(PortfolioReturns)
SNAPSHOTS: Final = table(PortfolioSnapshots)
CASH: Final = table(PortfolioCash)
GROUPS: Final = table(PortfolioGroups)
LIQUIDITY: Final = table(PortfolioLiquidity)
POSITION_LIQUIDITY: Final = table(PositionLiquidity)

RISK: Final = table(RiskMeasures)
RISK_CONTRIBUTIONS: Final = table(RiskContributions)
BACKTESTS: Final = table(VarBacktests)
GREEKS: Final = Source(
    rows_of(
        PortfolioSnapshots,
        *("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega", "portfolio_rho"),
        *("delta_usd", "delta_adjusted_exposure", "n_options", "status"),
    ),
    ("date",),
    "portfolio",
)
POSITION_GREEKS: Final = table(PositionGreeks)
EXPIRIES: Final = table(Expiries)

EXPOSURES: Final = table(FactorExposures)
POSITION_EXPOSURES: Final = table(PositionFactorExposures)
RATE_EXPOSURES: Final = table(RateExposures)

CORRELATIONS: Final = table(PositionCorrelations)
CORRELATION_SUMMARY: Final = table(CorrelationSummary)
CLUSTERS: Final = table(CorrelationClusters)

PNL: Final = table(PortfolioPnlExplain)
POSITION_PNL: Final = table(PositionPnlExplain)

_ATTRIBUTED: Final = ("period", "item", "pnl", "contribution", "period_return", "status")
_CHOSEN: Final = ", ".join(f"c.{name}" for name in _ATTRIBUTED)
ATTRIBUTION: Final = Source(
    View(
        "attribution",
        "",
        ReturnContributions,
        {"t": ReturnContributions},
        DAY | {"dimension": "t.dimension"} | same("t", *_ATTRIBUTED),
        f"CROSS JOIN LATERAL (SELECT 'position' AS dimension, {_CHOSEN} "
        f"FROM {named(ReturnContributions)} AS c "
        f"WHERE c.date = d.date AND c.portfolio = d.portfolio AND {published(ReturnContributions, 'c')} "
        f"UNION ALL SELECT c.dimension, {_CHOSEN} FROM {named(GroupContributions)} AS c "
        f"WHERE c.date = d.date AND c.portfolio = d.portfolio AND {published(GroupContributions, 'c')}) AS t",
        {"dimension": "position, or what the positions are grouped by: asset_class, sector, tag, ..."},
    ),
    ("date", "dimension", "period", "item"),
    "portfolio",
)
"""Contributions of positions and of groups, one below another."""

SIDES: Final = Source(
    View(
        "sides",
        "",
        PortfolioSnapshots,
        {"t": PortfolioSnapshots},
        DAY
        | same("t", "total_value", "gross_exposure", "net_exposure", "long_exposure", "short_exposure")
        | same("t", "notional", "delta_usd", "n_positions", "n_long", "n_short", "status"),
        join(PortfolioSnapshots, "t", kind="JOIN"),
    ),
    ("date",),
    "portfolio",
)
"""What the portfolio holds, its longs and its shorts."""
