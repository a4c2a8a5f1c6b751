"""Row models: the one declaration of every table, one file a topic, named as the rooms are.

Here belongs what a table is: its columns with type, unit, bounds and what each is computed from, its key, and
its `Facts`. Not here: how rows are computed (the rooms above), stored (`sigmasight_dagster.warehouse`) or
shown. See `base` for what the row models have in common.

TABLES and OPERATIONS_TABLES are collected: a row model in a topic's file, or beside its function in a room
above, is found. The names below are for short imports only.
"""

from typing import Final

from sigmasight_core.tables.access.managed import (
    AlertAcknowledgements,
    AlertRuleRows,
    ReportSchedules,
    Uploads,
)
from sigmasight_core.tables.access.modeling import ModelingSessions
from sigmasight_core.tables.access.users import Activity, RefreshTokens, UserPortfolios, Users
from sigmasight_core.tables.account.attribution import ActiveShare, BenchmarkHoldings, ReturnAttribution
from sigmasight_core.tables.account.cash import PortfolioCash
from sigmasight_core.tables.account.contributions import GroupContributions, ReturnContributions
from sigmasight_core.tables.account.deliveries import OptionDeliveries
from sigmasight_core.tables.account.returns import PortfolioReturns
from sigmasight_core.tables.alerts import AlertDeliveries, Alerts
from sigmasight_core.tables.base import (
    Audit,
    Facts,
    Grain,
    Kind,
    Readiness,
    Seen,
    Table,
    columns_by_role,
    computed_from,
    facts,
    grain,
    primary_key,
    readiness,
    seen,
    table_name,
    validate,
)
from sigmasight_core.tables.collection import Tables
from sigmasight_core.tables.correlation import CorrelationClusters, CorrelationSummary, PositionCorrelations
from sigmasight_core.tables.factors import (
    FactorBetas,
    FactorCorrelations,
    FactorCovariance,
    FactorExposures,
    FactorModelDiagnostics,
    FactorReturns,
    FactorState,
    PositionFactorExposures,
    RateBetas,
    RateExposures,
)
from sigmasight_core.tables.ledger import Portfolios, Positions, TransactionKind, Transactions
from sigmasight_core.tables.market import (
    CorporateActions,
    DailyPrices,
    DividendYields,
    PriceDifferences,
    RealizedVolatility,
    SecurityMaster,
    TreasuryYields,
)
from sigmasight_core.tables.operations import (
    ActionCoverage,
    Corrections,
    DoubtfulRows,
    LedgerChanges,
    LedgerSeals,
    PortfolioGrants,
    Publications,
    RejectedRows,
    SupersededRows,
    WithdrawnPartitions,
)
from sigmasight_core.tables.options import OptionQuotes, OptionVolatilities
from sigmasight_core.tables.pnl import PortfolioPnlExplain, PositionPnlExplain
from sigmasight_core.tables.portfolio.configured import Factors, Scenarios
from sigmasight_core.tables.portfolio.groups import PortfolioGroups
from sigmasight_core.tables.portfolio.horizons import Expiries, PortfolioLiquidity, PositionLiquidity
from sigmasight_core.tables.portfolio.impacts import ScenarioImpacts
from sigmasight_core.tables.portfolio.reports import PortfolioReports
from sigmasight_core.tables.portfolio.simulated import SimulatedPnl
from sigmasight_core.tables.positions import PortfolioSnapshots, PositionGreeks, PositionValues
from sigmasight_core.tables.risk import RiskContributions, RiskMeasures, VarBacktests
from sigmasight_core.tables.stress import PositionStress, ReverseStress, StressResults
from sigmasight_core.tables.what_if import WhatIfResults, WhatIfSessions, WhatIfTrades

TABLES: Final = Tables({Kind.LEDGER, Kind.CONFIGURED, Kind.SOURCE, Kind.RESULT, Kind.SAVED})
"""Every table but the warehouse's own, in the order of the flow of data."""

OPERATIONS_TABLES: Final = Tables({Kind.OPERATIONS})
"""The warehouse's own books. They are no assets."""

__all__ = [
    "OPERATIONS_TABLES",
    "TABLES",
    "ActionCoverage",
    "ActiveShare",
    "Activity",
    "AlertAcknowledgements",
    "AlertDeliveries",
    "AlertRuleRows",
    "Alerts",
    "Audit",
    "BenchmarkHoldings",
    "CorporateActions",
    "Corrections",
    "CorrelationClusters",
    "CorrelationSummary",
    "DailyPrices",
    "DividendYields",
    "DoubtfulRows",
    "Expiries",
    "FactorBetas",
    "FactorCorrelations",
    "FactorCovariance",
    "FactorExposures",
    "FactorModelDiagnostics",
    "FactorReturns",
    "FactorState",
    "Factors",
    "Facts",
    "Grain",
    "GroupContributions",
    "Kind",
    "LedgerChanges",
    "LedgerSeals",
    "ModelingSessions",
    "OptionDeliveries",
    "OptionQuotes",
    "OptionVolatilities",
    "PortfolioCash",
    "PortfolioGrants",
    "PortfolioGroups",
    "PortfolioLiquidity",
    "PortfolioPnlExplain",
    "PortfolioReports",
    "PortfolioReturns",
    "PortfolioSnapshots",
    "Portfolios",
    "PositionCorrelations",
    "PositionFactorExposures",
    "PositionGreeks",
    "PositionLiquidity",
    "PositionPnlExplain",
    "PositionStress",
    "PositionValues",
    "Positions",
    "PriceDifferences",
    "Publications",
    "RateBetas",
    "RateExposures",
    "Readiness",
    "RealizedVolatility",
    "RefreshTokens",
    "RejectedRows",
    "ReportSchedules",
    "ReturnAttribution",
    "ReturnContributions",
    "ReverseStress",
    "RiskContributions",
    "RiskMeasures",
    "ScenarioImpacts",
    "Scenarios",
    "SecurityMaster",
    "Seen",
    "SimulatedPnl",
    "StressResults",
    "SupersededRows",
    "Table",
    "TransactionKind",
    "Transactions",
    "TreasuryYields",
    "Uploads",
    "UserPortfolios",
    "Users",
    "VarBacktests",
    "WhatIfResults",
    "WhatIfSessions",
    "WhatIfTrades",
    "WithdrawnPartitions",
    "columns_by_role",
    "computed_from",
    "facts",
    "grain",
    "primary_key",
    "readiness",
    "seen",
    "table_name",
    "validate",
]
