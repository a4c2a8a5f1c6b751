"""Connections: ADBC (Arrow in and out) for rows, SQLAlchemy with psycopg2 for the layout."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from time import monotonic
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings.urls import canonical_url, masked, with_parameter
from sigmasight_dagster.warehouse.errors import WarehouseError, refused, unreachable
from sigmasight_dagster.warehouse.sql import lock_key, set_session

SCHEMA = "sigmasight"
LAYOUT_LOCK = lock_key(SCHEMA, "layout")
"""Held in shared mode by every write, exclusively by a migration."""

READ_ONLY = {"default_transaction_read_only": "on"}
"""Setting of sessions that change nothing."""

_IDLE_CONNECTIONS = 4
SURE_SECONDS = 0.1
"""No server restarts in so little time: a connection that was used since is not asked whether it answers."""
LOCK_SECONDS = 300
"""So long a writer waits for locks of others; those of other writers are held for seconds."""


class Database:
    """One database. Connections are opened on first use; safe in threads and after a fork.

    :param url: `postgresql://`, `postgres://` or `postgresql+psycopg2://`, as libpq and SQLAlchemy take it.
    :param read_only: it refuses every change that is asked by this object.
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self._session = set_session(READ_ONLY if read_only else {})
        self._address = canonical_url(url, "SIGMASIGHT_DATABASE_URL")
        try:
            self._url = sa.make_url(self._address.replace("postgresql://", "postgresql+psycopg2://", 1))
        except (sa.exc.ArgumentError, ValueError):
            raise InputError(
                "SIGMASIGHT_DATABASE_URL: not a URL; use postgresql://user@host/database"
            ) from None
        self._idle: list[tuple[Any, float]] = []  # and when it was used last
        self._owner = os.getpid()
        # Of the parent of a fork: to close one here would end it there.
        self._inherited: list[tuple[Any, float]] = []

    @property
    def name(self) -> str:
        """Host and database for messages: never a user's password."""
        host = self._url.host or str(self._url.query.get("host", "localhost"))
        return f"{host}/{self._url.database}"

    def query(self, statement: str) -> pa.Table:
        """Rows of one SELECT, which sees one snapshot of the database."""
        with self._cursor() as (_, cursor):
            cursor.execute(statement)
            return cursor.fetch_arrow_table()

    @contextmanager
    def transaction(self, *lock_keys: int, shared: int = LAYOUT_LOCK) -> Iterator[Any]:
        """An ADBC cursor in one transaction that holds these advisory locks; committed at the end.

        The locks are taken in the order of their keys, so that two transactions cannot wait for each other.

        :param shared: key of a lock that is held in shared mode, beside that of the layout.
        """
        with self._cursor() as (connection, cursor):
            connection.adbc_connection.set_autocommit(False)
            cursor.execute(f"SET LOCAL lock_timeout = {LOCK_SECONDS * 1000:.0f}")
            keys = ", ".join(str(key) for key in sorted(set(lock_keys)))
            for key in (LAYOUT_LOCK, shared):
                _done(cursor, f"SELECT pg_advisory_xact_lock_shared({key}) IS NULL")
            _done(
                cursor, f"SELECT pg_advisory_xact_lock(k) IS NULL FROM unnest(ARRAY[{keys}]::bigint[]) AS k"
            )
            yield cursor
            connection.adbc_connection.commit()
            connection.adbc_connection.set_autocommit(True)

    @contextmanager
    def layout(self) -> Iterator[sa.Connection]:
        """A SQLAlchemy connection in one transaction, for changes of the layout."""
        engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        sa.event.listen(engine, "connect", partial(run_on_connect, self._session))
        try:
            connection = engine.connect()
        except sa.exc.DBAPIError as error:
            raise self._clean(unreachable(self.name, error)) from None
        try:
            with connection, connection.begin():
                yield connection
        except sa.exc.DBAPIError as error:
            raise self._clean(refused(self.name, error)) from None

    def close(self) -> None:
        """Close the idle connections. The next call opens new ones."""
        while (idle := self._pop_idle()) is not None:
            idle[0].close()

    @contextmanager
    def _cursor(self) -> Iterator[tuple[Any, Any]]:
        connection = self._connect()
        try:
            with connection.cursor() as cursor:
                yield connection, cursor
        except BaseException as error:
            connection.close()  # the server rolls back
            if isinstance(error, _driver().Error | pa.ArrowException | OSError):
                raise self._clean(refused(self.name, error)) from None
            raise
        if len(self._idle) < _IDLE_CONNECTIONS:
            self._idle.append((connection, monotonic()))
        else:
            connection.close()

    def _pop_idle(self) -> tuple[Any, float] | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _connect(self) -> Any:
        if self._owner != os.getpid():
            self._inherited, self._idle, self._owner = self._idle, [], os.getpid()
        while (idle := self._pop_idle()) is not None:
            connection, used = idle
            if monotonic() - used < SURE_SECONDS or _answers(connection):
                return connection
        address = with_parameter(self._address, "application_name", SCHEMA)
        try:
            connection = _driver().connect(address, autocommit=True)
        except _driver().Error as error:
            raise self._clean(unreachable(self.name, error)) from None
        with connection.cursor() as cursor:
            _done(cursor, self._session)
        return connection

    def _clean(self, error: WarehouseError) -> WarehouseError:
        return WarehouseError(masked(str(error), self._address))


def run_on_connect(statement: str, connection: Any, _record: object = None) -> None:
    """Listener of an engine with psycopg2: the statement holds for the session."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def every_engine_runs(statement: str) -> Iterator[None]:
    """As `run_on_connect`, for engines that others make and use in the block, in its thread."""
    before = _STATEMENTS.set(statement)
    try:
        yield
    finally:
        _STATEMENTS.reset(before)


def _run_wanted(connection: Any, record: object) -> None:
    if statement := _STATEMENTS.get():
        run_on_connect(statement, connection, record)


_STATEMENTS: Final[ContextVar[str]] = ContextVar("statement of every engine", default="")
# Once for good: a listener that is added or removed while another thread connects breaks its connection.
sa.event.listen(sa.Engine, "connect", _run_wanted)


def _done(cursor: Any, statement: str) -> None:
    """Execute, and fetch: a statement that fails says so when its rows are fetched."""
    cursor.execute(statement)
    cursor.fetch_arrow_table()


def _driver() -> Any:
    # With the first connection, not with the package: code that only plans or describes needs no driver.
    from adbc_driver_postgresql import dbapi  # noqa: PLC0415

    return dbapi


def _answers(connection: Any) -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except (_driver().Error, OSError):
        connection.close()
        return False
    return True
