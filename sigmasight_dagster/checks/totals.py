"""Standing checks: tables against each other, on what is stored. They never load an asset as an input."""

from collections.abc import Mapping, Sequence

import dagster as dg
import numpy as np
import pandas as pd

from sigmasight_core.risk.tails import LEVELS, tail_losses
from sigmasight_core.tables import (
    Expiries,
    FactorExposures,
    PortfolioGroups,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionStress,
    PositionValues,
    RiskMeasures,
    SimulatedPnl,
    StressResults,
    Table,
    table_name,
)
from sigmasight_core.tables.portfolio.simulated import N_SCENARIOS
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.partitions.keys import of_frame, rectangles

TOLERANCE = 1e-6

SNAPSHOT_SUMS: dict[type[Table], dict[str, str]] = {
    PositionValues: {"net_exposure": "exposure", "gross_exposure": "|exposure|", "price_pnl": "daily_pnl"},
    PositionGreeks: {
        "portfolio_delta": "position_delta",
        "portfolio_gamma": "position_gamma",
        "portfolio_theta": "position_theta",
        "portfolio_vega": "position_vega",
        "portfolio_rho": "position_rho",
        "delta_usd": "delta_exposure",
    },
}

GROUP_SUMS = {
    "gross_exposure": "gross_exposure",
    "net_exposure": "net_exposure",
    "price_pnl": "daily_pnl",
    "delta_usd": "delta_usd",
    "portfolio_gamma": "gamma",
    "portfolio_vega": "vega",
}
"""Columns of the snapshot, and of the groups that sum to them."""


def largest_difference(total: pd.DataFrame, column: str, parts: pd.DataFrame, part_column: str) -> float:
    """Largest |total - sum of parts| over the keys of `total`, relative to the larger of 1 and |total|."""
    keys = [name for name in ("date", "portfolio", "factor", "scenario") if name in total.columns]
    sums = parts.groupby(keys)[part_column].sum().rename("_sum")
    joined = total.set_index(keys)[[column]].join(sums).fillna({"_sum": 0.0}).dropna()
    scale = joined[column].abs().clip(lower=1.0)
    return float(((joined[column] - joined["_sum"]).abs() / scale).max()) if len(joined) else 0.0


class _Stored:
    """Stored rows of the partitions that the check's run published, or of all when it published none."""

    def __init__(self, context: dg.AssetCheckExecutionContext, of: type[Table]):
        self._warehouse = context.resources.platform.warehouse
        self.partitions = self._warehouse.published(of, run_id=context.run.run_id)
        if self.partitions.empty:
            self.partitions = self._warehouse.published(of)
        self._rectangles = rectangles(of_frame(self.partitions))

    def rows(self, model: type[Table], columns: Sequence[str] | None = None) -> pd.DataFrame:
        pieces = [
            self._warehouse.read(model, dates=d, portfolios=p, columns=columns) for d, p in self._rectangles
        ]
        return pd.concat(pieces, ignore_index=True) if pieces else self._warehouse.read(model, dates=[])

    def sums(self, model: type[Table], keys: Sequence[str], sums: Mapping[str, str]) -> pd.DataFrame:
        """As `Reader.sums`: the database adds up a million rows faster than it hands them out."""
        pieces = [self._warehouse.sums(model, keys, d, p, sums) for d, p in self._rectangles]
        if not pieces:
            return self._warehouse.sums(model, keys, [], None, sums)
        return pd.concat(pieces, ignore_index=True)


def _result(differences: dict[str, float], stored: _Stored) -> dg.AssetCheckResult:
    worst = max(differences.values(), default=0.0)
    return dg.AssetCheckResult(
        passed=worst <= TOLERANCE,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"partitions": len(stored.partitions), "tolerance": TOLERANCE, **differences},
    )


@dg.asset_check(
    asset=table_name(PortfolioSnapshots),
    description="Each total of a snapshot equals the sum over the stored positions to 1e-6",
    required_resource_keys={"platform"},
)
@judged
def snapshots_equal_their_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, PortfolioSnapshots)
    snapshots = stored.rows(PortfolioSnapshots)
    differences: dict[str, float] = {}
    for model, sums in SNAPSHOT_SUMS.items():
        parts = stored.sums(model, ["date", "portfolio"], sums)
        differences |= {column: largest_difference(snapshots, column, parts, column) for column in sums}
    return _result(differences, stored)


