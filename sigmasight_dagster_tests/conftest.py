"""Fixtures with a real PostgreSQL: one server per pytest process, one fresh database per test."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from hypothesis import settings

from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.server.processes import postmaster, run, server_user

pytest_plugins = [
    "sigmasight_dagster_tests.support.some_tables",
    "sigmasight_dagster_tests.support.project",
    "sigmasight_dagster_tests.support.shared_house",
    "sigmasight_dagster_tests.support.migrated_warehouse",
    "sigmasight_dagster_tests.support.api_house",
]

REPOSITORY = Path(__file__).resolve().parent.parent

# How long an example takes says more of the machine's load than of the code. Each run draws examples of its
# own: fifty of each are enough for one. `HYPOTHESIS_PROFILE=thorough make test` draws many more.
settings.register_profile("any load", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "any load"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell started pytest in the background: Dagster, and all that it starts, would ignore SIGTERM too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Processes that tests start would compile every module again where this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

CAREFUL = ("fsync", "full_page_writes", "autovacuum")
"""What servers of tests do without: nobody pulls their plug. A commit still outlives a killed server."""

SWEEP_WHEN_PYTEST_ENDS = """
import sys
from pathlib import Path
sys.stdin.read()
from sigmasight_dagster_tests.conftest import remove_home
root = Path(sys.argv[1])
for home in root.iterdir():
    remove_home(home)
root.rmdir()
"""


def pytest_xdist_auto_num_workers() -> int | None:
    """One worker more than processors: tests wait for servers and for processes that they start."""
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The core's files last: they are short, so that both workers end together."""
    items.sort(key=lambda item: (REPOSITORY / "sigmasight_dagster_tests" / "core") in item.path.parents)


def remove_home(home: Path) -> None:
    """Stop the server of `home`, if it runs, without caring for its data, and delete it."""
    data = home / "postgres"
    if postmaster(data):
        run("pg_ctl", "stop", "--mode=immediate", f"--pgdata={data}", user=server_user(data))
    shutil.rmtree(home)


def execute(url: str, *statements: str) -> None:
    """Run statements outside of a transaction."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(scope="session")
def homes() -> Iterator[Path]:
    """A folder for the homes of servers, with a path short enough for sockets.

    A second process removes what is in it when our end of its pipe closes: a killed pytest leaves nothing.
    """
    root = Path(tempfile.mkdtemp(prefix="ssdb-", dir="/tmp"))
    root.chmod(0o711)
    command = [sys.executable, "-c", SWEEP_WHEN_PYTEST_ENDS, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, cwd=REPOSITORY):
        yield root


@contextmanager
def temporary_home(homes: Path) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(dir=homes))
    yield home
    remove_home(home)


def copy_server(source: Path, home: Path) -> EmbeddedPostgres:
    """A copy of a stopped server: much faster than to create one."""
    subprocess.run(["cp", "-a", str(source / "postgres"), str(home)], check=True)
    return EmbeddedPostgres(home, say=lambda message: None)


@pytest.fixture
def postgres_home(homes: Path) -> Iterator[Path]:
    """An empty home for a server of the test's own."""
    with temporary_home(homes) as home:
        yield home


@pytest.fixture(scope="session")
def created_home(homes: Path) -> Iterator[Path]:
    """The home of a server that was created and stopped."""
    with temporary_home(homes) as home:
        server = EmbeddedPostgres(home, say=lambda message: None)
        server.start()
        careless = (f"ALTER SYSTEM SET {name} = off" for name in CAREFUL)
        execute(server.url("postgres"), *careless, "SELECT pg_reload_conf()")
        server.stop()
        yield home


@pytest.fixture
def stopped_server(created_home: Path, postgres_home: Path) -> EmbeddedPostgres:
    """A server of the test's own, with its databases, not running."""
    return copy_server(created_home, postgres_home)


@pytest.fixture(scope="session")
def postgres_server(homes: Path, created_home: Path) -> Iterator[EmbeddedPostgres]:
    """The running server of this pytest process, for the databases of single tests."""
    with temporary_home(homes) as home:
        server = copy_server(created_home, home)
        server.start()
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
