"""Packed tables: what is written is what the view shows, and an older database is packed without loss."""

from typing import ClassVar

import numpy as np
import pandas as pd
import psycopg2
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigmasight_core.tables import Facts, PositionStress, ReverseStress, SimulatedPnl, Table, table_name
from sigmasight_dagster.warehouse import MigrationError, Warehouse, WarehouseError
from sigmasight_dagster.warehouse.layout.packed import packed_models
from sigmasight_dagster.warehouse.layout.schema import metadata, packed_columns, stored_columns, stored_name
from sigmasight_dagster.warehouse.rows import from_arrow, to_arrow
from sigmasight_dagster.warehouse.stores.removal import delete_results
from sigmasight_dagster.warehouse.tables import select
from sigmasight_dagster_tests.support.stored_rows import (
    AWKWARD,
    DATES,
    FLOATS,
    PORTFOLIOS,
    random_rows,
    sql,
    stamp,
)

CELLS = st.one_of(st.none(), st.sampled_from(FLOATS))
KEYS = st.tuples(
    st.sampled_from(list(DATES)),
    st.sampled_from(PORTFOLIOS),
    st.sampled_from(AWKWARD[:6]),
    st.sampled_from("abc"),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.dictionaries(KEYS, st.tuples(CELLS, CELLS, CELLS, st.sampled_from(AWKWARD)), max_size=40))
def test_any_rows_of_any_partitions_in_any_order(warehouse: Warehouse, rows: dict) -> None:
    """Partitions with none, one or many rows, in no order; NULL in single cells, or in all of a column."""
    cells = [(*key, *values) for key, values in rows.items()]
    frame = PositionStress.validate(pd.DataFrame(cells, columns=list(PositionStress.to_schema().columns)))
    assert warehouse.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp()) == len(rows)
    expected = frame.sort_values(["date", "portfolio", "scenario", "position_id"], ignore_index=True)
    pd.testing.assert_frame_equal(warehouse.read(PositionStress), expected, check_exact=True)
    view = from_arrow(PositionStress, warehouse._database.query(select(PositionStress)))
    pd.testing.assert_frame_equal(view, expected, check_exact=True)
    published = warehouse.published(PositionStress)
    assert len(published) == len(DATES) * len(PORTFOLIOS)
    assert warehouse.reconciliation()["n"].sum() == 0


def test_a_table_whose_columns_do_not_fit_cannot_be_packed() -> None:
    class Packed(SimulatedPnl):
        class Config(SimulatedPnl.Config):
            metadata: ClassVar = {"facts": Facts(packed=True)}

    with pytest.raises(TypeError, match=r"simulated_pnl\.pnl: no column of a packed table"):
        packed_columns(Packed)


@pytest.mark.parametrize("model", packed_models(), ids=table_name)
def test_the_view_shows_what_was_written(shared_url: str, model: type[Table]) -> None:
    rows = random_rows(model)
    warehouse = Warehouse(shared_url)
    portfolios = list(reversed(PORTFOLIOS))
    warehouse.replace(model, rows.sample(frac=1, random_state=1), DATES, portfolios, stamp())
    view = from_arrow(model, warehouse._database.query(select(model)))
    some = warehouse.read(model, (DATES[1], DATES[2]), ["a"], columns=["status", "date"])
    warehouse.close()
    pd.testing.assert_frame_equal(view, rows, check_exact=True)
    chosen = rows[rows["date"].between(DATES[1], DATES[2]) & (rows["portfolio"] == "a")]
    pd.testing.assert_frame_equal(some, chosen[["status", "date"]].reset_index(drop=True))


def test_one_row_a_partition_is_stored(url: str, warehouse: Warehouse) -> None:
    frame = random_rows(PositionStress)
    assert to_arrow(PositionStress, frame.sample(frac=1, random_state=1), stamp()).num_rows == 12
    assert to_arrow(PositionStress, frame.iloc[:0], stamp()).num_rows == 0
    warehouse.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp())
    assert sql(url, "SELECT count(*), sum(cardinality(status)) FROM sigmasight.position_stress_packed") == [
        (12, len(frame))
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": None}, "position_stress: null value in column status"),
        ({"scenario": "same", "position_id": "same"}, "position_stress: two rows with the same key"),
        ({"portfolio": "z"}, "outside of the partitions"),
    ],
)
def test_refused_rows_store_nothing(warehouse: Warehouse, change: dict, message: str) -> None:
    frame = random_rows(PositionStress)
    warehouse.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp())
    with pytest.raises(WarehouseError, match=message):
        warehouse.replace(PositionStress, frame.assign(**change), DATES, PORTFOLIOS, stamp())
    pd.testing.assert_frame_equal(warehouse.read(PositionStress), frame)


