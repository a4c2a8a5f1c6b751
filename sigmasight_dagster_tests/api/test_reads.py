"""Every reading endpoint: who may ask it, and that its numbers are the cells of what is published."""

import csv
import io
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from sigmasight_core.tables import DailyPrices, GroupContributions
from sigmasight_dagster.api.answers.declaration import Read
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.api.routes import analytics, data
from sigmasight_dagster.warehouse.answers import portfolio as of
from sigmasight_dagster.warehouse.layout.schema import columns
from sigmasight_dagster_tests.support.api_house import DATES, MINE, OTHERS, ApiHouse, api_on
from sigmasight_dagster_tests.support.stored_rows import sql, stamp

READS = {f"{router.prefix}{read.path}": read for router, reads in (
    (analytics.router, analytics.READS), (data.router, data.READS)
) for read in reads}  # fmt: skip


RESULTS = True
DOCUMENTS = ("/data/portfolio/{portfolio}/complete", "/data/portfolio/{portfolio}/data-quality")
CALLERS = (None, "reader", "editor", "other", "admin")


def asked(api: ApiHouse, path: str) -> tuple[str, dict[str, Any]]:
    """A path of the portfolio `mine`, and the parameters that it must have."""
    read, given = READS.get(path), {}
    if read and read.asks_portfolio:
        given["portfolio"] = MINE
    if read and read.required:
        name = read.required[0]
        given[name] = sorted(
            {row[0] for row in sql(api.url, f"SELECT {name} FROM sigmasight.option_quotes")}
        )[:90]
    return path.replace("{portfolio}", MINE), given


def test_every_path_of_the_namespaces_is_declared(api: ApiHouse) -> None:
    found = api.app.openapi()["paths"].items()
    paths = {path.removeprefix(BASE) for path, methods in found if "get" in methods}
    assert {path for path in paths if path.startswith(("/data", "/analytics"))} == {*READS, *DOCUMENTS}


@pytest.mark.parametrize("path", [*READS, *DOCUMENTS])
def test_who_may_ask_what(api: ApiHouse, path: str) -> None:
    address, given = asked(api, path)
    read = READS.get(path)
    of_portfolio = read is None or read.in_path or read.asks_portfolio
    wanted = {None: 401, "reader": 200, "editor": 200, "other": 404 if of_portfolio else 200, "admin": 200}
    found = {name: api.get(address, name, params=given).status_code for name in CALLERS}
    assert found == wanted


def test_another_users_portfolio_is_told_as_one_that_is_not_there(api: ApiHouse) -> None:
    told = [api.get(f"/analytics/pnl/{name}/explain").json()["detail"] for name in (OTHERS, "nobodys")]
    assert told[0].replace(OTHERS, "") == told[1].replace("nobodys", "")
    for name in ("a'; DROP TABLE x; --", "..%2F..%2Fetc%2Fpasswd", "%00", "x" * 5000):
        assert api.get(f"/analytics/pnl/{name}/explain").status_code == 404, name


def cells(api: ApiHouse, read: Read) -> dict[str, pd.DataFrame]:
    """Stored rows of the newest date of each table that a source's columns are cells of, by alias."""
    found = {}
    for alias, model in read.source.view.tables.items():
        rows = api.warehouse.read(model)
        if "portfolio" in rows:
            rows = rows[rows["portfolio"] == MINE]
        dates = (
            DATES[:-1] if (alias, model) == ("b", DailyPrices) else DATES[-1:]
        )  # of quotes: the day before
        found[alias] = rows[rows["date"].isin(dates)] if "date" in rows else rows
    if read.source is of.ATTRIBUTION:
        groups = api.warehouse.read(GroupContributions, dates=[DATES[-1]], portfolios=[MINE])
        found["t"] = pd.concat([found["t"].assign(dimension="position"), groups])
    return found


def pages(api: ApiHouse, path: str, **given: Any) -> Iterator[dict[str, Any]]:
    """The pages of an answer, as their links lead."""
    answer = api.get(path, params=given)
    while True:
        assert answer.status_code == 200, answer.text
        page = json.loads(answer.text, parse_constant=lambda text: pytest.fail(f"{text} in JSON"))
        yield page
        if not page.get("next"):
            assert "link" not in answer.headers
            return
        assert answer.headers["link"] == f'<{page["next"]}>; rel="next"'
        answer = api.client.get(page["next"], headers=api.headers("reader"))


