"""Who waits for a connection: a bounded queue, first come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sigmasight_dagster.warehouse.errors import WarehouseUnavailable


class Turns:
    """So many at once, so many waiting, each for so long; of one event loop.

    A queue of our own knows what that of the pool does not: whether it is long because many ask, who are
    served in their turn, or because the database is gone, when nobody needs to wait for his turn to hear it.
    """

    def __init__(self, at_once: int, most_waiting: int, seconds: float) -> None:
        self._free, self._most, self._seconds = at_once, most_waiting, seconds
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """:raises WarehouseUnavailable: when too many wait, or it took too long, or the database is gone."""
        await self._take()
        try:
            yield
        finally:
            self._pass_on()

    def send_away(self, reason: str) -> None:
        """Whoever waits is told now."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(WarehouseUnavailable(reason))

    async def _take(self) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self._most:
            raise WarehouseUnavailable(f"{self._most:,} requests wait for the database already")
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._seconds):
                await self._arrived(place)
        except TimeoutError:
            raise WarehouseUnavailable(f"no turn at the database in {self._seconds:g} s") from None

    async def _arrived(self, place: "asyncio.Future[None]") -> None:
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._pass_on()  # the turn came while its caller went
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._free += 1
