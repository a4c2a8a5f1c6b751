"""Who executes a run is told by a lock of the database: not by host name, process number or clock.

Containers are made of namespaces here, so that two of them have one host name and each executor is process 1.
"""

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from sigmasight_dagster.instance.living import alive
from sigmasight_dagster.server.urls import sqlalchemy_url

NEW_HOST_NAME, NEW_PROCESSES, NEW_NETWORK = 0x04000000, 0x20000000, 0x40000000
EXECUTORS = {"first": "twin", "second": "twin", "third": "other"}
"""Host name of who executes each run."""


@pytest.fixture
def instance(database_url: str) -> Any:
    return SimpleNamespace(event_log_storage=SimpleNamespace(postgres_url=sqlalchemy_url(database_url)))


@pytest.fixture
def executors(instance: Any) -> Iterator[dict[str, int]]:
    """Process of the executor of each run, which holds its lock."""
    made = {run_id: executor(instance, run_id, host) for run_id, host in EXECUTORS.items()}
    yield made
    for pid in made.values():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def executor(instance: Any, run_id: str, host: str) -> int:
    """A process in a container of that host name, on a clock that is years behind."""
    reading, writing = os.pipe()
    outside = os.fork()
    if not outside:
        try:
            _enter(host)
            inside = os.fork()
            if not inside:
                _execute(instance, run_id, writing)
            os.write(writing, f"{inside}\n".encode())
        except OSError as error:
            os.write(writing, f"no: {error.strerror}\n".encode())
        finally:
            os._exit(0)
    os.waitpid(outside, 0)
    os.close(writing)
    with os.fdopen(reading) as told:
        lines = [told.readline().strip(), told.readline().strip()]
    refused = [line for line in lines if line.startswith("no: ")]
    if refused:
        pytest.skip(f"this user may make no containers ({refused[0]})")
    place = f"process 1 of {host}"
    assert place in lines
    return int(next(line for line in lines if line != place))


def _enter(host: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_HOST_NAME | NEW_PROCESSES | NEW_NETWORK):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    socket.sethostname(host)


def _execute(instance: Any, run_id: str, writing: int) -> None:
    time.time = lambda: 0.0
    with alive.holding(instance, run_id):
        os.write(writing, f"process {os.getpid()} of {socket.gethostname()}\n".encode())
        os.close(writing)
        while True:
            signal.pause()


@pytest.mark.skipif(sys.platform != "linux", reason="containers are made of namespaces of Linux")
def test_the_dead_of_containers_are_found_and_no_living_one(instance: Any, executors: dict[str, int]) -> None:
    assert alive.abandoned(instance, list(EXECUTORS)) == set()
    dead: set[str] = set()
    for run_id, pid in executors.items():
        os.kill(pid, signal.SIGKILL)
        dead.add(run_id)
        until = time.monotonic() + 10
        while alive.abandoned(instance, list(EXECUTORS)) != dead and time.monotonic() < until:
            time.sleep(0.02)
        assert alive.abandoned(instance, list(EXECUTORS)) == dead