@pytest.mark.parametrize("path", READS)
def test_the_numbers_of_an_answer_are_their_cells(api: ApiHouse, path: str) -> None:
    """What a column of a table shows are cells of that table, of the date and the portfolio."""
    read = READS[path]
    address, given = asked(api, path)
    rows = [row for page in pages(api, address, **given) for row in page["rows"]]
    assert rows, "random rows are there for every table"
    keys = [tuple(row[name] for name in read.source.key) for row in rows]
    assert len(keys) == len(set(keys))
    stored = cells(api, read)
    for name, what in read.source.view.columns.items():
        alias, _, column = what.partition(".")
        if alias in stored and column in stored[alias]:
            declared = columns(read.source.view.tables[alias]).get(column)
            dtype = str(declared.dtype) if declared is not None else "str"
            known = {_plain(value, dtype) for value in stored[alias][column]}
            assert {_plain(row[name], dtype) for row in rows} - {None} <= known, name


def _plain(value: Any, dtype: str) -> Any:
    if isinstance(value, list) or (hasattr(value, "tolist") and not isinstance(value, str)):
        listed = value if isinstance(value, list) else value.tolist()
        if isinstance(listed, list):
            return tuple(None if x is None or math.isnan(x) else float(f"{x:.6g}") for x in listed)
        value = listed
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if dtype.startswith("datetime"):
        return pd.Timestamp(value)
    return value


WHOLE = [
    path
    for path, read in READS.items()
    if len(read.source.view.tables) == 1
    and read.source.scope == "portfolio"
    and not read.source.always
    and read.source is not of.ATTRIBUTION
]


@pytest.mark.parametrize("path", WHOLE)
def test_an_answer_of_one_table_is_that_tables_rows(api: ApiHouse, path: str) -> None:
    read = READS[path]
    address, given = asked(api, path)
    rows = [row for page in pages(api, address, limit=3, **given) for row in page["rows"]]
    (model,) = read.source.view.tables.values()
    stored = api.warehouse.read(model, dates=[DATES[-1]], portfolios=[MINE])
    assert len(rows) == len(stored)
    for name in read.source.view.columns:
        dtype = str(columns(model)[name].dtype)
        shown = [_plain(row[name], dtype) for row in rows]
        assert shown == [_plain(value, dtype) for value in stored[name]], name


