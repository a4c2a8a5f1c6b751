"""The gate on attribution: the effects of all sectors are the active return, with nothing left."""

import pandas as pd

from sigmasight_core.tables import ReturnAttribution
from sigmasight_dagster.engine.declaration import Gate, GateResult
from sigmasight_dagster.gates.sums import parts_sum

TOLERANCE = 1e-10


def _sum_to_the_active_return(rows: pd.DataFrame) -> GateResult:
    """Both sides come from different tables: P&L of the stored positions, and the published return."""
    effects = rows[["allocation", "selection", "interaction"]].sum(axis=1)
    parts = effects.where(rows["allocation"].notna())
    return parts_sum(rows, parts, "active_return", ["date", "portfolio", "period"], TOLERANCE)


EFFECTS_SUM_TO_THE_ACTIVE_RETURN = Gate(
    "effects_sum_to_the_active_return",
    "Allocation, selection and interaction of all sectors sum to the active return, to 1e-10",
    ReturnAttribution,
    _sum_to_the_active_return,
)
