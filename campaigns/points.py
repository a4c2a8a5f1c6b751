"""Points of a step at which something else can be let happen, and the judge's plug that blinds the project.

Nothing of the project knows of them: functions are wrapped from outside while a run is held.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg2

from sigmasight_dagster.engine import publish
from sigmasight_dagster.warehouse import Replacement, Warehouse, replacement, store
from sigmasight_dagster.warehouse.checksums import partitions
from sigmasight_dagster.warehouse.reader import Reader
from sigmasight_dagster.warehouse.stores.basis import BasisStore
from sigmasight_dagster.warehouse.stores.ledger import LedgerStore

SECONDS_TO_WAIT: Final = 30.0
"""Longer than a change, and than what it may wait for: one that is not there then is stuck."""

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True)
class Point:
    """A call of a function of the project, just before it or just after.

    :param owner: module or class that has the function under the name by which it is called.
    """

    said: str
    owner: Any
    name: str
    when: str


POINTS: Final = (
    Point("before a step's first attempt", publish, "_attempt", BEFORE),
    Point("before it takes down which ledger it reads", BasisStore, "note_ledger", BEFORE),
    Point("after it has taken that down", BasisStore, "note_ledger", AFTER),
    Point("after it has read the registry", LedgerStore, "portfolios", AFTER),
    Point("after it has read the positions", LedgerStore, "positions", AFTER),
    Point("before it reads the account", LedgerStore, "transactions", BEFORE),
    Point("after it has read the account", LedgerStore, "transactions", AFTER),
    Point("before it takes down which partitions it reads", BasisStore, "note_partitions", BEFORE),
    Point("after it has taken those down", BasisStore, "note_partitions", AFTER),
    Point("after it has read rows", Reader, "read", AFTER),
    Point("after it was handed what its run has published", Warehouse, "fresh", AFTER),
    Point("before its rows are validated", publish, "validate", BEFORE),
    Point("after it has computed", publish, "_compute", AFTER),
    Point("after the doubts were judged", publish, "_judge", AFTER),
    Point("before it publishes", Warehouse, "publish", BEFORE),
    Point("after its rows were made ready", Replacement, "arrow", AFTER),
    Point("under its locks, before it looks whether what it has read still counts", store, "check", BEFORE),
    Point("under its locks, after it has looked", store, "check", AFTER),
    Point("between the old rows and the new", replacement, "copy_in", BEFORE),
    Point("between the new rows and their publication", replacement, "copy_in", AFTER),
    Point("after the publication, before the commit", partitions, "publish", AFTER),
    Point("after the commit", Warehouse, "publish", AFTER),
    Point("between the tables and Dagster's events", publish.story, "of_partitions", AFTER),
)


@dataclass
class Passed:
    """How often each point was passed, by the thread that looks. :ivar acted: the plug was pulled."""

    counts: dict[str, int] = field(default_factory=dict)
    acted: bool = False


@contextmanager
def held(
    points: tuple[Point, ...], act: Callable[[], None], at: tuple[Point, int] | None
) -> Iterator[Passed]:
    """Count how often this thread passes the points, and call `act` at one of them.

    :param at: the point, and at which of its times, from 1; None = never.
    """
    passed, thread = Passed(), threading.get_ident()

    def reached(point: Point) -> None:
        if threading.get_ident() != thread:
            return
        passed.counts[point.said] = count = passed.counts.get(point.said, 0) + 1
        if not passed.acted and at is not None and (point, count) == at:
            passed.acted = True
            act()

    originals = [(point.owner, point.name, getattr(point.owner, point.name)) for point in points]
    for point in points:
        setattr(point.owner, point.name, _wrapped(point, getattr(point.owner, point.name), reached))
    try:
        yield passed
    finally:
        for owner, name, function in reversed(originals):
            setattr(owner, name, function)


def _wrapped(point: Point, function: Any, reached: Callable[[Point], None]) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        if point.when == BEFORE:
            reached(point)
        result = function(*arguments, **named)
        if point.when == AFTER:
            reached(point)
        return result

    return call


@contextmanager
def blind() -> Iterator[None]:
    """Nobody looks again whether what was read still counts: so that the judge can be tried."""
    looks = store.check, Warehouse.require_current
    store.check = lambda _cursor, _basis: None
    Warehouse.require_current = lambda _self, _basis: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        store.check, Warehouse.require_current = looks[0], looks[1]  # type: ignore[method-assign]


def waited(change: threading.Thread, url: str) -> bool:
    """Whether the change ends, or is seen to wait for a lock, in time."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    statement = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while time.monotonic() < deadline:
            change.join(0.02)
            cursor.execute(statement)
            if not change.is_alive() or cursor.fetchone() != (0,):
                return True
    return False
