"""Managing portfolios: who may, by the ledger's own rules, and that what is refused changes nothing."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from structlog.testing import capture_logs

from sigmasight_core.tables import PortfolioSnapshots, TreasuryYields, validate
from sigmasight_dagster.alerts import evaluate
from sigmasight_dagster.api import jobs
from sigmasight_dagster.assets.catalogue import RISK_ASSETS
from sigmasight_dagster.automation import asked_jobs
from sigmasight_dagster.checks import late_data
from sigmasight_dagster.ledger import received
from sigmasight_dagster.runs.batches import Asked
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.tags import ASKED_BY_TAG, JOB_TAG
from sigmasight_dagster_tests.support.api_house import DATES, MINE, OTHERS, ApiHouse
from sigmasight_dagster_tests.support.stored_rows import random_rows, refusing, sql, stamp

CSV = "ticker,quantity,entry_price,entry_date,tags\n"
GOOD = CSV + 'AAPL,10,130.03,2022-12-27,"core,tech"\nJPM,-5,130.00,2022-12-27,core\n'
BAD = GOOD + "NOSUCH,1,1,2022-12-27,\nAAPL,1,x,2022-12-27,\n"
POSITION = {"ticker": "MSFT", "quantity": 3, "entry_price": 241.01, "entry_date": "2022-12-27"}
LEDGER = ("portfolios", "positions", "transactions", "ledger_changes", "user_portfolios")


def ledger(api: ApiHouse) -> list[Any]:
    """Every row of the ledger and of who owns what."""
    return [sql(api.url, f"SELECT t::text FROM sigmasight.{name} AS t ORDER BY 1") for name in LEDGER]


def send(api: ApiHouse, name: str, text: str | bytes, /, **options: Any) -> Any:
    """Upload a CSV: its first answer."""
    given = {**options, "portfolio": name}
    headers = {"Content-Type": "text/csv"}
    return api.ask("POST", "/management/portfolios/upload", params=given, content=text, headers=headers)


@pytest.fixture
def fund(api: ApiHouse) -> Iterator[str]:
    """A portfolio of the editor's with two positions."""
    made = send(api, "fund", GOOD, cash=1000).json()
    state = api.get(f"/management/portfolios/upload/{made['upload_id']}/results", "editor").json()
    assert state["state"] == "stored", state
    yield "fund"
    gone = api.ask("DELETE", "/management/portfolios/fund")
    assert gone.status_code == 200, gone.text


def test_an_upload_becomes_the_portfolio_of_who_sent_it(api: ApiHouse, fund: str) -> None:
    found = api.get(f"/management/positions/{fund}", "editor").json()
    assert [(row["symbol"], row["quantity"], row["tags"]) for row in found] == [
        ("AAPL", 10.0, ["core", "tech"]),
        ("JPM", -5.0, ["core"]),
    ]
    assert fund in api.get("/auth/me", "editor").json()["portfolios"]
    assert api.get(f"/management/positions/{fund}").status_code == 404
    (first, *_) = api.get(f"/management/history/{fund}", "editor").json()
    assert first["command"].startswith("API, editor@example.com: upload ")


def test_bad_rows_are_told_with_line_column_and_reason_and_nothing_is_stored(api: ApiHouse) -> None:
    before = ledger(api)
    made = send(api, "bad", BAD)
    assert made.status_code == 202
    path = f"/management/portfolios/upload/{made.json()['upload_id']}"
    assert api.get(path, "editor").json()["state"] == "refused"
    errors = api.get(f"{path}/results", "editor").json()["result"]["errors"]
    assert [(row["line"], row["column"]) for row in errors] == [(4, "ticker"), (5, "entry_price")]
    assert all(row["reason"] for row in errors)
    assert api.get(path, "admin").status_code == 404
    assert ledger(api) == before


def test_an_upload_can_be_checked_first_and_stored_later(api: ApiHouse) -> None:
    before = ledger(api)
    made = send(api, "later", GOOD, store=False).json()
    path = f"/management/onboarding/{made['upload_id']}"
    assert api.ask("POST", f"{path}/validate").json()["state"] == "checked"
    assert [row["symbol"] for row in api.get(f"{path}/preview", "editor").json()] == ["AAPL", "JPM"]
    assert ledger(api) == before
    done = api.ask("POST", f"{path}/complete").json()
    assert (done["state"], done["result"]["stored"]) == ("stored", "created")
    assert api.ask("POST", f"{path}/retry").status_code == 409
    assert api.ask("DELETE", "/management/portfolios/later").status_code == 200