def test_a_writer_that_is_not_the_owner_replaces(url: str, warehouse: Warehouse) -> None:
    """It may not use COPY on the stored table, so that arrays go by way of a temporary one."""
    sql(url, "CREATE ROLE packer LOGIN IN ROLE sigmasight_writer")
    packer, frame = Warehouse(url.replace("postgres@", "packer@")), random_rows(PositionStress)
    try:
        for _ in range(2):
            assert packer.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp()) == len(frame)
        pd.testing.assert_frame_equal(packer.read(PositionStress), frame, check_exact=True)
    finally:
        packer.close()
        sql(url, "DROP ROLE packer")


@pytest.mark.parametrize(
    "asked",
    [
        "position_stress WHERE date = '2024-02-29' AND portfolio = 'a' AND status <> ''",
        "position_stress_latest",
    ],
)
def test_a_partition_is_found_by_its_key(url: str, warehouse: Warehouse, asked: str) -> None:
    dates = pd.bdate_range("2024-01-01", periods=200).as_unit("ns")
    rows = random_rows(PositionStress, dates, per_partition=2)
    warehouse.replace(PositionStress, rows, dates, PORTFOLIOS, stamp())
    sql(
        url,
        "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
        "VALUES ('a', 1, 'f', 'r', 'c', now())",
        "ANALYZE",
    )
    plan = "\n".join(line for (line,) in sql(url, f"EXPLAIN SELECT * FROM sigmasight.{asked}"))
    condition = (
        plan.partition("position_stress_packed_pkey")[2].partition("Index Cond: ")[2].partition("\n")[0]
    )
    assert "date = " in condition, plan
    assert "portfolio = " in condition, plan


