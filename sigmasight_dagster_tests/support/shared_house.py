"""A small project on PostgreSQL for each test: made once a module, emptied before each test."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from sigmasight_core.tables import OPERATIONS_TABLES, TABLES
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse.layout.schema import stored
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import House, dagster_instance

DATABASES = ("house_assets", "house_dagster")
OF_DAGSTER = ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions", "runs", "run_tags")


def empty(url: str, *tables: str) -> None:
    """Truncate those of the tables that have rows: to truncate one that has none costs as much."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT FROM {table})" for table in tables))
        filled = [table for table, has_rows in zip(tables, cursor.fetchone() or (), strict=True) if has_rows]
        if filled:
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
        connection.commit()


@pytest.fixture(scope="module")
def shared_house(
    postgres_server: EmbeddedPostgres,
    migrated_template: str,
    dagster_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    maintenance = postgres_server.url("postgres")
    templates = zip(DATABASES, (migrated_template, dagster_template), strict=True)
    execute(maintenance, *(f"CREATE DATABASE {name} TEMPLATE {template}" for name, template in templates))
    assets, dagster = map(postgres_server.url, DATABASES)
    home: Path = tmp_path_factory.mktemp("house")
    with dagster_instance(dagster, home / "dagster") as instance:
        made = House.make(assets, home, instance)
        yield made
        made.platform.warehouse.close()
    execute(maintenance, *(f"DROP DATABASE {name} WITH (FORCE)" for name in DATABASES))


@pytest.fixture
def house(shared_house: House, postgres_server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    assets, dagster = map(postgres_server.url, DATABASES)
    empty(assets, *(stored(model) for model in (*TABLES, *OPERATIONS_TABLES)))
    empty(dagster, *OF_DAGSTER)
    return shared_house
