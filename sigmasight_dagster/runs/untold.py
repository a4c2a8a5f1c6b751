"""What is published and Dagster shows as failed.

Rows are stored first, Dagster's events of them after. A process that is killed between the two, or loses
Dagster's database there, leaves partitions that have rows and show as failed: the next command reports them,
their figures come with the next run of them. So does a partition whose rows are of an earlier run than its
last, failed attempt: it is reported where a command leaves it as it is, since it is published.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import dagster as dg
from dagster import DagsterInstance

from sigmasight_core.tables import Table, table_name
from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.partitions.keys import dimension_tags, of_frame
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.story.metadata import ROW_COUNT
from sigmasight_dagster.tags import TOLD_TAG
from sigmasight_dagster.warehouse import Warehouse

NOTE: Final = "its run ended between its rows and their event; run it again for its figures"

KEPT: Final = "its last attempt failed; what was published before counts, and was left as it is"


def report(instance: DagsterInstance, warehouse: Warehouse) -> int:
    """Store the missing materializations of the latest failed and canceled runs of commands; how many.

    Each run is looked at once.
    Which runs nobody executes any more has to be known before (`execute.report_orphans`).
    """
    recent = partition_events.recent(instance)
    ended = {run.run_id: run for run in recent if TOLD_TAG not in run.tags}
    if not ended:
        return 0
    published, count = warehouse.published_by(list(ended)), 0
    for run_id, rows in published.groupby("run_id", sort=False):
        run = ended[str(run_id)]
        told = instance.event_log_storage.get_asset_partitions_for_run(
            run.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        made = [
            _materialization(table, key, {ROW_COUNT: int(n_rows), "note": NOTE})
            for table, key, n_rows in zip(rows["table_name"], of_frame(rows), rows["n_rows"], strict=True)
            if key not in told.get(dg.AssetKey(table), ())
        ]
        if made:
            partition_events.report(instance, run, made)
        count += len(made)
    for run_id in ended:
        instance.add_run_tags(run_id, {TOLD_TAG: "true"})
    return count


def report_kept(instance: DagsterInstance, warehouse: Warehouse, runs: Sequence[RangeRun]) -> int:
    """Store materializations of partitions of these runs that are published, and show as failed; how many.

    Which runs nobody executes any more has to be known before, as for `report`.
    """
    chosen: dict[type[Table], set[str]] = defaultdict(set)
    for run in runs:
        for model in (model for asset in run.assets for model in asset.tables):
            chosen[model] |= run.partition_keys
    failed = recovery.failed_tables(
        instance, {asset.name: asset for run in runs for asset in run.assets}.values()
    )
    made: list[dg.AssetMaterialization] = []
    for model in (model for model in failed if failed[model] & chosen[model]):
        published = failed[model] & chosen[model] & frozenset(of_frame(warehouse.published(model)))
        made += [_materialization(table_name(model), key, {"note": KEPT}) for key in sorted(published)]
    if made:
        partition_events.report(instance, None, made)
    return len(made)


def _materialization(table: str, key: str, metadata: Mapping[str, int | str]) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(table, partition=key, tags=dimension_tags(key), metadata=dict(metadata))
