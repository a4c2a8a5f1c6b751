"""The standing check of staleness: each asset's page says which of its partitions are stale, and why."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd

from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.staleness.stale import stale as stale_of

NAME = "no_input_has_changed_since"
SHOWN = 50
DERIVED = [name for asset in RISK_ASSETS if not asset.only_fetches for name in asset.table_names]
"""Tables that are computed from others; those that only fetch cannot be stale."""


def stale(platform: Platform) -> pd.DataFrame:
    """`staleness.stale.stale` with the project's declarations."""
    return stale_of(platform, declared(platform.settings))


def verdict(table: str, rows: pd.DataFrame) -> dg.AssetCheckResult:
    """What the check says of a table, with the numbers behind it.

    :param rows: stale partitions of any tables.
    """
    mine = rows[rows["table_name"] == table].sort_values("date", ascending=False)
    metadata: dict[str, Any] = {"stale_partitions": len(mine)}
    if len(mine):
        newest = keys.of_frame(mine.head(SHOWN)).tolist()
        metadata |= {
            "portfolios": ", ".join(sorted(set(mine["portfolio"]) - {""})[:SHOWN]),
            "dates": f"{mine['date'].min():%Y-%m-%d} to {mine['date'].max():%Y-%m-%d}",
            "newest": dg.MetadataValue.json(newest),
            "causes": "; ".join(mine["cause"].unique()[:SHOWN]),
            "cure": "sensor rerun_stale, or sigmasight stale --rerun",
        }
    return dg.AssetCheckResult(
        passed=mine.empty,
        asset_key=table,
        check_name=NAME,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


@dg.multi_asset_check(
    name=NAME,
    specs=[
        dg.AssetCheckSpec(
            NAME,
            asset=table,
            description="Nothing that a partition was computed from (prices, yields, corporate actions, "
            "quotes, securities, in all of its windows) has changed since; what has is stale until computed "
            "again",
        )
        for table in DERIVED
    ],
    required_resource_keys={"platform"},
    can_subset=True,
)
@judged
def no_input_has_changed_since(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    rows = stale(context.resources.platform)
    for key in sorted(context.selected_asset_check_keys):
        yield verdict(key.asset_key.to_user_string(), rows)


def evaluations(rows: pd.DataFrame) -> list[dg.AssetCheckEvaluation]:
    """The check's verdict on every table with stale partitions, for a sensor to report."""
    found = ((table, verdict(table, rows)) for table in dict.fromkeys(rows["table_name"]))
    return [
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(table),
            check_name=NAME,
            passed=result.passed,
            severity=result.severity,
            metadata=result.metadata,
        )
        for table, result in found
    ]
