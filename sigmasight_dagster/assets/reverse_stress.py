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
from sigmasight_dagster.story import Story

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
    stories={
        ReverseStress: Story(
            preview=("loss_percent", "factor", "factor_move", "unit", "plausibility_sigma", "status"),
        )
    },
)
def reverse_stress(batch: Batch) -> pd.DataFrame:
    """The most likely state that loses 5, 10 and 20% of total value, options fully revalued."""
    values = batch.read(PositionValues)
    return core.reverse_stress(
        values,
        batch.read(PositionGreeks),
        batch.positions,
        batch.read(FactorBetas, BETAS, sorted(values["underlying"].unique())),
        batch.read(FactorState),
        batch.read(FactorCovariance),
        batch.read(PortfolioSnapshots, ["date", "portfolio", "total_value"]),
        partitions=batch.partitions,
    )
