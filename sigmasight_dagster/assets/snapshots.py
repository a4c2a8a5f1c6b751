"""Portfolio totals at the close of each date."""

import pandas as pd

from sigmasight_core import snapshot
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    PortfolioSnapshots,
    PositionGreeks,
    PositionValues,
)
from sigmasight_dagster.batch import Batch
from sigmasight_dagster.risk_asset import Input, risk_asset


@risk_asset(
    PortfolioSnapshots,
    inputs=[
        PositionValues,
        PositionGreeks,
        Input(DailyPrices, since_entry=True),
        Input(CorporateActions, since_entry=True),
    ],
    group="portfolio",
)
def portfolio_snapshots(batch: Batch) -> pd.DataFrame:
    """Sums over the positions, P&L since entry, net Greeks and counts."""
    raise AssertionError
