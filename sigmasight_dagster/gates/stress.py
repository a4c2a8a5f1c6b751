"""Gates on stress results: shocks that today's covariance holds possible, parts that sum to the P&L."""

import pandas as pd

from sigmasight_core.conventions import IMPLAUSIBLE_SIGMA
from sigmasight_core.tables import ScenarioImpacts, StressResults
from sigmasight_dagster.engine.declaration import Gate, GateResult


def _stress_is_plausible(results: pd.DataFrame) -> GateResult:
    implausible = results[results["plausibility_sigma"] > IMPLAUSIBLE_SIGMA]
    return GateResult(
        passed=implausible.empty,
        metadata={
            "rows": len(results),
            "above_6_sigmas": len(implausible),
            "scenarios": ", ".join(sorted(implausible["scenario"].unique())),
            "largest_sigma": float(results["plausibility_sigma"].max()) if len(implausible) else 0.0,
        },
    )


SUM_TOLERANCE = 1e-8


def _impacts_sum(rows: pd.DataFrame) -> GateResult:
    """Relative to the sum of the parts' sizes, at least 1 USD; a NULL part counts as nothing."""
    by_scenario = [rows[name] for name in ("date", "portfolio", "scenario")]
    parts = rows["pnl"].fillna(0.0)
    total = parts.groupby(by_scenario).transform("sum")
    size = parts.abs().groupby(by_scenario).transform("sum").clip(lower=1.0)
    known = rows["direct_pnl"].notna()
    gap = (total - rows["direct_pnl"]).abs() / size
    bad = known & ~(gap <= SUM_TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows": len(rows),
            "largest_relative_gap": float(gap[known].max()) if known.any() else 0.0,
            "tolerance": SUM_TOLERANCE,
        },
        rows=bad.to_numpy().nonzero()[0].tolist(),
    )


IMPACTS_SUM_TO_THE_PNL = Gate(
    "impacts_sum_to_the_pnl",
    "The parts of each scenario by factor and revaluation sum to its direct P&L, to 1e-8",
    ScenarioImpacts,
    _impacts_sum,
    blocking=True,
)
STRESS_IS_PLAUSIBLE = Gate(
    "stress_is_plausible",
    "No scenario's shocks are more than 6 sigmas from today's one-year covariance",
    StressResults,
    _stress_is_plausible,
)
