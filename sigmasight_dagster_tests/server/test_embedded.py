"""The embedded server survives what happens to servers. Every test works on real processes."""

import fcntl
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
import sqlalchemy
from adbc_driver_postgresql import dbapi

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.server import embedded, processes
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster_tests.conftest import copy_server, execute

START = """
import sys, time
from pathlib import Path
from sigmasight_dagster.server.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
"""
DROP_PRIVILEGES = """
import os, pwd, psycopg2, sigmasight_dagster.server.embedded
if os.geteuid() == 0:
    user = pwd.getpwnam("nobody")
    os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
"""


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


@contextmanager
def running(command: list[str], user: int | None = None) -> Iterator[psutil.Process]:
    with subprocess.Popen(command, user=user, stderr=subprocess.PIPE) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


@pytest.fixture
def messages() -> list[str]:
    return []


@pytest.fixture
def server(stopped_server: EmbeddedPostgres, messages: list[str]) -> EmbeddedPostgres:
    """A created, stopped server of the test's own."""
    return EmbeddedPostgres(stopped_server.home, say=messages.append)


def server_process(server: EmbeddedPostgres) -> psutil.Process:
    pid = server.status().pid
    assert pid is not None
    return psutil.Process(pid)


def test_first_start_makes_both_databases_durable_and_utf8(postgres_home: Path) -> None:
    server = EmbeddedPostgres(postgres_home)
    assert not server.status().running
    server.start()
    status = server.status()
    assert status.running
    assert status.version is not None
    assert status.version.startswith("18.")
    assert status.data_dir == postgres_home / "postgres"
    assert {"sigmasight", "dagster"} <= set(status.databases)
    assert all(size > 2**20 for size in status.databases.values())
    durability = "fsync", "synchronous_commit", "full_page_writes"
    assert [query(server.url("dagster"), f"SHOW {name}") for name in durability] == [[("on",)]] * 3
    assert query(server.url("sigmasight"), "SHOW server_encoding") == [("UTF8",)]
    assert query(server.url("sigmasight"), "SELECT 'a' < 'B', upper('\u00e9')") == [(False, "\u00c9")]


def test_server_outlives_a_killed_starter_and_its_session(server: EmbeddedPostgres) -> None:
    with python(START + "server.start(); print('up', flush=True); time.sleep(300)", server.home) as starter:
        assert starter.stdout is not None
        line = starter.stdout.readline()
        os.killpg(starter.pid, signal.SIGKILL)
    assert line == "up\n"
    assert query(server.url("sigmasight"), "SELECT 1") == [(1,)]
    assert os.getsid(server_process(server).pid) not in (starter.pid, os.getsid(0))


def test_killed_server_recovers_what_was_committed_and_nothing_else(
    server: EmbeddedPostgres, messages: list[str]
) -> None:
    server.start()
    execute(server.url("sigmasight"), "CREATE TABLE t (x int)", "INSERT INTO t VALUES (1)")
    with closing(psycopg2.connect(server.url("sigmasight"))) as connection:
        connection.cursor().execute("INSERT INTO t VALUES (2)")
        process = server_process(server)
        for victim in [process, *process.children()]:
            victim.send_signal(signal.SIGKILL)
        process.wait(10)
        assert server.status().message == "not running; was not shut down cleanly, the next start recovers"
        messages.clear()
        server.start()
    assert query(server.url("sigmasight"), "SELECT x FROM t") == [(1,)]
    assert len(messages) == 1
    assert f"not shut down cleanly (its process {process.pid} is gone)" in messages[0]


def test_start_ends_a_busy_session_whose_server_was_killed(
    server: EmbeddedPostgres, messages: list[str]
) -> None:
    """It would go on for hours, and PostgreSQL alone would refuse to start meanwhile."""
    server.start()
    loop = [
        str(processes.programs() / "psql"),
        server.url("sigmasight"),
        "-c",
        "DO 'BEGIN LOOP END LOOP; END'",
    ]
    with running(loop):
        active = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'DO %'"
        deadline = time.monotonic() + 20
        while not (found := query(server.url("sigmasight"), active)) and time.monotonic() < deadline:
            time.sleep(0.05)
        [(orphan,)] = found
        process = server_process(server)
        process.kill()
        process.wait(10)
        assert psutil.pid_exists(orphan)
        server.start()
        assert not psutil.pid_exists(orphan)
    assert query(server.url("sigmasight"), "SELECT 1") == [(1,)]
    assert "ended 1 sessions that a killed database server had left running" in messages


