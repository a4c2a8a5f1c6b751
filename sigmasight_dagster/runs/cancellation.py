"""Canceling what a command executes: Ctrl-C (or SIGTERM) cancels the run, as the UI's button does.

Runs are executed in a second thread, so that the first one is free for signals. A canceled run stops
before its next publication (see `attempts`): no partition is left half written.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import dagster as dg
from dagster import DagsterInstance

POLL_SECONDS = 0.2

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_OVER = (
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
)
T = TypeVar("T")


@contextmanager
def on_signal() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second one raises KeyboardInterrupt.

    In another thread than the first, which gets no signals, it is never set. Ctrl-C stays ignored where it
    is (in a command that a shell runs in the background).
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield requested
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()

    # Where Ctrl-C is ignored, Dagster makes SIGTERM ignored too. What it starts to follow captured output
    # would inherit that, and could not be ended: each run would wait half a minute for it, and leave it.
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    heeded = (signal.SIGTERM,) if ignored else _SIGNALS
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def execute(
    work: Callable[[], T],
    run_id: str,
    instance: DagsterInstance,
    requested: threading.Event,
) -> T:
    """Result of `work`, which executes a run; once `requested` is set the run is canceled."""
    future: Future[T] = Future()
    thread = threading.Thread(target=_fill, args=(future, work), daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        if requested.is_set():
            cancel(run_id, instance)
    return future.result()


def _fill(future: "Future[T]", work: Callable[[], T]) -> None:
    spare_children()
    try:
        future.set_result(work())
    except BaseException as error:  # the waiting thread raises it
        future.set_exception(error)


def spare_children() -> None:
    """Of this thread, from Ctrl-C, which reaches a whole process group: what Dagster starts captures logs."""
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))


def cancel(run_id: str, instance: DagsterInstance) -> None:
    """To be called again and again: the run may not exist yet, or its start may overwrite the status."""
    run = instance.get_run_by_id(run_id)
    if run and run.status not in _OVER:
        instance.report_run_canceling(run, message="Canceled at the terminal.")
