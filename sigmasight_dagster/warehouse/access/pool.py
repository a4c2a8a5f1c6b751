"""The API's connections: a few that are kept open, taken for one statement or transaction at a time.

A database that went away and came back needs no restart: broken connections are found, replaced, and the
statement is asked once more.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from sigmasight_dagster.warehouse.database import READ_ONLY, Database
from sigmasight_dagster.warehouse.errors import (
    LayoutTooOld,
    WarehouseError,
    WarehouseUnavailable,
    refused,
    server_message,
)

Connection = psycopg.AsyncConnection[TupleRow]
Parameters = Mapping[str, Any] | Sequence[Any] | None

WAIT_SECONDS: Final = 3.0
"""How long a request waits for a connection, and for one to be made."""
WAITING: Final = 500
"""How many may wait at once."""
STATEMENT_SECONDS: Final = 20
_GIVE_UP_SECONDS: Final = 5.0
"""When the pool stops to try by itself; the next request makes it try again, so that no pause gets long."""

_ABSENT: Final = (PoolTimeout, TooManyRequests, psycopg.OperationalError, psycopg.InterfaceError)
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
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            open=False,
            min_size=min(2, size),
            max_size=size,
            timeout=WAIT_SECONDS,
            max_waiting=WAITING,
            reconnect_timeout=_GIVE_UP_SECONDS,
            kwargs={
                "autocommit": True,
                "application_name": "sigmasight-api",
                "connect_timeout": 3,
                "options": f"-c statement_timeout={STATEMENT_SECONDS}s -c timezone=UTC"
                + (f" {READ_ONLY}" if read_only else ""),
            },
        )

    async def open(self) -> None:
        """Begin to connect; does not wait for the database."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close()

    async def rows(self, statement: str, parameters: Parameters = None) -> list[TupleRow]:
        """Rows of one statement that changes nothing: it is asked again where a connection was broken.

        :raises WarehouseUnavailable: when the database does not answer; WarehouseError: when it refuses.
        """
        try:
            return await self._rows(statement, parameters)
        except _Broken:
            await self._pool.check()
        try:
            return await self._rows(statement, parameters)
        except _Broken as broken:
            raise WarehouseUnavailable(str(broken)) from None

    async def row(self, statement: str, parameters: Parameters = None) -> TupleRow | None:
        """The first row of `rows`, if there is one."""
        found = await self.rows(statement, parameters)
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

    async def _rows(self, statement: str, parameters: Parameters) -> list[TupleRow]:
        async with self._connection(_Broken) as connection:
            found = await connection.execute(statement.encode(), parameters)
            return await found.fetchall()

    @asynccontextmanager
    async def _connection(
        self, broken: type[WarehouseError] = WarehouseUnavailable
    ) -> AsyncIterator[Connection]:
        taken: Connection | None = None
        try:
            async with self._pool.connection() as taken:
                yield taken
        except psycopg.errors.QueryCanceled:
            raise WarehouseUnavailable(f"the database took longer than {STATEMENT_SECONDS} s") from None
        except _ABSENT as error:
            kind = broken if taken is not None and taken.broken else WarehouseUnavailable
            raise kind(f"the database does not answer ({server_message(error)})") from None
        except _OLD_LAYOUT as error:
            raise LayoutTooOld(str(refused(self._name, error))) from None
        except psycopg.Error as error:
            raise refused(self._name, error) from None


class _Broken(WarehouseUnavailable):
    """A connection that was open broke."""
