"""Whether the parts of something sum to it, of each group of rows that says both."""

import pandas as pd

from sigmasight_dagster.engine.declaration import GateResult


def parts_sum(
    rows: pd.DataFrame, parts: "pd.Series[float]", total: str, by: list[str], tolerance: float
) -> GateResult:
    """Compared where a part is known.

    :param parts: of each row, NULL = not known. :param total: column with what they sum to, in every row of a
        group. :param by: columns that name a group.
    """
    known = rows[parts.notna()]
    of_group = parts[parts.notna()].groupby([known[name] for name in by])
    gap = (of_group.transform("sum") - known[total]).abs()
    bad = ~(gap <= tolerance)
    return GateResult(
        passed=not bad.any(),
        metadata={
            "periods_compared": of_group.ngroups,
            "largest_difference": float(gap.max()) if len(gap) else 0.0,
            "tolerance": tolerance,
        },
        rows=rows.index.get_indexer(known.index[bad]).tolist(),
    )
