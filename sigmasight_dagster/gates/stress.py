"""Gates on stress results: shocks that today's covariance holds possible."""

import pandas as pd

from sigmasight_core.conventions import IMPLAUSIBLE_SIGMA
from sigmasight_core.tables import StressResults
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


STRESS_IS_PLAUSIBLE = Gate(
    "stress_is_plausible",
    "No scenario's shocks are more than 6 sigmas from today's one-year covariance",
    StressResults,
    _stress_is_plausible,
)
