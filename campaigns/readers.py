"""A reader that looks at tables whatever happens to the server, and notes what is not whole."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg2

from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    Grain,
    Kind,
    PortfolioSnapshots,
    PositionStress,
    PositionValues,
    RiskMeasures,
    StressResults,
    Table,
    facts,
    grain,
    table_name,
)

MODELS: Final[tuple[type[Table], ...]] = (
    DailyPrices,
    FactorBetas,
    PositionStress,
    PositionValues,
    PortfolioSnapshots,
    StressResults,
    RiskMeasures,
)
SOURCES: Final = {table_name(model) for model in MODELS if facts(model).kind is Kind.SOURCE}
PAUSE_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Seen:
    """One partition in one snapshot: its rows, what `publications` says of it (None = nothing).

    :param withdrawn: it no longer counts as published, since the ledger changed.
    """

    table: str
    date: str
    portfolio: str
    n_rows: int
    run_ids: list[str]
    published_rows: int | None
    published_by: str | None
    withdrawn: bool


def statement(model: type[Table]) -> str:
    """Every partition of a table that has rows or is published, in one SELECT, so in one snapshot."""
    name = table_name(model)
    portfolio = "portfolio" if grain(model) is Grain.DATE_PORTFOLIO else "''"
    return f"""SELECT '{name}', date::text, portfolio, coalesce(t.n, 0), coalesce(run_ids, '{{}}'),
            p.n, p.run_id,
            EXISTS (SELECT FROM sigmasight.withdrawn_partitions w
                    WHERE (w.table_name, w.date, w.portfolio) = ('{name}', date, portfolio))
        FROM (SELECT date, {portfolio} AS portfolio, count(*) AS n, array_agg(DISTINCT run_id) AS run_ids
              FROM sigmasight.{name} GROUP BY 1, 2) t
        FULL JOIN (SELECT date, portfolio, n_rows AS n, run_id FROM sigmasight.publications
                   WHERE table_name = '{name}') p USING (date, portfolio)"""


def wrong(seen: Seen) -> str:
    """Why a partition is not whole, '' where it is: absent, or all rows of the run that published it.

    Rows of a source are of one run, an earlier one where they were the same before.
    """
    if seen.published_rows is None:
        return "" if seen.withdrawn else f"{seen}: rows that nobody published"
    if seen.n_rows != seen.published_rows:
        return f"{seen}: not the rows that were published"
    kept = seen.table in SOURCES and len(seen.run_ids) == 1
    if seen.n_rows and seen.run_ids != [seen.published_by] and not kept:
        return f"{seen}: not the rows of the one run that published it"
    return ""


class Reader:
    """Looks at one table after the other, each in one statement, so in one snapshot.

    :param looks: tables that were looked at. :param problems: what was not whole; counted once each.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.looks = 0
        self.problems: dict[str, None] = {}

    def read_until(self, stopped: threading.Event) -> None:
        """Look until told to stop; a server that is away is waited for."""
        while not stopped.is_set():
            try:
                self._read(stopped)
            except psycopg2.Error:
                stopped.wait(PAUSE_SECONDS)

    def judge(self, partitions: Sequence[Seen]) -> None:
        """Each must have as many rows as its publication says, of the run that published it."""
        for seen in partitions:
            if said := wrong(seen):
                self.problems.setdefault(said)

    def look_at_each(self) -> None:
        """One look at each table."""
        with closing(psycopg2.connect(self._url)) as connection, connection.cursor() as cursor:
            for model in MODELS:
                self._look(cursor, model)

    def _read(self, stopped: threading.Event) -> None:
        with closing(psycopg2.connect(self._url, connect_timeout=2)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not stopped.wait(PAUSE_SECONDS):
                    self._look(cursor, MODELS[self.looks % len(MODELS)])

    def _look(self, cursor: "psycopg2.extensions.cursor", model: type[Table]) -> None:
        cursor.execute(statement(model))
        self.judge([Seen(*row) for row in cursor.fetchall()])
        self.looks += 1


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A reader that goes on to the end of the block."""
    reader, stopped = Reader(url), threading.Event()
    thread = threading.Thread(target=reader.read_until, args=(stopped,))
    thread.start()
    try:
        yield reader
    finally:
        stopped.set()
        thread.join()
