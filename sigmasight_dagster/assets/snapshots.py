"""Portfolio totals at the close of each date."""

import pandas as pd

from sigmasight_core.positions import settlement, snapshot
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    Portfolios,
    PortfolioSnapshots,
    PositionGreeks,
    Positions,
    PositionValues,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset


@risk_asset(
    PortfolioSnapshots,
    inputs=[
        Portfolios,
        Positions,
        PositionValues,
        PositionGreeks,
        Input(DailyPrices, since_entry=True),
        Input(CorporateActions, since_entry=True),
    ],
    group="portfolio",
)
def portfolio_snapshots(batch: Batch) -> pd.DataFrame:
    """Sums over the positions, P&L since entry, net Greeks and counts."""
    age = batch.platform.settings.max_price_age_days
    until = batch.dates[-1]
    settlements = settlement.settlement_price_dates(batch.positions, until, age)
    settled = settlement.settled_pnl(
        positions=batch.positions,
        prices=batch.read_on(DailyPrices, settlements),
        corporate_actions=batch.read(CorporateActions),
        until=until,
        max_price_age_days=age,
    )
    return snapshot.portfolio_snapshots(
        dates=batch.dates,
        portfolios=batch.registry,
        positions=batch.positions,
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        settled_pnl=settled,
    )
