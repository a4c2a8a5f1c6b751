"""Dagster's own `dagster dev` as a child: quiet, ended by one signal, and killed when it does not end.

Its webserver and daemon ask the database while they stop. Where that is gone they wait for minutes, and a
second Ctrl-C leaves some of them running: so they are a process group of their own, which gets one orderly
request and then no more time than `SECONDS_TO_END`. When we are killed ourselves, their tether tears.
"""

import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final

from dagster_shared.ipc import get_ipc_shutdown_pipe, send_ipc_shutdown_message

from sigmasight_dagster.instance.tether import SECONDS_TO_END

TICK_SECONDS: Final = 0.25
FORBIDDEN: Final = 403
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DagsterProcess:
    """`dagster dev ARGUMENTS`, from entering the context to its end; what it says goes to `log`.

    :param environment: variables that it has beside ours.
    """

    def __init__(self, arguments: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self._environment = {**os.environ, **environment}
        self._arguments = arguments
        self._stop = threading.Event()
        self.ended_by_itself = False

    def __enter__(self) -> "DagsterProcess":
        self._before = {number: signal.signal(number, self._heed) for number in SIGNALS}
        end_of_child, self._pipe = get_ipc_shutdown_pipe()
        tether, self._tether = os.pipe()
        services = [sys.executable, "-m", "sigmasight_dagster.instance.dev_services", str(tether)]
        program = [*services, "--shutdown-pipe", str(end_of_child)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*program, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[end_of_child, tether],
                process_group=0,
                env=self._environment,
            )
        os.close(end_of_child)
        os.close(tether)
        return self

    def wait_until_it_answers(self, url: str) -> bool:
        """False when it ended, or is to end, before it answered."""
        while not self._over():
            try:
                with urllib.request.urlopen(url, timeout=5):
                    return True
            except (urllib.error.URLError, OSError):
                self._stop.wait(TICK_SECONDS)
        return False

    def refuses_strangers(self, url: str) -> bool:
        """Whether a request by a name that is not the server's is answered with 403, or not at all."""
        request = urllib.request.Request(url, headers={"Host": "stranger.invalid"})
        try:
            with urllib.request.urlopen(request, timeout=30):
                return False
        except urllib.error.HTTPError as error:
            return error.code == FORBIDDEN
        except (urllib.error.URLError, OSError):
            return True

    def wait(self) -> None:
        """Until a signal comes, or it ends by itself."""
        while not self._over():
            self._stop.wait(TICK_SECONDS)

    def last_words(self) -> str:
        """The last line of its log."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended_by_itself = not self._stop.is_set()
        if self._process.poll() is None:
            send_ipc_shutdown_message(self._pipe)
            self._await_end()
        self._kill()
        os.close(self._tether)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _over(self) -> bool:
        return self._stop.is_set() or self._process.poll() is not None

    def _heed(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (fixed by signal)
        self._stop.set()

    def _await_end(self) -> None:
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            return

    def _kill(self) -> None:
        """Whatever of the group is left, when Dagster itself has been killed, too."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait()
