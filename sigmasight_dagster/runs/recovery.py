"""What is still to be computed: partitions whose last attempt failed, or that were never published."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import dagster as dg
import pandas as pd
from dagster import DagsterInstance

from sigmasight_core import calendar
from sigmasight_core.tables import Grain, Table, table_name
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions.keys import (
    MAX_MARKET_DATES,
    Keys,
    chunks,
    neighbours,
    of_frame,
    parse,
    range_of,
    rectangles,
    runs_of_sessions,
)
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.warehouse import Warehouse

_RUNS_PER_QUERY = 500
_LAYERS = {Grain.DATE: "market", Grain.DATE_PORTFOLIO: "portfolio"}


def failed_partitions(instance: DagsterInstance, assets: Iterable[RiskAsset]) -> Keys:
    """Partitions whose last attempt failed, from Dagster's events; what the UI shows in red.

    The attempt of a multi-table asset failed when it failed for one of its tables. Canceled attempts are
    not failures. Those of a date that was declared closed since are none any more.
    """
    every = list(assets)
    failed = failed_tables(instance, every)
    return {asset.name: frozenset().union(*(failed[model] for model in asset.tables)) for asset in every}


def failed_tables(
    instance: DagsterInstance, assets: Iterable[RiskAsset]
) -> dict[type[Table], frozenset[str]]:
    """As `failed_partitions`, by table."""
    attempts = {model: _unfinished(instance, table_name(model)) for asset in assets for model in asset.tables}
    failed = _failed_runs(instance, {run_id for tried in attempts.values() for _, run_id in tried})
    return {
        model: frozenset(key for key, run_id in tried if run_id in failed and _on_a_session(key))
        for model, tried in attempts.items()
    }


def _on_a_session(key: str) -> bool:
    """A date that was declared closed since is no partition any more."""
    return calendar.is_session(parse(key)[0])


def _unfinished(instance: DagsterInstance, table: str) -> list[tuple[str, str]]:
    """(partition, run id) of the last attempts that have published nothing."""
    storage = instance.event_log_storage
    found = storage.get_latest_asset_partition_materialization_attempts_without_materializations(
        dg.AssetKey(table)
    )
    return [(key, run_id) for key, (run_id, _) in found.items()]


def _failed_runs(instance: DagsterInstance, run_ids: set[str]) -> set[str]:
    ids = sorted(run_ids)
    failed = set()
    for start in range(0, len(ids), _RUNS_PER_QUERY):
        chosen = dg.RunsFilter(
            run_ids=ids[start : start + _RUNS_PER_QUERY], statuses=[dg.DagsterRunStatus.FAILURE]
        )
        failed |= {run.run_id for run in instance.get_runs(filters=chosen)}
    return failed


def unpublished(warehouse: Warehouse, run: RangeRun) -> Keys:
    """Partitions of a planned run that were never published, in one of an asset's tables or all."""
    every = run.partition_keys
    portfolios = run.portfolios or None
    return {
        asset.name: every
        - frozenset.intersection(
            *(
                frozenset(of_frame(warehouse.published(model, (run.dates[0], run.dates[-1]), portfolios)))
                for model in asset.tables
            )
        )
        for asset in run.assets
    }


def plan(
    assets: Sequence[RiskAsset], keys: Keys, order: Sequence[str], chunk_partitions: int
) -> list[RangeRun]:
    """Runs that compute exactly these partitions: market before portfolios, earlier dates first.

    :param assets: every declaration, upstream first.
    :param order: every portfolio in the order of the dynamic partitions.
    """
    runs = []
    for grain, layer in _LAYERS.items():
        groups: dict[tuple[RiskAsset, ...], set[str]] = defaultdict(set)
        for key, chosen in _assets_by_key([asset for asset in assets if asset.grain is grain], keys).items():
            groups[chosen].add(key)
        layer_runs = [
            run
            for chosen, group in groups.items()
            for run in _rectangles(layer, chosen, group, order, chunk_partitions)
        ]
        runs += sorted(layer_runs, key=lambda run: run.dates[0])
    return runs


def _assets_by_key(assets: Sequence[RiskAsset], keys: Keys) -> dict[str, tuple[RiskAsset, ...]]:
    found: dict[str, list[RiskAsset]] = defaultdict(list)
    for asset in assets:
        for key in keys.get(asset.name, ()):
            found[key].append(asset)
    return {key: tuple(chosen) for key, chosen in found.items()}


def _rectangles(
    layer: str, assets: tuple[RiskAsset, ...], keys: set[str], order: Sequence[str], chunk_partitions: int
) -> list[RangeRun]:
    return [
        RangeRun(layer, assets, piece, names)
        for dates, portfolios in rectangles(keys)
        for names in (neighbours(portfolios, order, chunk_partitions) if portfolios else [()])
        for part in runs_of_sessions(dates)
        for piece in chunks(part, _chunk(names, chunk_partitions))
    ]


def _chunk(names: tuple[str, ...], chunk_partitions: int) -> int:
    return max(chunk_partitions // len(names), 1) if names else MAX_MARKET_DATES


def selected_partitions(
    run: dg.DagsterRun, order: Sequence[str]
) -> tuple[pd.DatetimeIndex, tuple[str, ...]] | None:
    """Dates and portfolios (none in a run by date alone) of a Dagster run; None when it selects none.

    :param order: every portfolio in the order of the dynamic partitions.
    """
    ends = range_of(run.tags)
    if ends is None:
        return None
    (first, from_name), (last, to_name) = map(parse, ends)
    dates = calendar.sessions(first, last)
    if not from_name:
        return dates, ()
    if from_name not in order or to_name not in order:
        return None
    return dates, tuple(order[order.index(from_name) : order.index(to_name) + 1])


def layer_run(run: dg.DagsterRun, assets: Iterable[RiskAsset], order: Sequence[str]) -> RangeRun | None:
    """A Dagster run as a rectangle, as the launcher would have started it; None when it is not one.

    A run without a selection of assets is one of a whole job.
    """
    selected = selected_partitions(run, order)
    if selected is None or not len(selected[0]):
        return None
    dates, portfolios = selected
    grain = Grain.DATE_PORTFOLIO if portfolios else Grain.DATE
    tables = {key.to_user_string() for key in run.asset_selection or ()}
    chosen = tuple(
        asset
        for asset in assets
        if asset.grain is grain and (not tables or tables.intersection(asset.table_names))
    )
    return RangeRun(_LAYERS[grain], chosen, dates, portfolios) if chosen else None
