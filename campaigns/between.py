"""kill -9 at the one moment between rows and events: rows are committed, Dagster has no event of them.

Rows and events are of two databases, so of two transactions. A command is kept between them by a lock on the
table of events, which lets it go on to the next event until what waits is that of published rows.
"""

import math
import random
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import pandas as pd
import psycopg2

from campaigns.house import DATES, EARLY, FULL, PORTFOLIOS, SECONDS_A_COMMAND
from campaigns.kills import VICTIMS, Kill, Kills, Plot, Undisturbed, strike
from sigmasight_dagster.partitions.keys import of_frame
from sigmasight_dagster.server.embedded import DATABASES

KILLS_A_ROUND: Final = 5
LAST_MOMENT: Final = 0.95
POLL_SECONDS: Final = 0.005

_RANGE: Final = ("--start", DATES[0], "--end", DATES[-1])
SCENES: Final = (
    (EARLY, ("backfill", *_RANGE), ("backfill", *_RANGE)),
    (EARLY, ("backfill", *_RANGE), ("backfill", *_RANGE, "--missing-only")),
    (EARLY, ("run", "--date", DATES[0]), ("run", "--date", DATES[0])),
    (FULL, ("backfill", *_RANGE), ("backfill", *_RANGE)),
    (FULL, ("run", PORTFOLIOS[1], "--date", DATES[1]), ("run", PORTFOLIOS[1], "--date", DATES[1])),
)
"""What a round begins with, what is killed, what is typed after the last kill."""

Untold = frozenset[tuple[str, str, str]]
"""Table, partition and run of publications that Dagster has no materialization of."""

_PUBLISHED: Final = (
    "SELECT table_name, date, portfolio, run_id FROM sigmasight.publications "
    "WHERE computed_at >= to_timestamp(%s)"
)
_TOLD: Final = (
    "SELECT asset_key, partition, run_id FROM event_logs "
    "WHERE dagster_event_type = 'ASSET_MATERIALIZATION' AND run_id = ANY(%s)"
)
_WAITING: Final = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"


@dataclass
class Between(Kills):
    """The campaign in one house."""

    _begun: float = 0.0

    def plot(self, number: int) -> Plot:
        """A round, as its number tells it."""
        draw = random.Random(number)
        begin, command, again = draw.choice(SCENES)
        moments = [draw.uniform(0.0, LAST_MOMENT) for _ in range(KILLS_A_ROUND)]
        return Plot(
            number, begin, command, again, tuple(Kill(draw.choice(VICTIMS), each, True) for each in moments)
        )

    def play(self, number: int) -> None:
        self._begun = time.time()
        super().play(number)

    def _kill(self, plot: Plot, kill: Kill, truth: Undisturbed) -> bool:
        typed = time.time()
        process = self.house.start(self._arguments(plot.command))
        wanted = max(1, math.ceil(truth.n_publications * kill.moment))
        while process.poll() is None and self.house.publications(typed) < wanted:
            time.sleep(POLL_SECONDS)
        with closing(psycopg2.connect(self._events_url)) as gate, gate.cursor() as cursor:
            if self._kept(cursor, process, typed):
                still = self._untold(self._begun) - self._untold(typed)
                said = [f"{table}: {key} of the kill before has no event" for table, key, _ in sorted(still)]
                self.figures.found("lost", said[:3], plot.number, str(plot))
                if hit := strike(kill.victim, process, self.house):
                    self.figures.did[f"kills of the {hit} between rows and events"] += 1
        return self._ends(plot, process)

    def _kept(
        self, cursor: "psycopg2.extensions.cursor", process: "subprocess.Popen[bytes]", typed: float
    ) -> bool:
        """Whether a command has published what it cannot tell before the cursor's transaction ends."""
        deadline = time.monotonic() + SECONDS_A_COMMAND
        while process.poll() is None and time.monotonic() < deadline:
            cursor.execute("LOCK TABLE event_logs IN SHARE MODE")
            while process.poll() is None and not _count(cursor, _WAITING):
                time.sleep(POLL_SECONDS)
            if process.poll() is None and self._untold(typed):
                return True
            cursor.connection.rollback()  # who waits comes first: one event is stored, and the next one waits
        return False

    def _untold(self, since: float) -> Untold:
        with closing(psycopg2.connect(self.house.url)) as connection, connection.cursor() as cursor:
            cursor.execute(_PUBLISHED, [since])
            rows = pd.DataFrame(cursor.fetchall(), columns=["table_name", "date", "portfolio", "run_id"])
        with closing(psycopg2.connect(self._events_url)) as connection, connection.cursor() as cursor:
            cursor.execute(_TOLD, [rows["run_id"].unique().tolist()])
            told = {(key[2:-2], partition, run) for key, partition, run in cursor.fetchall()}
        published = zip(rows["table_name"], of_frame(rows), rows["run_id"], strict=True)
        return frozenset(published) - told

    @property
    def _events_url(self) -> str:
        return self.house.server.url(DATABASES[1])


def _count(cursor: "psycopg2.extensions.cursor", statement: str) -> int:
    cursor.execute(statement)
    [(count,)] = cursor.fetchall()
    return int(count)
