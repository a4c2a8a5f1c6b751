"""Stress tests: scenarios on every position, and the most likely state that loses a share of the value."""

import pandas as pd

from sigmasight_core.report import charts
from sigmasight_core.reverse_stress import reverse_stress as most_likely
from sigmasight_core.stress import configured, stress
from sigmasight_core.tables import (
    FactorBetas,
    FactorCovariance,
    FactorState,
    PortfolioSnapshots,
    PositionGreeks,
    PositionStress,
    PositionValues,
    ReverseStress,
    ScenarioImpacts,
    Scenarios,
    StressResults,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import risk_asset
from sigmasight_dagster.engine.settled_ledger import LOTS, settled_ledger
from sigmasight_dagster.gates.stress import IMPACTS_SUM_TO_THE_PNL, STRESS_IS_PLAUSIBLE
from sigmasight_dagster.story import Story, figures, plots

GROUP = "portfolio_risk"
BETAS = ["date", "symbol", "factor", "beta", "status"]


@risk_asset(
    StressResults,
    PositionStress,
    ScenarioImpacts,
    inputs=[*LOTS, PositionValues, PositionGreeks, FactorBetas, FactorState, FactorCovariance],
    group=GROUP,
    page="scenarios.md",
    gates=[STRESS_IS_PLAUSIBLE, IMPACTS_SUM_TO_THE_PNL],
    stories={
        StressResults: Story(
            (figures.worst_scenario,),
            ("scenario", "severity", "direct_pnl", "correlated_pnl", "plausibility_sigma", "status"),
            charts.shown_scenarios,
            plots.stress_scenarios,
        ),
        ScenarioImpacts: Story(preview=("scenario", "factor", "pnl", "direct_pnl", "status")),
        PositionStress: Story((figures.extreme("correlated_pnl", "position_id", "worst position", "USD"),)),
    },
)
def stress_results(batch: Batch) -> tuple[pd.DataFrame, ...]:
    """Direct and correlated P&L of each scenario, by portfolio and by position; no cap anywhere."""
    batch.configured[Scenarios] = configured.scenario_rows(batch.scenarios)
    output = stress.stress(
        batch.scenarios,
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        positions=settled_ledger(batch).positions,
        betas=batch.read(FactorBetas),
        factor_state=batch.read(FactorState),
        factor_covariance=batch.read(FactorCovariance),
        partitions=batch.partitions,
    )
    return output.results, output.positions, output.impacts


@risk_asset(
    ReverseStress,
    inputs=[
        *LOTS,
        PositionValues,
        PositionGreeks,
        PortfolioSnapshots,
        FactorBetas,
        FactorState,
        FactorCovariance,
    ],
    group=GROUP,
    page="scenarios.md",
    stories={
        ReverseStress: Story(
            preview=("loss_percent", "factor", "factor_move", "unit", "plausibility_sigma", "status"),
        )
    },
)
def reverse_stress(batch: Batch) -> pd.DataFrame:
    """The most likely state that loses 5, 10 and 20% of total value, options fully revalued."""
    values = batch.read(PositionValues)
    return most_likely.reverse_stress(
        position_values=values,
        position_greeks=batch.read(PositionGreeks),
        positions=settled_ledger(batch).positions,
        betas=batch.read(FactorBetas, BETAS, sorted(values["underlying"].unique())),
        factor_state=batch.read(FactorState),
        factor_covariance=batch.read(FactorCovariance),
        total_values=batch.read(PortfolioSnapshots, ["date", "portfolio", "total_value"]),
        partitions=batch.partitions,
    )
