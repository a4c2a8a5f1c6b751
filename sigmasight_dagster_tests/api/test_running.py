"""A running server in bad weather: a thousand at once, slow and greedy callers, no database."""

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.load.client import Load, request, run
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.access import pool
from sigmasight_dagster.warehouse.access.turns import Turns
from sigmasight_dagster.warehouse.errors import WarehouseUnavailable
from sigmasight_dagster_tests.support.api_house import (
    add_portfolios,
    add_users,
    api_on,
)
from sigmasight_dagster_tests.support.running_api import RunningApi, running_api


@pytest.fixture(scope="module")
def database(shared_url: str) -> str:
    """Its URL: two portfolios and the users."""
    add_portfolios(shared_url)
    add_users(shared_url)
    return shared_url


@pytest.fixture(scope="module")
def server(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    with running_api(database, tmp_path_factory.mktemp("serve")) as running:
        yield running


def ask(server: RunningApi, *requests: str, **how: Any) -> Counter[str]:
    """Statuses of the answers."""
    outcome = asyncio.run(run(Load("127.0.0.1", server.port, list(requests), **how)))
    return Counter(outcome.statuses)


def test_a_thousand_requests_at_once_are_served_in_turn(server: RunningApi) -> None:
    me = request(f"{BASE}/auth/me", server.headers("reader"))
    assert ask(server, me, seconds=0.01, per_second=100_000, connections=0) == {"200": 1000}
    assert set(ask(server, me, seconds=0.2, connections=1)) == {"200"}


def test_a_body_of_50_mb_is_refused_at_once(server: RunningApi) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as caller:
        head = f"POST {BASE}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        caller.sendall(f"{head}Content-Length: 50000000\r\n\r\n{{".encode())
        assert caller.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_slow_callers_hold_up_nobody(server: RunningApi) -> None:
    """Twice as many as there are connections to the database: they have none of them."""
    head = f"POST {BASE}/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(16):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), 10))
            slow.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        me = request(f"{BASE}/auth/me", server.headers("reader"))
        assert set(ask(server, me, seconds=0.2, connections=4)) == {"200"}


def test_a_database_that_stops_and_comes_back_is_found_again(
    stopped_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    postgres = stopped_server
    postgres.start()
    url = postgres.url("sigmasight")
    warehouse = Warehouse(url)
    warehouse.migrate()
    warehouse.close()
    add_portfolios(url)
    add_users(url)
    with api_on(url, tmp_path, api_connections=2) as api, ThreadPoolExecutor(12) as threads:
        assert api.get("/auth/me").status_code == 200
        postgres.stop()
        begun = time.monotonic()
        for gone in threads.map(lambda _: api.get("/auth/me"), range(12)):
            assert (gone.status_code, gone.json()["code"]) == (503, "unavailable")
            assert int(gone.headers["retry-after"]) > 0
        assert time.monotonic() - begun < 2.5 * pool.WAIT_SECONDS, "nobody waits for a turn to hear of it"
        postgres.start()
        until = time.monotonic() + 20
        while api.get("/auth/me").status_code != 200:
            assert time.monotonic() < until, "not found again"
            time.sleep(0.1)


def test_turns_come_in_order_and_are_bounded() -> None:
    async def scene() -> list[str]:
        turns, told = Turns(1, 2, 0.05), []

        async def come(name: str, stay: float) -> None:
            try:
                async with turns.turn():
                    told.append(name)
                    await asyncio.sleep(stay)
            except WarehouseUnavailable as error:
                told.append(f"{name}: {error}")

        await asyncio.gather(*(come(name, 0.01) for name in "abcd"))
        await asyncio.gather(come("e", 0.1), come("f", 0))
        holding = asyncio.create_task(come("g", 0.01))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(come(name, 0)) for name in "hi"]
        await asyncio.sleep(0)
        waiting[0].cancel()
        turns.send_away("gone")
        await asyncio.gather(holding, *waiting, return_exceptions=True)
        await come("j", 0)
        return told

    wanted = ["a", "d: 2 requests wait for the database already", "b", "c"]
    wanted += ["e", "f: no turn at the database in 0.05 s", "g", "i: gone", "j"]
    assert asyncio.run(scene()) == wanted
