"""Correlations of a portfolio's holdings, their clusters, and what they say of its diversification."""

import pandas as pd

from sigmasight_core.correlation import portfolios
from sigmasight_core.market import returns
from sigmasight_core.tables import (
    CorrelationClusters,
    CorrelationSummary,
    DailyPrices,
    PositionCorrelations,
    PositionGreeks,
    PositionValues,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.story import Story, figures, plots

CONFIG = portfolios.CorrelationConfig()


@risk_asset(
    PositionCorrelations,
    CorrelationSummary,
    CorrelationClusters,
    inputs=[PositionValues, PositionGreeks, Input(DailyPrices, look_back=CONFIG.window)],
    group="portfolio_risk",
    page="risk_results.md",
    stories={
        PositionCorrelations: Story(
            (figures.share("status", "ok", "pairs with a correlation (%)"),), plot=plots.correlation_heat_map
        ),
        CorrelationSummary: Story(
            (figures.of_row(average_correlation="average correlation", effective_bets="effective bets"),)
        ),
        CorrelationClusters: Story(
            (figures.extreme("cluster_size", "nickname", "largest cluster", "size", largest=True),)
        ),
    },
)
def position_correlations(batch: Batch) -> tuple[pd.DataFrame, ...]:
    """Pairwise correlations of the significant holdings over 90 sessions."""
    result = portfolios.portfolio_correlations(
        CONFIG,
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        log_returns=returns.log_returns(
            returns.to_wide(batch.read(DailyPrices), batch.sessions(DailyPrices))
        ),
        dates=batch.dates,
        portfolios=batch.portfolios,
    )
    return result.correlations, result.summary, result.clusters
