"""What to do about damage: which runs compute it again, and taking what is stored as it is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.found import found_in
from sigmasight_core.tables import TABLES, Publications, Table, table_name
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.checks.damage import (
    FOREIGN,
    LEDGER,
    MISSING,
    NOT_FINITE,
    STALE,
    UNKNOWN,
    UNREGISTERED,
)
from sigmasight_dagster.engine.declaration import Input, RiskAsset
from sigmasight_dagster.partitions.keys import Keys, of_frame, parse
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import recovery
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.staleness.stale import stale, stale_keys
from sigmasight_dagster.warehouse import AuditStamp, Warehouse

_KEYS = ["date", "portfolio"]


def computable(found: pd.DataFrame) -> pd.DataFrame:
    """Damage that runs can mend: not the ledger, nor what is not known to be damaged."""
    return found[~found["damage"].isin([LEDGER, UNKNOWN, UNREGISTERED])]


def delete_strays(platform: Platform, found: pd.DataFrame) -> int:
    """Delete rows without a publication on dates of which nothing else is published; :returns: partitions.

    Where other tables are published the publication is what lacks: those are computed again. What is
    published for a portfolio that no command has ever registered is deleted with its rows.
    """
    rows = found[found["damage"] == FOREIGN]
    dates = pd.DatetimeIndex(rows["date"].unique())
    books = platform.warehouse.read(Publications, dates, columns=["table_name", *_KEYS])
    strays = rows[~found_in(rows, books, _KEYS)].assign(published=False)
    for model in _models(strays):
        platform.warehouse.delete_unpublished(model, strays[strays["table_name"] == table_name(model)])
    published = found[found["damage"] == UNREGISTERED]
    gone = platform.warehouse.remove_results_of_nobody(sorted(published["portfolio"].unique()))
    return len(strays) + gone


def fetches(workspace: Workspace, found: pd.DataFrame) -> list[RangeRun]:
    """Runs that ask the sources again for the damaged dates of their tables."""
    sources = [asset for asset in declared(workspace.settings) if asset.is_source]
    keys = stale_keys(sources, _published_somewhere(workspace.platform.warehouse, computable(found)))
    order, chunk = workspace.portfolio_order(), workspace.settings.chunk_partitions
    return [replace(run, refetch=True) for run in recovery.plan(sources, keys, order, chunk)]


def computations(workspace: Workspace, found: pd.DataFrame) -> list[RangeRun]:
    """Runs that compute damaged results again, with those that are made of them, on later dates too.

    And what is stale by now: what a source gives otherwise than it was stored makes results so.
    """
    assets, warehouse = declared(workspace.settings), workspace.platform.warehouse
    results = [asset for asset in assets if not asset.is_source]
    late = stale(workspace.platform, assets)
    keys = ["table_name", *_KEYS]
    damaged = _published_somewhere(warehouse, computable(found))
    wanted = stale_keys(results, pd.concat([damaged[keys], late[keys]], ignore_index=True))
    order, chunk = workspace.portfolio_order(), workspace.settings.chunk_partitions
    return recovery.plan(assets, _with_what_follows(results, wanted, warehouse), order, chunk)


def accept(platform: Platform, found: pd.DataFrame, stamp: AuditStamp) -> pd.DataFrame:
    """Take what is stored as it is, but numbers that are none; :returns: the rows that were accepted."""
    never = (NOT_FINITE, MISSING, STALE, UNREGISTERED)
    taken = found[~found["damage"].str.startswith(never)]
    for name in sorted(taken.loc[taken["damage"] == LEDGER, "portfolio"].unique()):
        platform.warehouse.accept_ledger(name, stamp)
    partitions = taken[taken["damage"] != LEDGER]
    partitions = partitions.assign(published=partitions["damage"] != FOREIGN)
    for model in _models(partitions):
        rows = partitions[partitions["table_name"] == table_name(model)]
        platform.warehouse.accept_partitions(model, rows, stamp)
    return taken


def _models(rows: pd.DataFrame) -> list[type[Table]]:
    return [model for model in TABLES if table_name(model) in set(rows["table_name"])]


def _published_somewhere(warehouse: Warehouse, found: pd.DataFrame) -> pd.DataFrame:
    """Without strays: rows on dates of which no table is published."""
    dates = pd.DatetimeIndex(found["date"].dropna().unique())
    books = warehouse.read(Publications, dates, columns=_KEYS)
    return found[found_in(found, books, _KEYS)]


def _with_what_follows(assets: Sequence[RiskAsset], keys: Keys, warehouse: Warehouse) -> Keys:
    """Partitions too of what reads them, on their dates and on later ones that look back on them.

    :param assets: upstream first.
    """
    reached: dict[type[Table], frozenset[str]] = {}
    wanted = {}
    for asset in assets:
        mine = keys.get(asset.name, frozenset())
        upstream = [
            (item, reached[item.model])
            for item in asset.inputs
            if item.model in reached and not item.advisory
        ]
        if upstream:
            mine |= _following(asset, upstream, warehouse)
        if mine:
            wanted[asset.name] = mine
            reached |= dict.fromkeys(asset.tables, mine)
    return wanted


def _following(
    asset: RiskAsset, upstream: Sequence[tuple[Input, frozenset[str]]], warehouse: Warehouse
) -> frozenset[str]:
    """Published partitions of an asset that upstream ones, by date or by date and portfolio, go into."""
    first = min(parse(key)[0] for _, reached in upstream for key in reached)
    published = warehouse.published(asset.tables[0], (first, calendar.LAST_DATE))
    if published.empty:
        return frozenset()
    sessions = calendar.sessions(first, published["date"].max())
    place = sessions.searchsorted(pd.DatetimeIndex(published["date"]))
    goes = np.zeros(len(published), dtype=bool)
    for item, reached in upstream:
        keys = pd.DataFrame(map(parse, reached), columns=_KEYS)
        for name, rows in keys.groupby("portfolio"):
            changed = np.sort(sessions.searchsorted(pd.DatetimeIndex(rows["date"])))
            last = np.searchsorted(changed, place, side="right") - 1
            near = item.since_entry | (place - changed[last] <= item.look_back)
            theirs = (published["portfolio"] == name).to_numpy() if name else True
            goes |= (last >= 0) & near & theirs
    return frozenset(of_frame(published[goes]))
