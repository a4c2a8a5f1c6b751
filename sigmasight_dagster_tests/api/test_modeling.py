"""Modeling sessions: who may do what, and that they are a user's own until they are saved.

What they calculate is tested in what_if/test_modeling.py, on real results.
"""

from collections.abc import Iterator
from threading import Event
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from sigmasight_core.tables import PortfolioSnapshots
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.api.calculations import Calculations
from sigmasight_dagster.api.errors import Problem
from sigmasight_dagster_tests.support.api_house import DATES, IMPACTS, MINE, OTHERS, ApiHouse, add_sessions
from sigmasight_dagster_tests.support.stored_rows import random_rows, refusing, sql, stamp

CALLERS = (None, "reader", "editor", "other", "admin")
OPEN = "/modeling/sessions"
TRADES = {"trades": [{"symbol": "AAPL", "quantity": 5}]}

WANTED = {"portfolio": MINE, "target": {"measure": "net_exposure", "value": 1}}

MATRIX: dict[tuple[str, str], tuple[Any, tuple[int, ...]]] = {
    ("POST", ""): ({"portfolio": MINE}, (401, 201, 201, 404, 201)),
    ("GET", ""): (None, (401, 200, 200, 200, 200)),
    ("GET", "/{id}"): (None, (401, 200, 404, 404, 404)),
    # there are no prices here: what needs them is refused once the session is seen
    ("POST", "/{id}/trades"): (TRADES, (401, 409, 404, 404, 404)),
    ("DELETE", "/{id}/trades/{symbol}"): (None, (401, 404, 404, 404, 404)),
    ("POST", "/{id}/calculate"): (None, (401, 409, 404, 404, 404)),
    ("GET", "/{id}/impacts"): (None, (401, 409, 404, 404, 404)),
    ("POST", "/{id}/save"): ({"name": "kept"}, (401, 403, 404, 403, 404)),
    ("POST", "/modeling/suggestions"): (WANTED, (401, 409, 409, 404, 409)),
    ("DELETE", "/{id}"): (None, (401, 204, 404, 404, 404)),
}
"""Body, and the status for each of CALLERS, of a session of the reader."""


def ask(api: ApiHouse, method: str, path: str, name: str | None, body: Any = None) -> Any:
    return api.client.request(method, f"{BASE}{path}", json=body, headers=api.headers(name))


@pytest.fixture(scope="module")
def readers(api: ApiHouse) -> str:
    """A session of the reader; all that is published are snapshots."""
    rows = random_rows(PortfolioSnapshots, DATES, (MINE,))
    api.warehouse.replace(PortfolioSnapshots, rows, DATES, [MINE], stamp())
    made = api.post(OPEN, {"portfolio": MINE}, "reader")
    assert made.status_code == 201, made.text
    return made.json()["session_id"]


@pytest.fixture(autouse=True)
def no_leftovers(api: ApiHouse, readers: str) -> Iterator[None]:
    yield
    sql(api.url, f"DELETE FROM sigmasight.modeling_sessions WHERE session_id <> '{readers}'", "SELECT 1")


def test_every_endpoint_is_in_the_matrix(api: ApiHouse) -> None:
    paths = api.app.openapi()["paths"].items()
    found = {
        (method.upper(), path.removeprefix(BASE).removeprefix(OPEN).replace("{session_id}", "{id}"))
        for path, methods in paths
        for method in methods
        if path.startswith(f"{BASE}/modeling")
    }
    assert found == set(MATRIX)


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_who_may_do_what(api: ApiHouse, readers: str, method: str, path: str) -> None:
    body, wanted = MATRIX[method, path]
    whole = path if path.startswith("/modeling") else OPEN + path
    address = whole.replace("{id}", readers).replace("{symbol}", "AAPL")
    order = [name for name in CALLERS if name != "reader"] + ["reader"]  # who may delete it comes last
    found = {name: ask(api, method, address, name, body).status_code for name in order}
    assert found == dict(zip(CALLERS, wanted, strict=True))


