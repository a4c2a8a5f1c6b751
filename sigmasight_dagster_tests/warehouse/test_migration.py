"""One command makes a new database, and brings an older one up to date without loss."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import TABLES, Alerts, DailyPrices, Positions
from sigmasight_dagster.warehouse import MigrationError, Warehouse, WarehouseError
from sigmasight_dagster.warehouse.layout import migration
from sigmasight_dagster.warehouse.layout.schema import stored_name
from sigmasight_dagster_tests.support.stored_rows import DATES, STORAGE_PARAMETERS, random_rows, sql, stamp

LAYOUT = (
    "SELECT table_name, column_name, data_type, is_nullable, collation_name FROM information_schema.columns "
    "WHERE table_schema = 'sigmasight' ORDER BY 1, 2"
)
COUNTED_ARRAYS = (
    "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relnamespace = 'sigmasight'::regnamespace AND c.relkind = 'r' AND a.attndims > 0 "
    "AND coalesce(a.attstattarget, -1) <> 0"
)
KEY_OF_ALERTS = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'sigmasight' AND indexname = 'alerts_pkey'"
)


def test_a_new_database(database_url: str) -> None:
    changes = Warehouse(database_url).migrate()
    assert changes[0] == "created schema sigmasight"
    assert {f"created table {stored_name(model)}" for model in TABLES} <= set(changes)
    assert not [line for line in changes if line.startswith("note:")]


def test_a_second_migration_changes_nothing(url: str) -> None:
    before = sql(url, "SELECT xmin::text, * FROM sigmasight.schema_version")
    assert Warehouse(url).migrate() == []
    assert sql(url, "SELECT xmin::text, * FROM sigmasight.schema_version") == before


def test_what_the_last_migration_left_is_not_compared_again(
    url: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(migration, "compare_metadata")
    assert warehouse.migrate() == []
    sql(url, "COMMENT ON COLUMN sigmasight.daily_prices.close IS 'old'")
    with pytest.raises(NameError, match="compare_metadata"):
        warehouse.migrate()


def test_an_older_layout_is_brought_up_to_date_with_its_data(url: str, warehouse: Warehouse) -> None:
    """Every kind of difference at once. The layout is then that of a new database, and no row is lost."""
    expected = sql(url, LAYOUT)
    rows = random_rows(DailyPrices).assign(volume=1.0, close=2.0, source="x").astype({"source": "str"})
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    sql(
        url,
        "DROP VIEW sigmasight.daily_prices_latest, sigmasight.factor_state_latest",
        "ALTER TABLE sigmasight.daily_prices ALTER volume TYPE real, DROP adjusted_close",
        "ALTER TABLE sigmasight.factor_state ALTER n_obs TYPE integer",
        "ALTER TABLE sigmasight.daily_prices ALTER close SET NOT NULL, ALTER source DROP NOT NULL",
        "COMMENT ON COLUMN sigmasight.daily_prices.close IS 'old'",
        "COMMENT ON TABLE sigmasight.daily_prices IS NULL",
        "DROP TABLE sigmasight.position_stress_packed CASCADE",
        "DROP INDEX sigmasight.publications_run_id_idx",
        "ALTER TABLE sigmasight.factor_betas DROP quality CASCADE",
    )
    changes = warehouse.migrate()
    assert sql(url, LAYOUT) == expected
    assert set(changes) == {
        "created table position_stress_packed",
        "created view position_stress",
        "created index publications_run_id_idx",
        "added column daily_prices.adjusted_close",
        "added column factor_betas.quality",
        "changed type of daily_prices.volume from REAL to DOUBLE PRECISION",
        "changed type of factor_state.n_obs from INTEGER to BIGINT",
        "daily_prices.close may be NULL",
        "daily_prices.source may not be NULL",
        "changed comment of daily_prices.close",
        "changed comment of daily_prices",
        *(
            f"created view {t}_latest"
            for t in ("daily_prices", "factor_state", "position_stress", "factor_betas")
        ),
        "created view positions_today",
    }
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), rows.assign(adjusted_close=float("nan")))
    assert warehouse.migrate() == []
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), rows)


def test_a_key_grows_by_a_text_that_is_empty_in_older_rows(url: str, warehouse: Warehouse) -> None:
    expected = sql(url, LAYOUT), sql(url, KEY_OF_ALERTS), sql(url, STORAGE_PARAMETERS)
    sql(
        url,
        "ALTER TABLE sigmasight.alerts DROP subject",
        "ALTER TABLE sigmasight.alerts ADD PRIMARY KEY (rule, portfolio, date, failed_run)",
        *(
            f"INSERT INTO sigmasight.alerts VALUES ('{rule}', 'a', '2022-12-16', '', 't', '', 'm', 1, '>', "
            "1, 'info', 'firing', '', 'run', '1', now())"
            for rule in ("x", "y")
        ),
    )
    changes = warehouse.migrate()
    assert "the key of alerts has subject too" in changes
    assert not [line for line in changes if line.startswith("note:")]
    assert (sql(url, LAYOUT), sql(url, KEY_OF_ALERTS), sql(url, STORAGE_PARAMETERS)) == expected
    assert warehouse.read(Alerts)[["rule", "subject"]].values.tolist() == [["x", ""], ["y", ""]]
    assert warehouse.migrate() == []


def test_storage_parameters_are_those_of_a_new_database(url: str, warehouse: Warehouse) -> None:
    """Those of tables, of their long values and of keys' indexes; what somebody has set besides stays."""
    expected = sql(url, STORAGE_PARAMETERS)
    assert [name for name, _, own, _ in expected if name.endswith("_pkey") and own != ["fillfactor=45"]] == []
    sql(
        url,
        "ALTER TABLE sigmasight.positions RESET (autovacuum_vacuum_scale_factor)",
        "ALTER TABLE sigmasight.position_stress_packed SET (toast.autovacuum_vacuum_scale_factor = 0.5)",
        "ALTER INDEX sigmasight.alerts_pkey RESET (fillfactor)",
        "ALTER TABLE sigmasight.transactions SET (autovacuum_analyze_threshold = 7)",
        "ALTER TABLE sigmasight.reverse_stress_packed ALTER achieved_pnl SET STATISTICS -1",
    )
    assert warehouse.migrate() == ["storage parameters of 4 tables"]
    assert sql(url, COUNTED_ARRAYS) == []
    sql(url, "ALTER TABLE sigmasight.transactions RESET (autovacuum_analyze_threshold)")
    assert sql(url, STORAGE_PARAMETERS) == expected


