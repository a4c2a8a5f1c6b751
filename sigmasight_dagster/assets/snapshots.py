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
from sigmasight_dagster.story import Story, figures, plots


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
    stories={
        PortfolioSnapshots: Story(
            (
                figures.of_row(
                    total_value="total value (USD)",
                    daily_pnl="daily P&L (USD)",
                    cumulative_pnl="cumulative P&L (USD)",
                    gross_exposure="gross exposure (USD)",
                    delta_usd="net dollar delta (USD)",
                ),
                figures.text_of_row(status="status"),
            ),
            (
                "total_value",
                "daily_pnl",
                "daily_return",
                "cumulative_pnl",
                "n_positions",
                "n_priced",
                "status",
            ),
            plot=plots.value_history,
        )
    },
)
def portfolio_snapshots(batch: Batch) -> pd.DataFrame:
    """Sums over the positions, P&L since entry, net Greeks and counts."""
    age = batch.platform.settings.max_price_age_days
    until = batch.dates[-1]
    settlements = settlement.settlement_price_dates(batch.positions, until, age)
    settled = settlement.settled_pnl(
        batch.positions,
        batch.read_on(DailyPrices, settlements),
        batch.read(CorporateActions),
        until,
        age,
    )
    return snapshot.portfolio_snapshots(
        batch.dates,
        batch.registry,
        batch.positions,
        batch.read(PositionValues),
        batch.read(PositionGreeks),
        settled,
    )
