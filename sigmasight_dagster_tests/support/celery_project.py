"""A small project whose steps Celery workers execute, and workers that a test can find and kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psutil

from sigmasight_dagster.executors.steps import WORKER
from sigmasight_dagster_tests.support.dev_server import RUN_UNTIL_STDIN_CLOSES
from sigmasight_dagster_tests.support.small_project import SmallProject

ENDS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}


@dataclass(frozen=True)
class CeleryProject(SmallProject):
    """A project with the Celery executor; `in_process` is the same one without."""

    broker_url: str = ""

    @classmethod
    def distributed(cls, project: SmallProject, broker_url: str) -> "CeleryProject":
        return cls(**vars(project), broker_url=broker_url)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_EXECUTOR": "celery",
            "SIGMASIGHT_CELERY_BROKER_URL": self.broker_url,
        }


@dataclass(frozen=True)
class Worker:
    """A running `sigmasight worker`."""

    process: psutil.Process
    log: Path

    @property
    def name(self) -> str:
        return f"sigmasight-{self.process.pid}@"

    def processes(self) -> list[psutil.Process]:
        """The worker, then those that execute its steps."""
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def worker(project: CeleryProject, *arguments: str) -> Iterator[Worker]:
    """Start a worker, wait until it is ready, stop it at the end."""
    command = [sys.executable, "-c", RUN_UNTIL_STDIN_CLOSES, *project.command("worker", *arguments)]
    log = project.home / f"worker-{time.monotonic_ns()}.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=project.environment,
            cwd=project.home,
        ) as parent,
    ):
        try:
            wait_until(lambda: " ready." in log.read_text(), 90, log)
            yield Worker(psutil.Process(parent.pid).children()[0], log)
        finally:
            assert parent.stdin
            parent.stdin.close()


def wait_until(done: object, seconds: float, log: Path) -> None:
    end = time.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, log.read_text()[-3_000:]
        time.sleep(0.05)


def executions(instance: dg.DagsterInstance) -> Iterator[tuple[str, str, str, bool]]:
    """Run, step and worker of every delivery of a step, and whether the step is under way."""
    for run in instance.get_runs():
        events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
        started = {event.step_key for event in events if event.event_type is dg.DagsterEventType.STEP_START}
        busy = started - {event.step_key for event in events if event.event_type in ENDS}
        for event in events:
            if event.is_engine_event and WORKER in event.engine_event_data.metadata:
                name = str(event.engine_event_data.metadata[WORKER].value)
                yield run.run_id, str(event.step_key), name, event.step_key in busy


def freeze_a_busy_worker(
    instance: dg.DagsterInstance, workers: Sequence[Worker], known: set[tuple[str, str]], log: Path
) -> tuple[Worker, tuple[str, str]]:
    """Stop (SIGSTOP) a worker in the middle of a step that is not in `known`; that worker and step."""
    frozen: list[tuple[Worker, tuple[str, str]]] = []

    def found() -> bool:
        for run_id, step, name, busy in executions(instance):
            its = [each for each in workers if name.startswith(each.name)]
            if not busy or not its or (run_id, step) in known:
                continue
            _signal(its[0], signal.SIGSTOP)
            time.sleep(0.1)
            if (run_id, step, name, True) in set(executions(instance)):
                frozen.append((its[0], (run_id, step)))
                return True
            _signal(its[0], signal.SIGCONT)
        return False

    wait_until(found, 120, log)
    return frozen[0]


def _signal(each: Worker, number: signal.Signals) -> None:
    for process in each.processes():
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
