"""What a database server says of itself. Nothing that is stored is changed by asking."""

import datetime as dt
import os
import socket
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg2  # type: ignore[import-untyped]

from sigmasight_dagster.settings.urls import canonical_url, masked
from sigmasight_dagster.warehouse.errors import server_message
from sigmasight_dagster.warehouse.sql import SESSION

CONNECT_SECONDS: Final = 10
WAIT_SECONDS: Final = 10.0
"""So long a second connection may wait for its turn."""
_TURNS: Final = 3

OWN, SHARED, STATEMENTS, ONE = "own", "shared", "statements", "one"
"""Sessions: each connection has its own; they are shared between transactions; there are no transactions;
a second connection waits for the first to end."""

_SCHEMA: Final = "(SELECT oid FROM pg_namespace WHERE nspname = 'sigmasight')"
FACTS: Final = f"""SELECT
    split_part(current_setting('server_version'), ' ', 1) AS version,
    current_setting('server_version_num')::integer AS version_number,
    pg_encoding_to_char(d.encoding)::text AS encoding,
    d.datcollate::text AS collation,
    pg_is_in_recovery() AS in_recovery,
    current_setting('transaction_read_only') = 'on' AS read_only,
    current_setting('quote_all_identifiers') = 'on' AS quotes_names,
    (SELECT min(n) FROM (VALUES
        (current_setting('max_connections')::integer
         - current_setting('superuser_reserved_connections')::integer),
        (nullif(d.datconnlimit, -1)), (nullif(r.rolconnlimit, -1))) AS limits (n)) AS connections,
    current_setting('max_locks_per_transaction')::integer
        * (current_setting('max_connections')::integer
           + current_setting('max_prepared_transactions')::integer) AS locks,
    {_SCHEMA} IS NOT NULL AS has_schema,
    coalesce(has_schema_privilege({_SCHEMA}, 'USAGE'), has_database_privilege(d.oid, 'CREATE')) AS may_use,
    to_regclass('event_logs') IS NOT NULL AS has_dagster,
    (SELECT min(reset_val::bigint) FROM pg_settings WHERE reset_val <> '0' AND name IN
        ('statement_timeout', 'transaction_timeout', 'idle_session_timeout',
         'idle_in_transaction_session_timeout')) AS shortest_ms,
    current_schema()::text AS schema,
    coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
    current_user::text AS role,
    current_database()::text AS database,
    clock_timestamp() AS clock,
    concat_ws('/', extract(epoch FROM pg_postmaster_start_time())::numeric, d.oid) AS identity,
    pg_database_size(d.oid) AS size_bytes
FROM pg_database d, pg_roles r WHERE d.datname = current_database() AND r.rolname = current_user"""
SETTINGS: Final = "SELECT name, reset_val, unit FROM pg_settings WHERE name = ANY(%s) ORDER BY name"


@dataclass(frozen=True)
class Facts:
    """One database, as one of its users finds it.

    :ivar connections: how many this user may open. :ivar locks: how many objects all transactions may lock.
    :ivar may_use: its schema, or to make it. :ivar schema: where a table without a schema's name is made;
        None = nowhere. :ivar shortest_ms: of the time-outs that a session begins with; None = none.
    :ivar identity: equal for two URLs of the same database of a running server.
    :ivar sessions: OWN, SHARED, STATEMENTS or ONE. :ivar skew_seconds: of the server's clock after ours.
    """

    version: str
    version_number: int
    encoding: str
    collation: str
    in_recovery: bool
    read_only: bool
    quotes_names: bool
    connections: int
    locks: int
    has_schema: bool
    may_use: bool
    has_dagster: bool
    shortest_ms: int | None
    schema: str | None
    may_create: bool
    role: str
    database: str
    clock: dt.datetime
    identity: str
    size_bytes: int
    sessions: str = OWN
    skew_seconds: float = 0.0

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> "Facts":
        """:param row: of the statement FACTS, asked a moment ago."""
        skew = (row["clock"] - dt.datetime.now(dt.UTC)).total_seconds()
        return replace(cls(**row), skew_seconds=skew)


class NotReachable(Exception):
    """No connection could be made; its text says why, without secrets."""


def ask(url: str) -> Facts:
    """Facts of the database, by two connections. :raises NotReachable: when it cannot be asked."""
    address = canonical_url(url)
    try:
        with closing(_connect(address)) as first:
            row = _row(first, FACTS)
            return replace(Facts.of(row), sessions=_sessions(first, address))
    except psycopg2.Error as error:
        raise NotReachable(masked(server_message(error), address)) from None


def set_aside(url: str) -> dict[str, str]:
    """Settings of server, database or role that are not those which our sessions set for themselves."""
    with closing(_connect(canonical_url(url))) as connection, connection.cursor() as cursor:
        cursor.execute(SETTINGS, [list(SESSION)])
        found = {name: (value, unit or "") for name, value, unit in cursor.fetchall()}
    return {
        name: f"{value} {unit}".strip() for name, (value, unit) in found.items() if value != SESSION[name]
    }


def _connect(address: str) -> Any:
    connection = psycopg2.connect(address, connect_timeout=CONNECT_SECONDS)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    return connection


def _row(connection: Any, statement: str) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [row] = cursor.fetchall()
        return dict(zip([column.name for column in cursor.description], row, strict=True))


def _sessions(first: Any, address: str) -> str:
    """Whether each connection has a session of its own, by the processes that answer two of them.

    The second stays in a transaction meanwhile, so that the first is answered by another process where they
    share them.
    """
    mine = _process(first)
    with closing(psycopg2.connect(address, connect_timeout=CONNECT_SECONDS)) as second:
        waits = threading.Event()
        late = threading.Timer(WAIT_SECONDS, _give_up, (second, waits))
        late.start()
        try:
            for _ in range(_TURNS):
                theirs = _process(second)
                if theirs == mine or _process(first) != mine:
                    return SHARED
                second.rollback()
                if _process(second) != theirs:
                    return SHARED
        except psycopg2.OperationalError:
            if waits.is_set():
                return ONE
            _process(first)  # it is there, and the other was sent away at its BEGIN
            return STATEMENTS
        finally:
            late.cancel()
    return OWN


def _give_up(connection: Any, waits: threading.Event) -> None:
    """End a connection that waits for an answer: a request to cancel may wait as long."""
    waits.set()
    with socket.socket(fileno=os.dup(connection.fileno())) as own:
        own.shutdown(socket.SHUT_RDWR)


def _process(connection: Any) -> int:
    return int(_row(connection, "SELECT pg_backend_pid() AS pid")["pid"])
