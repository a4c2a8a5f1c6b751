"""Who executes a run holds a lock of Dagster's database, which the server drops with the process.

Host name, process number and start time told lies: of a container that is gone, of two with the same name,
of a clock that was set.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from hashlib import blake2b
from typing import Any, Final

import dagster as dg
import sqlalchemy as sa
from dagster import DagsterInstance

from sigmasight_dagster.tags import COMMAND_TAG
from sigmasight_dagster.warehouse.database import run_on_connect
from sigmasight_dagster.warehouse.sql import set_session

HEARTBEAT_SECONDS: Final = 2.0
_KEEPALIVES: Final = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""After 25 seconds of silence both ends take the other, whose machine may be gone, for dead."""


@contextmanager
def holding(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Be the living executor of a run, also after a restart of the server."""
    with held(_url(instance), run_id):
        yield


@contextmanager
def held(postgres_url: str, run_id: str) -> Iterator[None]:
    """As `holding`. :param postgres_url: of Dagster's storage."""
    done = threading.Event()
    engine = _engine(postgres_url)
    with closing(_Lock(engine, run_id)) as lock:
        beats = threading.Thread(target=_beat, args=(lock, done), daemon=True)
        beats.start()
        try:
            yield
        finally:
            done.set()
            beats.join()
    engine.dispose()


def this_process(run_id: str) -> str:
    """Value of the tags that say who executes a run (LAUNCHER_TAG, EXECUTOR_TAG): host:pid:run id."""
    return f"{socket.gethostname()}:{os.getpid()}:{run_id}"


def is_told(tags: Mapping[str, str], tag: str, run_id: str) -> bool:
    """Whether one of these tags is of the run itself: a copy, made in the UI, has those of what it copies."""
    return tags.get(tag, "").endswith(run_id)


def abandoned(instance: DagsterInstance, run_ids: Sequence[str]) -> set[str]:
    """Those of the runs that nobody executes any more."""
    if not run_ids:
        return set()
    engine = _engine(_url(instance))
    with engine.connect() as connection:
        tried = sa.text("SELECT k, pg_try_advisory_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k")
        by_key = {_key(run_id): run_id for run_id in run_ids}
        found = {by_key[key] for key, free in connection.execute(tried, {"keys": list(by_key)}) if free}
        connection.execute(sa.text("SELECT pg_advisory_unlock_all()"))
    engine.dispose()
    return found


def may_join(instance: DagsterInstance, pool: str, run_id: str, step_key: str) -> bool:
    """Whether a step goes beside one of another run of its command, which has a place in the pool.

    They compute different portfolios. Its own pending step keeps its turn: it gets the place that the other
    gives back. Who else waits for longer goes first.
    """
    run = instance.get_run_by_id(run_id)
    if run is None or not (command := run.tags.get(COMMAND_TAG)):
        return False
    info = instance.event_log_storage.get_concurrency_info(pool)
    waiting = [step for step in info.pending_steps if step.assigned_timestamp is None]
    mine = [step for step in waiting if (step.run_id, step.step_key) == (run_id, step_key)]
    inside = {slot.run_id for slot in info.claimed_slots}
    inside |= {step.run_id for step in info.pending_steps if step.assigned_timestamp}
    if not mine or not inside:
        return False
    before = {step.run_id for step in waiting if step.enqueued_timestamp < mine[0].enqueued_timestamp}
    asked = dg.RunsFilter(run_ids=[*inside, *before], tags={COMMAND_TAG: command})
    of_command = {each.run_id for each in instance.get_runs(filters=asked)}
    return bool(inside & of_command) and before <= of_command


class _Lock:
    """The lock of a run on a connection of its own."""

    def __init__(self, engine: sa.Engine, run_id: str) -> None:
        self._engine, self._key = engine, _key(run_id)
        self._connection: Any = None
        self.keep()

    def keep(self) -> None:
        """Take the lock where it is not held yet, or no more: the server may have been restarted."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._connection.execute(sa.text(_SERVER_KEEPALIVES))
                self._connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), {"key": self._key})
            self._connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            with suppress(sa.exc.DBAPIError):
                self._connection.close()
            self._connection = None


_SERVER_KEEPALIVES: Final = "; ".join(f"SET tcp_{name} = {value}" for name, value in _KEEPALIVES.items())


def _beat(lock: _Lock, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        with suppress(sa.exc.DBAPIError):  # the server is away: the next beat tries again
            lock.keep()


def _url(instance: DagsterInstance) -> str:
    return str(instance.event_log_storage.postgres_url)  # type: ignore[attr-defined]


def _engine(postgres_url: str) -> sa.Engine:
    arguments = {
        "application_name": "sigmasight launcher",
        "connect_timeout": 10,
        "keepalives": 1,
        **_KEEPALIVES,
    }
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool, connect_args=arguments)
    sa.event.listen(engine, "connect", partial(run_on_connect, set_session()))
    return engine


def _key(run_id: str) -> int:
    digest = blake2b(f"launcher\0{run_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
