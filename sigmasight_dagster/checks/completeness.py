"""Standing checks of completeness: is everything there that should be. They never load an asset.

Those on the ledger (`portfolios`, `positions`) run on demand and in the job `standing_checks`; the others
also at the end of each run of their assets.
"""

from collections.abc import Iterator

import dagster as dg
import numpy as np
import pandas as pd

from sigmasight_core.tables import Grain, Portfolios, Positions, table_name
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.checks import coverage
from sigmasight_dagster.checks.judged import judged
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.recovery import failed_partitions
from sigmasight_dagster.warehouse import reconciliation

SHOWN = 20
WARN = dg.AssetCheckSeverity.WARN
LATEST = "last_closed_session_is_published"
DATE_TABLES = {
    name: model
    for asset in RISK_ASSETS
    if asset.grain is Grain.DATE
    for name, model in zip(asset.table_names, asset.tables, strict=True)
}


@dg.multi_asset_check(
    name=LATEST,
    specs=[
        dg.AssetCheckSpec(
            LATEST,
            asset=name,
            description="The last session that has closed, within the configured dates, is published",
        )
        for name in DATE_TABLES
    ],
    required_resource_keys={"platform"},
    can_subset=True,
)
@judged
def last_closed_session_is_published(
    context: dg.AssetCheckExecutionContext,
) -> Iterator[dg.AssetCheckResult]:
    platform: Platform = context.resources.platform
    _, due = session_dates.bounds(platform.settings, pd.Timestamp.now(tz="UTC"))
    for key in sorted(context.selected_asset_check_keys):
        yield freshness(platform, key.asset_key.to_user_string(), due)


def freshness(platform: Platform, table: str, due: pd.Timestamp) -> dg.AssetCheckResult:
    """Whether a date table is published for the session `due`, and how far it is."""
    dates = platform.warehouse.published(DATE_TABLES[table])["date"]
    return dg.AssetCheckResult(
        passed=bool((dates == due).any()),
        asset_key=table,
        check_name=LATEST,
        severity=WARN,
        metadata={
            "last_closed_session": f"{due:%Y-%m-%d}",
            "latest_published": f"{dates.max():%Y-%m-%d}" if len(dates) else "none",
            "published_sessions": len(dates),
        },
    )


@dg.asset_check(
    asset=table_name(Portfolios),
    description="No partition of any asset has a last attempt that failed",
)
@judged
def no_partition_failed(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    failed = {name: keys for name, keys in failed_partitions(context.instance, RISK_ASSETS).items() if keys}
    first = sorted({key for keys in failed.values() for key in keys})
    return dg.AssetCheckResult(
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "failed_partitions": sum(len(keys) for keys in failed.values()),
            "by_asset": dg.MetadataValue.json({name: len(keys) for name, keys in failed.items()}),
            "first": ", ".join(first[:SHOWN]),
            "cure": "sigmasight rerun-failed" if failed else "",
        },
    )


@dg.asset_check(
    asset=table_name(Positions),
    description="Every held symbol has 252 sessions of prices, or as many as the project's dates allow",
    required_resource_keys={"platform"},
)
@judged
def held_symbols_have_history(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    found = coverage.measure(context.resources.platform)
    if found is None:
        return dg.AssetCheckResult(passed=False, severity=WARN, metadata={"reason": "no published prices"})
    short = [f"{symbol} {count}" for symbol, count in found.short.items()]
    shares = {f"share_with_{n}_sessions": share for n, share in found.shares.items() if np.isfinite(share)}
    return dg.AssetCheckResult(
        passed=not short,
        severity=WARN,
        metadata={
            "held_symbols": len(found.lengths),
            "sessions": len(found.sessions),
            **shares,
            "short_symbols": len(short),
            "shortest": ", ".join(short[:SHOWN]),
            "cure": "sigmasight coverage --fill" if short else "",
        },
    )


def _reconcile(context: dg.AssetCheckExecutionContext, *checks: str) -> dg.AssetCheckResult:
    platform: Platform = context.resources.platform
    rows = platform.warehouse.reconciliation()
    chosen = rows[rows["check"].isin(checks)]
    wrong = chosen[chosen["n"] > 0]
    return dg.AssetCheckResult(
        passed=wrong.empty,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "comparisons": len(chosen),
            "differences": int(chosen["n"].sum()),
            "found": dg.MetadataValue.json(wrong.astype({"n": int}).to_dict("records")),
        },
    )


@dg.asset_check(
    asset=table_name(Positions),
    description="Every stored value and Greek is of a position in the ledger, and every value has Greeks",
    required_resource_keys={"platform"},
)
@judged
def no_position_is_an_orphan(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return _reconcile(context, reconciliation.LEDGER, reconciliation.GREEKS)


@dg.asset_check(
    asset=table_name(Portfolios),
    description="Every published partition of every table has as many rows as were published",
    required_resource_keys={"platform"},
)
@judged
def partitions_hold_what_was_published(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return _reconcile(context, reconciliation.COUNTS)


COMPLETENESS_CHECKS = [
    last_closed_session_is_published,
    no_partition_failed,
    held_symbols_have_history,
    no_position_is_an_orphan,
    partitions_hold_what_was_published,
]
