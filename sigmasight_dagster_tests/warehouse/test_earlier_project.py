"""A `.sigmasight` of commit 9037f06 goes on working.

`commit_9037f06/` has both databases of that commit's demo: the layout by `pg_dump --schema-only`, then up to
three rows of the last day of each table (all portfolios, positions, ledger changes and publications), and in
Dagster's the run that made them with three of its events. Nothing in them was written by a later version.
"""

import gzip
import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sigmasight_core.tables import TABLES, PortfolioSnapshots, Positions, TreasuryYields, table_name
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.instance.storage import BulkEventLogStorage
from sigmasight_dagster.staleness.earlier import without_account
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import DATES, House, dagster_instance, partition_keys, yields
from sigmasight_dagster_tests.support.stored_rows import STORAGE_PARAMETERS, sql

EARLIER = Path(__file__).with_name("commit_9037f06")
ROLES = ("sigmasight_reader", "sigmasight_writer")
UNFILLED = "note: var_backtests.verdict is NULL in rows older than the column: compute them again to fill it"
"""What a migration says of columns that have come since and cannot be filled for old rows."""
SNAPSHOTS = dg.AssetKey("portfolio_snapshots")
RECORDED = {f"{date}|individual" for date in ("2022-10-21", "2022-11-10", "2022-12-07")}


@pytest.fixture
def restored(fresh_database: Callable[..., str], database_url: str) -> tuple[str, str]:
    """URLs of the asset tables and of Dagster's database, as that commit left them."""
    exists = sql(database_url, "SELECT rolname FROM pg_roles")
    execute(database_url, *(f"CREATE ROLE {role} NOLOGIN" for role in ROLES if (role,) not in exists))
    urls = fresh_database(), fresh_database()
    for url, name in zip(urls, ("sigmasight", "dagster"), strict=True):
        execute(url, gzip.decompress((EARLIER / f"{name}.sql.gz").read_bytes()).decode())
    return urls


RELATIONS = (
    "SELECT relname, relkind = 'r' FROM pg_class "
    "WHERE relnamespace = 'sigmasight'::regnamespace AND relkind IN ('r', 'v')"
)
NAMES = {table_name(model) for model in TABLES}


