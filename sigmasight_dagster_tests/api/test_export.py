"""Files that leave the API: who may have them, what they hold, and that it is kept who took them."""

import io
import json
import zipfile
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sigmasight_core.tables import PortfolioReports, PortfolioSnapshots, RiskMeasures, table_name
from sigmasight_core.what_if.fix_messages import SOH
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.reports.table_export import portfolio_tables
from sigmasight_dagster_tests.support.api_house import DATES, MINE, OTHERS, ApiHouse
from sigmasight_dagster_tests.support.stored_rows import random_rows, sql, stamp

CALLERS = (None, "reader", "editor", "other", "admin")
REPORT = f"{MINE}_2022-12-28"
TRADES = {"saved": "kept", "format": "broker"}
OWN = (401, 200, 200, 404, 200)
ALL = (401, 200, 200, 200, 200)
MATRIX: dict[tuple[str, str], tuple[str, Any, tuple[int, ...]]] = {
    ("GET", "/export/templates"): ("/export/templates", None, ALL),
    ("GET", "/export/history"): ("/export/history", None, ALL),
    ("GET", "/export/portfolio/{portfolio}"): (f"/export/portfolio/{MINE}", None, OWN),
    ("GET", "/export/reports/{report_id}/status"): (f"/export/reports/{REPORT}/status", None, OWN),
    # what is stored here is no whole report: it is refused once it is seen
    ("GET", "/export/reports/{report_id}/download"): (
        f"/export/reports/{REPORT}/download",
        None,
        (401, 409, 409, 404, 409),
    ),
    ("POST", "/export/trades"): ("/export/trades", TRADES, OWN),
    # nor are the results whole that it would be made of
    ("POST", "/export/reports/generate"): (
        "/export/reports/generate",
        {"portfolios": [MINE]},
        (401, 403, 409, 403, 409),
    ),
    ("GET", "/export/reports/schedule"): ("/export/reports/schedule", None, ALL),
    ("POST", "/export/reports/schedule"): (
        "/export/reports/schedule",
        {"portfolios": [MINE], "period": "daily"},
        (401, 403, 201, 403, 201),
    ),
    ("DELETE", "/export/reports/schedule/{schedule_id}"): (
        f"/export/reports/schedule/{'0' * 32}",
        None,
        (401, 403, 404, 403, 404),
    ),
}
TABLES = (PortfolioSnapshots, RiskMeasures)


@pytest.fixture(scope="module", autouse=True)
def stored(api: ApiHouse) -> None:
    """Snapshots and measures of both portfolios, a report, and a saved session."""
    for model in TABLES:
        rows = random_rows(model, DATES, (MINE, OTHERS))
        api.warehouse.replace(model, rows, DATES, [MINE, OTHERS], stamp())
    report = random_rows(PortfolioReports, DATES, (MINE,)).assign(document="{}")
    api.warehouse.replace(PortfolioReports, report, DATES, [MINE], stamp())
    audit = "'t', '0', now()"
    sql(
        api.url,
        f"INSERT INTO sigmasight.what_if_sessions VALUES ('kept', '{MINE}', '2022-12-28', 'x', 1, 5, "
        f"'2022-12-29', {audit})",
        "INSERT INTO sigmasight.what_if_trades (session, symbol, quantity, trade_price, price_source, "
        f"cash_change, held_before, held_after, tags, run_id, code_version, computed_at) "
        f"VALUES ('kept', 'AAPL', -15, 5, 'test', 75, 10, -5, '', {audit})",
        "SELECT 1",
    )


def test_every_endpoint_is_in_the_matrix(api: ApiHouse) -> None:
    found = {
        (method.upper(), path.removeprefix(BASE))
        for path, methods in api.app.openapi()["paths"].items()
        for method in methods
        if path.startswith(f"{BASE}/export")
    }
    assert found == set(MATRIX)


@pytest.mark.parametrize(("method", "path"), MATRIX)
def test_who_may_have_what(api: ApiHouse, method: str, path: str) -> None:
    address, body, wanted = MATRIX[method, path]
    found = {
        name: api.client.request(method, f"{BASE}{address}", json=body, headers=api.headers(name)).status_code
        for name in CALLERS
    }
    assert found == dict(zip(CALLERS, wanted, strict=True))