@pytest.mark.parametrize("path", ["/analytics/risk/mine/greeks/positions", "/data/securities"])
def test_csv_and_arrow_have_the_rows_of_json(api: ApiHouse, path: str) -> None:
    wanted = api.get(path).json()["rows"]
    table = pa.ipc.open_stream(
        api.get(path, headers={"Accept": "application/vnd.apache.arrow.stream"}).content
    )
    arrow = table.read_all().to_pylist()
    assert [{**row, "date": str(row["date"])} for row in arrow] == wanted
    answer = api.get(path, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(lines[0]) == list(wanted[0])
    for name in [
        name
        for name, kind in READS[path.replace("/mine/", "/{portfolio}/")].source.kinds.items()
        if kind == "float"
    ]:
        assert [float(line[name]) if line[name] else None for line in lines] == [row[name] for row in wanted]
    assert api.get(path, headers={"Accept": "image/png"}).status_code == 406


def test_an_etag_holds_until_something_is_published(api: ApiHouse) -> None:
    path = "/analytics/risk/mine/overview"
    first = api.get(path)
    tag = first.headers["etag"]
    again = api.get(path, headers={"If-None-Match": f'"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    (model,) = READS["/analytics/risk/{portfolio}/overview"].source.view.tables.values()
    rows = api.warehouse.read(model, dates=[DATES[-1]], portfolios=[MINE])
    api.warehouse.replace(model, rows, DATES[-1:], [MINE], stamp("another run"))
    changed = api.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_only_published_rows_count_and_a_history_has_each_date(api: ApiHouse) -> None:
    path = "/analytics/pnl/others/explain"
    history = {"from": "2022-12-01", "to": "2022-12-31"}
    dates = [str(date.date()) for date in DATES]
    answer = api.get(path, "other", params=history).json()
    assert [row["date"] for row in answer["rows"]] == dates
    assert (answer["first_date"], answer["as_of_date"]) == (dates[0], dates[1])
    gone = f"portfolio = 'others' AND table_name = 'portfolio_pnl_explain' AND date = '{dates[1]}'"
    sql(api.url, f"DELETE FROM sigmasight.publications WHERE {gone}", "SELECT 1")
    assert api.get(path, "other").json()["as_of_date"] == dates[0]
    refused = api.get(path, "other", params={"date": dates[1]})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_published")
    assert dates[0] in refused.json()["detail"]


@pytest.mark.parametrize("sort", ["", "component_var_usd", "-component_var_usd", "-item", "share"])
def test_pages_have_every_row_once_in_order(api: ApiHouse, sort: str) -> None:
    path = "/analytics/risk/mine/contributions"
    dates = {"from": "2022-12-01"}
    whole = next(pages(api, path, sort=sort, limit=1000, **dates))["rows"]
    pieces = [row for page in pages(api, path, sort=sort, limit=2, **dates) for row in page["rows"]]
    assert len(whole) > 5
    assert pieces == whole


def test_rows_are_filtered_and_columns_chosen(api: ApiHouse) -> None:
    path = "/analytics/risk/mine/contributions"
    every = api.get(path).json()["rows"]
    items = [row["item"] for row in every][:2]
    found = api.get(path, params={"item": items, "columns": ["item", "share"]}).json()["rows"]
    assert found == [{"item": row["item"], "share": row["share"]} for row in every if row["item"] in items]
    injected = api.get(path, params={"item": ["x' OR '1'='1", "%(portfolio)s"]})
    assert (injected.status_code, injected.json()["rows"]) == (200, [])


@pytest.mark.parametrize(
    "given",
    [
        {"date": "20221228"}, {"date": "2022-12-28T00:00:00"}, {"date": "1672185600"}, {"date": "2022-02-30"},
        {"date": "2022-12-28", "from": "2022-12-01"}, {"from": "2022-12-28", "to": "2022-12-01"},
        {"limit": 0}, {"limit": 1001}, {"sort": "nothing"}, {"columns": "nothing"}, {"nothing": "1"},
        {"cursor": "x"}, {"cursor": "WzEsMl0="}, {"item": "a\0b"}, {"item": "x" * 201},
    ],
)  # fmt: skip
def test_a_wrong_question_is_refused_with_the_field(api: ApiHouse, given: dict[str, Any]) -> None:
    answer = api.get("/analytics/risk/mine/contributions", params=given)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["fields"]


def test_a_report_goes_out_as_the_bytes_that_are_stored(api: ApiHouse) -> None:
    stored = "SELECT document FROM sigmasight.portfolio_reports WHERE portfolio = 'mine' ORDER BY date"
    document = sql(api.url, stored)[-1][0]
    answer = api.get("/data/portfolio/mine/complete")
    assert answer.content == document.encode()
    assert answer.headers["as-of-date"] == "2022-12-28"
    tag = {"If-None-Match": answer.headers["etag"]}
    assert api.get("/data/portfolio/mine/complete", headers=tag).status_code == 304
    part = api.get("/data/portfolio/mine/data-quality")
    assert part.json() == json.loads(document)["data_availability"]
    assert api.get("/data/portfolio/mine/complete", params={"date": "2020-01-02"}).status_code == 404


def test_an_answer_without_pages_is_refused_where_it_is_too_large(
    api: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_ROWS", "MOST_TEXT"):
        with monkeypatch.context() as patch:
            patch.setattr(f"sigmasight_dagster.api.answers.endpoints.{name}", 3)
            answer = api.get("/data/securities")
            assert (answer.status_code, answer.json()["code"]) == (413, "answer_too_large"), name


def test_pages_of_other_origins_are_let_in_only_where_the_settings_name_them(
    api: ApiHouse, tmp_path: Path
) -> None:
    origin = {"Origin": "https://app.example.com"}
    assert "access-control-allow-origin" not in api.get("/system/health", None, headers=origin).headers
    with api_on(api.url, tmp_path, api_cors_origins=("https://app.example.com",)) as open_to:
        answer = open_to.get("/system/health", None, headers=origin)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
