"""kill -9 of a command, its child or the PostgreSQL server at random moments, then the same command again."""

import math
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import dagster as dg
import psutil

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import DATES, EARLY, FULL, PORTFOLIOS, SECONDS_A_COMMAND, House
from campaigns.readers import Reader, reading

POLL_SECONDS: Final = 0.05
START_SECONDS: Final = 10.0
"""How much later than undisturbed the first step of a command may begin: nothing to wait for is left."""
SECONDS_TO_FOLLOW: Final = 10.0
"""How long a killed command's children may stay after it."""
FEWEST_KILLS: Final = 4
MOST_KILLS: Final = 10
BY_PUBLICATIONS: Final = 0.6
"""How many of the moments are told by what is published, which hits the same place on a slow machine."""
COMMAND, GROUP, CHILD, SERVER = "command", "group", "child", "server"
VICTIMS: Final = (COMMAND, COMMAND, GROUP, CHILD, SERVER, SERVER)

_RANGE: Final = ("--start", DATES[0], "--end", DATES[-1])
_FILE: Final = "{file}"
SCENES: Final = (
    (EARLY, ("backfill", *_RANGE), ("backfill", *_RANGE)),
    (EARLY, ("backfill", *_RANGE), ("backfill", *_RANGE, "--missing-only")),
    (EARLY, ("backfill", *_RANGE), ("rerun-failed",)),
    (EARLY, ("run", PORTFOLIOS[1], "--date", DATES[0]), ("run", PORTFOLIOS[1], "--date", DATES[0])),
    (FULL, ("backfill", *_RANGE), ("backfill", *_RANGE)),
    (FULL, ("run", "--date", DATES[1]), ("run", "--date", DATES[1])),
    (FULL, ("import", _FILE, PORTFOLIOS[0], "--replace"), ("import", _FILE, PORTFOLIOS[0], "--replace")),
    (FULL, ("retention", "--days", "1"), ("retention", "--days", "1")),
    (FULL, ("retention", "--days", "1", "--dry-run"), ("retention", "--days", "1", "--dry-run")),
)
"""What a round begins with, what is killed, what is typed then. After `rerun-failed` comes the command."""
WEIGHTS: Final = (5, 2, 2, 3, 4, 3, 2, 1, 1)


@dataclass(frozen=True)
class Kill:
    """When who is killed.

    :param moment: part of what the command does undisturbed: of its publications, or of its seconds.
    """

    victim: str
    moment: float
    by_publications: bool


