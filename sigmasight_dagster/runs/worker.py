"""A process beside the command's own, which executes runs that it is handed one by one.

It holds the locks of its runs itself, has a process group of its own, which Ctrl-C at the terminal does not
reach (the command cancels its runs), and ends with the command, whatever ended that.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, Final

import dagster as dg
from dagster import DagsterInstance

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster import garbage
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.instance.tether import Tether
from sigmasight_dagster.runs import cancellation, execute
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.plan import RangeRun

PROGRAM: Final = "sigmasight_dagster.commands.worker_process"


class Worker:
    """The command's end. The process starts at once, and loads while the command goes on.

    :param number: what it is called by.
    :param command: whose places in pools its runs share.
    """

    def __init__(self, number: int, command: str) -> None:
        self.number, self.alive = number, True
        self._connection, theirs = Pipe()
        tether, self._tether = os.pipe()
        # -P: a file of the working directory that is called as a module of ours is none.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", PROGRAM, str(theirs.fileno()), str(tether), command],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), tether],
            process_group=0,
        )
        theirs.close()
        os.close(tether)

    def execute(self, instance: DagsterInstance, run: RangeRun, run_id: str) -> RunOutcome | None:
        """What became of the run there: failed where the process ended meanwhile, None where before it began.

        :raises SigmaSightError: where it raised an error.
        """
        names = [asset.name for asset in run.assets]
        try:
            self._connection.send((replace(run, assets=()), names, run_id))
            answer: dict[str, Any] | str = self._connection.recv()
        except (EOFError, OSError):
            self.alive = False
            return self._lost(instance, run, run_id)
        if isinstance(answer, str):
            raise SigmaSightError(answer)
        return RunOutcome(run, run_id, **answer)

    def end(self) -> None:
        """Kill what is left of its group. It has no run, or nobody waits for it any more."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._connection.close()
        os.close(self._tether)

    def _lost(self, instance: DagsterInstance, run: RangeRun, run_id: str) -> RunOutcome | None:
        code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        reason = f"process {self.number} of the command (pid {self._process.pid}), which executed it, {how}"
        stored = instance.get_run_by_id(run_id)
        if stored is None:
            return None
        if not stored.is_finished:
            execute.end(instance, stored, reason)
        return RunOutcome(run, run_id, error=reason, lost=True)


@contextmanager
def beside(count: int, command: str) -> Iterator[list[Worker]]:
    """So many processes beside this one, which is number 1, until the end."""
    workers: list[Worker] = []
    try:
        for number in range(2, count + 2):
            workers.append(Worker(number, command))
        yield workers
    finally:
        for worker in workers:
            worker.end()


@dataclass(frozen=True)
class Served:
    """The process's end: what it executes runs with."""

    definitions: dg.Definitions
    instance: DagsterInstance
    command: str

    def until_the_end(self, connection: Connection, tether: int) -> None:
        """Execute what comes, until the command closes its end. SIGTERM cancels as it does in the command."""
        # What is gone has no use for an orderly end: a publication is whole, or rolled back.
        Tether(tether, seconds=0)
        assets = {asset.name: asset for asset in RISK_ASSETS}
        with cancellation.on_signal() as requested, garbage.rare_collections():
            while True:
                try:
                    run, names, run_id = connection.recv()
                except EOFError:
                    return
                whole = replace(run, assets=tuple(assets[name] for name in names))
                connection.send(self._answer(whole, run_id, requested))

    def _answer(self, run: RangeRun, run_id: str, requested: threading.Event) -> dict[str, Any] | str:
        work: Callable[[], RunOutcome] = partial(
            execute.execute, run, run_id, self.definitions, self.instance, command=self.command
        )
        try:
            done = cancellation.execute(work, run_id, self.instance, requested)
        except Exception as error:  # the command raises it
            return str(error) if isinstance(error, SigmaSightError) else f"{type(error).__name__}: {error}"
        return {
            "error": done.error,
            "failed_assets": done.failed_assets,
            "bad_partitions": done.bad_partitions,
            "canceled": done.canceled,
        }
