"""What the daily P&L is made of."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import PRICE_LOOK_BACK_SESSIONS
from sigmasight_core.pnl import explain
from sigmasight_core.pnl.factor_parts import FactorTables
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorReturns,
    FactorState,
    PortfolioPnlExplain,
    PositionPnlExplain,
    PositionValues,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.engine.option_tables import OPTION_TABLES, option_tables
from sigmasight_dagster.engine.settled_ledger import LOTS, settled_ledger
from sigmasight_dagster.gates.pnl import PORTFOLIO_PARTS_SUM, POSITION_PARTS_SUM
from sigmasight_dagster.story import Story, figures

BETAS = ["date", "symbol", "factor", "beta"]
WINDOW = (FactorBetas, FactorState, FactorReturns)


@risk_asset(
    PositionPnlExplain,
    PortfolioPnlExplain,
    inputs=[
        *LOTS,
        PositionValues,
        Input(DailyPrices, carried_prices=True),
        *(Input(model, look_back=PRICE_LOOK_BACK_SESSIONS) for model in WINDOW),
        *OPTION_TABLES,
    ],
    group="portfolio_risk",
    gates=[POSITION_PARTS_SUM, PORTFOLIO_PARTS_SUM],
    stories={
        PortfolioPnlExplain: Story(
            (
                figures.of_row(
                    daily_pnl="daily P&L (USD)",
                    market_pnl="of which market (USD)",
                    specific_pnl="of which specific (USD)",
                    residual_pnl="of which unexplained (USD)",
                ),
            )
        )
    },
)
def position_pnl_explain(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Greeks and betas of the previous close times the moves since; the parts sum to daily_pnl."""
    values = batch.read(PositionValues)
    betas = batch.read(FactorBetas, BETAS, sorted(values["underlying"].unique()))
    return explain.pnl_explain(
        sessions=calendar.sessions(
            calendar.shift_sessions(batch.dates[0], -PRICE_LOOK_BACK_SESSIONS), batch.dates[-1]
        ),
        position_values=values,
        positions=settled_ledger(batch).positions,
        prices=batch.read(DailyPrices),
        option_tables=option_tables(batch),
        corporate_actions=batch.corporate_actions,
        factors=FactorTables(betas, batch.read(FactorState), batch.read(FactorReturns)),
        config=batch.factor_model,
        parameters=batch.option_parameters,
        max_price_age_days=batch.max_price_age_days,
        partitions=batch.partitions,
    )
