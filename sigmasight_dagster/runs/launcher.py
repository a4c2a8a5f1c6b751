"""Execute the stages of a command: each lane in a thread, which computes itself or hands runs to a process.

The first thread is free for signals, see `cancellation`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from dagster import DagsterInstance

from sigmasight_dagster.runs import cancellation, execute, isolate
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.lanes import Lane, Stage
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.worker import Worker

Execute = Callable[[RangeRun, str], RunOutcome]

NEVER: Final = "canceled before it started"


@dataclass
class Launcher:
    """Runs of one command.

    :param here: executes a run in this process.
    :param workers: processes beside it.
    :param started: told of each run that begins, in the thread that begins it.
    :param canceling: called once, when a signal cancels.
    :param failed: called after each run that failed; what it raises ends the command.
    """

    instance: DagsterInstance
    here: Execute
    workers: Sequence[Worker]
    started: Callable[[RangeRun, str], None]
    canceling: Callable[[], None]
    failed: Callable[[], None]
    outcomes: list[RunOutcome] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _running: set[str] = field(default_factory=set)
    _errors: list[BaseException] = field(default_factory=list)

    def execute(self, stages: Sequence[Stage], requested: threading.Event) -> list[RunOutcome]:
        """What became of each run, in the order in which they ended, and of those that were split.

        Once `requested` is set, or one was canceled by somebody else, the others are canceled too, and what
        has not started never will be.

        :raises BaseException: what was raised by the execution of one; the others are canceled before.
        """
        left = [[list(lane) for lane in stage] for stage in stages]
        for stage in left:
            while any(stage) and not self._over.is_set() and not requested.is_set():
                self._together([lane for lane in stage if lane], requested)
        if self._errors:
            raise self._errors[0]
        never = (run for stage in left for lane in stage for run in lane)
        return [*self.outcomes, *(RunOutcome(run, "", error=NEVER, canceled=True) for run in never)]

    def _together(self, lanes: Stage, requested: threading.Event) -> None:
        """Until the lanes are done; those of a process that is gone are left, and go on in others."""
        alive = [worker for worker in self.workers if worker.alive]
        threads = [
            threading.Thread(target=self._lane, args=(lane, worker), daemon=True)
            for lane, worker in zip(lanes, [None, *alive], strict=False)
        ]
        for thread in threads:
            thread.start()
        told = False
        while any(thread.is_alive() for thread in threads):
            next(thread for thread in threads if thread.is_alive()).join(cancellation.POLL_SECONDS)
            if requested.is_set():
                self._over.set()
            if self._over.is_set():
                for run_id in tuple(self._running):
                    cancellation.cancel(run_id, self.instance)
            if requested.is_set() and not told:
                self.canceling()
                told = True

    def _lane(self, lane: Lane, worker: Worker | None) -> None:
        cancellation.spare_children()
        try:
            while lane and not self._over.is_set() and (worker is None or worker.alive):
                self._next(lane, worker)
        except BaseException as error:  # the first thread raises it
            self._errors.append(error)
            self._over.set()

    def _next(self, lane: Lane, worker: Worker | None) -> None:
        run, run_id = lane.pop(0), execute.new_run_id()
        self.started(run, run_id)
        self._running.add(run_id)
        try:
            outcome = worker.execute(self.instance, run, run_id) if worker else self.here(run, run_id)
        finally:
            self._running.discard(run_id)
        if outcome is None:
            lane.insert(0, run)
            return
        again = isolate.retries(outcome) if outcome.failed else []
        self.outcomes.append(replace(outcome, split=bool(again)))
        lane[:0] = again
        if outcome.canceled:
            self._over.set()
        if outcome.failed:
            self.failed()
