"""The open project of a command: its settings, databases, instance and definitions, and its runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import dagster as dg

from sigmasight_dagster import garbage
from sigmasight_dagster.code_location import build_definitions
from sigmasight_dagster.partitions import starts
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import cancellation, execute
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.lanes import Stage
from sigmasight_dagster.runs.launcher import Launcher
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.worker import beside
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.server import room
from sigmasight_dagster.server.urls import dagster_database_url
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
        dagster_database_url(settings)  # refused before anything is changed in the other
        platform.warehouse.migrate()
        return cls(settings, platform, dg.DagsterInstance.get(), build_definitions(settings))

    def execute(
        self,
        stages: Sequence[Stage],
        started: Callable[[RangeRun, str], None],
        canceling: Callable[[], None] = lambda: None,
    ) -> list[RunOutcome]:
        """Execute the runs of each stage; `started` is told of each, `canceling` when a signal cancels them.

        Its lanes go side by side, each but the first in a process beside this one.

        A failed run is split (see `isolate`), so that its good partitions are published; it does not stop
        the runs after it. Ctrl-C and a run canceled in the UI do: what has not started is canceled too.
        """
        self.platform.require_one_market()
        room.require(self.settings)
        self.settle()
        self._let_partitions_reach([run for stage in stages for lane in stage for run in lane])
        n_beside = max((len(stage) for stage in stages), default=1) - 1
        command = execute.new_run_id() if n_beside else ""
        with (
            cancellation.on_signal() as requested,
            garbage.rare_collections(),
            beside(n_beside, command) as workers,
        ):
            here = partial(
                execute.execute, definitions=self.definitions, instance=self.instance, command=command
            )
            room_left = partial(room.require, self.settings)
            launcher = Launcher(self.instance, here, workers, started, canceling, room_left)
            return launcher.execute(stages, requested)

    def _let_partitions_reach(self, runs: Sequence[RangeRun]) -> None:
        """Definitions with the partitions of the runs, where they begin later."""
        if starts.reach(self.settings.home, runs):
            self.definitions = build_definitions(self.settings)
