"""Gates on risk measures: the decomposition adds up, and value at risk has not failed in the past."""

from typing import Final

import pandas as pd

from sigmasight_core.positions.groups import PARTITIONING
from sigmasight_core.tables import PortfolioGroups, RiskContributions, VarBacktests, columns_by_role
from sigmasight_dagster.engine.declaration import Gate, GateResult

EULER_TOLERANCE = 1e-8
GROUP_TOLERANCE = 1e-8
ADDITIVE: Final = tuple(
    name
    for name in columns_by_role(PortfolioGroups, "value")
    if name not in ("var_95_usd", "es_95_usd")  # of each group alone
)
"""Columns whose groups sum to the portfolio."""


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


def _groups_sum_to_the_same(rows: pd.DataFrame) -> GateResult:
    """Of the dimensions that hold each position once; relative to the sum of sizes, at least 1 USD."""
    parts = rows[rows["dimension"].isin(PARTITIONING)]
    keys = ["date", "portfolio", "dimension"]
    sums = parts.groupby(keys)[list(ADDITIVE)].sum()
    sizes = parts[list(ADDITIVE)].abs().groupby([parts[name] for name in keys]).sum().clip(lower=1.0)
    by_partition = sums.groupby(level=["date", "portfolio"])
    largest = sizes.groupby(level=["date", "portfolio"]).max()
    gap = ((by_partition.max() - by_partition.min()) / largest).max(axis=1)
    short = by_partition.size() != len(PARTITIONING)
    bad = gap.index[(gap > GROUP_TOLERANCE) | short]
    offending = pd.MultiIndex.from_frame(rows[["date", "portfolio"]]).isin(bad)
    return GateResult(
        passed=len(bad) == 0,
        metadata={
            "partitions": len(gap),
            "largest_relative_gap": float(gap.max()) if len(gap) else 0.0,
            "tolerance": GROUP_TOLERANCE,
        },
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
GROUPS_SUM_TO_THE_SAME = Gate(
    "groups_sum_to_the_same",
    "Exposures, P&L, Greeks, component value at risk and component expected shortfall by asset class, "
    "industry, position type, sector and underlying sum to the same, to 1e-8",
    PortfolioGroups,
    _groups_sum_to_the_same,
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