def test_a_new_label_is_null_in_older_rows_until_they_are_computed_again(
    url: str, warehouse: Warehouse
) -> None:
    rows = random_rows(DailyPrices)
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    sql(url, "DROP VIEW sigmasight.daily_prices_latest", "ALTER TABLE sigmasight.daily_prices DROP source")
    note = "note: daily_prices.source is NULL in rows older than the column: compute them again to fill it"
    assert warehouse.migrate() == [
        "added column daily_prices.source", "created view daily_prices_latest", note,
    ]  # fmt: skip
    assert warehouse.migrate() == [note]
    assert warehouse.read(DailyPrices)["source"].isna().all()
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    assert warehouse.migrate() == ["daily_prices.source may not be NULL"]
    assert warehouse.migrate() == []


def test_what_this_version_does_not_know_is_kept_and_reported(url: str, warehouse: Warehouse) -> None:
    sql(
        url,
        "ALTER TABLE sigmasight.daily_prices ADD retired text NOT NULL DEFAULT 'kept'",
        "ALTER TABLE sigmasight.daily_prices ALTER retired DROP DEFAULT",
        "CREATE TABLE sigmasight.of_a_user AS SELECT 1 AS x",
        "CREATE INDEX of_a_user_idx ON sigmasight.daily_prices (symbol)",
        "CREATE TABLE public.elsewhere (x int)",
    )
    notes = [
        "note: column daily_prices.retired is not one of this version's: kept, NULL in new rows",
        "note: table of_a_user is not one of this version's: kept",
    ]
    first = warehouse.migrate()
    assert sorted(first) == sorted(
        ["daily_prices.retired may be NULL", "changed view daily_prices_latest", *notes]
    )
    assert sorted(warehouse.migrate()) == notes
    rows = random_rows(DailyPrices)
    warehouse.replace(DailyPrices, rows, DATES, None, stamp())
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), rows)
    assert sql(url, "SELECT x FROM sigmasight.of_a_user") == [(1,)]
    assert sql(url, "SELECT count(*) FROM pg_indexes WHERE indexname = 'of_a_user_idx'") == [(1,)]


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ["ALTER TABLE sigmasight.positions ALTER quantity TYPE text"],
            "positions.quantity: its type is TEXT and must be NUMERIC, which could lose values; rename it",
        ),
        (
            ["ALTER TABLE sigmasight.positions ALTER quantity TYPE double precision"],
            "positions.quantity: its type is DOUBLE PRECISION and must be NUMERIC",
        ),
        (
            [
                "ALTER TABLE sigmasight.positions DROP CONSTRAINT positions_pkey",
                "ALTER TABLE sigmasight.positions ADD PRIMARY KEY (position_id)",
            ],
            r"positions: its key is \(position_id\) and must be \(portfolio, position_id\); rename the table",
        ),
        (
            ["UPDATE sigmasight.schema_version SET code_version = '99.0.0'"],
            "SigmaSight 99.0.0 migrated this database .* upgrade SigmaSight",
        ),
    ],
)
def test_what_could_lose_data_is_refused_and_changes_nothing(
    url: str, warehouse: Warehouse, statements: list[str], message: str
) -> None:
    sql(url, *statements, "DROP TABLE sigmasight.position_stress_packed CASCADE")
    before = sql(url, LAYOUT)
    with pytest.raises(MigrationError, match=message):
        warehouse.migrate()
    assert sql(url, LAYOUT) == before


