"""What must hold once a command has ended: each judge says what is wrong, a line a fault; nothing is good."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import dagster as dg
import pandas as pd
import psycopg2

from sigmasight_core.tables import (
    TABLES,
    Audit,
    Grain,
    PortfolioReports,
    Publications,
    grain,
    primary_key,
    table_name,
)
from sigmasight_dagster.checks import damage
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.unfinished import UNFINISHED
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse

CLOSE: Final = 1e-9
"""The last bits of a batch depend on its size: another command than the undisturbed one cuts it otherwise."""

SECONDS_TO_LET_GO: Final = 10.0
"""How long the server may take to drop the locks of a process that is gone."""

Contents = Mapping[str, pd.DataFrame]
Partitions = Mapping[str, Set[str]]


@dataclass(frozen=True)
class State:
    """What is stored, and what is said of it.

    :param contents: rows of each table, without what says when and by which run they were made.
    :param published: and `materialized`: partition keys of each table, by its publications and by Dagster.
    :param damaged: what `sigmasight verify` finds.
    """

    contents: Contents
    published: Partitions
    materialized: Partitions
    damaged: pd.DataFrame


def look(instance: dg.DagsterInstance) -> State:
    """The state of the project of this process's environment."""
    platform = Platform(Settings())
    books = platform.warehouse.read(Publications, columns=["table_name", "date", "portfolio"])
    published = {str(name): frozenset(keys.of_frame(rows)) for name, rows in books.groupby("table_name")}
    materialized = {
        table_name(model): frozenset(instance.get_materialized_partitions(dg.AssetKey(table_name(model))))
        for model in TABLES
        if grain(model) is not Grain.UNPARTITIONED
    }
    return State(_contents(platform.warehouse), published, materialized, damage.find(platform))


def _contents(warehouse: Warehouse) -> Contents:
    """Reports left out: their pages say when they were made. `damage.find` looks at their rows."""
    audit = list(Audit.to_schema().columns)
    found = {}
    for model in (model for model in TABLES if model is not PortfolioReports):
        rows = warehouse.read(model).drop(columns=audit, errors="ignore")
        found[table_name(model)] = rows.sort_values(primary_key(model), ignore_index=True)
    return found


def contents(found: Contents, truth: Contents, exact: bool) -> list[str]:
    """Tables that are not those of the undisturbed run; to the bit, or within CLOSE."""
    return [f"{name}: {said}" for name in truth if (said := _differs(found[name], truth[name], exact))]


def _differs(found: pd.DataFrame, truth: pd.DataFrame, exact: bool) -> str:
    if len(found) != len(truth):
        return f"{len(found)} rows, undisturbed {len(truth)}"
    tolerance = 0.0 if exact else CLOSE
    try:
        pd.testing.assert_frame_equal(found, truth, check_exact=exact, rtol=tolerance, atol=tolerance)
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    return ""


def lost(found: Partitions, truth: Partitions) -> list[str]:
    """Partitions that the undisturbed run has published and that are not."""
    return _lacking(found, truth, "is not published")


def events(published: Partitions, materialized: Partitions) -> list[str]:
    """Publications that Dagster knows nothing of."""
    return _lacking(materialized, published, "is published, but Dagster has no materialization of it")


def beyond(found: State, truth: State) -> list[str]:
    """What Dagster shows as materialized without a publication, where the undisturbed run does not."""
    shown = {name: found.materialized[name] - found.published.get(name, set()) for name in found.materialized}
    theirs = {
        name: truth.materialized[name] - truth.published.get(name, set()) for name in truth.materialized
    }
    return _lacking(theirs, shown, "is materialized, but not published")


def _lacking(found: Partitions, wanted: Partitions, said: str) -> list[str]:
    missing = {name: sorted(wanted[name] - found.get(name, frozenset())) for name in wanted}
    return [f"{name}: {gone[0]} ({len(gone)} in all) {said}" for name, gone in missing.items() if gone]


def damages(found: pd.DataFrame, truth: pd.DataFrame) -> list[str]:
    """What `sigmasight verify` finds; what is stale after a change of the ledger also undisturbed is not."""
    columns = ["table_name", "date", "portfolio", "damage"]
    known = set(map(tuple, truth.loc[truth["damage"].str.startswith(damage.STALE), columns].to_numpy()))
    rows = [row for row in map(tuple, found[columns].to_numpy()) if row not in known]
    return [f"verify: {len(rows)} damaged, first {' '.join(map(str, rows[0]))}"] if rows else []


def runs(instance: dg.DagsterInstance) -> list[str]:
    """Runs that are still shown as if somebody executed them."""
    found = instance.get_runs(filters=dg.RunsFilter(statuses=list(UNFINISHED)))
    return [f"run {run.run_id[:8]} is still {run.status.value}" for run in found]


def slots(instance: dg.DagsterInstance) -> list[str]:
    """Places in pools that nobody has given back."""
    storage = instance.event_log_storage
    pools = [storage.get_concurrency_info(key) for key in sorted(storage.get_concurrency_keys())]
    return [
        f"pool {pool.concurrency_key}: {pool.active_slot_count} places taken, {pool.pending_step_count} wait"
        for pool in pools
        if pool.active_slot_count or pool.pending_step_count
    ]


def locks(url: str, seconds: float = SECONDS_TO_LET_GO) -> list[str]:
    """Advisory locks that are held though no command runs."""
    deadline = time.monotonic() + seconds
    while found := _locks(url):
        if time.monotonic() > deadline:
            return [f"{len(found)} advisory locks are held, first by {found[0]}"]
        time.sleep(0.2)
    return []


def _locks(url: str) -> list[str]:
    statement = (
        "SELECT a.datname || ' ' || a.pid || ' ' || a.application_name FROM pg_locks l "
        "JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'"
    )
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return [said for (said,) in cursor.fetchall()]


def every(found: State, truth: State, exact: bool) -> Sequence[tuple[str, Callable[[], list[str]]]]:
    """Judges of what is stored, by what they count: lost or wrong."""
    return (
        ("lost", lambda: lost(found.published, truth.published)),
        ("lost", lambda: events(found.published, found.materialized)),
        ("wrong", lambda: beyond(found, truth)),
        ("wrong", lambda: contents(found.contents, truth.contents, exact)),
        ("wrong", lambda: damages(found.damaged, truth.damaged)),
    )


def after_a_round(url: str, truth: State, *, exact: bool) -> Iterator[tuple[str, list[str]]]:
    """What every judge says of what a round has left and stored, by what it counts.

    :param url: of the server whose locks are looked at.
    """
    with dg.DagsterInstance.get() as instance:
        state = look(instance)
        left = [*runs(instance), *slots(instance), *locks(url)]
    yield "stuck", left
    for kind, judge in every(state, truth, exact):
        yield kind, judge()
