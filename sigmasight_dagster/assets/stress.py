"""Stress tests: every scenario on every position, options fully revalued."""

import pandas as pd

from sigmasight_core.stress import scenarios, stress
from sigmasight_core.tables import (
    FactorBetas,
    FactorCovariance,
    FactorState,
    PositionGreeks,
    Positions,
    PositionStress,
    PositionValues,
    StressResults,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import risk_asset
from sigmasight_dagster.gates.market import STRESS_IS_PLAUSIBLE


@risk_asset(
    StressResults,
    PositionStress,
    inputs=[Positions, PositionValues, PositionGreeks, FactorBetas, FactorState, FactorCovariance],
    group="portfolio_risk",
    gates=[STRESS_IS_PLAUSIBLE],
)
def stress_results(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Direct and correlated P&L of each scenario, by portfolio and by position; no cap anywhere."""
    output = stress.stress(
        scenarios.default_scenarios(batch.platform.factor_model.factor_ids),
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        positions=batch.positions,
        betas=batch.read(FactorBetas),
        factor_state=batch.read(FactorState),
        factor_covariance=batch.read(FactorCovariance),
        partitions=batch.partitions,
    )
    return output.results, output.positions
