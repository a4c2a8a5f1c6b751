"""`sigmasight dev` where a shell ignores Ctrl-C (in the background): SIGTERM ends it and all it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

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


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_sigterm_ends_a_server_that_was_started_with_ctrl_c_ignored(
    new_project: Callable[[], CliProject],
) -> None:
    project = new_project()
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
            dev.terminate()
            begun = time.monotonic()
            dev.wait(END_SECONDS)
            while left := processes_of(project.home):
                assert time.monotonic() - begun < END_SECONDS, left
                time.sleep(0.2)
        finally:
            for number in processes_of(project.home):
                os.kill(number, signal.SIGKILL)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
