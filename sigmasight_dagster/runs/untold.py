"""What ended runs have published without saying so: rows are stored first, Dagster's events of them after.

A process that is killed between the two, or loses Dagster's database there, leaves partitions that have rows
and show as failed. The next command reports them; their figures come with the next run of them.
"""

from typing import Final

import dagster as dg
from dagster import DagsterInstance

from sigmasight_dagster.instance import partition_events
from sigmasight_dagster.partitions.keys import dimension_tags, of_frame
from sigmasight_dagster.story.metadata import ROW_COUNT
from sigmasight_dagster.tags import TOLD_TAG
from sigmasight_dagster.warehouse import Warehouse

NOTE: Final = "its run ended between its rows and their event; run it again for its figures"


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
            _materialization(table, key, int(n_rows))
            for table, key, n_rows in zip(rows["table_name"], of_frame(rows), rows["n_rows"], strict=True)
            if key not in told.get(dg.AssetKey(table), ())
        ]
        if made:
            partition_events.report(instance, run, made)
        count += len(made)
    for run_id in ended:
        instance.add_run_tags(run_id, {TOLD_TAG: "true"})
    return count


def _materialization(table: str, key: str, n_rows: int) -> dg.AssetMaterialization:
    metadata: dict[str, int | str] = {ROW_COUNT: n_rows, "note": NOTE}
    return dg.AssetMaterialization(table, partition=key, tags=dimension_tags(key), metadata=metadata)
