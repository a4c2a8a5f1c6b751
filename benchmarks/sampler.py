"""Samples of what a command does in its own process, every 5 ms of the clock.

What belongs here: what runs inside of the process that is looked at. `benchmarks.profile` starts it.
"""

import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final

EVERY_SECONDS: Final = 0.005
WORKERS: Final = ("/runs/launcher.py:_lane", "/runs/cancellation.py:_fill")
"""In the stack of the thread that executes runs, for which the first one of the command waits; the latter in
versions of before there were several processes."""
WAITING: Final = ("/threading.py", "/multiprocessing/connection.py", "/selectors.py")
WRITE_SECONDS: Final = 10.0
"""A worker may end without a last word: what it has done until then is written so often."""


def command(folder: str, *arguments: str) -> None:
    """`sigmasight ARGUMENTS`, sampled. :param folder: for one file of stacks a process."""
    _start(Path(folder))
    from sigmasight_dagster.cli import main  # after the start: imports are a part of what a user waits for

    sys.argv = ["sigmasight", *arguments]
    main()


def _start(folder: Path) -> None:
    threading.Thread(target=_sample, args=(folder / f"{os.getpid()}.json",), daemon=True).start()


def _sample(file: Path) -> None:
    stacks: Counter[str] = Counter()
    first, written = threading.main_thread().ident, time.monotonic()
    while True:
        time.sleep(EVERY_SECONDS)
        for thread, frame in sys._current_frames().items():
            stack = _stack(frame)
            if any(worker in stack for worker in WORKERS) or (
                thread == first and not frame.f_code.co_filename.endswith(WAITING)
            ):
                stacks[stack] += 1
        if time.monotonic() - written > WRITE_SECONDS:
            part = file.with_suffix(".part")
            part.write_text(json.dumps(stacks))
            part.replace(file)
            written = time.monotonic()


def _stack(frame: FrameType | None) -> str:
    names = []
    while frame is not None:
        names.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
        frame = frame.f_back
    return ";".join(reversed(names))
