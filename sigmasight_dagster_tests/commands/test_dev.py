"""`sigmasight dev`: one line when it is ready; one SIGTERM ends all that it started, with no database too.

A shell that starts it in the background has it ignore Ctrl-C: what it starts must not.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlparse

import pytest

from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.dev_server import START_SECONDS, DevServer, free_port, wait_until
from sigmasight_dagster_tests.support.project import CliProject

END_SECONDS = 90
"""An idle machine needs 5: how long it takes says more of the load. Unheeded, it never ends."""
IN_THE_BACKGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
"""


def processes_of(home: Path) -> list[int]:
    """Whatever still runs with this project's environment."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit() and int(place.name) != os.getpid():
            try:
                environment = (place / "environ").read_bytes()
                state = (place / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if f"SIGMASIGHT_HOME={home}".encode() in environment.split(b"\0") and state != "Z":
                found.append(int(place.name))
    return found


def take_away(server: EmbeddedPostgres, database: str) -> None:
    """End every connection to a database, and let in no other."""
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    execute(server.url("postgres"), f"ALTER DATABASE {database} ALLOW_CONNECTIONS false", ended)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_one_line_and_one_sigterm_where_ctrl_c_is_ignored_and_the_database_is_gone(
    new_project: Callable[[], CliProject], postgres_server: EmbeddedPostgres
) -> None:
    project = new_project()
    execute(project.asset_url, "DROP SCHEMA sigmasight CASCADE")  # as in a new project: sensors need it
    port = free_port()
    server, log = DevServer(f"http://127.0.0.1:{port}"), project.home / "dev.log"
    started = [sys.executable, "-c", IN_THE_BACKGROUND, *project.command("dev", "--port", str(port))]
    with (
        log.open("w") as output,
        subprocess.Popen(
            started,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=project.environment,
            cwd=project.home,
        ) as dev,
    ):
        try:
            wait_until(server.code_location_is_loaded, START_SECONDS, log)
            wait_until(lambda: "Dagster UI" in log.read_text(), START_SECONDS, log)
            execute(project.asset_url, "SELECT FROM sigmasight.alert_rules")
            for url in (project.asset_url, project.dagster_url):
                take_away(postgres_server, urlparse(url).path.removeprefix("/"))
            dev.terminate()
            begun = time.monotonic()
            assert dev.wait(END_SECONDS) == 0
            while left := processes_of(project.home):
                assert time.monotonic() - begun < END_SECONDS, left
                time.sleep(0.2)
        finally:
            for number in processes_of(project.home):
                os.kill(number, signal.SIGKILL)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
    ready = f"Dagster UI: http://127.0.0.1:{port} (Ctrl-C stops it; the database goes on: sigmasight db stop)"
    assert log.read_text().splitlines() == [ready]
