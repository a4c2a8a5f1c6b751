"""Sixteen writers and eight readers at once, then the same end state made one after the other.

Three of the writers are `sigmasight backfill`, typed again and again; thirteen are threads of this process
that do what commands do, by the same functions: edits of positions, cash, corrections of prices and yields,
retention and the migration of the layout. Readers look whether partitions are whole. When all have ended a
backfill is typed once more, and its tables are held against those of a project that got the last ledgers and
prices in peace.
"""

import random
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

import dagster as dg
import pandas as pd

from campaigns import judges, moments
from campaigns.figures import Figures
from campaigns.house import DATES, FULL, PORTFOLIOS, House
from campaigns.readers import reading
from sigmasight_core.errors import InputError
from sigmasight_core.tables import DailyPrices, TreasuryYields
from sigmasight_dagster.ledger.edits import Ledger
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp

BACKFILL: Final = ("backfill", "--start", DATES[0], "--end", DATES[-1])
N_COMMANDS, N_READERS = 3, 8
SECONDS_A_ROUND: Final = 300.0
PAUSES: Final = (1.0, 15.0)
"""Seconds between two changes of a thread, so that some runs come to their end."""
SECONDS_A_BACKFILL: Final = 900
"""Three at once, which compute again what an edit changes under them."""
SOURCES: Final = (DailyPrices, TreasuryYields)
MEANWHILE: Final = "changed meanwhile"
"""Why an edit is refused: another writer was faster."""

Work = Callable[[Workspace, random.Random], None]


def _quantity(name: str) -> Work:
    def work(workspace: Workspace, draw: random.Random) -> None:
        fields = {"quantity": str(draw.randint(1, 9_999))}
        Ledger(workspace, name, "campaign").change("AAPL@2022-11-15", fields)

    return work


def _cash(name: str) -> Work:
    return lambda workspace, draw: _done(
        Ledger(workspace, name, "campaign").set_cash(float(draw.randint(1, 99_999)))
    )


def _retire(workspace: Workspace, _draw: random.Random) -> None:
    workspace.platform.warehouse.retire(pd.Timestamp(DATES[0]))


def _migrate(workspace: Workspace, _draw: random.Random) -> None:
    workspace.platform.warehouse.migrate()


def _done(_result: object) -> None:
    return


THREADS: Final[tuple[Work, ...]] = (
    *(_quantity(name) for name in PORTFOLIOS * 3),
    *(_cash(name) for name in PORTFOLIOS),
    moments.CHANGES["a price"],
    moments.CHANGES["a price"],
    moments.CHANGES["a yield"],
    _retire,
    _migrate,
)


class Writers:
    """The campaign in one house."""

    def __init__(self, house: House, figures: Figures):
        self._house, self._figures = house, figures
        self._failures: list[str] = []

    def play(self, number: int) -> None:
        """One round of five minutes."""
        plot = f"{N_COMMANDS} backfills and {len(THREADS)} threads write, {N_READERS} readers"
        self._house.restore(FULL)
        self._figures.rounds += 1
        self._failures = []
        with ExitStack() as stack:
            readers = [stack.enter_context(reading(self._house.url)) for _ in range(N_READERS)]
            self._write(number)
        problems = [said for reader in readers for said in reader.problems]
        self._figures.did["looks of readers"] += sum(reader.looks for reader in readers)
        self._figures.found("half-seen", problems[:3], number, plot)
        self._figures.found("stuck", self._failures[:3], number, plot)
        self._house.ok(*BACKFILL)
        with dg.DagsterInstance.get() as instance:
            found = judges.look(instance)
            self._figures.found("stuck", [*judges.runs(instance), *judges.slots(instance)], number, plot)
        self._figures.found("stuck", judges.locks(self._house.url), number, plot)
        self._serially()
        with dg.DagsterInstance.get() as instance:
            truth = judges.look(instance)
        for kind, judge in judges.every(found, truth, exact=True):
            self._figures.found(kind, judge(), number, plot)

    def _write(self, number: int) -> None:
        """Everybody, for the time of a round; each ends what it has begun."""
        stopped = threading.Event()
        threads = [
            threading.Thread(target=self._change, args=[work, number + n, stopped])
            for n, work in enumerate(THREADS)
        ]
        threads += [
            threading.Thread(target=self._type, args=[f"output{n}", stopped]) for n in range(N_COMMANDS)
        ]
        for thread in threads:
            thread.start()
        stopped.wait(SECONDS_A_ROUND)
        stopped.set()
        for thread in threads:
            thread.join(SECONDS_A_BACKFILL)
            if thread.is_alive():
                self._failures.append(f"a writer is still there {SECONDS_A_BACKFILL} s after the end")

    def _change(self, work: Work, seed: int, stopped: threading.Event) -> None:
        draw, settings = random.Random(seed), Settings()
        with dg.DagsterInstance.get() as instance:
            workspace = Workspace(settings, Platform(settings), instance)
            while not stopped.wait(draw.uniform(*PAUSES)):
                try:
                    work(workspace, draw)
                    self._figures.did["changes"] += 1
                except InputError as error:
                    if MEANWHILE not in str(error):
                        self._failures.append(f"a change: {error}")
                    self._figures.did["edits that said that another was faster"] += 1
                except Exception as error:  # whatever it is: no writer may fail of another
                    self._failures.append(f"a change: {type(error).__name__}: {error}")
            workspace.platform.warehouse.close()

    def _type(self, log: str, stopped: threading.Event) -> None:
        """The backfill, as often as it ends; its ledger may be taken from under it, which it says."""
        while not stopped.is_set():
            process = self._house.start(BACKFILL, log)
            try:
                code = process.wait(SECONDS_A_BACKFILL)
            except subprocess.TimeoutExpired:
                process.kill()
                self._failures.append(f"a backfill is still there after {SECONDS_A_BACKFILL} s")
                return
            self._figures.did["backfills" if code == 0 else "backfills that said what was taken back"] += 1
            said = self._house.said(log)
            if code and not any(why in said for why in (moments.TAKEN_BACK, "changed by another command")):
                self._failures.append(f"a backfill: exit code {code}: {said[-300:]}")

    def _serially(self) -> None:
        """The last ledgers, prices and yields, one by one in a restored project, and the backfill."""
        settings = Settings()
        platform = Platform(settings)
        ledgers = list(self._ledgers(platform))
        sources = {model: platform.warehouse.read(model, pd.DatetimeIndex(DATES)) for model in SOURCES}
        platform.warehouse.close()
        self._house.restore(FULL)
        with dg.DagsterInstance.get() as instance:
            workspace = Workspace(settings, Platform(settings), instance)
            for model, rows in sources.items():
                stamp = AuditStamp.now("campaign")
                workspace.platform.warehouse.replace(model, rows, pd.DatetimeIndex(DATES), None, stamp)
            for name, cash, source, positions, transactions in ledgers:
                workspace.save_portfolio(
                    name, cash, source, positions, replace=True, transactions=transactions
                )
            _retire(workspace, random.Random(0))
            workspace.platform.warehouse.close()
        self._house.ok(*BACKFILL)

    def _ledgers(self, platform: Platform) -> Iterator[tuple[str, float, str, pd.DataFrame, pd.DataFrame]]:
        for row in platform.warehouse.portfolios().itertuples():
            name = str(row.portfolio)
            positions, account = platform.warehouse.positions([name]), platform.warehouse.transactions([name])
            yield name, float(row.cash), str(row.source), positions, account