def test_a_session_is_of_the_newest_date_and_listed_for_its_user_alone(api: ApiHouse) -> None:
    made = api.post(OPEN, {"portfolio": MINE}, "editor").json()
    assert (made["trade_date"], made["trades"], made["calculated"]) == ("2022-12-28", [], False)
    assert made["created_at"].endswith("Z")
    listed = api.get(OPEN, "editor", params={"portfolio": MINE}).json()
    assert made["session_id"] in [one["session_id"] for one in listed]
    assert made["session_id"] not in [one["session_id"] for one in api.get(OPEN, "admin").json()]
    assert api.get(OPEN, "editor", params={"portfolio": OTHERS}).status_code == 404
    sql(api.url, "DELETE FROM sigmasight.user_portfolios WHERE email = 'editor@example.com'", "SELECT 1")
    assert api.get(f"{OPEN}/{made['session_id']}", "editor").status_code == 404
    assert api.get(OPEN, "editor").json() == []
    sql(
        api.url,
        f"INSERT INTO sigmasight.user_portfolios VALUES ('editor@example.com', '{MINE}', 't', '0', now())",
        "SELECT 1",
    )


def test_a_session_is_saved_with_its_name_or_not_at_all(api: ApiHouse) -> None:
    add_sessions(api.url, [1])
    saved = "SELECT count(*) FROM sigmasight.what_if_results WHERE session = 'whole'"
    # to draw the traceback takes longer than the request
    with refusing(api.url, "UPDATE OF saved_as ON sigmasight.modeling_sessions"), capture_logs():
        assert api.post(f"{OPEN}/done_1/save", {"name": "whole"}, "editor").status_code >= 500
    assert sql(api.url, saved) == [(0,)]
    done = api.post(f"{OPEN}/done_1/save", {"name": "whole"}, "editor")
    assert (done.status_code, done.json()["saved_as"]) == (201, "whole")
    assert sql(api.url, saved) == [(IMPACTS,)]


@pytest.mark.parametrize(
    "trade",
    [
        {"symbol": "AAPL"}, {"symbol": "AAPL", "quantity": "NaN"}, {"symbol": "A\0", "quantity": 1},
        {"symbol": "A\nB", "quantity": 1}, {"symbol": "AAPL", "quantity": 1, "price": 0},
        {"symbol": "AAPL", "quantity": 1e300}, {"symbol": "", "quantity": 1},
        {"symbol": "AAPL", "quantity": 1, "side": "buy"},
    ],
)  # fmt: skip
def test_a_wrong_trade_is_refused_with_its_field(api: ApiHouse, trade: dict[str, Any]) -> None:
    made = api.post(OPEN, {"portfolio": MINE}, "editor").json()
    path = f"{OPEN}/{made['session_id']}/trades"
    answer = api.post(path, {"trades": [{"symbol": "SPY", "quantity": 1}, trade]}, "editor")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["fields"][0]["field"].startswith("body.trades.1")
    assert api.get(f"{OPEN}/{made['session_id']}", "editor").json()["trades"] == []


def test_a_user_has_a_hundred_sessions_and_old_ones_make_room(api: ApiHouse) -> None:
    row = (
        "INSERT INTO sigmasight.modeling_sessions SELECT 'n' || n, 'editor@example.com', 'mine', "
        "'2022-12-28', '[]', 0, NULL, NULL, now(), now(), 't', '0', now() FROM generate_series(1, 100) AS n"
    )
    sql(api.url, row, "SELECT 1")
    full = api.post(OPEN, {"portfolio": MINE}, "editor")
    assert (full.status_code, full.json()["code"]) == (409, "too_many_sessions")
    old = "UPDATE sigmasight.modeling_sessions SET changed_at = now() - interval '31 days'"
    sql(api.url, f"{old} WHERE session_id = 'n1'", "SELECT 1")
    assert api.post(OPEN, {"portfolio": MINE}, "editor").status_code == 201
    assert api.get(f"{OPEN}/n1", "editor").status_code == 404


def test_one_calculation_too_many_is_told_when_to_come_again() -> None:
    async def ask_three_times() -> list[Any]:
        slots, answers = Calculations(2), list[Any]()

        async def one() -> None:
            try:
                answers.append(await slots.run(blocker.wait, 5))
            except Problem as problem:
                answers.append((problem.status, problem.headers["Retry-After"]))
                blocker.set()

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(one)
        answers.append(await slots.run(lambda: "free again"))
        return answers

    blocker = Event()
    assert anyio.run(ask_three_times) == [(503, "10"), True, True, "free again"]
