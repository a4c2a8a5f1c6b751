"""A page that the user visits cannot use the UI, by any of the ways that browsers have; the UI itself can."""

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from sigmasight_dagster.instance.dev_services import OUR_WEBSERVER, STOCK_WEBSERVER, start
from sigmasight_dagster.instance.web_guard import SETTING, WebGuard

HERE = "http://127.0.0.1:3000"
EVIL = "http://evil.example"
MUTATION = "mutation { deleteRun(runId: 1) { __typename } }"


async def answer(request: Request) -> PlainTextResponse:
    return PlainTextResponse("done")


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("done")
    await websocket.close()


def client(*hosts: str, base_url: str = HERE) -> TestClient:
    routes = [Route("/graphql", answer, methods=["GET", "POST"]), WebSocketRoute("/graphql", talk)]
    return TestClient(WebGuard(Starlette(routes=routes), hosts), base_url=base_url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:3000", "localhost", "LocalHost:80", "localhost.", "[::1]:3000", "127.9.9.9"]
)
def test_this_machine_is_answered(host: str) -> None:
    assert client().get("/graphql", headers={"host": host}).text == "done"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example:3000",
        "a:b",
        "10.0.0.1",
        "[::2]",
        "[",
    ],
)
def test_another_name_is_refused_with_the_setting(host: str) -> None:
    refused = client().get("/graphql", headers={"host": host})
    assert refused.status_code == 403
    assert SETTING in refused.text


def test_a_name_of_the_setting_is_answered_behind_tls_too() -> None:
    named = client("Risk.example.com", base_url="http://risk.example.com")
    assert named.post("/graphql", headers={"origin": "https://risk.example.com"}).text == "done"
    assert named.get("/graphql", headers={"host": "other.example.com"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://localhost:3000"},
        {"origin": "chrome-extension://127.0.0.1:3000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        {"referer": f"{EVIL}/page"},
        {"referer": f"{EVIL}/?{HERE}/"},
    ],
)
def test_a_page_of_another_site_changes_nothing(headers: dict[str, str]) -> None:
    assert client().post("/graphql", json={"query": MUTATION}, headers=headers).status_code == 403
    if "origin" in headers:
        assert client().get("/graphql", headers=headers).status_code == 403
        with pytest.raises(WebSocketDisconnect), client().websocket_connect("/graphql", headers=headers):
            pass


def test_another_page_may_link_here_and_no_more() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "referer": EVIL}
    assert client().get("/graphql", headers=link).text == "done"
    image = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
    assert client().get("/graphql", headers=image).status_code == 403


@pytest.mark.parametrize(
    "headers", [{}, {"origin": HERE, "sec-fetch-site": "same-origin"}, {"referer": f"{HERE}/runs"}]
)
def test_the_ui_and_programs_may(headers: dict[str, str]) -> None:
    assert client().post("/graphql", json={"query": MUTATION}, headers=headers).text == "done"
    address = {"headers": {"host": "127.0.0.1:3000", **headers}}
    with client().websocket_connect("/graphql", **address) as websocket:
        assert websocket.receive_text() == "done"


@pytest.mark.parametrize(
    "query", [MUTATION, f"query A {{ x }} {MUTATION}", "subscription { x }", f"# query\n{MUTATION}"]
)
def test_a_get_changes_nothing(query: str) -> None:
    assert client().get("/graphql", params={"query": query}).status_code == 403
    assert client().get("/graphql", params=[("query", query), ("query", "{ x }")]).status_code == 403


@pytest.mark.parametrize("query", ["{ mutation }", "query A { x }", "mutation {", "fragment F on T { x }"])
def test_a_get_reads(query: str) -> None:
    assert client().get("/graphql", params={"query": query}).text == "done"


def test_dagster_starts_our_webserver_in_place_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(
        "sigmasight_dagster.instance.dev_services._start", lambda command, **_: started.append(command)
    )
    start(["python", *STOCK_WEBSERVER, "-p", "3000"], pass_fds=[1])
    start(["python", "-m", "dagster._daemon", "run"])
    assert started == [["python", *OUR_WEBSERVER, "-p", "3000"], ["python", "-m", "dagster._daemon", "run"]]
