"""The state of an asset's partitions, as its page asks for it: of 90,000 new ones in a third of the time."""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage import partition_status_cache
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

from sigmasight_dagster.instance import fingerprint
from sigmasight_dagster.partitions.keys import SEPARATOR

ATTEMPTS: Final = (
    dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
)
_stock: Any = partition_status_cache.get_validated_partition_keys


def parts() -> dict[str, str]:
    """Fingerprints of what `valid_keys` does in the place of."""
    own = {"partition_status_cache.get_validated_partition_keys": fingerprint.of_function(_stock)}
    return own | fingerprint.of_named(dg.MultiPartitionsDefinition, "filter_valid_partition_keys")


def of_pages() -> None:
    """Let every page of this process look for partitions that exist by `valid_keys`."""
    partition_status_cache.get_validated_partition_keys = valid_keys


def valid_keys(partitions_def: dg.PartitionsDefinition, partition_keys: set[str]) -> set[str]:
    """As Dagster's own, but as texts, where that makes an object of each key of two dimensions.

    Dates are held against the list of all of them: Dagster asks its cron schedule for each by itself.
    """
    if not isinstance(partitions_def, dg.MultiPartitionsDefinition):
        return set(_stock(partitions_def, partition_keys))
    dimensions = [dimension.partitions_def for dimension in partitions_def.partitions_defs]
    parts = {key: key.split(SEPARATOR) for key in partition_keys}
    parts = {key: names for key, names in parts.items() if len(names) == len(dimensions)}
    columns = [set(names) for names in zip(*parts.values(), strict=True)] or [set(), set()]
    first, second = map(_known, dimensions, columns)
    return {key for key, (one, other) in parts.items() if one in first and other in second}


def _known(dimension: dg.PartitionsDefinition, names: set[str]) -> set[str]:
    if isinstance(dimension, dg.TimeWindowPartitionsDefinition):
        return names.intersection(dimension.get_partition_keys())
    return set(dimension.filter_valid_partition_keys(names))


def without_materialization(connection: sa.Connection, last: Any) -> Mapping[str, tuple[str, int]]:
    """Run and id of the last planned event of each partition that no materialization came after.

    :param last: subquery of partition, dagster_event_type and id: the last event of each of the two types.
    """
    planned, made = (
        sa.func.max(last.c.id).filter(last.c.dagster_event_type == kind.value) for kind in ATTEMPTS
    )
    attempts = (
        sa.select(last.c.partition, planned.label("id"))
        .group_by(last.c.partition)
        .having(planned > sa.func.coalesce(made, 0))
        .subquery()
    )
    events = SqlEventLogStorageTable.c
    found = sa.select(attempts.c.partition, events.run_id, events.id).where(events.id == attempts.c.id)
    return {partition: (run_id, number) for partition, run_id, number in connection.execute(found)}
