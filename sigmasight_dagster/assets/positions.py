"""Positions at the close of each date: their values and Greeks, and the portfolio's totals."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import PRICE_LOOK_BACK_SESSIONS
from sigmasight_core.positions import greeks, settlement, snapshot, valuation
from sigmasight_core.tables import (
    DailyPrices,
    PortfolioCash,
    PortfolioSnapshots,
    PositionGreeks,
    PositionValues,
    SecurityMaster,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.engine.option_tables import OPTION_TABLES, option_tables
from sigmasight_dagster.engine.settled_ledger import LOTS, settled_ledger
from sigmasight_dagster.gates.positions import (
    AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE,
    GREEKS_AGREE_WITH_MIBIAN,
    POSITIONS_ARE_PRICED,
)
from sigmasight_dagster.story import Story, figures, plots, previews

GROUP = "portfolio"


@risk_asset(
    PositionValues,
    inputs=[
        *LOTS,
        Input(DailyPrices, carried_prices=True),
        *OPTION_TABLES,
        SecurityMaster,
    ],
    group=GROUP,
    page="account.md",
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
        positions=settled_ledger(batch).positions,
        prices=batch.read(DailyPrices),
        option_tables=option_tables(batch),
        corporate_actions=batch.corporate_actions,
        securities=batch.read(SecurityMaster),
        parameters=batch.option_parameters,
        max_price_age_days=batch.max_price_age_days,
    )


@risk_asset(
    PositionGreeks,
    inputs=[
        *LOTS,
        PositionValues,
        Input(DailyPrices, carried_prices=True),
        *OPTION_TABLES,
    ],
    group=GROUP,
    page="options.md",
    gates=[GREEKS_AGREE_WITH_MIBIAN, AMERICAN_GREEKS_AGREE_WITH_THE_LATTICE],
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
    """Greeks by exercise style, per share and per position; a linear position has delta 1."""
    return greeks.position_greeks(
        position_values=batch.read(PositionValues),
        positions=settled_ledger(batch).positions,
        prices=batch.read(DailyPrices),
        option_tables=option_tables(batch),
        corporate_actions=batch.corporate_actions,
        parameters=batch.option_parameters,
        max_price_age_days=batch.max_price_age_days,
    )


@risk_asset(
    PortfolioSnapshots,
    inputs=[
        *LOTS,
        PortfolioCash,
        PositionValues,
        PositionGreeks,
        Input(DailyPrices, since_entry=True),
    ],
    group=GROUP,
    page="account.md",
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
    age, until = batch.max_price_age_days, batch.dates[-1]
    lots = settled_ledger(batch).positions
    settlements = settlement.settlement_price_dates(lots, until, age)
    settled = settlement.settled_pnl(
        positions=lots,
        prices=batch.read_on(DailyPrices, settlements),
        corporate_actions=batch.corporate_actions,
        until=until,
        max_price_age_days=age,
    )
    return snapshot.portfolio_snapshots(
        dates=batch.dates,
        portfolio_cash=batch.read(PortfolioCash),
        positions=lots,
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        settled_pnl=settled,
    )
