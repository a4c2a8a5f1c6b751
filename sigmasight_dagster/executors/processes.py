"""How many processes of a command may compute side by side on this machine."""

import os
from pathlib import Path
from typing import Final

import psutil

from sigmasight_dagster.settings import Settings

GB_EACH: Final = 2.0
"""Memory that a process is given room for: what one of large runs has taken at most, and some more."""
MOST: Final = 8
"""Each has about six connections, and the embedded server has a hundred."""
CGROUP: Final = Path("/sys/fs/cgroup")


def usable(settings: Settings, cgroup: Path = CGROUP) -> int:
    """As many as the setting says; by default as processors and free memory allow, `MOST` at most.

    One with a distributed executor: this process only hands out the steps then.

    :param cgroup: where a container's limits are.
    """
    if settings.executor != "in_process":
        return 1
    if settings.processes:
        return settings.processes
    return max(min(MOST, _processors(cgroup), int(_free_gb(cgroup) / GB_EACH)), 1)


def _processors(cgroup: Path) -> int:
    # macOS has no affinity.
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _text(cgroup / "cpu.max").partition(" ")
    return min(ours, int(int(quota) / int(period))) if quota.isdecimal() else ours


def _free_gb(cgroup: Path) -> float:
    free, most = psutil.virtual_memory().available, _text(cgroup / "memory.max")
    if most.isdecimal():
        free = min(free, int(most) - int(_text(cgroup / "memory.current") or 0))
    return free / 1024**3


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return ""