def read(content: bytes, form: str) -> pd.DataFrame:
    match form:
        case "csv":
            return pd.read_csv(io.BytesIO(content))
        case "json":
            return pd.DataFrame(json.loads(content))
    return pq.read_table(io.BytesIO(content)).to_pandas()


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_a_file_holds_the_published_cells(api: ApiHouse, form: str) -> None:
    given = {"format": form, "table": "risk_measures", "from": "2022-12-01"}
    answer = api.get(f"/export/portfolio/{MINE}", params=given)
    assert answer.status_code == 200, answer.text
    assert answer.headers["as-of-date"] == "2022-12-28"
    assert f'filename="{MINE}_2022-12-28_risk_measures.{form}"' in answer.headers["content-disposition"]
    rows = read(answer.content, form)
    cells = api.warehouse.read(RiskMeasures, dates=DATES, portfolios=[MINE])
    assert sorted(rows["value"].dropna()) == pytest.approx(sorted(cells["value"].dropna()), rel=1e-14)
    assert set(rows["portfolio"]) == {MINE}
    assert len(rows) == len(cells)


def test_a_workbook_has_a_row_a_row(api: ApiHouse) -> None:
    given = {"format": "xlsx", "table": "risk_measures"}
    book = zipfile.ZipFile(io.BytesIO(api.get(f"/export/portfolio/{MINE}", params=given).content))
    cells = api.warehouse.read(RiskMeasures, dates=DATES[-1:], portfolios=[MINE])
    assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == len(cells) + 1


def test_several_tables_come_in_a_zip_of_the_newest_date(api: ApiHouse) -> None:
    names = [table_name(model) for model in TABLES]
    answer = api.get(f"/export/portfolio/{MINE}", params={"table": names})
    packed = zipfile.ZipFile(io.BytesIO(answer.content))
    assert packed.namelist() == [f"{name}.csv" for name in names]
    assert set(pd.read_csv(packed.open("risk_measures.csv"))["date"]) == {"2022-12-28"}
    every = zipfile.ZipFile(io.BytesIO(api.get(f"/export/portfolio/{MINE}").content)).namelist()
    assert len(every) == len(portfolio_tables())
    assert api.get("/export/templates").json()["tables"] == [name.removesuffix(".csv") for name in every]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"table": "users"}, "no results of portfolios"), ({"table": "../x"}, "no results of portfolios"),
        ({"format": "exe"}, "query.format"), ({"date": "2020-01-02"}, "no results are published"),
        ({"date": "2022-12-28", "from": "2022-12-01"}, "give one or the other"),
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused(api: ApiHouse, given: dict[str, str], said: str) -> None:
    answer = api.get(f"/export/portfolio/{MINE}", params=given)
    assert (answer.status_code, said in answer.json()["detail"]) == (422, True), answer.text


def test_orders_come_in_each_form(api: ApiHouse) -> None:
    def file(form: str, **more: Any) -> str:
        answer = api.post("/export/trades", {"saved": "kept", "format": form, **more}, "reader")
        assert answer.status_code == 200, answer.text
        assert 'filename="kept.' in answer.headers["content-disposition"]
        return answer.text

    assert file("csv") == "ticker,quantity,price,tags\nAAPL,-15.0,,\n"
    broker = pd.read_csv(io.StringIO(file("broker")))
    assert broker["action"].tolist() == ["SELL", "SELL_SHORT"]
    assert broker["quantity"].tolist() == [10, 5]
    assert [order["action"] for order in json.loads(file("json"))] == ["SELL", "SELL_SHORT"]
    fix = file("fix", fix={"sender": "FUND", "target": "BROKER"})
    assert fix.count(f"{SOH}35=D{SOH}49=FUND{SOH}56=BROKER{SOH}34=") == 2
    for wrong in (
        {"saved": "kept", "format": "fix"},
        {"saved": "kept", "format": "csv", "fix": {"sender": "A", "target": "B"}},
        {"saved": "kept", "format": "fix", "fix": {"sender": f"A{SOH}", "target": "B"}},
        {"format": "csv"},
        {"saved": "kept", "session_id": "x", "format": "csv"},
    ):
        assert api.post("/export/trades", wrong, "reader").status_code == 422, wrong


def test_who_took_what_is_kept(api: ApiHouse) -> None:
    headers = {"X-Request-ID": "taken-1"}
    api.get(f"/export/portfolio/{MINE}", "editor", params={"table": "risk_measures"}, headers=headers)
    (newest, *_), admins = (
        api.get("/export/history", "editor").json(),
        api.get("/export/history", "admin").json(),
    )
    assert newest["request_id"] == "taken-1"
    assert newest["target"] == f"{BASE}/export/portfolio/{MINE}?table=risk_measures"
    assert newest in admins
    assert newest not in api.get("/export/history", "reader").json()
