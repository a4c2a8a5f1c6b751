"""Reports that are asked for through the API: jobs that make them, and orders for each period."""

from typing import Any

import pytest

from sigmasight_dagster.tags import REPORT_FORMATS_TAG
from sigmasight_dagster.warehouse.access.report_schedules import MOST_SCHEDULES
from sigmasight_dagster_tests.support.api_house import MINE, OTHERS, ApiHouse
from sigmasight_dagster_tests.support.stored_rows import sql

RESULTS = True
ORDERS = "/export/reports/schedule"
GENERATE = "/export/reports/generate"


@pytest.mark.parametrize(
    ("formats", "job_name", "tables"),
    [
        ([], "portfolio", {"portfolio_reports"}),
        (["md", "html", "md"], "report_files", {"portfolio_reports", "report_files"}),
    ],
)
def test_reports_are_made_by_a_job(
    api: ApiHouse, formats: list[str], job_name: str, tables: set[str]
) -> None:
    asked = api.ask("POST", GENERATE, json={"formats": formats})
    assert asked.status_code == 202, asked.text
    job = asked.json()["job"]
    assert asked.json()["report_ids"] == [f"{MINE}_2022-12-28"]
    assert (job["batch"], job["state"], job["portfolios"]) == ("reports", "queued", [MINE])
    (run,) = job["runs"]
    assert set(run["tables"]) == tables
    stored = api.instance.get_run_by_id(run["run_id"])
    assert stored is not None
    assert stored.job_name == job_name
    assert stored.tags["dagster/asset_partition_range_start"] == f"2022-12-28|{MINE}"
    assert stored.tags.get(REPORT_FORMATS_TAG, "") == ("md,html" if formats else "")
    path = f"/system/jobs/{job['job_id']}"
    assert [api.get(path, name).status_code for name in ("editor", "reader")] == [200, 404]
    assert api.ask("POST", f"{path}/cancel").json()["state"] == "canceled"
    assert api.get(f"/export/reports/{MINE}_2022-12-28/status").json()["status"] == "stored"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"portfolios": [OTHERS]}, 404, "no portfolio 'others'"),
        ({"portfolios": [MINE, "../x"]}, 404, "no portfolio '../x'"),
        ({"date": "2022-12-23"}, 409, "no results on 2022-12-23; its newest are of 2022-12-28"),
        ({"date": "2022-12-25"}, 422, "2022-12-25"),
        ({"date": "9999-12-31"}, 422, "9999-12-31"),
        ({"date": 0}, 422, "body.date"),
        ({"formats": ["exe"]}, 422, "body.formats.0"),
        ({"formats": ["md"] * 6}, 422, "body.formats"),
        ({"nothing": 1}, 422, "body.nothing"),
    ],
)
def test_a_report_that_cannot_be_made_is_refused(api: ApiHouse, body: Any, status: int, said: str) -> None:
    before = api.instance.get_runs_count()
    answer = api.ask("POST", GENERATE, json=body)
    assert (answer.status_code, said in answer.json()["detail"]) == (status, True), answer.text
    assert api.instance.get_runs_count() == before


def test_results_that_are_published_in_part_are_refused(api: ApiHouse) -> None:
    taken = "table_name = 'risk_measures' AND portfolio = 'mine' AND date = '2022-12-27'"
    sql(api.url, f"DELETE FROM sigmasight.publications WHERE {taken}", "SELECT 1")
    answer = api.ask("POST", GENERATE, json={"date": "2022-12-27"})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_published")
    assert "without risk_measures" in answer.json()["detail"]


def test_an_order_is_its_users_own(api: ApiHouse) -> None:
    made = api.ask("POST", ORDERS, json={"period": "weekly", "formats": ["html", "xlsx"]})
    assert made.status_code == 201, made.text
    (order,) = made.json()
    assert (order["portfolio"], order["period"], order["formats"]) == (MINE, "weekly", ["html", "xlsx"])
    assert (order["ordered_by"], order["last_report_date"]) == ("editor@example.com", None)
    assert api.get(ORDERS, "editor").json() == [order]
    assert api.get(ORDERS, "admin").json() == [order]
    assert [api.get(ORDERS, name).json() for name in ("reader", "other")] == [[], []]
    (both,) = {len(api.ask("POST", ORDERS, "admin", json={"period": "daily"}).json())}
    assert both == 2
    assert api.get(ORDERS, "editor").json() == [order]
    path = f"{ORDERS}/{order['schedule_id']}"
    admins = [row for row in api.get(ORDERS, "admin").json() if row != order]
    mine, others = sorted(admins, key=lambda row: row["portfolio"])
    assert api.ask("DELETE", f"{ORDERS}/{mine['schedule_id']}").status_code == 404
    statuses = [api.ask("DELETE", path, name).status_code for name in ("other", "editor", "editor")]
    assert statuses == [403, 204, 404]
    assert [
        api.ask("DELETE", f"{ORDERS}/{row['schedule_id']}", "admin").status_code for row in (mine, others)
    ] == [204, 204]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"period": "daily", "portfolios": [OTHERS]}, 404),
        ({"period": "daily", "portfolios": [MINE, OTHERS]}, 404),
        ({"period": "hourly"}, 422),
        ({}, 422),
        ({"period": "daily", "formats": []}, 422),
        ({"period": "daily", "formats": ["pdf"]}, 422),
        ({"period": "daily", "portfolios": ["\0"]}, 422),
    ],
)
def test_a_wrong_order_is_refused(api: ApiHouse, body: Any, status: int) -> None:
    answer = api.ask("POST", ORDERS, json=body)
    assert answer.status_code == status, answer.text
    assert sql(api.url, "SELECT count(*) FROM sigmasight.report_schedules") == [(0,)]


def test_orders_are_no_files_that_were_taken_and_have_a_limit(api: ApiHouse) -> None:
    for _ in range(MOST_SCHEDULES):
        assert api.ask("POST", ORDERS, json={"period": "monthly"}).status_code == 201
    refused = api.ask("POST", ORDERS, json={"period": "monthly"})
    assert (refused.status_code, "take some back" in refused.json()["detail"]) == (409, True)
    assert api.get("/export/history", "editor").json() == []
    sql(api.url, "DELETE FROM sigmasight.report_schedules", "SELECT 1")