@dg.asset_check(
    asset=table_name(FactorExposures),
    description="Factor dollars of a portfolio equal the sum over its positions to 1e-6",
    required_resource_keys={"platform"},
)
@judged
def factor_dollars_equal_their_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, FactorExposures)
    totals = stored.rows(FactorExposures)
    keys, sums = ["date", "portfolio", "factor"], {"exposure_usd": "exposure_usd"}
    positions = stored.sums(PositionFactorExposures, keys, sums)
    return _result(
        {"exposure_usd": largest_difference(totals, "exposure_usd", positions, "exposure_usd")}, stored
    )


@dg.asset_check(
    asset=table_name(StressResults),
    description="Scenario P&L of a portfolio equals the sum over its positions to 1e-6",
    required_resource_keys={"platform"},
)
@judged
def stress_equals_its_positions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, StressResults)
    columns = ("direct_pnl", "correlated_pnl", "spot_only_pnl")
    totals = stored.rows(StressResults)
    keys = ["date", "portfolio", "scenario"]
    positions = stored.sums(PositionStress, keys, {name: name for name in columns})
    return _result({name: largest_difference(totals, name, positions, name) for name in columns}, stored)


@dg.asset_check(
    asset=table_name(PortfolioGroups),
    description="Groups sum to their portfolio to 1e-6: exposures, P&L, Greeks, and its value at risk and "
    "expected shortfall by component",
    required_resource_keys={"platform"},
)
@judged
def groups_equal_their_portfolio(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, PortfolioGroups)
    snapshots = stored.rows(PortfolioSnapshots)
    measures = stored.rows(RiskMeasures, ["date", "portfolio", "measure", "value"])
    groups = stored.rows(PortfolioGroups)
    sectors = groups[groups["dimension"] == "sector"]
    differences = {
        column: largest_difference(snapshots, column, sectors, part) for column, part in GROUP_SUMS.items()
    }
    for measure, part in (("parametric_var_95_usd", "component_var_usd"), ("es_95_usd", "component_es_usd")):
        total = measures[measures["measure"] == measure]
        differences[measure] = largest_difference(total, "value", sectors, part)
    return _result(differences, stored)


@dg.asset_check(
    asset=table_name(Expiries),
    description="Greeks that end by expiry sum to those of the stored options to 1e-6",
    required_resource_keys={"platform"},
)
@judged
def expiries_equal_their_options(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, Expiries)
    sums = {"delta_usd": "delta_exposure", "gamma": "position_gamma", "vega": "position_vega"}
    keys = ["date", "portfolio"]
    greeks = stored.rows(PositionGreeks, [*keys, "days_to_expiry", *sums.values()])
    totals = stored.rows(Expiries).groupby(keys)[list(sums)].sum().reset_index()
    live = greeks[(greeks["days_to_expiry"] > 0).fillna(False)]
    return _result(
        {name: largest_difference(totals, name, live, part) for name, part in sums.items()}, stored
    )


@dg.asset_check(
    asset=table_name(SimulatedPnl),
    description="Value at risk and expected shortfall of the stored scenarios equal risk_measures to 1e-6",
    required_resource_keys={"platform"},
)
@judged
def scenarios_give_the_value_at_risk(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    stored = _Stored(context, SimulatedPnl)
    measures = stored.rows(RiskMeasures, ["date", "portfolio", "measure", "value"])
    rows = stored.rows(SimulatedPnl).dropna(subset="pnl")
    pnl = np.array(rows["pnl"].tolist(), dtype=float).reshape(len(rows), N_SCENARIOS)
    found = tail_losses(pnl, LEVELS)
    differences = {}
    for name, losses in (("var", found.value_at_risk), ("es", found.expected_shortfall)):
        for level, loss in zip(LEVELS, losses.T, strict=True):
            measure = f"{name}_{round(100 * level)}_usd"
            total = measures[measures["measure"] == measure]
            differences[measure] = largest_difference(total, "value", rows.assign(loss=loss), "loss")
    return _result(differences, stored)


TOTALS_CHECKS = [
    scenarios_give_the_value_at_risk,
    expiries_equal_their_options,
    groups_equal_their_portfolio,
    snapshots_equal_their_positions,
    factor_dollars_equal_their_positions,
    stress_equals_its_positions,
]
