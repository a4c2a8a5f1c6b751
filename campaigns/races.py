"""A ledger is replaced at random while a command computes: no result of the old one counts as new."""

import random
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import dagster as dg
import pandas as pd

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import DATES, EARLY, FULL, PORTFOLIOS, SECONDS_A_COMMAND, House
from campaigns.readers import reading
from sigmasight_core.tables import PositionValues
from sigmasight_dagster.checks import damage
from sigmasight_dagster.ledger import files
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings

NAME: Final = PORTFOLIOS[0]
BACKFILL: Final = ("backfill", "--start", DATES[0], "--end", DATES[-1])
POLL_SECONDS: Final = 0.02
QUANTITIES: Final = (777, 10)
"""Ledgers that replace the one before, in turn; the last is what is held in the end."""


@dataclass(frozen=True)
class Plot:
    """A round: when each replacement is typed, as a part of the command's publications."""

    number: int
    begin: str
    moments: tuple[float, ...]

    @classmethod
    def of(cls, number: int) -> "Plot":
        draw = random.Random(number)
        begin = draw.choice([EARLY, FULL])
        moments = sorted(draw.uniform(0.0, 0.99) for _ in range(draw.randint(1, len(QUANTITIES))))
        return cls(number, begin, tuple(moments))

    @property
    def quantities(self) -> tuple[int, ...]:
        return QUANTITIES[: len(self.moments)]

    def __str__(self) -> str:
        typed = [f"{n} shares at {at:.0%}" for n, at in zip(self.quantities, self.moments, strict=True)]
        return f"{self.begin}: {' '.join(BACKFILL)}; the ledger of {NAME} replaced: {', '.join(typed)}"


@dataclass(frozen=True)
class Undisturbed:
    """What the ledgers, one after the other, and then the command leave."""

    state: judges.State
    n_publications: int


@dataclass
class Races:
    """The campaign in one house."""

    house: House
    figures: Figures
    _truths: dict[tuple[str, tuple[int, ...]], Undisturbed] = field(default_factory=dict)

    def play(self, number: int) -> None:
        """One round: both at once, what is published then, and what the command leaves when typed again."""
        plot = Plot.of(number)
        truth = self._truth(plot)
        self.house.restore(plot.begin)
        self.figures.rounds += 1
        with reading(self.house.url) as reader:
            said = self._race(plot, truth)
        self.figures.found("half-seen", list(reader.problems)[:3], number, str(plot))
        self.figures.found("stuck", said, number, str(plot))
        platform = Platform(Settings())
        self.figures.found("wrong", old_ledger(platform, plot.quantities[-1]), number, str(plot))
        if said:
            return
        self.house.ok(*BACKFILL)
        for kind, said in judges.after_a_round(self.house.url, truth.state, exact=True):
            self.figures.found(kind, said, number, str(plot))

    def _truth(self, plot: Plot) -> Undisturbed:
        case = (plot.begin, plot.quantities)
        if case not in self._truths:
            self.house.restore(plot.begin)
            for quantity in plot.quantities:
                self._replace(quantity)
            typed = time.time()
            self.house.ok(*BACKFILL)
            with dg.DagsterInstance.get() as instance:
                self._truths[case] = Undisturbed(judges.look(instance), self.house.publications(typed))
        return self._truths[case]

    def _replace(self, quantity: int) -> None:
        """As `sigmasight import --replace` does, without the seconds of its start-up."""
        file, settings = Path(self.house.file(NAME, quantity)), Settings()
        with dg.DagsterInstance.get() as instance:
            workspace = Workspace(settings, Platform(settings), instance)
            parsed = files.parse(workspace, file.read_bytes(), NAME, file.name, allow_unpriced=True)
            workspace.save_portfolio(NAME, 1000.0, file.name, parsed.positions, replace=True)

    def _race(self, plot: Plot, truth: Undisturbed) -> list[str]:
        """The command and the replacements; what did not end well."""
        typed, command = time.time(), self.house.start(BACKFILL)
        for quantity, moment in zip(plot.quantities, plot.moments, strict=True):
            wanted = truth.n_publications * moment
            while command.poll() is None and self.house.publications(typed) < wanted:
                time.sleep(POLL_SECONDS)
            self.figures.did["replacements while it computed"] += command.poll() is None
            self._replace(quantity)
        said = _ended(" ".join(BACKFILL), command)
        return [f"{said}: {self.house.said(n_chars=300)}"] if said else []


def _ended(what: str, process: "subprocess.Popen[bytes]") -> str:
    try:
        code = process.wait(SECONDS_A_COMMAND)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return f"{what} is still there after {SECONDS_A_COMMAND} s"
    return f"{what}: exit code {code}" if code else ""


def old_ledger(platform: Platform, quantity: float) -> list[str]:
    """Partitions that count as published, and as up to date, with another quantity than the ledger's."""
    warehouse = platform.warehouse
    values = warehouse.read(PositionValues, portfolios=[NAME], columns=["date", "symbol", "quantity"])
    published = warehouse.published(PositionValues)
    found = damage.find(platform)
    told = found[(found["table_name"] == "position_values") & found["damage"].str.startswith(damage.STALE)]
    return silently_old(values, published, told, quantity)


def silently_old(
    values: pd.DataFrame, published: pd.DataFrame, told: pd.DataFrame, quantity: float
) -> list[str]:
    """Dates of NAME whose shares are not the ledger's, published and not told to be stale."""
    dates = published.loc[published["portfolio"] == NAME, "date"]
    counts = values[values["date"].isin(dates) & ~values["date"].isin(told["date"])]
    old = counts[(counts["symbol"] == "AAPL") & (counts["quantity"] != quantity)]
    return [
        f"{date:%Y-%m-%d} is published with {found:g} shares, the ledger has {quantity:g}"
        for date, found in old[["date", "quantity"]].itertuples(index=False)
    ]
