"""Greeks of each held position."""

import pandas as pd

from sigmasight_core.options.market import OptionTables
from sigmasight_core.positions import greeks as core
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    OptionVolatilities,
    PositionGreeks,
    Positions,
    PositionValues,
    RealizedVolatility,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.market import GREEKS_AGREE_WITH_MIBIAN
from sigmasight_dagster.settings import PRICE_LOOK_BACK_SESSIONS, YIELD_LOOK_BACK_SESSIONS
from sigmasight_dagster.story import Story, figures, previews


@risk_asset(
    PositionGreeks,
    inputs=[
        Positions,
        PositionValues,
        Input(DailyPrices, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(RealizedVolatility, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(OptionVolatilities, look_back=PRICE_LOOK_BACK_SESSIONS),
        Input(TreasuryYields, look_back=YIELD_LOOK_BACK_SESSIONS),
        Input(CorporateActions, since_entry=True),
    ],
    group="portfolio",
    gates=[GREEKS_AGREE_WITH_MIBIAN],
    stories={
        PositionGreeks: Story(
            (
                figures.total("delta_exposure", "net dollar delta (USD)"),
                figures.total("position_theta", "theta (USD per day)"),
                figures.total("position_vega", "vega (USD per volatility point)"),
            ),
            (
                "position_id",
                "delta",
                "gamma",
                "theta",
                "vega",
                "implied_volatility",
                "delta_exposure",
                "status",
            ),
            previews.largest("delta_exposure"),
        )
    },
)
def position_greeks(batch: Batch) -> pd.DataFrame:
    """Black-Scholes-Merton Greeks per share and per position; a linear position has delta 1."""
    return core.position_greeks(
        position_values=batch.read(PositionValues),
        positions=batch.positions,
        prices=batch.read(DailyPrices),
        option_tables=OptionTables(
            batch.read(RealizedVolatility), batch.read(OptionVolatilities), batch.read(TreasuryYields)
        ),
        corporate_actions=batch.read(CorporateActions),
        parameters=batch.platform.option_parameters,
        max_price_age_days=batch.platform.settings.max_price_age_days,
    )
