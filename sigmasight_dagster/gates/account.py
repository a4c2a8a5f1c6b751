"""Gate on accounts: value changes by P&L and by what is paid in or out, and by nothing else."""

import pandas as pd

from sigmasight_core.tables import PortfolioReturns
from sigmasight_dagster.engine.declaration import Gate, GateResult

TOLERANCE = 1e-6


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
