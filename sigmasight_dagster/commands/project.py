"""The open project of a command: its settings, databases, instance and definitions, and its runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import dagster as dg

from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import cancellation, execute, garbage, isolate
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.server import room
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.places import dagster_home


@dataclass
class Project(Workspace):
    """The open project of a command: database reachable and migrated, Dagster instance loaded."""

    definitions: dg.Definitions

    @classmethod
    def open(cls) -> "Project":
        """Start the database if need be, migrate it, load the instance and the definitions."""
        dagster_home()
        settings = Settings()
        platform = Platform(settings)
        platform.warehouse.migrate()
        return cls(settings, platform, dg.DagsterInstance.get(), build_definitions(settings))

    def execute(
        self,
        runs: Sequence[RangeRun],
        started: Callable[[RangeRun, str], None],
        canceling: Callable[[], None] = lambda: None,
    ) -> list[RunOutcome]:
        """Execute the runs in order; `started` is told of each, `canceling` when a signal cancels them.

        A failed run is split (see `isolate`), so that its good partitions are published; it does not stop
        the runs after it. Ctrl-C and a run canceled in the UI do: what has not started is canceled too.
        """
        self.platform.require_one_market()
        room.require(self.settings)
        self.settle()
        self._let_partitions_reach(runs)
        outcomes: list[RunOutcome] = []
        queue = list(runs)
        with cancellation.on_signal() as requested, garbage.rare_collections():
            while queue and not requested.is_set() and not any(outcome.canceled for outcome in outcomes):
                run, run_id = queue.pop(0), execute.new_run_id()
                started(run, run_id)
                work = partial(execute.execute, run, run_id, self.definitions, self.instance)
                outcome = cancellation.execute(work, run_id, self.instance, requested, canceling)
                again = isolate.retries(outcome) if outcome.failed else []
                outcomes.append(replace(outcome, split=bool(again)))
                queue = again + queue
                if outcome.failed:
                    room.require(self.settings)
        never = (RunOutcome(run, "", error="canceled before it started", canceled=True) for run in queue)
        return [*outcomes, *never]

    def _let_partitions_reach(self, runs: Sequence[RangeRun]) -> None:
        """Definitions with the partitions of the runs, where they begin later."""
        if starts.reach(self.settings.home, runs):
            self.definitions = build_definitions(self.settings)
