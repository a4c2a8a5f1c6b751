"""A change is let happen at a point of a run, or at a random moment of it: nothing old counts as new.

In one process, which is much cheaper than `races`: every point is held several times, and changes are of
every kind. After each round the same partitions are computed again undisturbed. What counted as published
before that, and was not told to be stale, must have the same rows, to the bit.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import dagster as dg
import pandas as pd

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import DATES, FULL, PORTFOLIOS, House
from campaigns.points import POINTS, SECONDS_TO_WAIT, Passed, Point, blind, held, waited
from sigmasight_core.tables import DailyPrices, Table, TreasuryYields, validate
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.ledger import files
from sigmasight_dagster.ledger.edits import Ledger
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import execute
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.staleness.stale import stale
from sigmasight_dagster.warehouse import AuditStamp

NAME: Final = PORTFOLIOS[0]
SESSIONS: Final = pd.DatetimeIndex(DATES[:2])
TABLES: Final = ("portfolio_cash", "position_values", "position_greeks")
"""The last is made of the one before, and all of the ledger, of prices and of yields."""
TAKEN_BACK: Final = "never published"
"""Why a run may fail: a step's upstream, which it published itself, was taken back with the old ledger."""

INTERRUPTED: Final = "DagsterExecutionInterruptedError"
"""Ctrl-C while a run computes: Dagster ends the run alone."""

Change = Callable[[Workspace, random.Random], None]


def _shares(workspace: Workspace, draw: random.Random) -> None:
    """Another ledger, as `sigmasight import --replace` stores it."""
    text = "ticker,quantity,entry_price,entry_date\n" + (
        f"AAPL,{draw.randint(2, 9_999)},148.70,2022-11-15\nJPM,-{draw.randint(2, 999)},130.00,2022-11-15\n"
        "AAPL230120C00150000,5,12.00,2022-11-15\n"
    )
    parsed = files.parse(workspace, text.encode(), NAME, "drawn.csv", allow_unpriced=True)
    workspace.save_portfolio(NAME, 1000.0, "drawn.csv", parsed.positions, replace=True)


def _edit(workspace: Workspace, draw: random.Random) -> None:
    """One position, as `sigmasight position edit` changes it."""
    ledger = Ledger(workspace, NAME, "campaign")
    ledger.change("AAPL@2022-11-15", {"quantity": str(draw.randint(10_000, 99_999))})


def _lot(workspace: Workspace, draw: random.Random) -> None:
    """One more lot, as `sigmasight position add`."""
    fields = {"ticker": "MSFT", "quantity": str(draw.randint(1, 99)), "entry_price": "241.00"}
    Ledger(workspace, NAME, "campaign").add({**fields, "entry_date": "2022-11-16"}, allow_unpriced=True)


def _cash(workspace: Workspace, draw: random.Random) -> None:
    Ledger(workspace, NAME, "campaign").set_cash(float(draw.randint(1, 99_999)))


def _price(workspace: Workspace, draw: random.Random) -> None:
    """A correction of one close on one date, as a source delivers it."""
    _corrected(workspace, DailyPrices, "close", draw)


def _yield(workspace: Workspace, draw: random.Random) -> None:
    _corrected(workspace, TreasuryYields, "yield_percent", draw)


def _corrected(workspace: Workspace, model: type[Table], column: str, draw: random.Random) -> None:
    warehouse = workspace.platform.warehouse
    day = SESSIONS[[draw.randrange(len(SESSIONS))]]
    rows = warehouse.read(model, day)
    one = rows["symbol"] == "AAPL" if "symbol" in rows else rows["series"] == "10Y"
    changed = rows[column].where(~one, (rows[column] * draw.uniform(0.99, 1.01)).round(6))
    warehouse.replace(model, rows.assign(**{column: changed}), day, None, AuditStamp.now("campaign"))


CHANGES: Final[Mapping[str, Change]] = {
    "the ledger": _shares,
    "a position": _edit,
    "a lot more": _lot,
    "the cash": _cash,
    "a price": _price,
    "a yield": _yield,
}


@dataclass(frozen=True)
class Plot:
    """A round: what is changed, and at which time of which point, or after which part of a run's seconds."""

    number: int
    change: str
    point: Point | None
    moment: float

    @classmethod
    def of(cls, number: int) -> "Plot":
        """The points in turn, three random moments after each."""
        draw = random.Random(number)
        place, rest = divmod(number, 4)
        point = None if rest else POINTS[place % len(POINTS)]
        return cls(number, draw.choice(list(CHANGES)), point, draw.random())

    def __str__(self) -> str:
        where = self.point.said if self.point else "at a moment of the clock"
        return f"{self.change} is changed {where} ({self.moment:.0%} of its times)"