@dataclass(frozen=True)
class Plot:
    """A round, as its number tells it: the same on every machine, but for how far a command is by then."""

    number: int
    begin: str
    command: tuple[str, ...]
    again: tuple[str, ...]
    kills: tuple[Kill, ...]
    what: str = "kill -9 of"

    @classmethod
    def of(cls, number: int) -> "Plot":
        draw = random.Random(number)
        [(begin, command, again)] = draw.choices(SCENES, WEIGHTS)
        kills = tuple(
            Kill(draw.choice(VICTIMS), draw.uniform(0.02, 1.0), draw.random() < BY_PUBLICATIONS)
            for _ in range(draw.randint(FEWEST_KILLS, MOST_KILLS))
        )
        return cls(number, begin, command, again, kills)

    def __str__(self) -> str:
        moments = [
            f"{kill.victim} at {kill.moment:.0%} of its {'publications' if kill.by_publications else 'time'}"
            for kill in self.kills
        ]
        return f"{self.begin}: {' '.join(self.command)}; {self.what} {', '.join(moments)}"


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves, and how long it and its start take."""

    state: judges.State
    n_publications: int
    seconds: float
    start_seconds: float


@dataclass
class Kills:
    """The campaign in one house."""

    house: House
    figures: Figures
    _truths: dict[tuple[str, tuple[str, ...]], Undisturbed] = field(default_factory=dict)

    def plot(self, number: int) -> Plot:
        """A round, as its number tells it."""
        return Plot.of(number)

    def play(self, number: int) -> None:
        """One round: restore, kill, type again, judge."""
        plot = self.plot(number)
        truth = self._truth(plot)
        self.house.restore(plot.begin)
        self.figures.rounds += 1
        with reading(self.house.url) as reader:
            for kill in plot.kills:
                if not self._kill(plot, kill, truth):
                    return
            done = self._type_again(plot, truth)
        self._half_seen(plot, reader)
        if done:
            self._judge(plot, truth)

    def strike(self, victim: str, process: "subprocess.Popen[bytes]") -> str:
        """Who was hit, '' = nobody."""
        hit = strike(victim, process, self.house)
        return hit and f"kills of the {hit}"

    def relieve(self) -> None:
        """What a person does before the command is typed again; nothing after a kill."""

    def _truth(self, plot: Plot) -> Undisturbed:
        """What the command leaves undisturbed; found once."""
        case = (plot.begin, plot.command)
        if case not in self._truths:
            self.house.restore(plot.begin)
            begun, typed = time.monotonic(), time.time()
            self.house.ok(*self._arguments(plot.command))
            seconds = time.monotonic() - begun
            with dg.DagsterInstance.get() as instance:
                start = first_step(instance, typed) or typed + seconds
                self._truths[case] = Undisturbed(
                    judges.look(instance), self.house.publications(typed), seconds, start - typed
                )
        return self._truths[case]

    def _arguments(self, command: tuple[str, ...]) -> tuple[str, ...]:
        ledger = self.house.file(PORTFOLIOS[0], 25)
        return tuple(word.replace(_FILE, ledger) for word in command)

    def _kill(self, plot: Plot, kill: Kill, truth: Undisturbed) -> bool:
        """Whether the command has ended by itself, or of the kill, within its time."""
        process = self.house.start(self._arguments(plot.command))
        self._await(process, kill, truth)
        if process.poll() is None and (done := self.strike(kill.victim, process)):
            self.figures.did[done] += 1
        try:
            return self._ends(plot, process)
        finally:
            self.relieve()

    def _await(self, process: "subprocess.Popen[bytes]", kill: Kill, truth: Undisturbed) -> None:
        """The moment of the kill, or the command's end before it."""
        typed, wanted = time.time(), math.ceil(truth.n_publications * kill.moment)
        by_clock = not (kill.by_publications and wanted)
        while process.poll() is None and time.time() - typed < SECONDS_A_COMMAND:
            reached = (
                time.time() - typed >= truth.seconds * kill.moment
                if by_clock
                else self.house.publications(typed) >= wanted
            )
            if reached:
                return
            time.sleep(POLL_SECONDS)

    def _ends(self, plot: Plot, process: "subprocess.Popen[bytes]") -> bool:
        """Whether a command has ended within its time, and all of its children with it."""
        try:
            process.wait(SECONDS_A_COMMAND)
        except subprocess.TimeoutExpired:
            said = f"`{plot.command[0]}` is still there after {SECONDS_A_COMMAND} s: {self._last_words()}"
            self.figures.found("stuck", [said], plot.number, str(plot))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        left = _left_behind(process.pid)
        self.figures.found("stuck", left, plot.number, str(plot))
        if left:
            os.killpg(process.pid, signal.SIGKILL)
        return True

    def _type_again(self, plot: Plot, truth: Undisturbed) -> bool:
        """Whether the commands typed after the kills have all ended with code 0."""
        typed_in_turn = [plot.again] if plot.again != ("rerun-failed",) else [plot.again, plot.command]
        for command in typed_in_turn:
            typed = time.time()
            process = self.house.start(self._arguments(command))
            if not self._ends(plot, process):
                return False
            if process.returncode:
                said = f"`{command[0]}` typed again: exit code {process.returncode}: {self._last_words()}"
                self.figures.found("stuck", [said], plot.number, str(plot))
                return False
            self._started(plot, typed, truth)
        return True

    def _started(self, plot: Plot, typed: float, truth: Undisturbed) -> None:
        with dg.DagsterInstance.get() as instance:
            step = first_step(instance, typed)
        if step is None:
            return
        self.figures.longest_start_seconds = max(self.figures.longest_start_seconds, step - typed)
        late = step - typed - truth.start_seconds
        if late > START_SECONDS:
            said = f"the first step began {late:.0f} s later than undisturbed ({truth.start_seconds:.0f} s)"
            self.figures.found("stuck", [said], plot.number, str(plot))

    def _half_seen(self, plot: Plot, reader: Reader) -> None:
        self.figures.did["looks of readers"] += reader.looks
        self.figures.found("half-seen", list(reader.problems)[:3], plot.number, str(plot))

    def _judge(self, plot: Plot, truth: Undisturbed) -> None:
        exact = plot.again == plot.command
        for kind, said in judges.after_a_round(self.house.url, truth.state, exact=exact):
            self.figures.found(kind, said, plot.number, str(plot))

    def _last_words(self) -> str:
        return " / ".join(self.house.said().split("\n")[-4:])[-400:]


def strike(victim: str, process: "subprocess.Popen[bytes]", house: House) -> str:
    """kill -9; who was hit: the command where it has no child at the moment, '' where no server runs."""
    if victim == SERVER:
        return SERVER if house.kill_server() else ""
    if victim == GROUP:
        os.killpg(process.pid, signal.SIGKILL)
        return GROUP
    if victim == CHILD and _strike_child(process.pid):
        return CHILD
    process.kill()
    return COMMAND


def _strike_child(pid: int) -> bool:
    with suppress(psutil.Error):
        for child in psutil.Process(pid).children(recursive=True):
            if os.getpgid(child.pid) == pid:  # the server that a command starts is its child too
                child.kill()
                return True
    return False


def _left_behind(group: int) -> list[str]:
    """Processes of an ended command that stay; the server has a group of its own."""
    deadline = time.monotonic() + SECONDS_TO_FOLLOW
    while found := [each for each in psutil.process_iter(["pid", "cmdline"]) if _in_group(each.pid, group)]:
        if time.monotonic() > deadline:
            return [f"{len(found)} processes outlive their command, first {found[0].info['cmdline']}"]
        time.sleep(POLL_SECONDS)
    return []


def _in_group(pid: int, group: int) -> bool:
    with suppress(ProcessLookupError):
        return os.getpgid(pid) == group
    return False


def first_step(instance: dg.DagsterInstance, since: float) -> float | None:
    """When the first step of the runs created since then began; seconds of the epoch."""
    records = instance.get_run_records(ascending=True)
    for record in (found for found in records if found.create_timestamp.timestamp() >= since):
        for event in instance.all_logs(record.dagster_run.run_id, of_type=dg.DagsterEventType.STEP_START):
            return event.timestamp
    return None
