"""The data contract: it is what the server has, and what it promises is not taken back in silence."""

from copy import deepcopy
from typing import Any

import pytest

from sigmasight_core.tables import OPERATIONS_TABLES, facts, table_name
from sigmasight_dagster.reports import contract, data_dictionary, dbt_sources
from sigmasight_dagster.reports.compatibility import refusals
from sigmasight_dagster.warehouse.layout.packed import packed_models
from sigmasight_dagster.warehouse.layout.schema import stored_columns, stored_name
from sigmasight_dagster.warehouse.layout.views import EVERYDAY
from sigmasight_dagster_tests.support.stored_rows import sql


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return contract.odcs()


@pytest.fixture(scope="module")
def made(whole: dict[str, Any]) -> dict[str, Any]:
    """A few tables of it: reading all of them takes a second."""
    few = ("portfolios", "positions", "position_values", "stress_results", "portfolio_today")
    return {**whole, "schema": [item for item in whole["schema"] if item["name"] in few]}


@pytest.fixture(scope="module")
def stored(made: dict[str, Any]) -> str:
    return contract.as_yaml(made)


def column_of(document: dict[str, Any], table: str, name: str) -> dict[str, Any]:
    properties = next(item for item in document["schema"] if item["name"] == table)["properties"]
    return next(item for item in properties if item["name"] == name)


FIRST = int(contract.VERSION.partition(".")[0])
RAISED = f"{FIRST + 1}.0.0"


def rename(document: dict[str, Any], version: str = contract.VERSION) -> dict[str, Any]:
    document["version"] = version
    column_of(document, "position_values", "exposure")["name"] = "notional"
    return document


def test_the_same_contract_and_an_added_column_are_accepted(made: dict[str, Any], stored: str) -> None:
    assert refusals(stored, made) == []
    more = deepcopy(made)
    more["schema"][0]["properties"].append({"name": "new", "logicalType": "string"})
    more["schema"].append({"name": "new_table", "physicalType": "table", "properties": []})
    assert refusals(stored, more) == []


@pytest.mark.parametrize(
    ("table", "column", "change", "told"),
    [
        ("position_values", "exposure", {"name": "notional"}, "position_values.exposure is gone"),
        (
            "position_values",
            "exposure",
            {"logicalType": "string"},
            "its logicalType was number and is string",
        ),
        ("position_values", "exposure", {"physicalType": "real"}, "was double precision and is real"),
        ("position_values", "exposure", {"customProperties": []}, "its unit was 'USD' and is ''"),
        ("portfolios", "cash", {"required": False}, "portfolios.cash: it may be NULL now"),
        (
            "positions",
            "position_id",
            {"primaryKey": False},
            "positions: its key was (portfolio, position_id)",
        ),
        ("portfolio_today", "total_value", {"name": "value"}, "portfolio_today.total_value is gone"),
    ],
)
def test_what_breaks_a_reader_is_refused(
    made: dict[str, Any], stored: str, table: str, column: str, change: dict[str, Any], told: str
) -> None:
    broken = deepcopy(made)
    column_of(broken, table, column).update(change)
    found = refusals(stored, broken)
    assert told in found[0]
    broken["version"] = RAISED
    assert refusals(stored, broken) == []
    broken["version"] = f"{FIRST}.9.0"
    assert refusals(stored, broken) == found


def test_a_value_that_is_no_more_and_a_table_that_went(made: dict[str, Any], stored: str) -> None:
    broken = deepcopy(made)
    column_of(broken, "portfolios", "lots")["quality"][0]["arguments"]["validValues"].remove("fifo")
    broken["schema"] = [item for item in broken["schema"] if item["name"] != "stress_results"]
    assert refusals(stored, broken) == [
        "portfolios.lots: it can no longer be fifo",
        "table stress_results is gone",
    ]


def test_an_earlier_version_and_an_unreadable_file_are_refused(made: dict[str, Any], stored: str) -> None:
    assert refusals(stored, {**made, "version": "0.9.0"}) == [f"version 0.9.0 is before {contract.VERSION}"]
    assert len(refusals("a: [", made)) == len(refusals("1", made)) == 1


def test_docs_neither_check_nor_write_a_broken_promise(
    made: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A renamed column fails both, and nothing is written, until the version is raised."""
    monkeypatch.setattr(data_dictionary, "project_root", lambda: tmp_path)
    monkeypatch.setattr(dbt_sources, "sources", dict)
    monkeypatch.setattr(contract, "odcs", lambda: made)
    (tmp_path / "docs").mkdir()
    assert data_dictionary.main([]) == 0
    before = (tmp_path / data_dictionary.CONTRACT).read_text()
    monkeypatch.setattr(contract, "odcs", lambda: rename(deepcopy(made)))
    for arguments in ([], ["--check"]):
        assert data_dictionary.main(arguments) == 1
        assert (
            "position_values.exposure is gone: keep it, or raise the first number" in capsys.readouterr().err
        )
    assert (tmp_path / data_dictionary.CONTRACT).read_text() == before
    monkeypatch.setattr(contract, "odcs", lambda: rename(deepcopy(made), RAISED))
    assert data_dictionary.main([]) == 0
    assert (tmp_path / data_dictionary.CONTRACT).read_text() != before


def test_the_contract_is_what_the_server_has(catalogue: str, whole: dict[str, Any]) -> None:
    """Names and types of every column, of tables and views; those that SQL derives by name alone."""
    found = sql(
        catalogue,
        "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull "
        "FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE a.attnum > 0 "
        "AND NOT a.attisdropped AND c.relnamespace = 'sigmasight'::regnamespace AND c.relkind IN ('r', 'v')",
    )
    server = {(table, name): (kind, required) for table, name, kind, required in found}
    for model in packed_models():  # a view knows of no NOT NULL: what it shows does
        for name in stored_columns(model):
            kind, _ = server[table_name(model), name]
            server[table_name(model), name] = kind, server[stored_name(model), name][1]
    promised = {item["name"] for item in whole["schema"]}
    ours = {
        (item["name"], column["name"]): column for item in whole["schema"] for column in item["properties"]
    }
    assert set(ours) == {key for key in server if key[0] in promised}
    assert {view.name for view in EVERYDAY} < promised
    for key, column in ours.items():
        kind, required = server[key]
        assert column.get("physicalType", kind) == kind, key
        assert column.get("required", False) == required, key


def test_dbt_sources_name_what_the_server_has(catalogue: str) -> None:
    (source,) = dbt_sources.sources()["sources"]
    relations = {
        name
        for (name,) in sql(
            catalogue,
            "SELECT relname FROM pg_class WHERE relnamespace = 'sigmasight'::regnamespace "
            "AND relkind IN ('r', 'v')",
        )
    }
    private = {table_name(model) for model in OPERATIONS_TABLES if facts(model).private}
    left_out = {"schema_version", "rejected_rows", *private, *map(stored_name, packed_models())}
    assert {table["name"] for table in source["tables"]} == relations - left_out
    lots = next(c for c in source["tables"][0]["columns"] if c["name"] == "lots")
    assert lots["data_tests"] == [
        {"accepted_values": {"arguments": {"values": ["fifo", "highest", "average"]}}}
    ]
