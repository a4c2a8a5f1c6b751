"""A small project on PostgreSQL for each test: made once a module, emptied before each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sigmasight_core.tables import OPERATIONS_TABLES, TABLES, table_name
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import House, dagster_instance

DATABASES = ("house_assets", "house_dagster")
DAGSTER_TABLES = "event_logs, asset_keys, asset_event_tags, asset_check_executions, runs, run_tags"


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
    tables = ", ".join(f"sigmasight.{table_name(model)}" for model in (*TABLES, *OPERATIONS_TABLES))
    execute(assets, f"TRUNCATE {tables}")
    execute(dagster, f"TRUNCATE {DAGSTER_TABLES} CASCADE")
    return shared_house
