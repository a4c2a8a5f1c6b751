"""The API's connections: a few that are kept open, taken for one statement or transaction at a time.

A database that went away and came back needs no restart: broken connections are found, replaced, and the
statement is asked once more.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from sigmasight_dagster.warehouse.access.turns import Turns
from sigmasight_dagster.warehouse.database import READ_ONLY, Database
from sigmasight_dagster.warehouse.errors import (
    LayoutTooOld,
    WarehouseError,
    WarehouseUnavailable,
    refused,
    server_message,
)
from sigmasight_dagster.warehouse.sql import set_session

Connection = psycopg.AsyncConnection[TupleRow]
Parameters = Mapping[str, Any] | Sequence[Any] | None

WAIT_SECONDS: Final = 3.0
"""How long a request whose turn it is waits for a connection to be made."""
WAITING: Final = 1000
"""How many may wait for their turn at once."""
TURN_SECONDS: Final = 20.0
"""How long each may wait for it."""
STATEMENT_SECONDS: Final = 20
_PREPARED_FROM: Final = 2
"""How often a connection is asked a statement before it keeps its plan."""
_NAMED: Final = re.compile(r"%\((\w+)\)s|%%")
_GIVE_UP_SECONDS: Final = 5.0
"""When the pool stops to try by itself; the next request makes it try again, so that no pause gets long."""

_ABSENT: Final = (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError)
_OLD_LAYOUT: Final = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
)


class Pool:
    """Connections to one database for one event loop.

    :param url: as libpq takes it. :param read_only: the database refuses every change.
    """

    def __init__(self, url: str, size: int = 8, *, read_only: bool = False) -> None:
        self._name = Database(url).name
        # to compile a statement of milliseconds takes longer than to run it
        own = {"statement_timeout": f"{STATEMENT_SECONDS}s", "jit": "off", **(READ_ONLY if read_only else {})}
        self._session = set_session(own).encode()
        self._turns = Turns(size, WAITING, TURN_SECONDS)
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            open=False,
            min_size=min(2, size),
            max_size=size,
            timeout=WAIT_SECONDS,
            reconnect_timeout=_GIVE_UP_SECONDS,
            kwargs={
                "autocommit": True,
                "application_name": "sigmasight-api",
                "connect_timeout": 3,
                "prepare_threshold": _PREPARED_FROM,
                "client_encoding": "utf8",
            },
            configure=self._configure,
        )

    async def open(self) -> None:
        """Begin to connect; does not wait for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    async def rows(
        self, statement: str, parameters: Parameters = None, *, keep_plan: bool = True
    ) -> list[TupleRow]:
        """Rows of one statement that changes nothing: it is asked again where a connection was broken.

        :param keep_plan: False = it is planned each time, where values may mean few rows or most of them.
        :raises WarehouseUnavailable: when the database does not answer; WarehouseError: when it refuses.
        """
        try:
            return await self._rows(statement, parameters, keep_plan)
        except _Broken:
            await self._pool.check()
        try:
            return await self._rows(statement, parameters, keep_plan)
        except _Broken as broken:
            raise WarehouseUnavailable(str(broken)) from None

    async def row(
        self, statement: str, parameters: Parameters = None, *, keep_plan: bool = True
    ) -> TupleRow | None:
        """The first row of `rows`, if there is one."""
        found = await self.rows(statement, parameters, keep_plan=keep_plan)
        return found[0] if found else None

    async def copied(self, statement: str, parameters: Parameters = None) -> bytes:
        """What a COPY ... TO STDOUT sends."""
        async with (
            self._connection() as connection,
            connection.cursor() as cursor,
            cursor.copy(statement.encode(), parameters) as copy,
        ):
            return b"".join([bytes(piece) async for piece in copy])

    async def written(self, statement: str, parameters: Parameters = None) -> str:
        """The statement with its values in it, for a driver that takes none."""
        async with self._connection() as connection:
            return psycopg.AsyncClientCursor(connection).mogrify(statement.encode(), parameters)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in one transaction, committed at the end; nothing is asked twice."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    async def _configure(self, connection: Connection) -> None:
        await connection.execute(self._session, prepare=False)

    async def _rows(self, statement: str, parameters: Parameters, keep_plan: bool) -> list[TupleRow]:
        async with self._connection(_Broken) as connection:
            if not isinstance(parameters, Mapping):
                found = await connection.execute(statement.encode(), parameters)
                return await found.fetchall()
            text, names = _numbered(statement)
            cursor = psycopg.AsyncRawCursor(connection)
            prepare = None if keep_plan else False
            await cursor.execute(text, [parameters[name] for name in names], prepare=prepare)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _connection(
        self, broken: type[WarehouseError] = WarehouseUnavailable
    ) -> AsyncIterator[Connection]:
        taken: Connection | None = None
        try:
            async with self._turns.turn(), self._pool.connection() as taken:
                yield taken
        except psycopg.errors.QueryCanceled:
            raise WarehouseUnavailable(f"the database took longer than {STATEMENT_SECONDS} s") from None
        except _ABSENT as error:
            said = f"the database does not answer ({server_message(error)})"
            if taken is None:
                self._turns.send_away(said)
            kind = broken if taken is not None and taken.broken else WarehouseUnavailable
            raise kind(said) from None
        except _OLD_LAYOUT as error:
            raise LayoutTooOld(str(refused(self._name, error))) from None
        except psycopg.Error as error:
            raise refused(self._name, error) from None


@lru_cache(maxsize=2000)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with `$1` for the first name and so on, as the server takes it, and the names.

    The driver does this too, but again for each request where a statement is long.
    """
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _NAMED.sub(number, statement).encode(), tuple(names)


class _Broken(WarehouseUnavailable):
    """A connection that was open broke."""
