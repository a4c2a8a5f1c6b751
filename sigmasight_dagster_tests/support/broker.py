"""A RabbitMQ of the test's own: a child process with its own node, data and port on 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sigmasight_dagster_tests.support.dev_server import RUN_UNTIL_STDIN_CLOSES, free_port

START_SECONDS = 120
USER = "sigmasight"
ENTRY_POINTS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
"""Debian's command changes the user and the data; what it starts does not."""
START = 'epmd & exec "$0"'
"""Erlang's port mapper first: as a child it ends with the broker, by itself it would become a daemon."""


def server() -> str | None:
    """The server's own start script, if it is installed."""
    return next((found for name in ENTRY_POINTS if (found := shutil.which(name))), None)


@contextmanager
def rabbitmq(home: Path, password: str) -> Iterator[str]:
    """URL of a fresh broker, which stops at the end, or when pytest is killed."""
    port, mapper, distribution = free_port(), free_port(), free_port()
    command = server()
    assert command, "rabbitmq-server is not installed: apt-get install rabbitmq-server"
    configuration = home / "rabbitmq.conf"
    configuration.write_text(
        f"listeners.tcp.1 = 127.0.0.1:{port}\ndefault_user = {USER}\ndefault_pass = {password}\n"
    )
    with (
        (home / "rabbitmq.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", RUN_UNTIL_STDIN_CLOSES, "sh", "-c", START, command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=home,
            env={**_clean(os.environ), **_environment(home, configuration, mapper, distribution)},
        ) as process,
    ):
        try:
            _wait(port, process, home / "rabbitmq.log")
            yield f"pyamqp://{USER}:{password}@127.0.0.1:{port}//"
        finally:
            assert process.stdin
            process.stdin.close()


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if not name.startswith("RABBITMQ_")}


def _environment(home: Path, configuration: Path, mapper: int, distribution: int) -> dict[str, str]:
    return {
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"test{os.getpid()}@localhost",
        "RABBITMQ_CONFIG_FILE": str(configuration.with_suffix("")),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
    }


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if connection.recv(8):
                    return
        except OSError:
            pass
        assert process.poll() is None, log.read_text()[-2_000:]
        assert time.monotonic() < end, log.read_text()[-2_000:]
        time.sleep(0.2)
