"""The gate on attribution: the effects of all sectors are the active return, with nothing left."""

import pandas as pd

from sigmasight_core.tables import ReturnAttribution
from sigmasight_dagster.engine.declaration import Gate, GateResult

TOLERANCE = 1e-10


def _sum_to_the_active_return(rows: pd.DataFrame) -> GateResult:
    """Both sides come from different tables: P&L of the stored positions, and the published return."""
    known = rows[rows["allocation"].notna()]
    of_period = known.groupby(["date", "portfolio", "period"])
    effects = known[["allocation", "selection", "interaction"]].sum(axis=1)
    keys = [known[name] for name in ("date", "portfolio", "period")]
    gap = (effects.groupby(keys).transform("sum") - known["active_return"]).abs()
    bad = ~(gap <= TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "periods_compared": of_period.ngroups,
            "largest_difference": float(gap.max()) if len(gap) else 0.0,
            "tolerance": TOLERANCE,
        },
        rows=rows.index.get_indexer(known.index[bad]).tolist(),
    )


EFFECTS_SUM_TO_THE_ACTIVE_RETURN = Gate(
    "effects_sum_to_the_active_return",
    "Allocation, selection and interaction of all sectors sum to the active return, to 1e-10",
    ReturnAttribution,
    _sum_to_the_active_return,
)
