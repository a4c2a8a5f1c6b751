"""The fault server does what it is told: checked with the standard library's client, not with ours."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Request

ROWS = [{"date": f"2022-10-{day:02}", "close": float(day)} for day in (3, 4, 5, 6, 7)]


def handler(request: Request) -> object:
    return None if request.path.endswith("NONE") else {"rows": request.spoil(ROWS)}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer({"/bars/": handler}) as running:
        yield running


def get(server: FaultServer, path: str = "/bars/A?x=1") -> list[dict[str, object]]:
    with urllib.request.urlopen(server.url + path, timeout=0.3) as answer:
        return json.loads(answer.read())["rows"]


def status(server: FaultServer, path: str = "/bars/A") -> int:
    with pytest.raises(urllib.error.HTTPError) as raised:
        get(server, path)
    return raised.value.code


def test_good_answers_and_the_record_of_requests(server: FaultServer) -> None:
    assert get(server) == ROWS
    assert status(server, "/bars/NONE") == 404
    assert [request.query for request in server.requests] == [{"x": "1"}, {}]
    assert server.attempts("/bars/A") == 1


@pytest.mark.parametrize("name", ["401", "403", "404", "500 always", "429 for an hour"])
def test_statuses(server: FaultServer, name: str) -> None:
    server.use(FAULTS[name])
    assert status(server) == FAULTS[name].status == status(server)


@pytest.mark.parametrize("name", ["500 then good", "429 seconds", "429 date"])
def test_once_then_good(server: FaultServer, name: str) -> None:
    server.use(FAULTS[name], "/bars/")
    assert status(server) == FAULTS[name].status
    assert get(server) == ROWS


def test_bodies_that_do_not_come(server: FaultServer) -> None:
    server.use(FAULTS["slow"])
    with pytest.raises(TimeoutError):
        get(server)
    server.use(FAULTS["cut off"])
    with pytest.raises(http.client.IncompleteRead):
        get(server)
    server.use(FAULTS["truncated json"])
    with pytest.raises(json.JSONDecodeError):
        get(server)


def test_faults_in_the_data(server: FaultServer) -> None:
    def rows(name: str) -> list[object]:
        server.use(FAULTS[name])
        return [row["close"] for row in get(server)]

    assert rows("negative price") == [3, 4, 5, -1, 7]
    assert rows("out of order") == [3, 4, 6, 5, 7]
    assert rows("two rows of a session") == [3, 4, 5, 6, 12, 7]
    assert rows("empty") == []
