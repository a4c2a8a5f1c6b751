"""Every server that is found, each setting of a list: equal contents, or a refusal that changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

import dagster as dg

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import BEFORE, PORTFOLIOS, SECONDS_A_COMMAND, House
from campaigns.machines import lab, set_clock
from campaigns.machines.lab import NAMES, ROLE, Lab
from campaigns.machines.scenes import PLAIN, SCENES, Scene
from sigmasight_dagster.server.embedded import DATABASES

URLS: Final = ("SIGMASIGHT_DATABASE_URL", "DAGSTER_POSTGRES_URL")
CLEAR: Final = " cannot be used: "
SECONDS: Final = 2 * SECONDS_A_COMMAND
"""For all of the commands of a round."""
UNCLEAR: Final = ("Traceback", "a traceback: sigmasight --debug")
_TYPED: Final = """
import contextlib, io, json, sys
from sigmasight_dagster.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv, said, code = ["sigmasight", *arguments], io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
    print(json.dumps([" ".join(arguments), code, said.getvalue()]), flush=True)
    if code and arguments[0] != "db":
        break
"""


@dataclass(frozen=True)
class Typed:
    """A command, its exit code and what it said."""

    command: str
    code: int
    said: str


@dataclass
class Servers:
    """The campaign. Each of its rounds is a server and a scene; those of all seeds are the same."""

    house: House
    figures: Figures
    _truth: judges.State | None = None
    _rounds: list[tuple[str, Scene]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._programs = lab.binaries()
        self._labs: dict[str, Lab] = {}
        majors = {version: int(version.split(".")[0]) for version in self._programs}
        self._rounds = [(version, PLAIN) for version in self._programs]
        newest_first = list(reversed(self._programs))  # a short campaign plays every scene on one of them
        self._rounds += [
            (version, scene) for version in newest_first for scene in SCENES if scene.first <= majors[version]
        ]
        print(f"servers: {', '.join(self._programs)}; pgbouncer: {lab.pooler() or 'none'}")

    @property
    def n_rounds(self) -> int:
        return len(self._rounds)

    def play(self, number: int) -> None:
        """Type the commands; what they leave, or refuse."""
        version, scene = self._rounds[number % self.n_rounds]
        plot = f"PostgreSQL {version}, {scene.name}"
        if left_out := _cannot(scene):
            print(f"| {version} | {scene.name} | LEFT OUT: {left_out} |", flush=True)
            return
        truth = self._undisturbed()
        self.figures.rounds += 1
        outcome, problems = self._played(version, scene, truth)
        print(f"| {version} | {scene.name} | {outcome} |", flush=True)
        self.figures.did[outcome.partition(" ")[0]] += 1
        for kind, said in problems:
            self.figures.found(kind, [said], number, plot)

    def _played(self, version: str, scene: Scene, truth: judges.State) -> tuple[str, list[tuple[str, str]]]:
        where = self._labs.setdefault(version, Lab(self.house.home, version, self._programs[version]))
        with ExitStack() as stack:
            try:
                urls = stack.enter_context(set_up(where, scene))
            except RuntimeError as error:
                return f"LEFT-OUT {error}", []
            typed = type_in(urls)
            if typed[-1].code == 0 and len(typed) == len(COMMANDS):
                admin = {
                    name: where.url(database, "postgres") for name, database in zip(URLS, NAMES, strict=True)
                }
                with environment(admin):
                    return "works", list(_faults(where, truth, typed))
            return _refused(where, scene, typed)

    def _undisturbed(self) -> judges.State:
        """What the commands leave on the embedded server."""
        if self._truth is None:
            self.house.server.start()
            with lab.closing(lab.psycopg2.connect(self.house.server.url("postgres"))) as connection:
                connection.autocommit = True
                with connection.cursor() as cursor:
                    for name in DATABASES:
                        cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                        cursor.execute(f"CREATE DATABASE {name}")
            typed = type_in({})
            if typed[-1].code or len(typed) < len(COMMANDS):
                sys.exit(f"undisturbed, `{typed[-1].command}` fails: {typed[-1].said}")
            with dg.DagsterInstance.get() as instance:
                self._truth = judges.look(instance)
        return self._truth


COMMANDS: Final = (
    ("db", "check"),
    ("import", "{file}", PORTFOLIOS[0], "--cash", "1000", "--allow-unpriced"),
    ("run", PORTFOLIOS[0], "--date", BEFORE),
    ("show", PORTFOLIOS[0], "--date", BEFORE),
    ("verify",),
)


def type_in(urls: Mapping[str, str]) -> list[Typed]:
    """The commands in turn, to the first that fails but for `db check`."""
    folder = os.environ["SIGMASIGHT_HOME"]
    file = House(lab.Path(folder)).file(PORTFOLIOS[0], 10)
    arguments = [[word.replace("{file}", file) for word in command] for command in COMMANDS]
    log, late = lab.Path(folder) / "typed", False
    with log.open("wb") as output, log.with_suffix(".errors").open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _TYPED, json.dumps(arguments)],
            env={**os.environ, **urls},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            late = True
            process.kill()
            process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("[")]
    typed = [Typed(*line) for line in lines]
    if late:
        typed.append(Typed(" ".join(arguments[len(typed)]), 1, f"still there after {SECONDS} s"))
    return typed or [Typed("none", process.returncode, log.with_suffix(".errors").read_text()[-300:])]


@contextmanager
def environment(more: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def set_up(where: Lab, scene: Scene) -> Iterator[dict[str, str]]:
    """The server as the scene wants it; the settings of the project."""
    with ExitStack() as stack:
        fake = _fake(where, scene.clock) if scene.clock else {}
        if scene.standby:
            with where.running():
                where.make_databases()
            place = stack.enter_context(where.copied_as_standby())
            stack.enter_context(where.running(data=place))
        else:
            stack.enter_context(where.running(scene.server, **fake))
            try:
                where.make_databases(scene.databases)
            except lab.psycopg2.Error as error:
                raise RuntimeError(" ".join(str(error).split())) from None
            where.admin(*(f"ALTER ROLE {ROLE} SET {key} = '{value}'" for key, value in scene.role.items()))
            where.admin(*scene.sql)
            if scene.name == "no privileges":
                where.admin("REVOKE CREATE ON SCHEMA public FROM PUBLIC", database=NAMES[1])
        port = stack.enter_context(lab.pooled(where, *scene.pooler)) if scene.pooler else where.port
        urls = [where.url(name, port=port) for name in NAMES]
        if scene.one_database:
            urls[1] = where.url(NAMES[0], host="localhost")
        yield dict(zip(URLS, urls, strict=True))


def _cannot(scene: Scene) -> str:
    if scene.pooler and lab.pooler() is None:
        return "pgbouncer is not installed"
    return ""


def _fake(where: Lab, seconds: str) -> dict[str, str]:
    """:raises RuntimeError: where no clock can be set."""
    file, made = where.home / "clock-of-server", set_clock.library(where.home)
    if made is None:
        raise RuntimeError("there is no C compiler for the clock's library")
    file.write_text(seconds)
    return set_clock.environment(made, file)


def _faults(where: Lab, truth: judges.State, typed: list[Typed]) -> Iterator[tuple[str, str]]:
    if typed[0].code:
        yield "wrong", f"`db check` refuses what works: {' '.join(typed[0].said.split())[:300]}"
    for kind, said in judges.after_a_round(where.url(NAMES[0], "postgres"), truth, exact=True):
        yield from ((kind, each) for each in said)


def _refused(where: Lab, scene: Scene, typed: list[Typed]) -> tuple[str, list[tuple[str, str]]]:
    """A refusal is clear, said by `db check` too, and nothing is changed."""
    last, problems = typed[-1], []
    said = " ".join(last.said.split())
    if any(word in said for word in UNCLEAR) or "Error: " not in said:
        problems.append(("stuck", f"`{last.command}`: no clear refusal: {said[-400:]}"))
    if not scene.standby and (n := made(where)):
        problems.append(
            ("wrong", f"`{last.command}` has made {n} relations before it refused: {said[-300:]}")
        )
    if not typed[0].code:
        problems.append(("wrong", f"`db check` finds nothing: {said[-300:]}"))
    reason = said.partition(CLEAR)[2] or said.partition("Error: ")[2]
    if reason.replace(" ", "")[:60] not in "".join(typed[0].said.split()):
        problems.append(("wrong", f"`db check` has other words: {' '.join(typed[0].said.split())[-300:]}"))
    return f"refused: {reason}", problems


def made(where: Lab) -> int:
    """Relations in both databases that no initdb has made."""
    count = "SELECT count(*) FROM pg_class WHERE oid >= 16384"
    return sum(int(str(where.one(name, count))) for name in NAMES)