def test_retention_and_removal_count_rows(warehouse: Warehouse) -> None:
    frame = random_rows(PositionStress)
    warehouse.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp())
    for dry_run in (True, False):
        retired = warehouse.retire(DATES[1], dry_run=dry_run).set_index("what").loc["position_stress"]
        assert retired.tolist()[:2] == [len(PORTFOLIOS), len(frame) // len(DATES)]
    pd.testing.assert_frame_equal(
        warehouse.read(PositionStress), frame[frame["date"] > DATES[0]].reset_index(drop=True)
    )
    mine = (frame["portfolio"] == "a") & (frame["date"] > DATES[0])
    with warehouse._database.transaction() as cursor:
        assert delete_results(cursor, "a") == (len(DATES) - 1, mine.sum())
    assert set(warehouse.read(PositionStress)["portfolio"]) == set(PORTFOLIOS) - {"a"}


def unpack(url: str, rows: dict[type[Table], pd.DataFrame]) -> None:
    """Make of the packed tables what an older version had: tables of these rows."""
    flat = metadata(tuple(packed_models()))
    engine = sa.create_engine(
        url.replace("postgresql://", "postgresql+psycopg2://", 1), poolclass=sa.NullPool
    )
    with engine.begin() as connection:
        for model in packed_models():
            connection.exec_driver_sql(f"DROP TABLE sigmasight.{stored_name(model)} CASCADE")
            table = flat.tables[f"sigmasight.{table_name(model)}"]
            table.create(connection)
            audit = {
                "run_id": "old",
                "code_version": "0.1",
                "computed_at": pd.Timestamp("2024-01-01", tz="UTC"),
            }
            plain = rows[model].astype(object).where(rows[model].notna(), None).assign(**audit)
            connection.execute(table.insert(), plain.to_dict("records"))


@pytest.fixture
def older(url: str, warehouse: Warehouse) -> dict[type[Table], pd.DataFrame]:
    """Rows of a database whose tables are not packed yet."""
    warehouse.close()
    rows = {model: random_rows(model) for model in packed_models()}
    unpack(url, rows)
    return rows


def test_an_older_database_is_packed_without_loss(
    url: str, warehouse: Warehouse, older: dict[type[Table], pd.DataFrame]
) -> None:
    sql(
        url,
        "CREATE ROLE of_before",
        "GRANT USAGE ON SCHEMA sigmasight TO of_before",
        "GRANT SELECT ON sigmasight.position_stress TO of_before",
        "ALTER TABLE sigmasight.position_stress ADD retired text DEFAULT 'kept', DROP spot_only_pnl CASCADE",
    )
    try:
        changes = warehouse.migrate()
        assert {f"packed table {table_name(model)}" for model in older} <= set(changes)
        assert "created view position_stress_latest" in changes
        assert "added column position_stress.spot_only_pnl" in changes
        for model, rows in older.items():
            expected = rows.assign(spot_only_pnl=np.nan) if model is PositionStress else rows
            pd.testing.assert_frame_equal(warehouse.read(model), expected, check_exact=True)
            shown = sql(
                url,
                f"SELECT * FROM sigmasight.{table_name(model)} LIMIT 1",
                COLUMNS.format(table_name(model)),
            )
            assert [name for (name,) in shown] == list(stored_columns(model))
        retired = "SELECT DISTINCT unnest(retired) FROM sigmasight.position_stress_packed"
        assert sql(url, retired) == [("kept",)]
        audit = "SELECT DISTINCT run_id, computed_at::date::text FROM sigmasight.position_stress"
        assert sql(url, "SET ROLE of_before", audit) == [("old", "2024-01-01")]
        note = (
            "note: column position_stress_packed.retired is not one of this version's: kept, NULL in new rows"
        )
        assert warehouse.migrate() == [note]
    finally:
        sql(url, "DROP OWNED BY of_before", "DROP ROLE of_before")


COLUMNS = (
    "SELECT attname FROM pg_attribute "
    "WHERE attrelid = 'sigmasight.{}'::regclass AND attnum > 0 ORDER BY attnum"
)


def test_what_hangs_on_an_older_table_is_named_and_nothing_changes(
    url: str, warehouse: Warehouse, older: dict[type[Table], pd.DataFrame]
) -> None:
    sql(url, "CREATE VIEW public.mine AS SELECT * FROM sigmasight.reverse_stress")
    with pytest.raises(MigrationError, match=r"reverse_stress is to be stored packed, .*view mine depends"):
        warehouse.migrate()
    assert sql(url, "SELECT count(*) FROM public.mine") == [(len(older[ReverseStress]),)]
    sql(url, "DROP VIEW public.mine")
    warehouse.migrate()
    assert warehouse.migrate() == []


def test_columns_of_a_packed_table_come_and_widen(url: str, warehouse: Warehouse) -> None:
    frame = random_rows(PositionStress)
    small = frame.assign(direct_pnl=1.5)
    warehouse.replace(PositionStress, small, DATES, PORTFOLIOS, stamp())
    sql(
        url,
        "DROP VIEW sigmasight.position_stress CASCADE",
        "ALTER TABLE sigmasight.position_stress_packed ALTER direct_pnl TYPE real[], DROP correlated_pnl",
    )
    changes = warehouse.migrate()
    assert "added column position_stress_packed.correlated_pnl" in changes
    assert any(
        "position_stress_packed.direct_pnl from REAL[] to DOUBLE PRECISION[]" in line for line in changes
    )
    pd.testing.assert_frame_equal(
        warehouse.read(PositionStress), small.assign(correlated_pnl=np.nan), check_exact=True
    )
    assert warehouse.migrate() == []
    warehouse.replace(PositionStress, frame, DATES, PORTFOLIOS, stamp())
    pd.testing.assert_frame_equal(warehouse.read(PositionStress), frame, check_exact=True)
    sql(
        url,
        "DROP VIEW sigmasight.position_stress CASCADE",
        "ALTER TABLE sigmasight.position_stress_packed ALTER direct_pnl TYPE text[]",
    )
    with pytest.raises(
        MigrationError, match=r"direct_pnl: its type is TEXT\[\] and must be DOUBLE PRECISION\[\]"
    ):
        warehouse.migrate()


def test_a_role_that_may_read_a_packed_tables_view_alone_is_told_of(url: str, warehouse: Warehouse) -> None:
    sql(
        url,
        "CREATE ROLE view_alone",
        "GRANT USAGE ON SCHEMA sigmasight TO view_alone",
        "GRANT SELECT ON sigmasight.position_stress TO view_alone",
    )
    try:
        assert warehouse.migrate() == [
            "note: role view_alone may read the view position_stress and not its tables, which it now "
            "needs: GRANT sigmasight_reader TO view_alone"
        ]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            sql(url, "SET ROLE view_alone", "SELECT * FROM sigmasight.position_stress")
        sql(url, "GRANT SELECT ON sigmasight.position_stress_packed TO view_alone")
        assert warehouse.migrate() == []
        assert sql(url, "SET ROLE view_alone", "SELECT * FROM sigmasight.position_stress") == []
    finally:
        sql(url, "DROP OWNED BY view_alone", "DROP ROLE view_alone")