class Moments:
    """The campaign in one house."""

    def __init__(self, house: House, figures: Figures):
        self._house, self._figures = house, figures
        self._project: Project | None = None
        self._other: Workspace | None = None
        self._seconds = 0.0
        self._passes: dict[str, int] = {}

    def play(self, number: int) -> None:
        """One round. The first is preceded by an undisturbed one, and by one that the judge must find bad."""
        if self._project is None:
            self._open()
        plot = Plot.of(number)
        self._figures.rounds += 1
        self._figures.did["changes at points" if plot.point else "changes at random moments"] += 1
        for kind, said in self._round(plot):
            self._figures.found(kind, said, number, str(plot))

    def _open(self) -> None:
        self._house.restore(FULL)
        self._project = Project.open()
        settings = self._project.settings
        self._other = Workspace(settings, Platform(settings), dg.DagsterInstance.get())
        self._compute(lambda: None, None)
        begun = time.monotonic()
        self._passes = self._compute(lambda: None, None)[1].counts
        self._seconds = time.monotonic() - begun
        if never := [point.said for point in POINTS if not self._passes.get(point.said)]:
            raise SystemExit(f"no run passes: {'; '.join(never)}")
        after_reading = next(point for point in POINTS if point.name == "positions")
        with blind():
            plot = Plot(0, "a position", after_reading, 0.5)  # of its values; the cash is the same
            found = [item for item in self._round(plot) if item[1]]
        if [kind for kind, _ in found] != ["wrong"]:
            raise SystemExit(f"no round is played: of a ledger that changed unnoticed the judge says {found}")
        print(f"The judge sees what goes unnoticed: {found[0][1][0]}; a run takes {self._seconds:.1f} s")

    def _round(self, plot: Plot) -> Iterator[tuple[str, list[str]]]:
        assert self._project
        assert self._other
        other, draw = self._other, random.Random(plot.number)
        failures: list[str] = []

        def work() -> None:
            try:
                CHANGES[plot.change](other, draw)
            except Exception as error:  # whatever it is: a change must not fail because something computes
                failures.append(f"the change failed: {type(error).__name__}: {error}")

        change = threading.Thread(target=work)

        def act() -> None:
            change.start()
            if not waited(change, self._house.url):
                failures.append(f"the change neither ends nor waits within {SECONDS_TO_WAIT:.0f} s")

        at, timer = None, None
        if plot.point:
            at = (plot.point, 1 + int(plot.moment * self._passes[plot.point.said]))
        else:
            timer = threading.Timer(plot.moment * self._seconds, change.start)
            timer.start()
        outcome, passed = self._compute(act, at)
        if timer:
            timer.join()
        if plot.point and not passed.acted:
            failures.append("the point was not passed")
        else:
            change.join(SECONDS_TO_WAIT)
        told = outcome.failed and TAKEN_BACK in outcome.error
        self._figures.did["runs that failed and said what to type"] += told
        failures += [] if outcome.succeeded or told else [f"the run failed: {outcome.error}"]
        failures += ["the change has not ended"] if change.is_alive() else []
        yield "stuck", failures
        yield "wrong", self._silently_old()
        yield "stuck", judges.locks(self._house.url, seconds=2.0)

    def _compute(
        self, act: Callable[[], None], at: tuple[Point, int] | None
    ) -> tuple[execute.RunOutcome, Passed]:
        """The chosen tables of the sessions, of one portfolio."""
        assert self._project
        run = RangeRun("portfolio", tuple(self._chosen()), SESSIONS, (NAME,))
        with held(POINTS, act, at) as passed:
            outcome = execute.execute(
                run, execute.new_run_id(), self._project.definitions, self._project.instance
            )
        if INTERRUPTED in outcome.error:
            raise KeyboardInterrupt
        return outcome, passed

    def _silently_old(self) -> list[str]:
        """Rows that count as published, and as up to date, and are not what is computed of today's inputs."""
        assert self._project
        counted = self._counting()
        before = {name: self._rows(name, good) for name, good in counted.items()}
        self._compute_again()
        found = (differs(name, rows, self._rows(name, counted[name])) for name, rows in before.items())
        return [said for said in found if said]

    def _compute_again(self) -> None:
        """The same tables of today's inputs, undisturbed, without Dagster: nobody waits for its events."""
        assert self._project
        platform, first = self._project.platform, session_dates.first_session(self._project.settings)
        for asset in self._chosen():
            computed = asset.compute(Batch(asset, platform, SESSIONS, (NAME,), first))
            assert isinstance(computed, pd.DataFrame)
            rows = validate(asset.tables[0], computed)
            platform.warehouse.replace(asset.tables[0], rows, SESSIONS, [NAME], AuditStamp.now("campaign"))

    def _chosen(self) -> list[RiskAsset]:
        assert self._project
        return [each for each in declared(self._project.settings) if each.name in TABLES]

    def _counting(self) -> dict[str, set[str]]:
        """Keys of partitions that are published and not told to be stale."""
        assert self._project
        platform = self._project.platform
        told = stale(platform, declared(platform.settings))
        late = {name: set(keys.of_frame(rows)) for name, rows in told.groupby("table_name")}
        published = platform.warehouse.published
        books = {asset.name: published(asset.tables[0], SESSIONS, [NAME]) for asset in self._chosen()}
        return {name: set(keys.of_frame(rows)) - late.get(name, set()) for name, rows in books.items()}

    def _rows(self, name: str, partitions: set[str]) -> pd.DataFrame:
        assert self._project
        [model] = [asset.tables[0] for asset in self._chosen() if asset.name == name]
        rows = self._project.platform.warehouse.read(model, SESSIONS, [NAME])
        return rows[keys.of_frame(rows).isin(partitions).to_numpy()].reset_index(drop=True)


def differs(name: str, before: pd.DataFrame, after: pd.DataFrame) -> str:
    """How rows that counted differ from those of the same partitions now; '' where they do not."""
    if before.equals(after):
        return ""
    dates = ", ".join(f"{day:%Y-%m-%d}" for day in after["date"].unique())
    return f"{name}: of {dates} rows counted that are not of today's inputs"
