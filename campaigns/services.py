"""kill -9 of any process of `sigmasight dev` and `serve` while a run of the UI computes, then a command.

The command's first step must begin as soon as undisturbed, its partitions must be whole, and no place in a
pool and no run may be left that looks as if somebody still had it.
"""

import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import dagster as dg
import pandas as pd
import psutil

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import DATES, FULL, PORTFOLIOS, SECONDS_A_COMMAND, House
from campaigns.kills import START_SECONDS, first_step
from campaigns.readers import reading
from sigmasight_dagster.partitions.keys import range_tags

LAUNCH: Final = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on PythonError { message } } }"""
LOADED: Final = "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus } } } }"
JOB: Final = "portfolio"
SECONDS_TO_START: Final = 240
SECONDS_TO_NOTICE: Final = 90
"""How long a run whose process is dead may be shown as if it ran: the daemon asks every now and then."""
RUN_SECONDS: Final = 14.0
"""About as long as the run of the UI takes; the moment of a kill is a part of it."""
POLL_SECONDS: Final = 0.25

DEV, SERVICES, WEBSERVER, DAEMON, CODE, RUN, API, SERVER = (
    "the command dev",
    "Dagster's dev",
    "the webserver",
    "the daemon",
    "a code server",
    "the run's process",
    "the API's server",
    "PostgreSQL",
)
MARKS: Final = {
    SERVICES: "sigmasight_dagster.instance.dev_services",
    WEBSERVER: "sigmasight_dagster.instance.webserver",
    DAEMON: "dagster._daemon",
    CODE: "api grpc",
    RUN: "multiprocessing.spawn",
}
VICTIMS: Final = (RUN, RUN, RUN, DEV, SERVICES, WEBSERVER, DAEMON, CODE, CODE, API, SERVER)
TYPED: Final = ("run", PORTFOLIOS[0], "--date", DATES[1])


@dataclass(frozen=True)
class Plot:
    """A round: who is killed, and after which part of the run's seconds."""

    number: int
    victim: str
    moment: float

    @classmethod
    def of(cls, number: int) -> "Plot":
        draw = random.Random(number)
        return cls(number, draw.choice(VICTIMS), draw.random())

    def __str__(self) -> str:
        return f"kill -9 of {self.victim} {self.moment:.0%} into a run of the UI, then {' '.join(TYPED)}"


class Services:
    """The campaign in one house; what is left alive of `dev` and `serve` serves the next round."""

    def __init__(self, house: House, figures: Figures):
        self._house, self._figures = house, figures
        self._dev: subprocess.Popen[bytes] | None = None
        self._api: subprocess.Popen[bytes] | None = None
        self._port = self._api_port = 0
        self._start_seconds = 0.0
        self._late: list[float] = []

    def play(self, number: int) -> None:
        """One round: both servers alive, a run launched, a kill, a command, judges."""
        if not self._start_seconds:
            self._house.restore(FULL)
            self._start_seconds = self._typed()[1] or 0.0
        plot = Plot.of(number)
        self._figures.rounds += 1
        self._revive()
        with reading(self._house.url) as reader:
            self._launch()
            time.sleep(plot.moment * RUN_SECONDS)
            if hit := self._strike(plot.victim):
                self._figures.did[f"kills of {hit}"] += 1
            code, start = self._typed()
            self._judge(plot, code, start)
        self._figures.found("half-seen", list(reader.problems)[:3], number, str(plot))

    def _revive(self) -> None:
        """Start what is not there."""
        self._house.server.start()
        if self._dev is None or self._dev.poll() is not None or not self._answers():
            self._end(self._dev)
            self._port = free_port()
            self._dev = self._house.start(("dev", "--port", str(self._port)), "dev.log")
            self._await("sigmasight dev", self._answers)
        if self._api is None or self._api.poll() is not None:
            self._api_port = free_port()
            self._api = self._house.start(("serve", "--port", str(self._api_port)), "api.log")
            self._await("sigmasight serve", lambda: listens(self._api_port))

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not ready():
            if time.monotonic() > deadline:
                raise SystemExit(f"{what} does not start; see {self._house.said('dev.log')[-500:]}")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        with suppress(urllib.error.URLError, OSError, KeyError, ValueError):
            entries = self._ask(LOADED)["workspaceOrError"]["locationEntries"]
            return bool(entries) and entries[0]["loadStatus"] == "LOADED"
        return False

    def _ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self._port}/graphql"
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["data"]

    def _launch(self) -> None:
        """The job of portfolios on every date, as the UI launches it."""
        tags = range_tags(pd.DatetimeIndex(DATES), (PORTFOLIOS[0], PORTFOLIOS[-1]))
        selector = {
            "repositoryLocationName": "sigmasight",
            "repositoryName": "__repository__",
            "jobName": JOB,
        }
        metadata = {"tags": [{"key": key, "value": text} for key, text in tags.items()]}
        params = {"selector": selector, "executionMetadata": metadata}
        launched = self._ask(LAUNCH, params=params)["launchRun"]
        if launched["__typename"] != "LaunchRunSuccess":
            raise SystemExit(f"the UI launches no run: {launched}")

    def _strike(self, victim: str) -> str:
        """Who was hit; '' where there is none at the moment."""
        if victim == SERVER:
            return SERVER if self._house.kill_server() else ""
        process = self._api if victim == API else self._dev
        assert process
        if victim in (API, DEV):
            process.kill()
            return victim
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                if MARKS[victim] in " ".join(child.cmdline()):
                    child.kill()
                    return victim
        return ""

    def _typed(self) -> tuple[int, float | None]:
        """The command: its exit code (-1 = still there), and the seconds to its first step."""
        typed = time.time()
        process = self._house.start(TYPED)
        try:
            code = process.wait(SECONDS_A_COMMAND)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return -1, None
        with dg.DagsterInstance.get() as instance:
            step = first_step(instance, typed)
        return code, None if step is None else step - typed

    def _judge(self, plot: Plot, code: int, start: float | None) -> None:
        stuck = []
        if code:
            stuck.append(f"the command's exit code is {code}: {self._house.said(n_chars=300)}")
        if start is not None:
            late = start - self._start_seconds
            self._late.append(late)
            self._figures.longest_start_seconds = max(self._figures.longest_start_seconds, start)
            if late > START_SECONDS:
                stuck.append(f"its first step began {late:.0f} s later than undisturbed")
        self._figures.found("stuck", stuck, plot.number, str(plot))
        self._figures.found("stuck", self._left(), plot.number, str(plot))
        shown = ", ".join(f"{seconds:+.1f}" for seconds in self._late[-1:])
        print(f"  {plot}: first step {shown} s against {self._start_seconds:.1f} s undisturbed", flush=True)

    def _left(self) -> list[str]:
        """Runs and places in pools that look taken when every run has had its time to end."""
        deadline = time.monotonic() + SECONDS_TO_NOTICE
        while True:
            with dg.DagsterInstance.get() as instance:
                left = [*judges.runs(instance), *judges.slots(instance)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(1.0)

    def _end(self, process: "subprocess.Popen[bytes] | None") -> None:
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