def test_an_older_code_version_is_recorded_anew(url: str, warehouse: Warehouse) -> None:
    sql(url, "UPDATE sigmasight.schema_version SET code_version = '0.0.1'")
    assert warehouse.migrate() == []
    assert sql(url, "SELECT code_version <> '0.0.1' FROM sigmasight.schema_version") == [(True,)]


def test_a_changed_view_definition_is_replaced(url: str, warehouse: Warehouse) -> None:
    definition = "SELECT pg_get_viewdef('sigmasight.daily_prices_latest')"
    ours = sql(url, definition)
    sql(
        url,
        "CREATE OR REPLACE VIEW sigmasight.daily_prices_latest AS SELECT * FROM sigmasight.daily_prices",
        "UPDATE sigmasight.schema_version SET views = 'older'",
    )
    assert "changed view daily_prices_latest" in warehouse.migrate()
    assert sql(url, definition) == ours


def test_concurrent_migrations(fresh_database: Callable[..., str]) -> None:
    """Three of one database and two of another of the same server, whose roles they share."""
    one, other = fresh_database(), fresh_database()
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda url: Warehouse(url).migrate(), [one, other, one, other, one]))
    made = [bool(changes) for changes in results]
    assert sorted(made[::2]) == [False, False, True]
    assert sorted(made[1::2]) == [False, True]
    assert sql(one, LAYOUT) == sql(other, LAYOUT) != []


def test_an_owner_who_may_not_create_roles(database_url: str) -> None:
    """It gets every table, and is told which roles a superuser should make; those are then granted."""
    roles = ("sigmasight_reader", "sigmasight_writer")
    sql(database_url, "DROP ROLE IF EXISTS plain_owner", "CREATE ROLE plain_owner LOGIN")
    name = sql(database_url, "SELECT current_database()")[0][0]
    sql(database_url, f"ALTER DATABASE {name} OWNER TO plain_owner")
    sql(database_url, *(f"ALTER ROLE {role} RENAME TO hidden_{role}" for role in roles))
    owner = Warehouse(database_url.replace("postgres@", "plain_owner@"))
    try:
        first = owner.migrate()
        assert owner.migrate() == first[-2:] == [
            f"note: this user may not create the role {role}; as a superuser run CREATE ROLE {role} NOLOGIN, "
            "then migrate again"
            for role in roles
        ]  # fmt: skip
    finally:
        sql(database_url, *(f"ALTER ROLE hidden_{role} RENAME TO {role}" for role in roles))
    assert owner.migrate() == []
    assert sql(database_url, "SET ROLE sigmasight_reader", "SELECT * FROM sigmasight.positions") == []
    owner.close()
    sql(database_url, f"ALTER DATABASE {name} OWNER TO postgres", "REASSIGN OWNED BY plain_owner TO postgres")
    sql(database_url, "DROP OWNED BY plain_owner", "DROP ROLE plain_owner")


def test_a_user_without_rights_is_told(url: str) -> None:
    sql(url, "DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN")
    stranger = Warehouse(url.replace("postgres@", "stranger@"))
    with pytest.raises(InputError, match="stranger may not use its schema; GRANT sigmasight_writer"):
        stranger.migrate()
    with pytest.raises(
        WarehouseError, match="permission denied for schema sigmasight: this user may not do that"
    ):
        stranger.read(Positions)
    sql(url, "DROP ROLE stranger")
