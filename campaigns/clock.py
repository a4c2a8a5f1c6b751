"""Commands in containers, two of them with one host name, on a clock that steps; some are killed.

A container is a network, a host name and process numbers of its own: its command is always process 1.
The clock is that of the command and its children: a library tells them the time, as if somebody had set it.
Nothing steps the machine's.
"""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dagster as dg

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import DATES, EARLY, PORTFOLIOS, SECONDS_A_COMMAND, House
from campaigns.kills import POLL_SECONDS
from campaigns.machines import set_clock
from campaigns.readers import reading

TWIN, OTHER = "twin", "other"
STEPS: Final = (-86_400, -3_600, -2, 2, 3_600, 86_400)
"""Seconds by which a clock is set."""
_RANGE: Final = ("--start", DATES[0], "--end", DATES[-1])
WHOLE: Final = ("backfill", *_RANGE)
COMMANDS: Final = (
    (TWIN, ("run", PORTFOLIOS[0], "--date", DATES[0])),
    (TWIN, ("run", PORTFOLIOS[1], "--date", DATES[1])),
    (OTHER, ("run", PORTFOLIOS[0], "--date", DATES[2])),
)
_KILLED: Final = (0.2, 2.0)
_COMMAND: Final = "from sigmasight_dagster.cli import main; main()"
_CONTAINER: Final = ("unshare", "--net", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc")
_ENDED: Final = "The process that ran it ended"


def containers() -> str:
    """Why this user can make none; '' = it can."""
    try:
        done = subprocess.run([*_CONTAINER, "hostname", TWIN], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip()


@dataclass
class Container:
    """A command in a container, and its clock."""

    host: str
    command: tuple[str, ...]
    clock: Path
    process: "subprocess.Popen[bytes]"
    killed: bool = False

    def set_clock(self, seconds: int) -> None:
        self.clock.write_text(f"{seconds:+d}")

    def kill(self) -> None:
        """As the end of a container: all that is in it."""
        self.killed = True
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> str:
        """What did not end well; '' where all did, or it was killed."""
        try:
            code = self.process.wait(SECONDS_A_COMMAND)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"{self.host}: {' '.join(self.command)} is still there after {SECONDS_A_COMMAND} s"
        return f"{self.host}: {' '.join(self.command)}: exit code {code}" if code and not self.killed else ""


@dataclass(frozen=True)
class Plot:
    """A round; its moments are parts of the time that one command takes alone.

    :param pauses: after which each container is started.
    :param steps: of each container's clock: when, and by how many seconds.
    :param killed: when each is; 0 = never.
    """

    number: int
    pauses: tuple[float, ...]
    steps: tuple[tuple[float, int], ...]
    killed: tuple[float, ...]

    @classmethod
    def of(cls, number: int) -> "Plot":
        draw = random.Random(number)
        each = range(len(COMMANDS))
        killed = tuple(draw.choice([0.0, draw.uniform(*_KILLED)]) for _ in each)
        if not any(killed):
            killed = (draw.uniform(*_KILLED), *killed[1:])
        return cls(
            number,
            tuple(draw.uniform(0, 0.3) for _ in each),
            tuple((draw.uniform(0.2, 1.2), draw.choice(STEPS)) for _ in each),
            killed,
        )

    def __str__(self) -> str:
        told = [
            f"{host} {' '.join(command)} at {pause:.0%}, its clock set by {step:+d} s {at:.0%} later"
            + (f", killed {kill:.0%} later" if kill else "")
            for (host, command), pause, (at, step), kill in zip(
                COMMANDS, self.pauses, self.steps, self.killed, strict=True
            )
        ]
        return "; ".join(told)

    def moments(self) -> Iterator[tuple[float, int, str]]:
        """What happens, in order: when, to which container, what."""
        for place, pause in enumerate(self.pauses):
            yield pause, place, "start"
            yield pause + self.steps[place][0], place, "step"
            if self.killed[place]:
                yield pause + self.killed[place], place, "kill"


@dataclass
class Clock:
    """The campaign in one house."""

    house: House
    figures: Figures
    _truth: judges.State | None = None
    _seconds: float = 0.0

    def __post_init__(self) -> None:
        self.left_out = containers()
        self._library = set_clock.library(self.house.home)
        if self.left_out:
            print(f"LEFT OUT: no containers: {self.left_out}", flush=True)
        if self._library is None:
            print("LEFT OUT: clocks do not step: there is no C compiler for their library", flush=True)

    @property
    def n_rounds(self) -> int:
        return 0 if self.left_out else 1_000_000

    def play(self, number: int) -> None:
        """All at once; then one more command, which finds the dead, and what all of them leave."""
        plot = Plot.of(number)
        truth = self._undisturbed()
        self.house.restore(EARLY)
        self.figures.rounds += 1
        with reading(self.house.url) as reader:
            inside = self._happen(plot)
            said = [ended for each in inside if (ended := each.end())]
            last = self._start(OTHER, WHOLE, "last")
            said += [ended] if (ended := last.end()) else []
        self.figures.did["looks of readers"] += reader.looks
        self.figures.found("half-seen", list(reader.problems)[:3], number, str(plot))
        self.figures.found(
            "stuck", [*said, *([self.house.said(n_chars=300)] if said else [])], number, str(plot)
        )
        self.figures.found("wrong", self._wrongly_ended(inside), number, str(plot))
        if not said:
            for kind, problems in judges.after_a_round(self.house.url, truth, exact=False):
                self.figures.found(kind, problems, number, str(plot))

    def _undisturbed(self) -> judges.State:
        if self._truth is None:
            self.house.restore(EARLY)
            begun = time.monotonic()
            self.house.ok(*WHOLE)
            self._seconds = time.monotonic() - begun
            with dg.DagsterInstance.get() as instance:
                self._truth = judges.look(instance)
        return self._truth

    def _happen(self, plot: Plot) -> list[Container]:
        begun, inside = time.monotonic(), dict[int, Container]()
        for when, place, what in sorted(plot.moments()):
            while time.monotonic() - begun < when * self._seconds:
                time.sleep(POLL_SECONDS)
            if what == "start":
                inside[place] = self._start(*COMMANDS[place], str(place))
            elif inside[place].process.poll() is None:
                if what == "kill":
                    inside[place].kill()
                    self.figures.did["containers killed"] += 1
                elif self._library:
                    inside[place].set_clock(plot.steps[place][1])
                    self.figures.did["clocks set"] += 1
        return list(inside.values())

    def _start(self, host: str, command: tuple[str, ...], place: str) -> Container:
        clock = self.house.home / f"clock-{place}"
        clock.write_text("+0")
        script = f'hostname {host} && exec env "$@" {sys.executable} -c "{_COMMAND}" {" ".join(command)}'
        fake = set_clock.environment(self._library, clock) if self._library else {}
        given = [f"{key}={value}" for key, value in fake.items()]
        with (self.house.home / "output").open("ab") as output:
            process = subprocess.Popen(
                [*_CONTAINER, "sh", "-c", script, "sh", *given],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.house.home,
                start_new_session=True,
            )
        self.house.started.append(process)
        return Container(host, command, clock, process)

    def _wrongly_ended(self, inside: list[Container]) -> list[str]:
        """Where more runs were told to be dead than containers were killed, a living one was among them."""
        with dg.DagsterInstance.get() as instance:
            failed = instance.get_runs(filters=dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
            told = [run for run in failed if _told_dead(instance, run.run_id)]
        killed = sum(each.killed for each in inside)
        self.figures.did["dead runs found"] += len(told)
        if len(told) > killed:
            return [f"{len(told)} runs were told to be dead, and {killed} containers were killed"]
        return [f"run {run.run_id[:8]} failed by itself" for run in failed if run not in told]


def _told_dead(instance: dg.DagsterInstance, run_id: str) -> bool:
    events = instance.all_logs(run_id, of_type=dg.DagsterEventType.PIPELINE_FAILURE)
    return any(_ENDED in (event.message or event.user_message or "") for event in events)
