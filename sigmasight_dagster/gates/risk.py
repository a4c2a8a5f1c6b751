"""Gates on risk measures: the decomposition adds up, and value at risk has not failed in the past."""

import pandas as pd

from sigmasight_core.tables import RiskContributions, VarBacktests
from sigmasight_dagster.engine.declaration import Gate, GateResult

EULER_TOLERANCE = 1e-8


def _components_add_up(rows: pd.DataFrame) -> GateResult:
    sums = rows.pivot_table(
        index=["date", "portfolio"], columns="kind", values="component_var_usd", aggfunc="sum"
    )
    both = sums.reindex(columns=["factor", "position"]).dropna()
    gap = (both["factor"] - both["position"]).abs() / both["factor"].abs().clip(lower=1.0)
    bad = both.index[gap > EULER_TOLERANCE]
    offending = pd.MultiIndex.from_frame(rows[["date", "portfolio"]]).isin(bad)
    return GateResult(
        passed=len(bad) == 0,
        metadata={"partitions": len(both), "largest_relative_gap": float(gap.max()) if len(gap) else 0.0},
        rows=offending.nonzero()[0].tolist(),
    )


def _not_red(rows: pd.DataFrame) -> GateResult:
    red = rows[rows["traffic_light"] == "red"]
    return GateResult(
        passed=red.empty,
        metadata={
            "rows": len(rows),
            "red": len(red),
            "portfolios": ", ".join(sorted(red["portfolio"].unique())[:20]),
        },
    )


def _not_breached_too_often(rows: pd.DataFrame) -> GateResult:
    failed = rows[rows["verdict"] == "too many breaches"]
    named = failed["portfolio"] + " (" + failed["confidence"] + "%)"
    return GateResult(
        passed=failed.empty,
        metadata={
            "tested": int((rows["verdict"] != "not tested").sum()),
            "failed": len(failed),
            "portfolios": ", ".join(sorted(named.unique())[:20]),
        },
    )


COMPONENTS_ADD_UP = Gate(
    "components_add_up",
    "Component value at risk sums to the same total by factor and by position, to 1e-8",
    RiskContributions,
    _components_add_up,
    blocking=True,
)
VAR_BACKTESTS_ARE_NOT_RED = Gate(
    "var_backtests_are_not_red",
    "No portfolio has more breaches of its value at risk than the Basel red zone allows",
    VarBacktests,
    _not_red,
)
VAR_IS_NOT_BREACHED_TOO_OFTEN = Gate(
    "var_is_not_breached_too_often",
    "Today's book, revalued over the last 252 sessions, breaches its value at risk no more often than "
    "the test of Kupiec allows at 5%",
    VarBacktests,
    _not_breached_too_often,
)
