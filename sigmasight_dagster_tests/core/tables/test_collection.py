"""The collection of the row models, and that what they say of their tables fits."""

import subprocess
import sys

import pytest

from sigmasight_core import tables
from sigmasight_core.tables import OPERATIONS_TABLES, TABLES, Grain, Kind, Table, facts, grain, table_name
from sigmasight_core.tables.collection import TOPICS

EVERY = (*TABLES, *OPERATIONS_TABLES)


def test_every_row_model_of_the_topics_is_collected_once() -> None:
    names = [table_name(model) for model in EVERY]
    assert len(names) == len(set(names))
    exported = {thing for thing in vars(tables).values() if isinstance(thing, type) and thing is not Table}
    assert {thing for thing in exported if issubclass(thing, Table)} - {tables.Audit} == set(EVERY)
    assert {model.__module__.removeprefix("sigmasight_core.tables.") for model in EVERY} == set(TOPICS)


def test_tables_come_after_what_they_are_computed_from() -> None:
    names = [table_name(model) for model in TABLES]
    assert names[:4] == ["portfolios", "positions", "transactions", "daily_prices"]
    topics = [model.__module__ for model in TABLES]
    assert topics == sorted(topics, key=[f"sigmasight_core.tables.{topic}" for topic in TOPICS].index)


@pytest.mark.parametrize("model", EVERY, ids=table_name)
def test_facts_name_columns(model: type[Table]) -> None:
    columns = set(model.to_schema().columns)
    said = facts(model)
    reported = {name for item in tables.readiness(model) for name in (item.value, item.item, item.part)}
    assert {said.concerns, *reported} - {""} <= columns
    assert not said.concerns or said.kind is Kind.SOURCE
    assert not said.detail or grain(model) is Grain.DATE_PORTFOLIO
    assert not reported or "status" in columns


def test_calculations_of_readiness_have_names_of_their_own() -> None:
    names = [item.calculation for model in TABLES for item in tables.readiness(model)]
    assert len(names) == len(set(names))
    assert {"reverse stress", "risk contributions", "VaR backtests"} <= set(names)


def test_importing_the_tables_imports_no_room_above_them() -> None:
    code = "import sys, sigmasight_core.tables; print(*[n for n in sys.modules if n.startswith('sigma')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    rooms = {name.split(".")[1] for name in found.stdout.split() if "." in name}
    assert rooms == {"conventions", "errors", "tables"}
