"""Volatilities that options are priced by, one partition a trading date."""

import pandas as pd

from sigmasight_core.conventions import DIVIDEND_LOOK_BACK_SESSIONS, SESSIONS_PER_YEAR, YIELD_AGE_SESSIONS
from sigmasight_core.market import returns
from sigmasight_core.options import dividend_yields as dividends
from sigmasight_core.options import volatilities
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    DividendYields,
    OptionQuotes,
    OptionVolatilities,
    RealizedVolatility,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.story import Story, figures, previews

GROUP = "market_risk"
CLOSES = ["date", "symbol", "close", "price_date"]


@risk_asset(
    RealizedVolatility,
    inputs=[Input(DailyPrices, look_back=SESSIONS_PER_YEAR)],
    group=GROUP,
    page="options.md",
    stories={
        RealizedVolatility: Story(
            (figures.known("annualized_volatility", "symbols with a volatility"),),
            preview_rows=previews.largest("annualized_volatility"),
        )
    },
)
def realized_volatility(batch: Batch) -> pd.DataFrame:
    """EWMA volatility of each symbol over the last 252 sessions; prices options that have no quote."""
    prices = returns.to_wide(batch.read(DailyPrices), batch.sessions(DailyPrices))
    return returns.realized_volatility(returns.log_returns(prices), batch.dates)


@risk_asset(
    DividendYields,
    inputs=[
        Input(DailyPrices, look_back=DIVIDEND_LOOK_BACK_SESSIONS),
        Input(CorporateActions, look_back=DIVIDEND_LOOK_BACK_SESSIONS),
    ],
    group=GROUP,
    page="options.md",
    stories={
        DividendYields: Story(
            (
                figures.known("dividends", "symbols whose dividends are known"),
                figures.share("dividend_yield_source", dividends.OF_DIVIDENDS, "yields of dividends (%)"),
            ),
            preview_rows=previews.largest("dividend_yield"),
        )
    },
)
def dividend_yields(batch: Batch) -> pd.DataFrame:
    """Dividends of a year over the close of each symbol, or the settings' yield; prices options."""
    return dividends.dividend_yields(
        dates=batch.dates,
        prices=batch.read(DailyPrices, [*CLOSES, "adjusted_close"]),
        corporate_actions=batch.read(CorporateActions),
        parameters=batch.option_parameters,
    )


@risk_asset(
    OptionVolatilities,
    inputs=[OptionQuotes, DailyPrices, Input(TreasuryYields, look_back=YIELD_AGE_SESSIONS), DividendYields],
    group=GROUP,
    page="options.md",
    stories={
        OptionVolatilities: Story(
            (
                figures.known("implied_volatility", "contracts with a volatility"),
                figures.share("implied_vol_source", "quote", "volatilities of own quotes (%)"),
            ),
            ("contract", "price", "price_source", "implied_volatility", "implied_vol_source", "status"),
        )
    },
)
def option_volatilities(batch: Batch) -> pd.DataFrame:
    """Price of each quote and the volatility that it implies, or its neighbours in the chain."""
    quotes = batch.read(OptionQuotes)
    return volatilities.option_volatilities(
        quotes=quotes,
        prices=batch.read(DailyPrices, CLOSES, sorted(quotes["underlying"].unique())),
        yields=batch.read(TreasuryYields),
        dividends=batch.read(DividendYields),
        parameters=batch.option_parameters,
    )