def test_a_file_of_a_form_is_taken_and_one_that_was_stored_before_a_kill_is_not_stored_twice(
    api: ApiHouse,
) -> None:
    path, given = "/management/portfolios/upload", {"portfolio": "form"}
    made = api.ask("POST", path, params=given, files={"file": ("../../x.csv", GOOD, "text/csv")}).json()
    state, path = f"{path}/{made['upload_id']}", f"/management/onboarding/{made['upload_id']}"
    killed = "UPDATE sigmasight.uploads SET state = 'received', content = 'x', changed_at = now() - interval"
    sql(api.url, f"{killed} '0 s'", "SELECT 1")
    assert api.get(state, "editor").json()["state"] == "received"
    sql(api.url, f"{killed} '1 day'", "SELECT 1")
    assert api.get(state, "editor").json()["state"] == "failed"
    (error,) = api.get(f"{state}/results", "editor").json()["result"]["errors"]
    assert error["reason"].startswith("the server stopped before it was done: POST onboarding/{id}/retry")
    assert api.ask("POST", f"{path}/retry").json()["state"] == "stored"
    assert api.get(state, "editor").json()["state"] == "stored"
    assert api.get("/management/history/form", "editor").json()[-1]["change"] == 1
    assert api.ask("DELETE", "/management/portfolios/form").status_code == 200


def test_a_portfolio_and_its_owner_are_stored_together_or_not_at_all(api: ApiHouse) -> None:
    before = ledger(api)
    body = {"name": "together", "positions": [POSITION]}
    # to draw the traceback takes longer than the request
    with refusing(api.url, "INSERT ON sigmasight.user_portfolios"), capture_logs():
        assert api.ask("POST", "/management/portfolios", json=body).status_code >= 500
        made = send(api, "together", GOOD).json()
        state = api.get(f"/management/portfolios/upload/{made['upload_id']}", "editor").json()["state"]
        assert (state, ledger(api)) == ("failed", before)
    done = api.ask("POST", f"/management/onboarding/{made['upload_id']}/retry").json()
    assert (done["state"], done["result"]["stored"]) == ("stored", "created")
    assert api.get("/management/positions/together", "editor").status_code == 200
    assert api.ask("DELETE", "/management/portfolios/together").status_code == 200


