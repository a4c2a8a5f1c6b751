"""Risk measures of each portfolio: value at risk, its decomposition and backtest, realised performance."""

import pandas as pd

from sigmasight_core.market import returns
from sigmasight_core.risk import measures, performance, var_backtest
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorCovariance,
    PortfolioSnapshots,
    PositionGreeks,
    PositionValues,
    RiskContributions,
    RiskMeasures,
    VarBacktests,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.risk import COMPONENTS_ADD_UP, VAR_BACKTESTS_ARE_NOT_RED
from sigmasight_dagster.story import Story, figures


@risk_asset(
    RiskMeasures,
    RiskContributions,
    VarBacktests,
    inputs=[
        PositionValues,
        PositionGreeks,
        FactorBetas,
        FactorCovariance,
        Input(DailyPrices, look_back=var_backtest.HISTORY),
        Input(PortfolioSnapshots, look_back=performance.PERFORMANCE_SESSIONS - 1, published_only=True),
    ],
    group="portfolio_risk",
    gates=[COMPONENTS_ADD_UP, VAR_BACKTESTS_ARE_NOT_RED],
    stories={
        RiskMeasures: Story(
            (
                figures.at(
                    "measure",
                    "value",
                    var_95_usd="value at risk 95% (USD)",
                    es_95_usd="expected shortfall 95% (USD)",
                    annualized_volatility="annualized volatility",
                ),
            )
        ),
        RiskContributions: Story(
            (figures.extreme("component_var_usd", "item", "largest VaR part", "USD", size=True),)
        ),
        VarBacktests: Story(
            (figures.at("confidence", "breaches", **{"99": "breaches of 99%", "95": "of 95%"}),)
        ),
    },
)
def risk_measures(batch: Batch) -> tuple[pd.DataFrame, ...]:
    """Filtered historical simulation, parametric factor + specific risk, and the published history."""
    values = batch.read(PositionValues)
    prices = batch.read(
        DailyPrices, ["date", "symbol", "adjusted_close"], sorted(values["underlying"].unique())
    )
    return measures.risk_measures(
        batch.partitions,
        values,
        batch.read(PositionGreeks),
        returns.log_returns(returns.to_wide(prices, batch.sessions(DailyPrices))),
        batch.read(FactorBetas),
        batch.read(FactorCovariance),
        batch.read(PortfolioSnapshots),
        batch.sessions(PortfolioSnapshots),
        batch.option_parameters.risk_free_rate,
    )
