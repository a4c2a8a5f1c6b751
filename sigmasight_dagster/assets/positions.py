"""Positions at the close of each date."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.options.market import OptionTables
from sigmasight_core.positions import valuation
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    OptionVolatilities,
    Positions,
    PositionValues,
    RealizedVolatility,
    SecurityMaster,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.market import POSITIONS_ARE_PRICED
from sigmasight_dagster.settings import PRICE_LOOK_BACK_SESSIONS, YIELD_LOOK_BACK_SESSIONS
from sigmasight_dagster.story import Story, figures, previews


@risk_asset(
    PositionValues,
    inputs=[
        Positions,
        Input(DailyPrices, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(RealizedVolatility, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(OptionVolatilities, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(TreasuryYields, look_back=YIELD_LOOK_BACK_SESSIONS),
        Input(CorporateActions, since_entry=True),
        SecurityMaster,
    ],
    group="portfolio",
    gates=[POSITIONS_ARE_PRICED],
    stories={
        PositionValues: Story(
            (
                figures.total("exposure", "net exposure (USD)"),
                figures.total("daily_pnl", "daily P&L (USD)"),
                figures.extreme("daily_pnl", "symbol", "worst position", "USD"),
            ),
            (
                "position_id",
                "position_type",
                "quantity",
                "price",
                "exposure",
                "daily_pnl",
                "weight",
                "status",
            ),
            previews.largest("exposure"),
        )
    },
)
def position_values(batch: Batch) -> pd.DataFrame:
    """Market value, exposure and P&L of each position; options at their quote, or else at the model price."""
    return valuation.position_values(
        dates=batch.dates,
        sessions=calendar.sessions(
            calendar.shift_sessions(batch.dates[0], -PRICE_LOOK_BACK_SESSIONS), batch.dates[-1]
        ),
        positions=batch.positions,
        prices=batch.read(DailyPrices),
        option_tables=OptionTables(
            batch.read(RealizedVolatility), batch.read(OptionVolatilities), batch.read(TreasuryYields)
        ),
        corporate_actions=batch.read(CorporateActions),
        securities=batch.read(SecurityMaster),
        parameters=batch.platform.option_parameters,
        max_price_age_days=batch.platform.settings.max_price_age_days,
    )
