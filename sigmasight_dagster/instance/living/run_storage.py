"""Run storage of Dagster on pooled connections, which knows whether the process of a run lives."""

from contextlib import ExitStack
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.storage.tags import EXTERNALLY_MANAGED_ASSETS_TAG
from dagster_postgres import PostgresRunStorage

from sigmasight_dagster.instance import sessions
from sigmasight_dagster.instance.living import alive
from sigmasight_dagster.tags import EXECUTOR_TAG, LAUNCHER_TAG

ENDS = {
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
}


class PooledRunStorage(PostgresRunStorage):
    """Run storage that gives back its connections with its instance: a worker makes one for each step."""

    def __init__(self, *arguments: Any, **named: Any):
        super().__init__(*arguments, **named)
        self._held: dict[str, ExitStack] = {}

    def optimize_for_webserver(self, statement_timeout: int, pool_recycle: int, max_overflow: int) -> None:
        super().optimize_for_webserver(statement_timeout, pool_recycle, max_overflow)
        sessions.prepare(self._engine, statement_timeout)

    def dispose(self) -> None:
        for run_id in tuple(self._held):
            self._let_go(run_id)
        super().dispose()
        self._engine.dispose()

    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        """As the stock storage's; a copy of a command's run, made in the UI, leaves its events to Dagster."""
        tags = dict(dagster_run.tags)
        if not alive.is_told(tags, LAUNCHER_TAG, dagster_run.run_id):
            tags.pop(EXTERNALLY_MANAGED_ASSETS_TAG, None)
        return super().add_run(dagster_run.with_tags(tags))

    def handle_run_event(
        self, run_id: str, event: dg.DagsterEvent, update_timestamp: datetime | None = None
    ) -> None:
        """As the stock storage's; a process that begins a run is its living executor until it has ended.

        Commands see to theirs by themselves.
        """
        if event.event_type is dg.DagsterEventType.RUN_START:
            self._hold(run_id)
        super().handle_run_event(run_id, event, update_timestamp)
        if event.event_type in ENDS:
            self._let_go(run_id)

    def _hold(self, run_id: str) -> None:
        run = self._get_run_by_id(run_id)
        if run is None or alive.is_told(run.tags, LAUNCHER_TAG, run_id) or run_id in self._held:
            return
        self._held[run_id] = ExitStack()
        self._held[run_id].enter_context(alive.held(self.postgres_url, run_id))
        self.add_run_tags(run_id, {EXECUTOR_TAG: alive.this_process(run_id)})

    def _let_go(self, run_id: str) -> None:
        if held := self._held.pop(run_id, None):
            held.close()