def test_a_file_that_a_defect_of_the_server_ends_can_be_tried_again(
    api: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken, capture_logs() as logged:
        broken.setattr(received, "check", lambda *_: {}["a defect"])
        made = send(api, "defect", GOOD, store=False).json()
    found = api.get(f"/management/portfolios/upload/{made['upload_id']}/results", "editor").json()
    assert (found["state"], found["result"]["errors"][0]["line"]) == ("failed", None)
    assert [row["event"] for row in logged if row["log_level"] == "error"] == ["request failed"]
    again = api.ask("POST", f"/management/onboarding/{made['upload_id']}/retry").json()
    assert again["state"] == "checked", again


def test_a_later_portfolio_of_the_name_is_not_seen_by_who_saw_the_earlier(api: ApiHouse, fund: str) -> None:
    also = f"INSERT INTO sigmasight.user_portfolios VALUES ('reader@example.com', '{fund}', 't', '0', now())"
    sql(api.url, also, "SELECT 1")
    workspace = api.app.state.services.workspaces.open()
    assert workspace.remove_portfolio(fund, "sigmasight remove fund").grants == 2
    body = {"name": fund, "positions": [POSITION]}
    assert api.ask("POST", "/management/portfolios", "admin", json=body).json()["result"] == "created"
    seen = [api.get(f"/management/positions/{fund}", name).status_code for name in ("reader", "editor")]
    assert seen == [404, 404]
    (cash, position) = api.get(f"/management/history/{fund}", "admin").json()
    assert (cash["action"], position["position_id"]) == ("cash", "MSFT@2022-12-27")
    owner = f"UPDATE sigmasight.user_portfolios SET email = 'editor@example.com' WHERE portfolio = '{fund}'"
    sql(api.url, owner, "SELECT 1")


def test_what_was_killed_before_it_made_the_partition_of_a_portfolio_is_made_good(
    api: ApiHouse, fund: str
) -> None:
    api.instance.delete_dynamic_partition("portfolio", fund)
    assert fund in api.app.state.services.workspaces.open().portfolio_order()
    assert fund in api.instance.get_dynamic_partitions("portfolio")


def test_positions_are_added_changed_tagged_and_removed(api: ApiHouse, fund: str) -> None:
    path = f"/management/positions/{fund}"
    added = api.ask("POST", path, json=POSITION)
    assert (added.status_code, added.json()["position_id"]) == (201, "MSFT@2022-12-27")
    changed = api.ask("PUT", f"{path}/MSFT@2022-12-27", json={"quantity": 4})
    assert changed.json()["result"] == "replaced", changed.text
    assert api.ask("PUT", f"{path}/MSFT@2022-12-27/tags", json={"tags": ["tech"]}).status_code == 200
    by_tag = api.get(path, "editor", params={"group_by": "tag"}).json()
    assert {group["group"]: group["n_positions"] for group in by_tag} == {"core": 2, "tech": 2}
    by_type = api.get(path, "editor", params={"group_by": "position_type"}).json()
    assert {group["group"]: group["n_positions"] for group in by_type} == {"LONG": 2, "SHORT": 1}
    for match, symbols in (("any", ["AAPL", "JPM", "MSFT"]), ("all", ["AAPL"])):
        found = api.get(path, "editor", params={"tag": ["core", "tech"], "match": match}).json()
        assert [row["symbol"] for row in found] == symbols
    assert api.ask("DELETE", f"{path}/MSFT@2022-12-27").status_code == 200
    assert api.ask("DELETE", f"{path}/MSFT@2022-12-27").status_code == 404
    commands = {row["command"] for row in api.get(f"/management/history/{fund}", "editor").json()}
    assert "API, editor@example.com: DELETE /management/positions/fund/MSFT@2022-12-27" in commands


def test_a_tag_goes_to_several_positions_and_from_all(api: ApiHouse, fund: str) -> None:
    path = f"/management/tags/{fund}"
    ids = [row["position_id"] for row in api.get(f"/management/positions/{fund}", "editor").json()]
    assert api.ask("POST", path, json={"tag": "new", "position_ids": ids}).json()["result"] == "replaced"
    assert {"tag": "new", "n_positions": 2} in api.get(path, "editor").json()
    assert api.ask("POST", path, json={"tag": "no tag", "position_ids": ids}).status_code == 422
    assert api.ask("DELETE", f"{path}/new").status_code == 200
    assert api.ask("DELETE", f"{path}/new").status_code == 404
    assert [row["tag"] for row in api.get(path, "editor").json()] == ["core", "tech"]


def test_a_balance_is_stated(api: ApiHouse, fund: str) -> None:
    stated = api.ask("PUT", f"/management/cash/{fund}", json={"amount": 2500, "date": "2022-12-28"})
    assert stated.json()["result"] == "replaced", stated.text
    rows = api.get(f"/management/cash/{fund}", "editor").json()
    assert (rows[-1]["kind"], rows[-1]["amount"], rows[-1]["date"]) == ("statement", 2500.0, "2022-12-28")


def test_a_balance_without_a_date_is_that_of_the_last_entry_in_the_place_of_one_stated_for_that_day(
    api: ApiHouse, fund: str
) -> None:
    path = f"/management/cash/{fund}"
    last = max(row["entry_date"] for row in api.get(f"/management/positions/{fund}", "editor").json())
    assert api.ask("PUT", path, json={"amount": 2500, "date": last}).json()["result"] == "replaced"
    stated = api.ask("PUT", path, json={"amount": 7})
    assert (stated.status_code, stated.json()["result"]) == (200, "replaced"), stated.text
    tiny = api.ask("PUT", path, json={"amount": 1e-300})
    assert (tiny.status_code, "too close to 0" in tiny.json()["detail"]) == (422, True), tiny.text
    rows = [row for row in api.get(path, "editor").json() if row["kind"] == "statement"]
    assert [row["amount"] for row in rows if row["date"] == last] == [7.0]


def test_a_portfolio_is_registered_by_its_positions(api: ApiHouse) -> None:
    body = {"name": "made", "positions": [POSITION], "cash": 5}
    assert api.ask("POST", "/management/portfolios", json=body).json()["result"] == "created"
    listed = {row["portfolio"]: row for row in api.get("/management/portfolios", "editor").json()}
    assert (listed["made"]["positions"], listed["made"]["cash"], OTHERS in listed) == (1, 5.0, False)
    assert api.ask("DELETE", "/management/portfolios/made").status_code == 200
    assert api.ask("GET", "/management/positions/made", "admin").status_code == 404


REFUSED = {
    "name of another's": ("POST", "/portfolios", {"name": OTHERS, "positions": [POSITION]}, 409),
    "own name": ("POST", "/portfolios", {"name": MINE, "positions": [POSITION]}, 409),
    "traversal": ("POST", "/portfolios", {"name": "../../etc", "positions": [POSITION]}, 422),
    "NUL in a name": ("POST", "/portfolios", {"name": "a\0", "positions": [POSITION]}, 422),
    "long name": ("POST", "/portfolios", {"name": "a" * 64, "positions": [POSITION]}, 422),
    "no position": ("POST", "/portfolios", {"name": "none", "positions": []}, 422),
    "NaN": ("POST", "/portfolios", {"name": "nan", "positions": [POSITION], "cash": "NaN"}, 422),
    "SQL": ("POST", f"/positions/{MINE}", {**POSITION, "ticker": "A'; DROP TABLE x; --"}, 422),
    "NUL": ("POST", f"/positions/{MINE}", {**POSITION, "notes": "a\0b"}, 422),
    "unpriced": ("POST", f"/positions/{MINE}", {**POSITION, "ticker": "NOSUCH"}, 422),
    "infinite": ("POST", f"/positions/{MINE}", {**POSITION, "quantity": "Infinity"}, 422),
    "other's position": ("POST", f"/positions/{OTHERS}", POSITION, 404),
    "unknown position": ("PUT", f"/positions/{MINE}/x'%20OR%201=1", {"quantity": 1}, 404),
    "NUL in a path": ("DELETE", f"/positions/{MINE}/%00", None, 404),
    "last position": ("DELETE", f"/positions/{MINE}/AAPL@2022-12-27", None, 422),
    "nothing": ("PUT", f"/positions/{MINE}/AAPL@2022-12-27", {}, 422),
    "unknown field": ("PUT", f"/positions/{MINE}/AAPL@2022-12-27", {"symbol": "X"}, 422),
    "bad tag": ("PUT", f"/positions/{MINE}/AAPL@2022-12-27/tags", {"tags": ["a b"]}, 422),
    "many tags": ("PUT", f"/positions/{MINE}/AAPL@2022-12-27/tags", {"tags": ["a"] * 21}, 422),
    "other's cash": ("PUT", f"/cash/{OTHERS}", {"amount": 1}, 404),
    "no session": ("PUT", f"/cash/{MINE}", {"amount": 1, "date": "2022-12-25"}, 422),
    "other's": ("DELETE", f"/portfolios/{OTHERS}", None, 404),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_changes_nothing(api: ApiHouse, case: str) -> None:
    method, path, body, status = REFUSED[case]
    before = ledger(api)
    answer = api.ask(method, f"/management{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
    assert ledger(api) == before


UPLOADS: dict[str, tuple[str | bytes, dict[str, Any], int]] = {
    "rows": (CSV + "AAPL,1,1,2022-12-27,\n" * 10_001, {}, 413),
    "bytes": (b"x" * 11_000_000, {}, 413),
    "not UTF-8": (b"\xff\xfe", {}, 422),
    "NUL": (b"a\0b", {}, 422),
    "traversal": (GOOD, {"portfolio": "../x"}, 422),
    "long name": (GOOD, {"portfolio": "x" * 64}, 422),
    "another's": (GOOD, {"portfolio": OTHERS, "replace": True}, 409),
    "own": (GOOD, {"portfolio": MINE}, 409),
    "option": (GOOD, {"nothing": 1}, 422),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_an_upload_is_refused_before_it_is_kept(api: ApiHouse, case: str) -> None:
    text, options, status = UPLOADS[case]
    before, kept = ledger(api), sql(api.url, "SELECT count(*) FROM sigmasight.uploads")
    answer = send(api, options.get("portfolio", "big"), text, **options)
    assert answer.status_code == status, answer.text
    assert ledger(api) == before
    assert sql(api.url, "SELECT count(*) FROM sigmasight.uploads") == kept


NEWEST = {"start_date": "2022-12-28"}


def test_a_job_waits_in_the_queue_and_is_canceled(api: ApiHouse) -> None:
    asked = api.ask("POST", "/system/batch/greeks", json=NEWEST)
    assert asked.status_code == 202, asked.text
    job = asked.json()
    assert (job["state"], job["portfolios"], job["end_date"]) == ("queued", [MINE], "2022-12-28")
    assert "no daemon" in job["detail"]
    (run,) = job["runs"]
    assert {"position_greeks", "expiries"} <= set(run["tables"])
    stored = api.instance.get_run_by_id(run["run_id"])
    assert stored is not None
    assert stored.tags["dagster/asset_partition_range_start"] == f"2022-12-28|{MINE}"
    path = f"/system/jobs/{job['job_id']}"
    assert api.get(f"{path}/result", "editor").status_code == 409
    assert [api.get(path, name).status_code for name in ("editor", "admin", "reader")] == [200, 200, 404]
    waiting = api.get("/system/batch/status", "editor").json()
    assert (waiting["daemon_running"], [row["job_id"] for row in waiting["jobs"]]) == (False, [job["job_id"]])
    assert api.ask("POST", f"{path}/cancel", "reader").status_code == 403
    assert api.ask("POST", f"{path}/cancel").json()["state"] == "canceled"
    (result,) = api.get(f"{path}/result", "editor").json()
    assert (result["state"], result["published_partitions"]) == ("canceled", 0)
    assert api.get("/system/batch/history", "editor").json()[0]["job_id"] == job["job_id"]
    assert {row["name"] for row in api.get("/system/batch/schedule").json()} >= {"daily_market"}


def test_a_job_goes_on_with_its_next_layer_when_every_run_of_the_one_before_has_succeeded(
    api: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = {asset.name: asset for asset in RISK_ASSETS}
    market = RangeRun("market", (by_name["treasury_yields"],), DATES[-1:])
    own = RangeRun("portfolio", (by_name["position_greeks"],), DATES[-1:], (MINE,))
    earlier = RangeRun("market", (by_name["treasury_yields"],), DATES[:1])
    layers = [[market, earlier], [own]]
    monkeypatch.setattr(asked_jobs, "steps", lambda *_: layers)
    services = api.app.state.services.workspaces
    workspace, asked = services.open(), Asked("run-all", DATES[-1:], (MINE,))
    definitions, email = services.definitions(), "editor@example.com"
    stopping = [True]
    job_id, rest = asked_jobs.ask(
        api.instance, definitions, layers[0], asked, email, stopping=lambda: stopping[0]
    )
    of_job = dg.RunsFilter(tags={JOB_TAG: job_id})

    def follows() -> list[dg.RunRequest] | dg.SkipReason:
        """What is asked for when every run that is in the queue has succeeded."""
        runs = api.instance.get_runs(of_job)
        for run in runs:
            done = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name)
            api.instance.report_dagster_event(done, run.run_id)
        return asked_jobs.next_requests(workspace, runs[0])

    (first,) = api.instance.get_runs(of_job)
    assert isinstance(asked_jobs.next_requests(workspace, first), dg.SkipReason)
    requests = follows()  # the server was stopped before it put the rest of the layer into the queue
    assert isinstance(requests, list)
    assert [request.tags["dagster/asset_partition_range_start"] for request in requests] == ["2022-12-27"]
    rest()
    assert api.instance.get_runs_count(of_job) == 1, "a server that is being stopped begins no more"
    stopping[0] = False
    rest()
    assert api.instance.get_runs_count(of_job) == 2
    assert isinstance(asked_jobs.next_requests(workspace, first), dg.SkipReason)
    requests = follows()
    assert isinstance(requests, list)
    (request,) = requests
    assert request.asset_selection == [dg.AssetKey("position_greeks")]
    assert (request.tags[JOB_TAG], request.tags[ASKED_BY_TAG]) == (job_id, "editor@example.com")
    assert api.get(f"/system/jobs/{job_id}", "editor").json()["state"] == "running"


def test_who_asks_for_a_job_waits_for_its_first_run_alone(
    api: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    (asset,) = (asset for asset in RISK_ASSETS if asset.name == "treasury_yields")
    years = [RangeRun("market", (asset,), DATES[-1:]), RangeRun("market", (asset,), DATES[:1])]
    monkeypatch.setattr(jobs, "steps", lambda *_: [years])
    job = api.ask("POST", "/system/batch/run-all", json=NEWEST).json()
    assert len(job["runs"]) == 1
    path = f"/system/jobs/{job['job_id']}"
    assert len(api.get(path, "editor").json()["runs"]) == 2
    assert api.ask("POST", f"{path}/cancel").json()["state"] == "canceled"


@pytest.mark.parametrize("name", ["history", "schedule", "status"])
def test_what_is_read_there_is_not_asked_for(api: ApiHouse, name: str) -> None:
    for body in ({}, {"nothing": 1}, None):
        answer = api.ask("POST", f"/system/batch/{name}", json=body)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET"), answer.text
    wrong = api.get("/system/batch/greeks")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("batch", "body", "status"),
    [
        ("nothing", {}, 404),
        ("greeks", {"portfolios": [OTHERS]}, 404),
        ("greeks", {"start_date": "2022-12-25"}, 422),
        ("greeks", {"start_date": "2015-01-02", "end_date": "2022-12-28"}, 422),
        ("greeks", {"portfolios": ["a\0"]}, 422),
    ],
)
def test_a_job_that_cannot_be_is_refused(api: ApiHouse, batch: str, body: Any, status: int) -> None:
    before = api.instance.get_runs_count()
    answer = api.ask("POST", f"/system/batch/{batch}", json=body)
    assert answer.status_code == status, answer.text
    assert api.instance.get_runs_count() == before


RULE = {
    "id": "gross_limit",
    "table": "portfolio_snapshots",
    "column": "gross_exposure",
    "comparison": ">",
    "threshold": 5,
    "severity": "warning",
    "destinations": ["log"],
    "portfolio": [MINE],
}


def test_a_rule_is_added_and_evaluated_as_one_of_the_file_and_its_alert_is_acknowledged(
    api: ApiHouse,
) -> None:
    path, stamped = "/management/alerts/rules", stamp("alerts")
    rows = random_rows(PortfolioSnapshots, DATES, (MINE, OTHERS)).assign(gross_exposure=9.0)
    api.warehouse.replace(PortfolioSnapshots, rows, DATES, [MINE, OTHERS], stamped)
    platform = api.app.state.services.workspaces.open().platform
    begun = evaluate.evaluate(platform, api.instance, None, stamped)
    assert (begun.cursor, begun.told) == ("", 0)
    assert api.ask("POST", path, json=RULE).status_code == 201
    assert api.ask("POST", path, json=RULE, name="admin").status_code == 409
    assert [rule["id"] for rule in api.get(path).json()] == ["gross_limit"]
    assert api.get(path, "other").json() == []
    done = evaluate.evaluate(platform, api.instance, begun.cursor, stamped)
    assert (done.told, done.problems) == (1, [])
    (alert,) = api.get("/management/alerts", params={"state": "firing"}).json()
    assert (alert["portfolio"], alert["value"], alert["acknowledged_by"]) == (MINE, 9.0, None)
    seen = f"/management/alerts/{alert['alert_id']}/acknowledge"
    assert api.get("/management/alerts", "other").json() == []
    statuses = [api.ask("POST", seen, name).status_code for name in ("reader", "editor", "admin")]
    assert statuses == [403, 204, 204]
    (alert,) = api.get("/management/alerts", "admin").json()
    assert alert["acknowledged_by"] == "editor@example.com"
    assert api.get("/management/alerts", params={"only_new": True}).json() == []
    assert api.ask("POST", "/management/alerts/" + "0" * 32 + "/acknowledge").status_code == 404
    assert api.ask("DELETE", f"{path}/gross_limit").status_code == 204
    assert api.ask("DELETE", f"{path}/gross_limit").status_code == 404


OF_THE_MARKET = {
    **{"id": "high_yield", "table": "treasury_yields", "select": {"series": "10Y"}},
    **{"column": "yield_percent", "comparison": ">", "threshold": 4.5, "severity": "info"},
    "destinations": ["log"],
}
OF_CHECKS = {
    **{"id": "checks", "table": "check_outcomes", "column": "outcome", "comparison": ">=", "threshold": 1},
    **{"severity": "warning", "destinations": ["log"]},
}
OF_GROUPS = {
    **RULE,
    **{"id": "groups", "table": "portfolio_groups", "column": "weight", "each_row": True},
    "select": {"dimension": "sector"},
}
OF_COVERAGE = {
    **RULE,
    **{"id": "coverage", "table": "portfolio_coverage", "column": "coverage", "comparison": "<"},
}


def test_alerts_of_the_market_are_everybodys_and_those_of_checks_whose_they_are_about(api: ApiHouse) -> None:
    path, stamped = "/management/alerts/rules", stamp("alerts")
    asked = {rule["id"]: rule for rule in (OF_THE_MARKET, OF_CHECKS, OF_GROUPS, OF_COVERAGE)}
    statuses = {name: api.ask("POST", path, json=rule).status_code for name, rule in asked.items()}
    assert statuses == {"high_yield": 403, "checks": 403, "groups": 201, "coverage": 201}
    for rule in (OF_THE_MARKET, OF_CHECKS):
        answer = api.ask("POST", path, "admin", json=rule)
        assert (answer.status_code, answer.json()["added_by"]) == (201, "admin@example.com")
    assert {rule["id"] for rule in api.get(path).json()} == set(asked)
    assert {rule["id"] for rule in api.get(path, "other").json()} == {"high_yield", "checks"}
    rows = pd.DataFrame(
        {"date": DATES, "series": "10Y", "yield_percent": 4.75, "source": "x", "status": "ok"}
    )
    api.warehouse.replace(TreasuryYields, validate(TreasuryYields, rows), DATES, None, stamped)
    for check, told in (("no_partition_failed", {}), (late_data.NAME, {"portfolios": MINE})):
        asset = dg.AssetKey("portfolios" if not told else "position_values")
        failed = dg.AssetCheckEvaluation(asset_key=asset, check_name=check, passed=False, metadata=told)
        api.instance.report_runless_asset_event(failed)
    platform = api.app.state.services.workspaces.open().platform
    done = evaluate.evaluate(platform, api.instance, None, stamped)
    assert (done.told, done.problems) == (3, [])
    seen = {
        name: {(alert["rule"], alert["portfolio"]) for alert in api.get("/management/alerts", name).json()}
        for name in ("reader", "other", "admin")
    }
    everybodys, mine, several = ("high_yield", "*"), ("checks", MINE), ("checks", "")
    assert seen["other"] == {everybodys}
    assert seen["reader"] - {("gross_limit", MINE)} == {everybodys, mine}
    assert several in seen["admin"]
    (market,) = api.get("/management/alerts", "other", params={"portfolio": "*"}).json()
    assert market["value"] == 4.75
    for alert in api.get("/management/alerts", "admin", params={"only_new": True}).json():
        answer = api.ask("POST", f"/management/alerts/{alert['alert_id']}/acknowledge")
        assert answer.status_code == (404 if alert["portfolio"] == "" else 204)
    assert api.get("/management/alerts", "other", params={"only_new": True}).json() == []
    assert evaluate.evaluate(platform, api.instance, done.cursor, stamped).told == 0
    statuses = {name: api.ask("DELETE", f"{path}/{name}").status_code for name in asked}
    assert statuses == {"high_yield": 404, "checks": 404, "groups": 204, "coverage": 204}
    for name in ("high_yield", "checks"):
        assert api.ask("DELETE", f"{path}/{name}", "admin").status_code == 204


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"portfolio": [OTHERS]}, 404),
        ({"portfolio": []}, 422),
        ({"portfolio": ["*"]}, 404),
        ({"id": "a'; DROP TABLE x; --"}, 422),
        ({"id": "x" * 64}, 422),
        ({"id": "run_failed"}, 422),
        ({"table": "users"}, 422),
        ({"column": "portfolio"}, 422),
        ({"comparison": "=~"}, 422),
        ({"severity": "\U0001f4b0"}, 422),
        ({"threshold": "NaN"}, 422),
        ({"select": {"nothing": "x"}}, 422),
        ({"destinations": ["\0"]}, 422),
        ({"table": "alert_rules"}, 422),
        ({"table": "portfolio_groups", "column": "weight", "select": {"dimension": "colour"}}, 422),
        ({"table": "portfolio_groups", "column": "group_name"}, 422),
        ({"table": "treasury_yields", "column": "yield_percent"}, 422),
        ({"table": "check_outcomes", "column": "outcome", "select": {"check_name": "nothing"}}, 422),
    ],
)
def test_a_wrong_rule_is_refused(api: ApiHouse, change: dict[str, Any], status: int) -> None:
    answer = api.ask("POST", "/management/alerts/rules", json={**RULE, **change})
    assert answer.status_code == status, answer.text
    assert sql(api.url, "SELECT rule FROM sigmasight.alert_rules") == []
