"""Lists in pages: each row comes once, in order, whatever is added meanwhile; a wrong cursor is named."""

from typing import Any

import pandas as pd
import pytest

from sigmasight_core.tables import Alerts
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.api.paging import cursor_of
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.automation import asked_jobs
from sigmasight_dagster.runs.batches import Asked
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster_tests.support.api_house import DATES, MINE, OTHERS, ApiHouse
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp


def pages(api: ApiHouse, path: str, name: str, **given: Any) -> list[list[Any]]:
    """Every page of a list, by the links."""
    found, following = [], f"{path}?{'&'.join(f'{key}={value}' for key, value in given.items())}"
    while following:
        answer = api.get(following, name)
        assert answer.status_code == 200, answer.text
        found.append(answer.json())
        link = answer.headers.get("link", "")
        assert link == "" or link.endswith('; rel="next"')
        following = link.partition(">")[0].removeprefix(f"<{BASE}")
    return found


def test_alerts_come_in_pages(api: ApiHouse) -> None:
    rows = random_rows(Alerts, DATES).assign(
        rule=[f"rule_{n}" for n in range(len(random_rows(Alerts, DATES)))], portfolio=MINE, state="firing"
    )
    kept = pd.concat([rows.assign(date=day) for day in DATES], ignore_index=True).assign(
        comparison=">", severity="info", failed_run="", subject="", value=1.0, threshold=0.5
    )
    api.warehouse.save_alerts(kept, {}, stamp())
    (whole,) = pages(api, "/management/alerts", "reader", limit=1000)
    assert len(whole) == len(kept)
    assert [(row["date"], row["rule"]) for row in whole] == [
        (f"{day:%Y-%m-%d}", rule) for day in DATES[::-1] for rule in sorted(rows["rule"])
    ]
    found = pages(api, "/management/alerts", "reader", limit=3, severity="info")
    assert [len(page) for page in found[:-1]] == [3] * (len(found) - 1)
    assert [row for page in found for row in page] == whole
    assert pages(api, "/management/alerts", "other", limit=1) == [[]]


def test_files_that_were_taken_come_in_pages(api: ApiHouse) -> None:
    same = "'2022-12-28 10:00:00.123456+00'"  # of one moment the id tells them apart
    sql(
        api.url,
        "INSERT INTO sigmasight.activity (occurred_at, activity_id, email, action, target, status_code, "
        "request_id, client, run_id, code_version, computed_at) "
        f"SELECT CASE WHEN n < 4 THEN {same}::timestamptz ELSE now() END, 'a' || n, 'reader@example.com', "
        "'GET /api/v1/export/portfolio/{portfolio}', 'x', 200, 'r' || n, '', 't', '0', now() "
        "FROM generate_series(1, 7) AS n",
        "SELECT 1",
    )
    found = [row["request_id"] for page in pages(api, "/export/history", "reader", limit=2) for row in page]
    assert found == ["r7", "r6", "r5", "r4", "r3", "r2", "r1"]


def test_jobs_come_in_pages_each_in_the_place_of_its_first_run(api: ApiHouse) -> None:
    (asset,) = (asset for asset in RISK_ASSETS if asset.name == "position_greeks")
    layer = [RangeRun("portfolio", (asset,), DATES[n : n + 1], (OTHERS,)) for n in (0, 1)]
    asked, workspaces = Asked("greeks", DATES, (OTHERS,)), api.app.state.services.workspaces

    def ask() -> Any:
        return asked_jobs.ask(api.instance, workspaces.definitions(), layer, asked, "other@example.com")

    begun = [ask() for _ in range(3)]
    first = api.get("/system/batch/history?limit=2", "other")
    begun[0][1]()  # the oldest job goes on: its second run is the newest of all
    ask()
    following = first.headers["link"].partition(">")[0].removeprefix(f"<{BASE}")
    both = [*first.json(), *api.get(following, "other").json()]
    assert [job["job_id"] for job in both] == [job_id for job_id, _ in reversed(begun)]
    assert [len(job["runs"]) for job in both] == [1, 1, 2]
    assert pages(api, "/system/batch/history", "reader", limit=1) == [[]]
    assert len(pages(api, "/system/batch/history", "admin", limit=1)) == 4


@pytest.mark.parametrize("path", ["/management/alerts", "/export/history", "/system/batch/history"])
@pytest.mark.parametrize(
    "cursor",
    ["x", "e30=", "{}", cursor_of([1]), cursor_of(["a", "b"]), cursor_of(["\0"]), cursor_of(["x"] * 5)],
)
def test_a_wrong_cursor_is_named(api: ApiHouse, path: str, cursor: str) -> None:
    answer = api.get(path, params={"cursor": cursor})
    assert answer.status_code == 422, answer.text
    assert [field["field"] for field in answer.json()["fields"]] == ["query.cursor"]


@pytest.mark.parametrize("since", ["0", "1.5", "20221228", "2022-12-28T00:00:00", "2022-02-30"])
def test_a_number_is_no_date(api: ApiHouse, since: str) -> None:
    answer = api.get("/management/alerts", params={"since": since})
    assert answer.status_code == 422, answer.text
    assert [field["field"] for field in answer.json()["fields"]] == ["query.since"]
