"""Fixtures with a real PostgreSQL: one server per pytest process, one fresh database per test."""

import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from sigmasight_dagster.embedded_postgres import EmbeddedPostgres

STOP_WHEN_PYTEST_ENDS = """
import shutil, sys
from pathlib import Path
from sigmasight_dagster.embedded_postgres import EmbeddedPostgres
home = Path(sys.argv[1])
sys.stdin.read()
EmbeddedPostgres(home).stop()
shutil.rmtree(home)
"""


def execute(url: str, *statements: str) -> None:
    """Run statements outside of a transaction."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """A running server that nobody else uses (without fsync: tests do not pull the plug on this one).

    A second process stops it when our end of its pipe closes, so a killed pytest leaves no server behind.
    """
    home = Path(tempfile.mkdtemp(prefix="ssdb-", dir="/tmp"))
    command = [sys.executable, "-c", STOP_WHEN_PYTEST_ENDS, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        server = EmbeddedPostgres(home, say=lambda message: None)
        server.start()
        execute(server.url("postgres"), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield server


@pytest.fixture
def fresh_database(postgres_server: EmbeddedPostgres) -> Iterator[Callable[..., str]]:
    """Call it for the URL of a new, empty database (or a copy of `template`), dropped after the test."""
    names: list[str] = []

    def create(template: str = "template1") -> str:
        name = f"test_{uuid.uuid4().hex}"
        execute(postgres_server.url("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}")
        names.append(name)
        return postgres_server.url(name)

    yield create
    if names:
        drops = [f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in names]
        execute(postgres_server.url("postgres"), *drops)


@pytest.fixture
def database_url(fresh_database: Callable[..., str]) -> str:
    """libpq URL of a new, empty database, dropped after the test."""
    return fresh_database()
