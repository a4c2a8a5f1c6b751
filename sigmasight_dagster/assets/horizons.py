"""When positions end: options by expiry, and how long it takes to sell the others."""

import pandas as pd

from sigmasight_core.positions import expiries as core
from sigmasight_core.positions import liquidity
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    Expiries,
    PortfolioLiquidity,
    PositionGreeks,
    PositionLiquidity,
    PositionValues,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.story import Story, figures, previews

WINDOW = liquidity.VOLUME_SESSIONS - 1


@risk_asset(
    Expiries,
    PositionLiquidity,
    PortfolioLiquidity,
    inputs=[
        PositionValues,
        PositionGreeks,
        Input(DailyPrices, look_back=WINDOW),
        Input(CorporateActions, look_back=WINDOW),
    ],
    group="portfolio_risk",
    stories={
        Expiries: Story((), ("bucket", "n_positions", "notional", "delta_usd", "theta", "vega", "status")),
        PositionLiquidity: Story(preview=(), preview_rows=previews.largest("days_to_liquidate")),
        PortfolioLiquidity: Story(
            (
                figures.of_row(
                    days_to_liquidate="days to liquidate", liquid_in_1_session="liquid in a session"
                ),
                figures.text_of_row(status="status"),
            )
        ),
    },
)
def expiries(batch: Batch) -> tuple[pd.DataFrame, ...]:
    """What ends with the options by time to expiry, and how long the other positions take to sell."""
    values = batch.read(PositionValues)
    ending = core.expiries(
        batch.partitions, position_values=values, position_greeks=batch.read(PositionGreeks)
    )
    names = sorted(values["symbol"].unique())
    return ending, *liquidity.liquidity(
        batch.partitions,
        position_values=values,
        prices=batch.read(DailyPrices, ["date", "symbol", "volume"], names),
        sessions=batch.sessions(DailyPrices),
        corporate_actions=batch.read(CorporateActions, symbols=names),
        share=batch.liquidation_share,
    )
