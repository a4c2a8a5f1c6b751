"""Row models: the one declaration of every table. See `base` for what they have in common."""

from sigmasight_core.tables.alerts import AlertDeliveries, Alerts
from sigmasight_core.tables.base import (
    Audit,
    Grain,
    Table,
    columns_by_role,
    grain,
    primary_key,
    table_name,
    validate,
)
from sigmasight_core.tables.collinearity import FactorCorrelations, FactorModelDiagnostics
from sigmasight_core.tables.explain import PortfolioPnlExplain, PositionPnlExplain
from sigmasight_core.tables.market import (
    CorporateActions,
    DailyPrices,
    OptionQuotes,
    SecurityMaster,
    TreasuryYields,
)
from sigmasight_core.tables.market_risk import (
    FactorBetas,
    FactorCovariance,
    FactorReturns,
    FactorState,
    OptionVolatilities,
    RealizedVolatility,
)
from sigmasight_core.tables.operations import (
    Corrections,
    LedgerChanges,
    Publications,
    RejectedRows,
    SupersededRows,
)
from sigmasight_core.tables.portfolio import PortfolioSnapshots, PositionGreeks, PositionValues
from sigmasight_core.tables.portfolio_risk import (
    CorrelationClusters,
    CorrelationSummary,
    FactorExposures,
    PositionCorrelations,
    PositionFactorExposures,
    PositionStress,
    ReverseStress,
    StressResults,
)
from sigmasight_core.tables.rates import RateBetas, RateExposures
from sigmasight_core.tables.registry import Portfolios, Positions
from sigmasight_core.tables.risk import RiskContributions, RiskMeasures, VarBacktests
from sigmasight_core.tables.what_if import WhatIfResults, WhatIfSessions, WhatIfTrades

TABLES: tuple[type[Table], ...] = (
    Portfolios,
    Positions,
    DailyPrices,
    CorporateActions,
    TreasuryYields,
    OptionQuotes,
    SecurityMaster,
    RealizedVolatility,
    OptionVolatilities,
    FactorReturns,
    FactorState,
    FactorBetas,
    FactorCovariance,
    FactorCorrelations,
    FactorModelDiagnostics,
    RateBetas,
    PositionValues,
    PositionGreeks,
    PositionFactorExposures,
    FactorExposures,
    RateExposures,
    PositionCorrelations,
    CorrelationSummary,
    CorrelationClusters,
    StressResults,
    PositionStress,
    PortfolioSnapshots,
    PositionPnlExplain,
    PortfolioPnlExplain,
    ReverseStress,
    RiskMeasures,
    RiskContributions,
    VarBacktests,
    WhatIfSessions,
    WhatIfTrades,
    WhatIfResults,
)
"""Every table, in the order of the flow of data."""

OPERATIONS_TABLES: tuple[type[Table], ...] = (
    Publications,
    Corrections,
    SupersededRows,
    RejectedRows,
    LedgerChanges,
    Alerts,
    AlertDeliveries,
)
"""The warehouse's own books. They are no assets."""

__all__ = [
    "OPERATIONS_TABLES",
    "TABLES",
    "AlertDeliveries",
    "Alerts",
    "Audit",
    "CorporateActions",
    "Corrections",
    "CorrelationClusters",
    "CorrelationSummary",
    "DailyPrices",
    "FactorBetas",
    "FactorCorrelations",
    "FactorCovariance",
    "FactorExposures",
    "FactorModelDiagnostics",
    "FactorReturns",
    "FactorState",
    "Grain",
    "LedgerChanges",
    "OptionQuotes",
    "OptionVolatilities",
    "PortfolioPnlExplain",
    "PortfolioSnapshots",
    "Portfolios",
    "PositionCorrelations",
    "PositionFactorExposures",
    "PositionGreeks",
    "PositionPnlExplain",
    "PositionStress",
    "PositionValues",
    "Positions",
    "Publications",
    "RateBetas",
    "RateExposures",
    "RealizedVolatility",
    "RejectedRows",
    "ReverseStress",
    "RiskContributions",
    "RiskMeasures",
    "SecurityMaster",
    "StressResults",
    "SupersededRows",
    "Table",
    "TreasuryYields",
    "VarBacktests",
    "WhatIfResults",
    "WhatIfSessions",
    "WhatIfTrades",
    "columns_by_role",
    "grain",
    "primary_key",
    "table_name",
    "validate",
]