def test_stale_pid_file_with_the_pid_of_another_living_process(server: EmbeddedPostgres) -> None:
    """PostgreSQL alone takes any living process of its user for a server, and pg_ctl would stop it."""
    server.start()
    pid_file = server.home / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.stop()
    user = processes.server_user(server.home / "postgres")
    with running(["sleep", "300"], user.pw_uid if user else None) as other:
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
        server.stop()
        assert other.status() != psutil.STATUS_ZOMBIE
        assert server.status().pid is None
        server.start()
        assert server.status().pid not in (other.pid, int(lines[0]))
        assert other.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("content", ["", "garbage\n\n", "-1\n", "0\n"])
def test_damaged_pid_file(server: EmbeddedPostgres, content: str) -> None:
    (server.home / "postgres" / "postmaster.pid").write_text(content)
    server.start()
    assert query(server.url("sigmasight"), "SELECT 1") == [(1,)]


def test_concurrent_starters_share_one_server(postgres_home: Path) -> None:
    starters = [python(START + "server.start(); print(server.status().pid)", postgres_home) for _ in range(4)]
    printed = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 4, printed
    assert len({out for out, _ in printed}) == 1
    assert int(printed[0][0]) == EmbeddedPostgres(postgres_home).status().pid


def test_interrupted_creation_is_made_again(postgres_home: Path) -> None:
    (postgres_home / "postgres.new" / "base").mkdir(parents=True)
    (postgres_home / "postgres.new" / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(postgres_home)
    server.start()
    assert server.status().running
    assert not (postgres_home / "postgres.new").exists()


def test_folder_that_is_no_database_is_left_alone(postgres_home: Path) -> None:
    (postgres_home / "postgres").mkdir()
    precious = postgres_home / "postgres" / "thesis.txt"
    precious.write_text("mine")
    with pytest.raises(
        InputError, match=r"not a PostgreSQL data directory: move it away, or set SIGMASIGHT_HOME"
    ):
        EmbeddedPostgres(postgres_home).start()
    assert precious.read_text() == "mine"


def test_file_in_the_place_of_the_data(postgres_home: Path) -> None:
    (postgres_home / "postgres").write_text("mine")
    with pytest.raises(InputError, match="not a PostgreSQL data directory"):
        EmbeddedPostgres(postgres_home).start()


def test_data_of_another_major_version(postgres_home: Path) -> None:
    (postgres_home / "postgres").mkdir()
    (postgres_home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(
        InputError, match=r"made by PostgreSQL 16, and this is PostgreSQL 18: .* SIGMASIGHT_HOME"
    ):
        EmbeddedPostgres(postgres_home).start()


def test_data_in_use_by_a_server_out_of_sight(server: EmbeddedPostgres) -> None:
    """As from another container on the same volume: its processes are invisible, its lock is not."""
    with (server.home / "postgres.alive").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="in use by a server that cannot be reached"):
            server.start()
    server.start()
    assert server.status().running


def test_long_and_odd_path_serves_every_client(created_home: Path, postgres_home: Path) -> None:
    home = postgres_home / ("long " * 20) / "\u00fc%40"
    home.mkdir(parents=True)
    server = copy_server(created_home, home)
    try:
        server.start()
        url = server.url("sigmasight")
        assert query(url, "SELECT current_database()") == [("sigmasight",)]
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_database()")
            assert cursor.fetchone() == ("sigmasight",)
        engine = sqlalchemy.create_engine(sqlalchemy_url(url))
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == "sigmasight"
        engine.dispose()
    finally:
        folder = Path(sqlalchemy.make_url(server.url("sigmasight")).query["host"])
        server.stop()
    assert not folder.exists()


def test_home_that_postgresql_cannot_quote(postgres_home: Path) -> None:
    with pytest.raises(InputError, match="set SIGMASIGHT_HOME to a plainer path"):
        EmbeddedPostgres(postgres_home / "$(touch x)").start()


def test_ordinary_user_has_a_server_that_root_can_stop(postgres_home: Path) -> None:
    if os.geteuid() == 0:
        os.chown(postgres_home, pwd.getpwnam("nobody").pw_uid, -1)
    with python(DROP_PRIVILEGES + START + "server.start(); print(os.geteuid())", postgres_home) as starter:
        out, err = starter.communicate(timeout=60)
    assert starter.returncode == 0, err
    server = EmbeddedPostgres(postgres_home)
    assert server_process(server).uids().real == int(out) != 0
    server.stop()
    server.start()
    assert server_process(server).uids().real == int(out)


def test_folder_of_another_user_is_refused_in_one_line(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    if os.geteuid() != 0:
        (server.home / "postgres").chmod(0)
    with python(DROP_PRIVILEGES + START + "server.start()", server.home) as starter:
        _, err = starter.communicate(timeout=60)
    (server.home / "postgres").chmod(0o700)
    last = err.strip().splitlines()[-1]
    assert "Permission denied" in last
    assert last.endswith("or set SIGMASIGHT_HOME to a folder of yours")


def test_only_the_right_to_enter_is_given_and_only_where_it_lacks(tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    outer.chmod(0o700)
    inner.chmod(0o750)
    said: list[str] = []
    user = pwd.getpwnam("nobody")
    processes.let_enter(inner / "data", user, said.append)
    assert [folder.stat().st_mode & 0o777 for folder in (outer, inner)] == [0o701, 0o751]
    assert [message for message in said if str(outer) in message] == [
        f"made {folder} enterable (o+x) for PostgreSQL, which runs as user nobody"
        for folder in (inner, outer)
    ]
    said.clear()
    processes.let_enter(inner / "data", user, said.append)
    assert said == []


def test_stop_ends_open_connections_and_may_be_repeated(server: EmbeddedPostgres) -> None:
    server.stop()
    server.start()
    with (
        closing(psycopg2.connect(server.url("sigmasight"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT 1")
        server.stop()
        server.stop()
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")
    assert server.status().message == "not running"


def test_full_server_counts_as_running(server: EmbeddedPostgres) -> None:
    with (server.home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = 8\n")
    server.start()
    pid = server.status().pid
    connections = [psycopg2.connect(server.url("postgres")) for _ in range(8)]
    with pytest.raises(psycopg2.OperationalError, match="too many clients"):
        psycopg2.connect(server.url("postgres"))
    server.start()
    assert server.status().running
    assert server.status().pid == pid
    for connection in connections:
        connection.close()


def test_lost_socket_is_made_again(
    server: EmbeddedPostgres, messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server.start()
    (server.home / "postgres" / ".s.PGSQL.5432").unlink()
    assert not server.status().running
    monkeypatch.setattr(embedded, "_age", lambda process: 60.0)
    server.start()
    assert server.status().running
    assert any("has lost its socket" in message for message in messages)


def test_port_in_use_then_free(server: EmbeddedPostgres) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with_port = EmbeddedPostgres(server.home, port)
        cure = "set SIGMASIGHT_DB_PORT to a free port"
        with pytest.raises(
            InputError, match=rf"port {port} cannot be used \(address already in use\): {cure}"
        ):
            with_port.start()
    server.start()
    assert f"not yet with TCP port {port}" in with_port.status().message
    with pytest.raises(InputError, match="does not listen on that TCP port"):
        with_port.tcp_url("sigmasight")
    with_port.stop()
    with_port.start()
    assert query(with_port.tcp_url("sigmasight"), "SELECT current_database()") == [("sigmasight",)]
    assert query(with_port.url("dagster"), "SELECT current_database()") == [("dagster",)]
    assert query(server.url("dagster"), "SELECT 1") == [(1,)]
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(f"postgresql://postgres:guess@127.0.0.1:{port}/sigmasight")
    assert (server.home / "postgres.password").stat().st_mode & 0o777 == 0o600


def test_server_that_cannot_start_says_why(server: EmbeddedPostgres) -> None:
    with (server.home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = 'plenty'\n")
    with pytest.raises(SigmaSightError, match=r"PostgreSQL did not start: .*\(log: .*postgres\.log\)"):
        server.start()
