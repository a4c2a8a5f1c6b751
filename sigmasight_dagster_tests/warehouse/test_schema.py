"""The layout that the row models declare, read back from the server's own catalogue."""

from inspect import cleandoc

import psycopg2
import pytest

from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Audit,
    DailyPrices,
    Grain,
    Portfolios,
    Table,
    facts,
    grain,
    primary_key,
    table_name,
)
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.layout.schema import stored, stored_name
from sigmasight_dagster.warehouse.layout.views import EVERYDAY
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp

MODELS = (*TABLES, *OPERATIONS_TABLES)
AUDIT = {"run_id": "text", "code_version": "text", "computed_at": "timestamp with time zone"}


def expected_type(model: type[Table], name: str) -> str:
    column = model.to_schema().columns[name]
    if (column.metadata or {}).get("exact"):
        return "numeric"
    if str(column.dtype).startswith("datetime"):
        return "timestamp with time zone" if name.endswith(("_at", "_until")) else "date"
    names = {"float64": "double precision", "int64": "bigint", "Int64": "bigint", "object": "ARRAY"}
    return names.get(str(column.dtype), "text")


@pytest.mark.parametrize("model", MODELS, ids=table_name)
def test_columns_types_and_nulls(catalogue: str, model: type[Table]) -> None:
    found = sql(
        catalogue,
        "SELECT column_name, data_type, is_nullable = 'YES' FROM information_schema.columns "
        f"WHERE table_schema = 'sigmasight' AND table_name = '{table_name(model)}' ORDER BY ordinal_position",
    )
    columns = model.to_schema().columns
    shown = facts(model).packed  # a view, which says of every column that it may be NULL
    expected = [
        (name, expected_type(model, name), column.nullable or shown) for name, column in columns.items()
    ]
    expected += [(name, kind, shown) for name, kind in AUDIT.items() if name not in columns]
    assert found == expected


@pytest.mark.parametrize("model", MODELS, ids=table_name)
def test_primary_key(catalogue: str, model: type[Table]) -> None:
    found = sql(
        catalogue,
        "SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(n, place) "
        "JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n "
        f"WHERE i.indisprimary AND i.indrelid = '{stored(model)}'::regclass ORDER BY k.place",
    )
    assert [name for (name,) in found] == list(
        grain(model).value if facts(model).packed else primary_key(model)
    )


@pytest.mark.parametrize("model", MODELS, ids=table_name)
def test_comments(catalogue: str, model: type[Table]) -> None:
    relation = f"'sigmasight.{table_name(model)}'::regclass"
    ((about,),) = sql(catalogue, f"SELECT obj_description({relation})")
    assert about == cleandoc(model.__doc__ or "")
    found = dict(
        sql(
            catalogue,
            f"SELECT attname, col_description({relation}, attnum) FROM pg_attribute "
            f"WHERE attrelid = {relation} AND attnum > 0",
        )
    )
    for name, column in {**Audit.to_schema().columns, **model.to_schema().columns}.items():
        assert found[name].startswith(column.description)
        unit = (column.metadata or {}).get("unit")
        assert found[name].endswith(f"[{unit}]") if unit else found[name] == column.description


def test_only_these_tables_and_views(catalogue: str) -> None:
    found = sql(
        catalogue,
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'sigmasight'",
    )
    tables = {name for name, kind in found if kind == "BASE TABLE"}
    views = {name for name, kind in found if kind == "VIEW"}
    assert tables == {stored_name(model) for model in MODELS} | {"schema_version"}
    partitioned = [model for model in TABLES if grain(model) is not Grain.UNPARTITIONED]
    latest = {f"{table_name(model)}_latest" for model in partitioned}
    packed = {table_name(model) for model in MODELS if facts(model).packed}
    assert len(packed) == 11
    assert views == latest | packed | {view.name for view in EVERYDAY}


def test_text_is_ordered_by_code_point(catalogue: str) -> None:
    found = sql(
        catalogue,
        "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = 'sigmasight' "
        "AND data_type = 'text' AND table_name <> 'schema_version'",
    )
    assert found == [("C",)]


READ = "SELECT count(*) FROM sigmasight.daily_prices"
WRITES = (
    "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
    "VALUES ('a', 1.5, 'f', 'r', 'c', now())",
    "UPDATE sigmasight.portfolios SET cash = 0",
    "DELETE FROM sigmasight.daily_prices",
)
LAYOUT = (
    "DROP TABLE sigmasight.daily_prices",
    "TRUNCATE sigmasight.daily_prices",
    "CREATE TABLE sigmasight.t (x int)",
)


@pytest.mark.parametrize("statement", [*WRITES, *LAYOUT])
def test_reader_cannot_write(url: str, warehouse: Warehouse, statement: str) -> None:
    warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    assert sql(url, "SET ROLE sigmasight_reader", READ) == [(20,)]
    assert sql(url, "SET ROLE sigmasight_reader", "SELECT count(*) FROM sigmasight.daily_prices_latest") == [
        (5,)
    ]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        sql(url, "SET ROLE sigmasight_reader", statement)
    assert sql(url, READ) == [(20,)]


def test_writer_writes_rows_but_no_layout(url: str) -> None:
    for statement in WRITES:
        sql(url, "SET ROLE sigmasight_writer", statement)
    for statement in LAYOUT:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql(url, "SET ROLE sigmasight_writer", statement)


def test_roles_cover_future_tables(url: str) -> None:
    sql(url, "CREATE TABLE sigmasight.later (x int)")
    assert sql(url, "SET ROLE sigmasight_reader", "SELECT * FROM sigmasight.later") == []
    sql(url, "SET ROLE sigmasight_writer", "INSERT INTO sigmasight.later VALUES (1)")


def test_roles_cannot_log_in(catalogue: str) -> None:
    roles = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'sigmasight%' AND NOT rolcanlogin ORDER BY 1"
    found = [name for (name,) in sql(catalogue, roles)]
    assert found == ["sigmasight_portfolio_reader", "sigmasight_reader", "sigmasight_writer"]


def test_writer_is_enough_to_replace(url: str) -> None:
    """A member of sigmasight_writer that owns nothing can publish and read."""
    sql(url, "DROP ROLE IF EXISTS publisher", "CREATE ROLE publisher LOGIN IN ROLE sigmasight_writer")
    publisher = Warehouse(url.replace("postgres@", "publisher@"))
    assert publisher.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp()) == 20
    assert len(publisher.read(DailyPrices)) == 20
    assert publisher.read(Portfolios).empty
    publisher.close()
    sql(url, "DROP ROLE publisher")