def contents(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the schema, in the order in which they were written."""
    names = [name for name, is_table in sql(url, RELATIONS) if is_table or name in NAMES]
    statement = "SELECT coalesce(json_agg(t), '[]')::text FROM sigmasight.{} t"
    return {name: json.loads(sql(url, statement.format(name))[0][0]) for name in names}


def test_every_row_lives_on(restored: tuple[str, str]) -> None:
    url, _ = restored
    before = contents(url)
    warehouse = Warehouse(url)
    warehouse.migrate()
    after = contents(url)
    assert warehouse.migrate() == [UNFILLED]
    warehouse.close()
    filled = {name for name, rows in before.items() if rows and name != "schema_version"}
    assert len(filled) > 30
    for name in filled:
        columns = before[name][0].keys()
        kept = [{column: row[column] for column in columns} for row in after[name]]
        assert sorted(map(repr, kept)) == sorted(map(repr, before[name])), name
    assert before.keys() | NAMES <= after.keys()


def test_it_is_stored_as_a_new_one_is(restored: tuple[str, str], catalogue: str) -> None:
    """But for tables and indexes of its own that this version does not have."""
    url, _ = restored
    Warehouse(url).migrate()
    found = {name: parameters for name, *parameters in sql(url, STORAGE_PARAMETERS)}
    assert {name: found.get(name) for name, *_ in sql(catalogue, STORAGE_PARAMETERS)} == {
        name: parameters for name, *parameters in sql(catalogue, STORAGE_PARAMETERS)
    }


def test_the_roles_keep_their_rights(restored: tuple[str, str]) -> None:
    url, _ = restored
    tables = sql(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'sigmasight'")
    Warehouse(url).migrate()
    held = sql(
        url,
        "SELECT relname, role, array_agg(privilege ORDER BY privilege) FROM pg_class, "
        "unnest(ARRAY['sigmasight_reader', 'sigmasight_writer']) role, "
        "unnest(ARRAY['DELETE', 'INSERT', 'SELECT']) privilege "
        "WHERE relnamespace = 'sigmasight'::regnamespace AND relkind IN ('r', 'v') "
        "AND has_table_privilege(role, pg_class.oid, privilege) GROUP BY 1, 2",
    )
    rights = {(table, role): granted for table, role, granted in held}
    for (table,) in tables:
        assert rights[table, "sigmasight_reader"] == ["SELECT"]
        assert rights[table, "sigmasight_writer"] == ["DELETE", "INSERT", "SELECT"]
    assert sql(url, "SET ROLE sigmasight_reader", "SELECT count(*) FROM sigmasight.position_values_latest")


def test_a_run_publishes_into_it_and_what_was_published_is_still_known(
    restored: tuple[str, str], tmp_path: Path
) -> None:
    assets, dagster = restored
    with dagster_instance(dagster, tmp_path / "dagster") as instance:
        house = House.make(assets, tmp_path, instance)
        assert type(instance.event_log_storage) is BulkEventLogStorage
        assert {"hedge_fund", "high_net_worth", "individual"} <= set(
            instance.get_dynamic_partitions("portfolio")
        )
        assert instance.get_materialized_partitions(SNAPSHOTS) == RECORDED
        old = instance.get_latest_materialization_event(SNAPSHOTS)
        assert old is not None
        assert old.asset_materialization.metadata["total value (USD)"].value > 0
        earlier = house.published(TreasuryYields)
        assert house.run(yields()).succeeded
        assert house.published(TreasuryYields) == earlier | partition_keys(DATES)
        assert instance.get_materialized_partitions(dg.AssetKey("treasury_yields")) == partition_keys(DATES)
        assert len(house.platform.warehouse.read(Positions)) == 16
        house.platform.warehouse.close()


@pytest.mark.parametrize(
    "name",
    [
        "sigmasight_dagster.instance.storage:SigmaSightStorage",
        "sigmasight_dagster.instance.storage:HomeArtifactStorage",
        "sigmasight_dagster.instance.storage:HomeComputeLogManager",
        "sigmasight_dagster.definitions:defs",
        "sigmasight_dagster.cli:main",
    ],
)
def test_what_its_yaml_files_and_its_script_name_is_still_there(name: str) -> None:
    """`dagster.yaml`, `workspace.yaml` and the command of an environment that was not made again."""
    assert EntryPoint("earlier", name, "console_scripts").load() is not None


def test_what_was_computed_before_portfolios_were_accounts_is_stale(restored: tuple[str, str]) -> None:
    url, _ = restored
    warehouse = Warehouse(url)
    warehouse.migrate()
    snapshots = warehouse.published(PortfolioSnapshots)
    rows = without_account(warehouse, RISK_ASSETS)
    assert len(snapshots)
    assert {"portfolio_cash", "portfolio_snapshots", "risk_measures", "factor_exposures"} <= set(
        rows["table_name"]
    )
    assert not {"position_values", "daily_prices", "position_greeks"} & set(rows["table_name"])
    keys = ["date", "portfolio"]
    for _, group in rows.groupby("table_name"):
        both = group[keys].merge(snapshots[keys], on=keys)
        assert len(both) == len(group) == len(snapshots)
    # its ledger is an account without loss: what lies beside the positions is stated on the last entry date
    last = warehouse.positions().groupby("portfolio")["entry_date"].max()
    cash = warehouse.portfolios().set_index("portfolio")["cash"]
    assert len(last)
    for name, date in last.items():
        stated = warehouse.account(str(name)).set_index("kind").loc[["statement"]]
        assert stated[["amount", "date"]].to_numpy().tolist() == [[cash[name], date]]
    warehouse.close()
