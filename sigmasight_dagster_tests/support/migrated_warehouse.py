"""A migrated warehouse for each test: a copy of one database per pytest process; Dagster's own likewise."""

from collections.abc import Callable, Iterator

import pytest
from dagster_postgres import DagsterPostgresStorage

from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import execute

TEMPLATE = "migrated_warehouse"
DAGSTER_TEMPLATE = "dagster_storage"


@pytest.fixture(scope="session")
def migrated_template(postgres_server: EmbeddedPostgres) -> str:
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
    made = Warehouse(postgres_server.url(TEMPLATE))
    made.migrate()
    made.close()
    return TEMPLATE


@pytest.fixture(scope="session")
def dagster_template(postgres_server: EmbeddedPostgres) -> str:
    """A database with Dagster's own tables, empty."""
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {DAGSTER_TEMPLATE}")
    storage = DagsterPostgresStorage(sqlalchemy_url(postgres_server.url(DAGSTER_TEMPLATE)))
    storage.event_log_storage.dispose()
    return DAGSTER_TEMPLATE


@pytest.fixture
def catalogue(postgres_server: EmbeddedPostgres, migrated_template: str) -> str:
    """URL of the migrated template, for tests that only look and close their connections."""
    return postgres_server.url(migrated_template)


@pytest.fixture(scope="module")
def shared_url(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """URL of a migrated database that the tests of a module share, each with a table of its own."""
    maintenance = postgres_server.url("postgres")
    execute(maintenance, f"CREATE DATABASE shared_by_module TEMPLATE {migrated_template}")
    yield postgres_server.url("shared_by_module")
    execute(maintenance, "DROP DATABASE shared_by_module WITH (FORCE)")


@pytest.fixture
def url(migrated_template: str, fresh_database: Callable[..., str]) -> str:
    """URL of a migrated, empty database of the test's own."""
    return fresh_database(migrated_template)


@pytest.fixture
def warehouse(url: str) -> Iterator[Warehouse]:
    made = Warehouse(url)
    yield made
    made.close()
