"""Reverse stress: which state of the factors loses a given share of a portfolio's value."""

import pandas as pd

from sigmasight_core.reverse_stress import reverse_stress as core
from sigmasight_core.tables import (
    FactorBetas,
    FactorCovariance,
    FactorState,
    PortfolioSnapshots,
    PositionGreeks,
    Positions,
    PositionValues,
    ReverseStress,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import risk_asset

BETAS = ["date", "symbol", "factor", "beta", "status"]


@risk_asset(
    ReverseStress,
    inputs=[
        Positions,
        PositionValues,
        PositionGreeks,
        PortfolioSnapshots,
        FactorBetas,
        FactorState,
        FactorCovariance,
    ],
    group="portfolio_risk",
)
def reverse_stress(batch: Batch) -> pd.DataFrame:
    """The most likely state that loses 5, 10 and 20% of total value, options fully revalued."""
    values = batch.read(PositionValues)
    return core.reverse_stress(
        position_values=values,
        position_greeks=batch.read(PositionGreeks),
        positions=batch.positions,
        betas=batch.read(FactorBetas, BETAS, sorted(values["underlying"].unique())),
        factor_state=batch.read(FactorState),
        factor_covariance=batch.read(FactorCovariance),
        total_values=batch.read(PortfolioSnapshots, ["date", "portfolio", "total_value"]),
        partitions=batch.partitions,
    )
