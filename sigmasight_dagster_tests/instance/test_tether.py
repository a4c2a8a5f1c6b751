"""Whoever is killed takes along what he started: the tether tears."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CHILD = """
import pathlib, signal, subprocess, sys, time
from sigmasight_dagster.instance.tether import Tether
tether = Tether(int(sys.argv[1]), seconds=0.3)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[2]).write_text(f"{grandchild.pid}")
try:
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(60 if sys.argv[3] == "hangs" else 0)
finally:
    tether.kill_group_if_torn()
"""
PARENT = """
import os, subprocess, sys
end, held = os.pipe()
subprocess.Popen(
    [sys.executable, "-c", sys.argv[1], str(end), *sys.argv[2:]], pass_fds=[end], process_group=0
).wait()
"""


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("end", ["orderly", "hangs"])
def test_a_killed_parent_leaves_no_child_and_no_grandchild(end: str, tmp_path: Path) -> None:
    said = tmp_path / "grandchild"
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(said), end]) as parent:
        limit = time.monotonic() + 30
        while not (said.exists() and said.read_text()):
            assert time.monotonic() < limit
            assert parent.poll() is None
            time.sleep(0.02)
        parent.send_signal(signal.SIGKILL)
    while is_alive(int(said.read_text())):
        assert time.monotonic() < limit, "it still lives"
        time.sleep(0.02)
