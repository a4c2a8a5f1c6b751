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

GROUP = "portfolio_risk"


@risk_asset(PositionFactorExposures, inputs=[PositionValues, PositionGreeks, FactorBetas], group=GROUP)
def position_factor_exposures(batch: Batch) -> pd.DataFrame:
    """Delta exposure of each position times the beta of its underlying."""
    return exposures.position_factor_exposures(
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        betas=batch.read(FactorBetas),
        factor_ids=batch.platform.factor_model.factor_ids,
    )


@risk_asset(FactorExposures, inputs=[PositionFactorExposures, PortfolioSnapshots], group=GROUP)
def factor_exposures(batch: Batch) -> pd.DataFrame:
    """Sums over positions, and betas relative to the portfolio's total value."""
    totals = batch.read(PortfolioSnapshots)[["date", "portfolio", "total_value"]]
    return exposures.factor_exposures(
        position_exposures=batch.read(PositionFactorExposures),
        total_values=totals,
        factor_ids=batch.platform.factor_model.factor_ids,
    )


@risk_asset(RateExposures, inputs=[PositionValues, PositionGreeks, RateBetas], group=GROUP)
def rate_exposures(batch: Batch) -> pd.DataFrame:
    """P&L per basis point and per 100 of each Treasury yield, options at delta exposure."""
    return rates.rate_exposures(
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        betas=batch.read(RateBetas),
        portfolios=batch.partitions,
    )
