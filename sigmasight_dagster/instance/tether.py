"""A child's tether: a pipe that its parent holds the other end of, so that the two end together.

A process that is killed tells nobody. But its end of the pipe closes, whatever ended it.
"""

import os
import signal
import threading
import time
from typing import Final

SECONDS_TO_END: Final = 8


class Tether:
    """The child's end. Where the parent is gone the child is interrupted, and then its process group killed.

    :param end: file descriptor of the reading end of the pipe; nothing is ever written to it.
    :param seconds: how long the orderly end may take.
    """

    def __init__(self, end: int, seconds: float = SECONDS_TO_END) -> None:
        self.torn = threading.Event()
        self._end, self._seconds = end, seconds
        threading.Thread(target=self._watch, name="tether", daemon=True).start()

    def kill_group_if_torn(self) -> None:
        """What the child leaves behind of its group, at its own end; itself too."""
        if self.torn.is_set():
            os.killpg(0, signal.SIGKILL)

    def _watch(self) -> None:
        while os.read(self._end, 1):
            pass
        self.torn.set()
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(self._seconds)
        os.killpg(0, signal.SIGKILL)
