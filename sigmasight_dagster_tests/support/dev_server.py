"""`sigmasight dev` of a project: a real webserver, daemon and code server, asked over HTTP as the UI does."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigmasight_dagster_tests.support.project import CliProject

START_SECONDS = 180
TICK_SECONDS = 2

# Runs a command in a process group of its own until our end of its standard input closes: a killed pytest
# leaves no webserver and no daemon.
RUN_UNTIL_STDIN_CLOSES = """
import os, signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], start_new_session=True, stdin=subprocess.DEVNULL)
sys.stdin.read()
for number, seconds in ((signal.SIGINT, 30), (signal.SIGKILL, 10)):
    try:
        os.killpg(child.pid, number)
        child.wait(seconds)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
"""


@dataclass(frozen=True)
class DevServer:
    """A running `sigmasight dev`."""

    url: str

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.url + path, timeout=60) as response:
            return response.read().decode()

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer; an error of GraphQL fails the test."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql", body, {"content-type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def code_location_is_loaded(self) -> bool:
        """:raises AssertionError: when it could not be loaded."""
        query = """{ workspaceOrError { ... on Workspace { locationEntries {
            loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
        try:
            entries = self.graphql(query)["workspaceOrError"]["locationEntries"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        if not entries or entries[0]["loadStatus"] != "LOADED":
            return False
        found = entries[0]["locationOrLoadError"]
        assert found["__typename"] != "PythonError", found["message"]
        return True


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dev_server(project: CliProject) -> Iterator[DevServer]:
    """Start `sigmasight dev` on a free port, wait for its code location, and stop it at the end."""
    port = free_port()
    server = DevServer(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-c", RUN_UNTIL_STDIN_CLOSES, *project.command("dev", "--port", str(port))]
    log = Path(project.home) / "dev.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=project.environment,
            cwd=project.home,
        ) as process,
    ):
        wait_until(server.code_location_is_loaded, START_SECONDS, log)
        yield server
        assert process.stdin
        process.stdin.close()


def wait_until(done: Any, seconds: float, log: Path) -> None:
    """Ask again until `done()` is true; fail with the end of the log after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s; {log.read_text()[-3_000:]}"
        time.sleep(TICK_SECONDS)
