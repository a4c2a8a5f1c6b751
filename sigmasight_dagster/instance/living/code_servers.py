"""Code servers of `dagster dev`: one whose process was killed is started again.

Dagster's own proxy of it stays without until somebody presses Reload: until then nothing can be launched, and
no schedule and no sensor runs, that of the inbox neither.
"""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import psutil
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._grpc.client import DagsterGrpcClient

LOOK_SECONDS: Final = 2.0
LOOKS: Final = 2
AGAIN_SECONDS: Final = 60.0
"""A start takes some seconds; one that has failed is tried again after as many."""
PROXY: Final = ("code-server", "start")
SOCKET: Final = "--socket"

_log = logging.getLogger(__name__)


class CodeServers:
    """Proxies among the children of this process: since when each is without its server, and when told so."""

    def __init__(self) -> None:
        self._without: dict[int, int] = {}
        self._told: dict[int, float] = {}

    def watch(self) -> None:
        """Look from time to time, in a thread of its own, as long as the process lives."""
        threading.Thread(target=self._look_for_ever, name="code servers", daemon=True).start()

    def look(self) -> None:
        """Have those started again whose process is gone, as it was at the look before.

        One that is only beginning has had none yet; one that ends has its proxy end with it.
        """
        for proxy in psutil.Process().children():
            with suppress(psutil.Error):
                command = proxy.cmdline()
                if not _is_proxy(command):
                    continue
                if any(child.status() != psutil.STATUS_ZOMBIE for child in proxy.children()):
                    self._without[proxy.pid] = 0
                elif proxy.pid in self._without and self._lasts(proxy.pid) and self._may_be_told(proxy.pid):
                    _log.warning("a code server is gone: it is started again")
                    _start_again(command[command.index(SOCKET) + 1])

    def _lasts(self, pid: int) -> bool:
        self._without[pid] += 1
        return self._without[pid] >= LOOKS

    def _may_be_told(self, pid: int) -> bool:
        now = time.monotonic()
        if now - self._told.get(pid, -AGAIN_SECONDS) < AGAIN_SECONDS:
            return False
        self._told[pid] = now
        return True

    def _look_for_ever(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look()


def _is_proxy(command: Sequence[str]) -> bool:
    return all(word in command for word in (*PROXY, SOCKET))


def _start_again(socket: str) -> None:
    """What the UI's button does. The proxy ends with an error: the old server does not say that it ends."""
    with suppress(DagsterUserCodeUnreachableError):
        DagsterGrpcClient(socket=socket).reload_code(timeout=int(AGAIN_SECONDS))
