"""`sigmasight serve` as a process of its own, on a database, until the end of a block."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sigmasight_dagster.api.app import BASE
from sigmasight_dagster_tests.support.api_house import PASSWORD
from sigmasight_dagster_tests.support.dev_server import free_port

START_SECONDS = 120
_SERVE = "from sigmasight_dagster.cli import main; main()"


@dataclass
class RunningApi:
    """A running server."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{BASE}"

    def token(self, email: str, password: str) -> str:
        """An access token of a new login."""
        body = json.dumps({"email": email, "password": password}).encode()
        asked = urllib.request.Request(
            f"{self.url}/auth/login", body, {"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return str(json.load(answer)["access_token"])

    def headers(self, name: str) -> dict[str, str]:
        """Of a new login of one of `api_house.USERS`."""
        return {"Authorization": f"Bearer {self.token(f'{name}@example.com', PASSWORD)}"}

    def kill(self) -> None:
        """As a power failure ends it: no word to anybody."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running_api(url: str, home: Path, **settings: str) -> Iterator[RunningApi]:
    """:param settings: SIGMASIGHT_API_*; nobody's requests are counted unless they say so."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SIGMASIGHT_")}
    given = {"requests_per_minute": "0", **settings}
    (home / "dagster.yaml").touch()
    environment = {
        **kept,
        "SIGMASIGHT_HOME": str(home),
        "DAGSTER_HOME": str(home),
        "SIGMASIGHT_DATABASE_URL": url,
        **{f"SIGMASIGHT_API_{name.upper()}": text for name, text in given.items()},
    }
    port = free_port()
    command = [sys.executable, "-c", _SERVE, "serve", "--port", str(port)]
    with (home / "serve.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=log)
    try:
        _wait(process, port)
        yield RunningApi(port, process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended: serve.log says why"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server does not listen")
