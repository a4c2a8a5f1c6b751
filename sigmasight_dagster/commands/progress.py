"""What a terminal shows of a computation: a bar of published partitions, then a table of the runs."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.commands.table import GAP, INDENT, few, table, wrapped
from sigmasight_dagster.executors.choice import refuse_missing_workers
from sigmasight_dagster.runs import untold
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.reuse import without_current_market
from sigmasight_dagster.warehouse import Warehouse

POLL_SECONDS = 1.0
REFRESHES_PER_SECOND = 2
CANCELED = 130
"""Exit code of what was canceled."""


def compute(
    project: Project,
    dates: pd.DatetimeIndex,
    names: Sequence[str],
    missing_only: bool = False,
    all_reports: bool = False,
    reuse: bool = False,
) -> list[RunOutcome]:
    """Plan and execute a request with a progress bar, then print what was published and what failed.

    :param all_reports: reports are made of every date, not of the last one of each run.
    :param reuse: of one date: its market is not computed where it is published and current, which is told.
    """
    what = f"{len(dates)} dates {dates[0]:%Y-%m-%d}..{dates[-1]:%Y-%m-%d}, portfolios {few(names)}"
    runs = [replace(run, every_report=all_reports) for run in project.plan(dates, names)]
    wanted = project.unpublished(runs) if missing_only else runs
    if reuse:
        wanted, said = without_current_market(project, wanted)
        if said:
            click.echo("\n".join(wrapped(said, "", GAP)))
    outcomes = execute(project, wanted, what)
    if missing_only:
        untold.report_kept(project.instance, project.platform.warehouse, runs)
    return outcomes


def execute(project: Project, runs: Sequence[RangeRun], what: str) -> list[RunOutcome]:
    """Execute planned runs with a progress bar, then print what was published and what failed."""
    refuse_missing_workers(project.settings, {asset.group for run in runs for asset in run.assets})
    console = Console(file=sys.stderr)
    stages = project.stages(runs)
    planned = [run for stage in stages for lane in stage for run in lane]
    total = sum(run.n_partitions for run in planned)
    n_processes = max(map(len, stages), default=1)
    by = f" by {n_processes} processes" if n_processes > 1 else ""
    console.print(f"{what}: {total:,} partitions in {len(planned)} runs{by}")
    begun = time.monotonic()
    with _progress_bar(project.platform.warehouse, total, console) as started:
        outcomes = project.execute(
            stages,
            started,
            lambda: console.print("Canceling: the run stops before its next table. Ctrl-C again: at once."),
        )
    click.echo("\n".join(outcome_lines(outcomes)))
    if any(outcome.canceled for outcome in outcomes):
        warehouse = project.platform.warehouse
        done = sum(warehouse.count_published(outcome.run_id) for outcome in outcomes if outcome.run_id)
        console.print(
            f"Canceled: {done:,} of {total:,} partitions were published, each of them whole. Go on with the "
            "same command; --missing-only of backfill leaves out what is published already."
        )
    console.print(f"{time.monotonic() - begun:.1f} s")
    return outcomes


def exit_code(outcomes: Sequence[RunOutcome]) -> int:
    """130 when canceled, 1 when partitions stay unpublished, else 0."""
    if any(outcome.canceled for outcome in outcomes):
        return CANCELED
    return 1 if finally_failed(outcomes) else 0


class _Counter:
    """Counts published partitions of the runs started so far, in a thread of its own."""

    def __init__(self, warehouse: Warehouse, bar: Progress, total: int):
        self._warehouse = warehouse
        self._bar = bar
        self._task = bar.add_task("starting", total=total)
        self._run_ids: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def started(self, run: RangeRun, run_id: str) -> None:
        self._run_ids.append(run_id)
        self._bar.update(
            self._task, description=f"{_named(run)} {run.dates[0]:%Y-%m-%d}..{run.dates[-1]:%Y-%m-%d}"
        )

    def __enter__(self) -> "_Counter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._count()

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self._count()

    def _count(self) -> None:
        done = sum(self._warehouse.count_published(run_id=run_id) for run_id in self._run_ids)
        self._bar.update(self._task, completed=done)


@contextmanager
def _progress_bar(warehouse: Warehouse, total: int, console: Console) -> Iterator:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        Progress(*columns, console=console, refresh_per_second=REFRESHES_PER_SECOND) as bar,
        _Counter(warehouse, bar, total) as counter,
    ):
        yield counter.started


def finally_failed(outcomes: Sequence[RunOutcome]) -> list[RunOutcome]:
    """Failed runs that no other run took the place of: their partitions stay unpublished."""
    return [outcome for outcome in outcomes if outcome.failed and not outcome.split]


def _result(outcome: RunOutcome) -> tuple[str, str]:
    """A word, and what else is to be said."""
    if outcome.succeeded:
        return "published", ""
    if outcome.canceled:
        return "canceled", outcome.error
    return ("split", f"see retry: {outcome.error}") if outcome.split else ("failed", outcome.error)


def _named(run: RangeRun) -> str:
    """What a run is for: those of dates before the ones that were asked for say why."""
    return run.purpose or run.layer


def outcome_lines(outcomes: Sequence[RunOutcome]) -> list[str]:
    """A table of the runs, and below each whose it was and why it failed."""
    rows = []
    for outcome in outcomes:
        run, (result, why) = outcome.run, _result(outcome)
        rows.append(
            {
                "run": run.layer,
                "dates": f"{run.dates[0]:%Y-%m-%d}..{run.dates[-1]:%Y-%m-%d}",
                "partitions": run.n_partitions,
                "result": result,
                "more": "\n".join([run.purpose, few(run.portfolios), why]),
            }
        )
    columns = [(name, 0) for name in ("run", "dates", "partitions", "result")]
    lines = ["Runs", *table(rows, columns, below="more")]
    if failed := finally_failed(outcomes):
        lines.append(f"{len(failed)} of {len(outcomes)} runs failed. Events: run ids below, in the UI.")
        for outcome in failed:
            told = f"{outcome.run_id}  failed steps: {', '.join(outcome.failed_assets)}"
            lines += wrapped(told, GAP, INDENT)
    return lines
