"""Asks a server over HTTP/1.1 and keep-alive connections, at a tenth of the cost of a general client.

python -m benchmarks.load.client < JSON: see `Load`. Prints `Outcome` as JSON.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from itertools import cycle
from typing import Any


@dataclass(frozen=True)
class Load:
    """What is asked, and how.

    :param requests: whole requests, head and body, sent in turn. :param per_second: open loop: they begin at
        this rate, whatever the answers do; 0 = closed loop: each of `connections` asks, waits, asks again.
    """

    host: str
    port: int
    requests: list[str]
    seconds: float
    per_second: float = 0.0
    connections: int = 50


@dataclass
class Outcome:
    """Seconds of each answer, how many there were by status, and how busy the asking process was.

    In the open loop an answer's time begins when the request was due: a server that stands still is not
    asked less.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    took: float = 0.0
    busy: float = 0.0

    def at(self, share: float) -> float:
        """Quantile of the answers' times, in ms."""
        return 1000 * sorted(self.seconds)[min(int(len(self.seconds) * share), len(self.seconds) - 1)]

    @property
    def errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if not status.startswith(("2", "304")))


class _Connection:
    """One keep-alive connection: one request at a time."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> str:
        """The status of the answer, or the error's name."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._load.host, self._load.port, limit=2**24)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await _body(reader, head)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._streams = None
            return type(error).__name__
        if b"\r\nconnection: close" in head:
            self._streams = None
        return head[9:12].decode()


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    _, found, after = head.partition(b"\r\ncontent-length:")
    if found:
        await reader.readexactly(int(after.partition(b"\r\n")[0]))
    elif b"\r\ntransfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()


async def run(load: Load) -> Outcome:
    outcome, statuses, requests = Outcome(), Counter[str](), cycle([text.encode() for text in load.requests])
    free = [_Connection(load) for _ in range(load.connections)]
    begun, busy = time.perf_counter(), time.process_time()

    async def one(connection: _Connection, due: float) -> None:
        statuses[await connection.ask(next(requests))] += 1
        outcome.seconds.append(time.perf_counter() - due)
        free.append(connection)

    async def again(connection: _Connection) -> None:
        while (now := time.perf_counter()) < begun + load.seconds:
            await one(connection, now)

    if load.per_second:
        tasks = []
        for number in range(int(load.per_second * load.seconds)):
            due = begun + number / load.per_second
            await asyncio.sleep(due - time.perf_counter())
            connection = free.pop() if free else _Connection(load)
            tasks.append(asyncio.create_task(one(connection, due)))
    else:
        tasks = [asyncio.create_task(again(connection)) for connection in list(free)]
    await asyncio.gather(*tasks)
    outcome.statuses, outcome.took = dict(statuses), time.perf_counter() - begun
    outcome.busy = (time.process_time() - busy) / outcome.took
    return outcome


def request(path: str, headers: dict[str, str], body: Any = None) -> str:
    """A GET, or a POST where there is a body: text as it is, whose type the headers say, else JSON."""
    text = "" if body is None else body if isinstance(body, str) else json.dumps(body)
    given = {"Host": "localhost", **headers}
    if body is not None:
        given = {"Content-Type": "application/json", **given, "Content-Length": str(len(text))}
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items())]
    return "\r\n".join([*lines, "", text])


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(run(Load(**json.load(sys.stdin)))))))
