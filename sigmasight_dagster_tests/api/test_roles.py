"""Every endpoint of /management and /system: who may ask it, with the expected status beside it."""

from typing import Any

import dagster as dg
import pytest

from sigmasight_dagster.api.app import BASE
from sigmasight_dagster_tests.support.api_house import MINE, ApiHouse

CALLERS = (None, "reader", "editor", "other", "admin")
ID = "0" * 32
POSITION = {"ticker": "NOSUCH", "quantity": 1, "entry_price": 1, "entry_date": "2022-12-27"}
RULE = {
    "id": "one",
    "table": "nothing",
    "column": "x",
    "comparison": ">",
    "threshold": 1,
    "severity": "info",
    "destinations": ["log"],
    "portfolio": [MINE],
}

OPEN = (200, 200, 200, 200, 200)
ALL = (401, 200, 200, 200, 200)
OWNERS = (401, 200, 200, 404, 200)
"""The other user's portfolio is not theirs."""


def editors(own: int) -> tuple[int, int, int, int, int]:
    """Readers may not; editors and admins come to the status that the body deserves."""
    return (401, 403, own, 403, own)


ENDPOINTS: dict[str, tuple[tuple[int, ...], Any]] = {
    "GET /system/health": (OPEN, None),
    "GET /system/batch/status": (ALL, None),
    "GET /system/batch/history": (ALL, None),
    "GET /system/batch/schedule": (ALL, None),
    "POST /system/batch/{batch}": (editors(404), {"portfolios": ["nobodys"]}),
    "GET /system/jobs/{job_id}": ((401, 404, 404, 404, 404), None),
    "GET /system/jobs/{job_id}/result": ((401, 404, 404, 404, 404), None),
    "POST /system/jobs/{job_id}/cancel": (editors(404), None),
    "GET /management/portfolios": (ALL, None),
    "POST /management/portfolios": (editors(409), {"name": MINE, "positions": [POSITION]}),
    "DELETE /management/portfolios/{portfolio}": (editors(409), None),
    "POST /management/portfolios/upload": (editors(422), None),
    "GET /management/portfolios/upload/{upload_id}": ((401, 404, 404, 404, 404), None),
    "GET /management/portfolios/upload/{upload_id}/results": ((401, 404, 404, 404, 404), None),
    "GET /management/onboarding/{upload_id}/preview": ((401, 404, 404, 404, 404), None),
    "POST /management/onboarding/{upload_id}/validate": (editors(404), None),
    "POST /management/onboarding/{upload_id}/complete": (editors(404), None),
    "POST /management/onboarding/{upload_id}/retry": (editors(404), None),
    "GET /management/templates": (ALL, None),
    "GET /management/templates/{name}": (ALL, None),
    "GET /management/history/{portfolio}": (OWNERS, None),
    "GET /management/cash/{portfolio}": (OWNERS, None),
    "PUT /management/cash/{portfolio}": (editors(422), {"amount": 1, "date": "2022-12-25"}),
    "GET /management/positions/{portfolio}": (OWNERS, None),
    "POST /management/positions/{portfolio}": (editors(422), POSITION),
    "PUT /management/positions/{portfolio}/{position_id}": (editors(404), {"quantity": 1}),
    "DELETE /management/positions/{portfolio}/{position_id}": (editors(404), None),
    "PUT /management/positions/{portfolio}/{position_id}/tags": (editors(404), {"tags": []}),
    "GET /management/tags/{portfolio}": (OWNERS, None),
    "POST /management/tags/{portfolio}": (editors(404), {"tag": "x", "position_ids": ["x"]}),
    "DELETE /management/tags/{portfolio}/{tag}": (editors(404), None),
    "GET /management/alerts": (ALL, None),
    "POST /management/alerts/{alert_id}/acknowledge": (editors(404), None),
    "GET /management/alerts/rules": (ALL, None),
    "POST /management/alerts/rules": (editors(422), RULE),
    "DELETE /management/alerts/rules/{rule}": (editors(404), None),
}
"""Status for nobody, a reader, an editor, another reader, an admin; and a body that changes nothing."""

_NAMES = {
    "portfolio": MINE,
    "batch": "greeks",
    "name": "positions",
    "position_id": "x",
    "tag": "x",
    "rule": "x",
}


def test_every_endpoint_is_in_the_table(api: ApiHouse) -> None:
    found = {
        f"{method.upper()} {path.removeprefix(BASE)}"
        for path, methods in api.app.openapi()["paths"].items()
        for method in methods
        if path.startswith((f"{BASE}/management", f"{BASE}/system"))
    }
    assert found == set(ENDPOINTS)


@dg.op
def nothing() -> None:
    """A run of it waits while the table is asked for: a portfolio is not removed while runs compute."""


@pytest.fixture(scope="module")
def waiting_run(api: ApiHouse) -> None:
    @dg.job
    def waits() -> None:
        nothing()

    api.instance.create_run_for_job(waits)


@pytest.mark.usefixtures("waiting_run")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_who_may_ask_what(api: ApiHouse, endpoint: str) -> None:
    wanted, body = ENDPOINTS[endpoint]
    method, path = endpoint.split(" ")
    given = {**_NAMES, "upload_id": ID, "job_id": ID, "alert_id": ID}
    answers = [api.ask(method, path.format(**given), name, json=body) for name in CALLERS]
    assert tuple(answer.status_code for answer in answers) == wanted, answers[-1].text
