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
LOADED: Final = """{ workspaceOrError { ... on Workspace { locationEntries { loadStatus
  locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
JOB: Final = "portfolio"
SECONDS_TO_START: Final = 240
SECONDS_TO_RECOVER: Final = 60
"""In which Dagster starts a code server again that was killed."""
RELOADING: Final = ("Could not reach user code server", "PipelineNotFoundError")
"""What the UI says of a launch while a code server that was killed starts again."""
SECONDS_TO_NOTICE: Final = 240
"""How long a run of a dead process may be shown as if it ran: the daemon waits 3 minutes for a start."""
SECONDS_TO_STEP: Final = 60
STEPS_SECONDS: Final = 4.0
"""About as long as the run's steps take; the moment of a kill is a part of it."""
EARLY_ONES: Final = 0.2
"""How many of the kills come before the run's first step."""
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
    """A round: who is killed, and when: seconds after the run's first step, or after its launch (`early`)."""

    number: int
    victim: str
    early: bool
    seconds: float

    @classmethod
    def of(cls, number: int) -> "Plot":
        draw = random.Random(number)
        return cls(number, draw.choice(VICTIMS), draw.random() < EARLY_ONES, draw.uniform(0, STEPS_SECONDS))

    def __str__(self) -> str:
        since = "launch" if self.early else "first step"
        when = f"{self.seconds:.1f} s after the {since} of a run of the UI"
        return f"kill -9 of {self.victim} {when}, then {' '.join(TYPED)}"


class Services:
    """The campaign in one house; what is left alive of `dev` and `serve` serves the next round."""

    def __init__(self, house: House, figures: Figures):
        self._house, self._figures = house, figures
        self._dev: subprocess.Popen[bytes] | None = None
        self._api: subprocess.Popen[bytes] | None = None
        self._port = self._api_port = 0
        self._start_seconds = 0.0
        self._said = ""

    def play(self, number: int) -> None:
        """One round: both servers alive, a run launched, a kill, a command, judges."""
        if not self._start_seconds:
            self._house.restore(FULL)
            self._start_seconds = self._typed() or 0.0
        plot = Plot.of(number)
        self._figures.rounds += 1
        self._revive()
        with reading(self._house.url) as reader:
            launched = time.time()
            self._launch()
            if not plot.early:
                self._first_step(launched, SECONDS_TO_STEP)
            time.sleep(plot.seconds)
            if hit := self._strike(plot.victim):
                self._figures.did[f"kills of {hit}"] += 1
            self._judge(plot, self._typed())
        self._figures.found("half-seen", list(reader.problems)[:3], number, str(plot))

    def _revive(self) -> None:
        """Start what is not there."""
        self._house.server.start()
        if not self._recovers():
            self._end(self._dev)
            self._port = free_port()
            self._dev = self._house.start(("dev", "--port", str(self._port)), "dev.log")
            self._await("sigmasight dev", self._answers)
        if self._api is None or self._api.poll() is not None:
            self._api_port = free_port()
            self._api = self._house.start(("serve", "--port", str(self._api_port)), "api.log")
            self._await("sigmasight serve", lambda: listens(self._api_port))

    def _recovers(self) -> bool:
        """Whether `dev` is there and has its code location, if need be after a while."""
        deadline = time.monotonic() + SECONDS_TO_RECOVER
        while self._dev is not None and self._dev.poll() is None:
            if self._answers():
                return True
            if time.monotonic() > deadline:
                self._figures.did["times that dev had to be started again"] += 1
                break
            time.sleep(POLL_SECONDS)
        return False

    def _await(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while not ready():
            if time.monotonic() > deadline:
                last = self._house.said("dev.log")[-500:]
                raise SystemExit(f"{what} does not start: {last}; its code location: {self._said}")
            time.sleep(POLL_SECONDS)

    def _answers(self) -> bool:
        with suppress(urllib.error.URLError, OSError, LookupError, ValueError):
            entries = self._ask(LOADED)["workspaceOrError"]["locationEntries"]
            self._said = str(entries[0]["locationOrLoadError"])
            return entries[0]["loadStatus"] == "LOADED" and "PythonError" not in self._said
        return False

    def _ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self._port}/graphql"
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            error.add_note(f"{error.read().decode(errors='replace')[:500]}; {self._house.said('ui.log')}")
            raise

    def _launch(self) -> None:
        """The job of portfolios, as the UI launches it."""
        tags = range_tags(pd.DatetimeIndex(DATES[:1]), (PORTFOLIOS[0], PORTFOLIOS[-1]))
        selector = {
            "repositoryLocationName": "sigmasight",
            "repositoryName": "__repository__",
            "jobName": JOB,
        }
        metadata = {"tags": [{"key": key, "value": text} for key, text in tags.items()]}
        params = {"selector": selector, "executionMetadata": metadata}
        deadline = time.monotonic() + SECONDS_TO_RECOVER
        while (said := self._launched(params)) != "LaunchRunSuccess":
            if not any(each in said for each in RELOADING) or time.monotonic() > deadline:
                raise SystemExit(f"the UI launches no run: {said}; its code location: {self._said}")
            self._figures.did["launches while Dagster starts its code server again"] += 1
            time.sleep(1.0)

    def _launched(self, params: Any) -> str:
        """What the UI says of a launch."""
        try:
            launched = self._ask(LAUNCH, params=params)["launchRun"]
        except urllib.error.HTTPError as error:
            return " ".join(error.__notes__)
        return launched["__typename"] if launched["__typename"] == "LaunchRunSuccess" else str(launched)

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

    def _typed(self) -> float | None:
        """The command, ended by Ctrl-C once it computes: seconds to its first step; None = never."""
        typed = time.time()
        process = self._house.start(TYPED)
        start = self._first_step(typed, SECONDS_A_COMMAND, process)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(SECONDS_A_COMMAND)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None
        return start

    def _first_step(
        self, since: float, seconds: float, process: "subprocess.Popen[bytes] | None" = None
    ) -> float | None:
        """Seconds from then to the first step of a run created since; None when there is none in time."""
        with dg.DagsterInstance.get() as instance:
            while time.time() < since + seconds and (process is None or process.poll() is None):
                if step := first_step(instance, since):
                    return step - since
                time.sleep(POLL_SECONDS)
        return None

    def _judge(self, plot: Plot, start: float | None) -> None:
        if start is None:
            said = [f"the command never came to its first step: {self._house.said(n_chars=300)}"]
            self._figures.found("stuck", said, plot.number, str(plot))
            return
        self._revive()  # who is gone does not look after the runs that it has left
        self._figures.found("stuck", self._left(), plot.number, str(plot))
        usual, late = self._start_seconds, start - self._start_seconds
        if late > START_SECONDS:  # nothing is killed now: is it the machine, which is busier than it was?
            usual = self._typed() or 0.0
            late = start - usual
        self._figures.longest_start_seconds = max(self._figures.longest_start_seconds, start)
        if late > START_SECONDS:
            said = [f"its first step began {late:.0f} s later than undisturbed"]
            self._figures.found("stuck", said, plot.number, str(plot))
        print(f"  {plot}: first step after {start:.1f} s, undisturbed {usual:.1f} s", flush=True)

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
