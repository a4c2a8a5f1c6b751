"""Factor exposures of positions and portfolios."""

import pandas as pd

from sigmasight_core.factors import exposures, rates
from sigmasight_core.tables import (
    FactorBetas,
    FactorExposures,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionValues,
    RateBetas,
    RateExposures,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import risk_asset
from sigmasight_dagster.story import Story, figures, plots, previews

GROUP = "portfolio_risk"


@risk_asset(PositionFactorExposures, inputs=[PositionValues, PositionGreeks, FactorBetas], group=GROUP)
def position_factor_exposures(batch: Batch) -> pd.DataFrame:
    """Delta exposure of each position times the beta of its underlying."""
    return exposures.position_factor_exposures(
        batch.read(PositionValues),
        batch.read(PositionGreeks),
        batch.read(FactorBetas),
        batch.platform.factor_model.factor_ids,
    )


@risk_asset(
    FactorExposures,
    inputs=[PositionFactorExposures, PortfolioSnapshots],
    group=GROUP,
    stories={
        FactorExposures: Story(
            (
                figures.at("factor", "beta", market="market beta"),
                figures.at("factor", "exposure_usd", market="market exposure (USD)"),
            ),
            preview_rows=previews.largest("exposure_usd"),
            plot=plots.factor_exposures,
        )
    },
)
def factor_exposures(batch: Batch) -> pd.DataFrame:
    """Sums over positions, and betas relative to the portfolio's total value."""
    totals = batch.read(PortfolioSnapshots)[["date", "portfolio", "total_value"]]
    return exposures.factor_exposures(
        batch.read(PositionFactorExposures), totals, batch.platform.factor_model.factor_ids
    )


@risk_asset(
    RateExposures,
    inputs=[PositionValues, PositionGreeks, RateBetas],
    group=GROUP,
    stories={
        RateExposures: Story(
            (figures.at("series", "exposure_usd_per_bp", **{"10Y": "10-year yield (USD per bp)"}),)
        )
    },
)
def rate_exposures(batch: Batch) -> pd.DataFrame:
    """P&L per basis point and per 100 of each Treasury yield, options at delta exposure."""
    return rates.rate_exposures(
        batch.read(PositionValues), batch.read(PositionGreeks), batch.read(RateBetas), batch.partitions
    )
