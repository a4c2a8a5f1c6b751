"""Gates on accounts: value changes by P&L and flows alone; contributions sum to the return."""

import pandas as pd

from sigmasight_core.tables import GroupContributions, PortfolioReturns, ReturnContributions
from sigmasight_dagster.engine.declaration import Gate, GateResult
from sigmasight_dagster.gates.sums import parts_sum

TOLERANCE = 1e-6
LINKING_TOLERANCE = 1e-10


def _explained(rows: pd.DataFrame) -> GateResult:
    """Of the gross exposure; a day beside one without a whole snapshot cannot be compared and is counted."""
    known = rows["unexplained"].notna()
    bad = known & (rows["unexplained"].abs() > TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows": len(rows),
            "rows_compared": int(known.sum()),
            "largest_unexplained": float(rows["unexplained"].abs().max()) if known.any() else 0.0,
            "tolerance": TOLERANCE,
        },
        rows=bad.to_numpy().nonzero()[0].tolist(),
    )


VALUE_CHANGES_BY_PNL_AND_FLOWS = Gate(
    "value_changes_by_pnl_and_flows_alone",
    "total_value(t) - total_value(t-1) = daily_pnl(t) + external_flow(t), to 1e-6 of gross",
    PortfolioReturns,
    _explained,
    blocking=True,
)


def _sum_to_the_return(rows: pd.DataFrame) -> GateResult:
    """Both sides come from different tables: P&L of the stored positions, and the published return."""
    by = ["date", "portfolio", *(["dimension"] if "dimension" in rows else []), "period"]
    return parts_sum(rows, rows["contribution"], "period_return", by, LINKING_TOLERANCE)


CONTRIBUTIONS_SUM_TO_THE_RETURN = Gate(
    "contributions_sum_to_the_return",
    "Contributions of a period sum to its time-weighted return, to 1e-10",
    ReturnContributions,
    _sum_to_the_return,
)
GROUPS_SUM_TO_THE_RETURN = Gate(
    "contributions_by_group_sum_to_the_return",
    "Contributions of sectors, and those of tags, sum to the time-weighted return, to 1e-10",
    GroupContributions,
    _sum_to_the_return,
)
