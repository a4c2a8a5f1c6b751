"""Gates on P&L explain: the parts of every row add up."""

import pandas as pd

from sigmasight_core.tables import PortfolioPnlExplain, PositionPnlExplain, Table
from sigmasight_core.tables.pnl import DELTA_PARTS, PNL_PARTS
from sigmasight_dagster.engine.declaration import Gate, GateResult

TOLERANCE = 1e-8


def _parts_sum(rows: pd.DataFrame) -> GateResult:
    """Relative to the larger of 1 USD and the sum of the parts' sizes; a NULL part counts as nothing."""
    gaps = {}
    for total, names in (("daily_pnl", PNL_PARTS), ("delta_pnl", DELTA_PARTS)):
        parts = rows[list(names)]
        scale = parts.abs().sum(axis=1).clip(lower=1.0)
        gaps[total] = (parts.sum(axis=1) - rows[total]).abs() / scale
    gap = pd.DataFrame(gaps).max(axis=1)
    known = rows["daily_pnl"].notna()
    bad = known & ~(gap <= TOLERANCE)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "rows": len(rows),
            "rows_with_pnl": int(known.sum()),
            "largest_relative_gap": float(gap[known].max()) if known.any() else 0.0,
            "tolerance": TOLERANCE,
        },
        rows=bad.to_numpy().nonzero()[0].tolist(),
    )


def _gate(model: type[Table]) -> Gate:
    return Gate(
        "pnl_parts_sum_to_daily_pnl",
        "The parts of the P&L sum to daily_pnl, those of delta_pnl to delta_pnl, to 1e-8",
        model,
        _parts_sum,
        blocking=True,
    )


POSITION_PARTS_SUM = _gate(PositionPnlExplain)
PORTFOLIO_PARTS_SUM = _gate(PortfolioPnlExplain)
