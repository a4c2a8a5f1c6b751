"""A server that is killed while it writes: uploads, sessions, portfolios, users are whole or not there."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.load.client import request
from sigmasight_core import calendar
from sigmasight_core.tables import DailyPrices, PortfolioSnapshots
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.api_house import (
    DATES,
    IMPACTS,
    MINE,
    OTHERS,
    PASSWORD,
    add_portfolios,
    add_sessions,
    add_users,
)
from sigmasight_dagster_tests.support.running_api import RunningApi, running_api
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp


@dataclass(frozen=True, eq=False)
class Write:
    """A request that writes, and how many rows it stores of what, or none of any.

    :param path: and `body`: of the n-th request; a text is a CSV. :param rows: by what stands after FROM.
    :param tells: what tells whose rows they are: an SQL expression, and its value for the n-th request.
    """

    path: str
    body: Callable[[int], Any]
    rows: dict[str, int]
    user: str | None = None
    tells: tuple[str, str] = ("run_id", "{path}-{n}")
    asked: int = 8

    def marked(self, n: int) -> str:
        return f"{self.path.rpartition('/')[2]}-{n}"

    def name(self, n: int) -> str:
        return self.tells[1].format(path=self.path.rpartition("/")[2], n=n)

    def request(self, n: int, given: dict[str, str]) -> str:
        body = self.body(n)
        kind = {"Content-Type": "text/csv"} if isinstance(body, str) else {}
        head = {**given, **kind, "X-Request-ID": self.marked(n)}
        return request(BASE + self.path.format(n=n), head, body)


def _position(ticker: str) -> dict[str, Any]:
    return {"ticker": ticker, "quantity": 10, "entry_price": 130.0, "entry_date": "2022-12-27"}


LINES = 300
FILE = "ticker,quantity,entry_price,entry_date\n" + "".join(
    f"AAPL,{n},130.03,2022-12-27\n" for n in range(1, LINES + 1)
)
WRITES = (
    Write(
        "/auth/register",
        lambda n: {
            "email": f"new{n}@example.com",
            "password": "twelve letters",
            "portfolios": [MINE, OTHERS],
        },
        {"users": 1, "user_portfolios": 2},
        "admin",
    ),
    Write(
        "/auth/login",
        lambda n: {"email": "editor@example.com", "password": PASSWORD},
        {"refresh_tokens": 1},
    ),
    Write(
        "/management/portfolios",
        lambda n: {"name": f"killed_{n}", "positions": [_position("AAPL"), _position("JPM")], "cash": 5},
        {"portfolios": 1, "positions": 2, "ledger_changes": 3, "user_portfolios": 1},
        "editor",
        ("portfolio", "killed_{n}"),
    ),
    Write(
        "/management/portfolios/upload?portfolio=upload_{n}",
        lambda n: FILE,
        {"portfolios": 1, "positions": LINES, "ledger_changes": LINES + 1, "user_portfolios": 1},
        "editor",
        ("portfolio", "upload_{n}"),
        asked=3,
    ),
    Write(
        "/modeling/sessions/open_{n}/trades",
        lambda n: {"trades": [{"symbol": "AAPL", "quantity": 5}, {"symbol": "SPY", "quantity": -1}]},
        {"(SELECT session_id, jsonb_array_elements(trades::jsonb) FROM modeling_sessions) AS t": 2},
        "editor",
        ("session_id", "open_{n}"),
    ),
    Write(
        "/modeling/sessions/done_{n}/save",
        lambda n: {"name": f"saved_{n}"},
        {
            "what_if_sessions": 1,
            "what_if_trades": 1,
            "what_if_results": IMPACTS,
            "(SELECT saved_as AS session FROM modeling_sessions) AS s": 1,
        },
        "editor",
        ("session", "saved_{n}"),
    ),
)
MOMENTS = ((1, "save"), (2, "upload"))
"""Seed of the order of the requests and of when the server is killed, and which one is to be done before."""


def _stored(url: str, write: Write, numbers: Iterable[int]) -> dict[str, dict[str, int]]:
    """Rows of each table, of each request that stored any."""
    found: dict[str, dict[str, int]] = {}
    asked = {write.name(n) for n in numbers}
    column = write.tells[0]
    for table in write.rows:
        counts = f"SELECT {column}, count(*) FROM {table} GROUP BY {column}"
        for name, count in sql(url, "SET search_path TO sigmasight", counts):
            if name in asked:
                found.setdefault(name, {})[table] = count
    return found


def _publish_prices(url: str) -> None:
    """What trades are checked by: random closes up to the newest date, and snapshots of it."""
    warehouse, days = Warehouse(url), calendar.sessions("2022-11-01", DATES[-1])
    prices = random_rows(DailyPrices, days)
    place = prices.groupby("date").cumcount()
    prices["symbol"] = prices["symbol"].mask(place == 0, "AAPL").mask(place == 1, "SPY")
    warehouse.replace(DailyPrices, prices, days, None, stamp())
    warehouse.replace(
        PortfolioSnapshots, random_rows(PortfolioSnapshots, DATES, (MINE,)), DATES, [MINE], stamp()
    )
    warehouse.close()


def _without_server(url: str) -> None:
    """Until the database has ended what the killed server had begun."""
    theirs = "SELECT 1 FROM pg_stat_activity WHERE application_name IN ('sigmasight', 'sigmasight-api')"
    until = time.monotonic() + 60
    while sql(url, theirs + " AND datname = current_database()"):
        assert time.monotonic() < until, "the killed server is still at work"
        time.sleep(0.02)


def _kill_during_writes(url: str, server: RunningApi, seed: int, first: str) -> int:
    """Each request is stored whole or not at all. :returns: how many were."""
    rng = random.Random(seed)
    numbers = {write: range(100 * seed, 100 * seed + write.asked) for write in WRITES}
    given = {name: server.headers(name) for name in ("admin", "editor")}
    texts = [write.request(n, given.get(write.user, {})) for write, ns in numbers.items() for n in ns]
    rng.shuffle(texts)
    for text in texts:
        threading.Thread(target=_shout, args=(server.port, text), daemon=True).start()
    until = time.monotonic() + 240
    while not any(first in write.path and _stored(url, write, ns) for write, ns in numbers.items()):
        states = "SELECT portfolio, state, result FROM sigmasight.uploads"
        assert time.monotonic() < until, f"nothing stored by {first}: {sql(url, states)}"
        time.sleep(0.02)
    time.sleep(rng.uniform(0.0, 0.1))
    server.kill()
    _without_server(url)
    found = {write: _stored(url, write, ns) for write, ns in numbers.items()}
    for write, stored in found.items():
        assert {name: rows for name, rows in stored.items() if rows != write.rows} == {}, write.path
    return sum(map(len, found.values()))


def _finish_uploads(url: str, server: RunningApi) -> None:
    """None is left as received; what was not stored is stored by a second try, once."""
    (write,) = (write for write in WRITES if "upload" in write.path)
    with httpx2.Client(base_url=server.url, headers=server.headers("editor"), timeout=60) as client:
        for upload_id, portfolio in sql(url, "SELECT upload_id, portfolio FROM sigmasight.uploads"):
            found = client.get(f"/management/portfolios/upload/{upload_id}").json()
            assert found["state"] in ("stored", "failed"), found
            if found["state"] == "failed":
                again = client.post(f"/management/onboarding/{upload_id}/retry").json()
                assert again["state"] == "stored", again
            n = int(portfolio.removeprefix("upload_"))
            assert _stored(url, write, [n]) == {portfolio: write.rows}


def test_a_server_that_is_killed_leaves_nothing_half_stored(shared_url: str, tmp_path: Path) -> None:
    """At two moments; each next start answers, and says of each upload what has become of it."""
    database = shared_url
    add_portfolios(database)
    add_users(database)
    _publish_prices(database)
    whole = 0
    for seed, first in MOMENTS:
        add_sessions(database, range(100 * seed, 100 * seed + 8))
        with running_api(database, tmp_path) as server:
            _finish_uploads(database, server)
            whole += _kill_during_writes(database, server, seed, first)
    assert whole < len(MOMENTS) * sum(write.asked for write in WRITES), "all was done before each kill"
    with running_api(database, tmp_path) as server:
        _finish_uploads(database, server)


def _shout(port: int, text: str) -> None:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as caller:
        caller.sendall(text.encode())
        caller.recv(100)
