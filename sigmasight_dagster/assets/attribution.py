"""Each portfolio beside what its benchmark holds: active share, and attribution of the active return."""

import pandas as pd

from sigmasight_core.account.performance import active_share as shares
from sigmasight_core.account.performance import attribution
from sigmasight_core.account.performance.contributions import LOOK_BACK_SESSIONS
from sigmasight_core.market.returns import to_wide
from sigmasight_core.tables import (
    ActiveShare,
    BenchmarkHoldings,
    DailyPrices,
    PortfolioCash,
    PortfolioReturns,
    Portfolios,
    Positions,
    PositionValues,
    ReturnAttribution,
    SecurityMaster,
    Transactions,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.attribution import EFFECTS_SUM_TO_THE_ACTIVE_RETURN
from sigmasight_dagster.story import Story, figures, previews

_KEYS = ["date", "portfolio"]


@risk_asset(
    ActiveShare,
    ReturnAttribution,
    inputs=[
        Portfolios,
        Positions,
        Transactions,
        BenchmarkHoldings,
        Input(PortfolioReturns, look_back=LOOK_BACK_SESSIONS, published_only=True),
        Input(PortfolioCash, look_back=LOOK_BACK_SESSIONS, published_only=True),
        Input(PositionValues, look_back=LOOK_BACK_SESSIONS, published_only=True),
        # a return needs the close before the first session of a period
        Input(DailyPrices, look_back=LOOK_BACK_SESSIONS + 1, published_only=True, holdings=True),
        Input(SecurityMaster, look_back=LOOK_BACK_SESSIONS, published_only=True, holdings=True),
    ],
    group="portfolio",
    page="account.md",
    gates=[EFFECTS_SUM_TO_THE_ACTIVE_RETURN],
    stories={
        ActiveShare: Story(
            (figures.of_row(active_share="active share"), figures.text_of_row(status="status"))
        ),
        ReturnAttribution: Story(
            (),
            ("period", "sector", "allocation", "selection", "interaction", "active_return", "status"),
            previews.largest("allocation"),
        ),
    },
)
def return_attribution(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How far the weights are from the benchmark's, and what each sector did for the active return.

    A portfolio without holdings of its benchmark has no attribution, and nothing is read for it.
    """
    holdings = batch.benchmark_holdings
    if holdings.empty:
        returns = pd.DataFrame(columns=[*_KEYS, "total_value"])
        values = pd.DataFrame(columns=[*_KEYS, "underlying", "exposure"])
        attributed = pd.DataFrame(columns=list(ReturnAttribution.to_schema().columns))
    else:
        daily = ["total_value", "daily_pnl", "external_flow", "daily_return", "twr_ytd", "twr_1y"]
        parts = ["position_id", "underlying", "position_type", "sector", "exposure", "daily_pnl"]
        returns = batch.read(PortfolioReturns, [*_KEYS, *daily])
        values = batch.read(PositionValues, [*_KEYS, *parts])
        attributed = _attributed(batch, returns, values)
    active = shares.active_share(
        dates=batch.dates,
        names=pd.Index(batch.portfolios),
        portfolio_returns=returns,
        position_values=values,
        holdings=holdings,
    )
    return active, attributed


def _attributed(batch: Batch, returns: pd.DataFrame, values: pd.DataFrame) -> pd.DataFrame:
    holdings = batch.benchmark_holdings
    symbols = sorted(holdings["symbol"].unique())
    prices = batch.read(DailyPrices, ["date", "symbol", "adjusted_close"], symbols)
    closes = to_wide(prices, batch.sessions(DailyPrices))
    return attribution.return_attribution(
        dates=batch.dates,
        sessions=batch.sessions(PortfolioReturns),
        names=pd.Index(sorted(holdings["portfolio"].unique()), dtype="str"),
        first_dates=batch.transactions.groupby("portfolio")["date"].min(),
        portfolio_returns=returns,
        portfolio_cash=batch.read(PortfolioCash, [*_KEYS, "dividends", "interest", "fees"]),
        position_values=values,
        holdings=holdings,
        securities=batch.read(SecurityMaster, ["date", "symbol", "sector"], symbols),
        benchmark_returns=closes.pct_change(fill_method=None),
    )
