"""Readers that look at whole tables while others write them, and judge every partition that they see."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import psycopg2

from sigmasight_core.tables import TABLES, Grain, Kind, Table, facts, grain, table_name

Key = tuple[str, str, str]
"""Table, date, portfolio."""

SOURCES = {table_name(model) for model in TABLES if facts(model).kind is Kind.SOURCE}
PAUSE_SECONDS = 0.1
"""Between two looks at all tables. Without it the readers alone would keep both processors busy."""


@dataclass(frozen=True)
class Seen:
    """One partition in one snapshot: its rows, and what `publications` says of it (None = nothing)."""

    key: Key
    n_rows: int
    run_ids: tuple[str, ...]
    published_rows: int | None
    published_by: str | None


def statement(model: type[Table]) -> str:
    """Every partition of a table that has rows or is published, in one SELECT, so in one snapshot."""
    name = table_name(model)
    portfolio = "portfolio" if grain(model) is Grain.DATE_PORTFOLIO else "''"
    return f"""SELECT date::text, portfolio, coalesce(t.n, 0), coalesce(run_ids, '{{}}'), p.n, p.run_id
        FROM (SELECT date, {portfolio} AS portfolio, count(*) AS n, array_agg(DISTINCT run_id) AS run_ids
              FROM sigmasight.{name} GROUP BY 1, 2) t
        FULL JOIN (SELECT date, portfolio, n_rows AS n, run_id FROM sigmasight.publications
                   WHERE table_name = '{name}') p USING (date, portfolio) ORDER BY 1, 2"""


def look(cursor: "psycopg2.extensions.cursor", model: type[Table]) -> list[Seen]:
    cursor.execute(statement(model))
    return [
        Seen((table_name(model), date, portfolio), n, tuple(run_ids), published, run_id)
        for date, portfolio, n, run_ids, published, run_id in cursor.fetchall()
    ]


def wrong(seen: Seen, expected: Mapping[Key, int]) -> str | None:
    """Why a partition is not whole: it must be absent, or have all its rows, of the run that published it.

    Rows of a source are of one run, an earlier one where they were the same before.
    """
    if seen.published_rows is None:
        return f"{seen}: rows that nobody published"
    if not seen.n_rows == seen.published_rows == expected.get(seen.key):
        return f"{seen}: not the {expected.get(seen.key)} rows of a single backfill"
    kept = seen.key[0] in SOURCES and len(seen.run_ids) == 1
    if seen.n_rows and seen.run_ids != (seen.published_by,) and not kept:
        return f"{seen}: not the rows of the one run that published it"
    return None


@dataclass
class Reader:
    """Looks at one table after the other until it is stopped.

    :param states: of each table, the distinct states that it was seen in: partition -> run.
    """

    url: str
    models: Sequence[type[Table]]
    expected: Mapping[Key, int]
    states: dict[str, set[frozenset[tuple[Key, str | None]]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def read_until(self, stopped: threading.Event) -> None:
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            while not stopped.wait(PAUSE_SECONDS):
                for model in self.models:
                    self._judge(table_name(model), look(cursor, model))

    def _judge(self, table: str, partitions: Sequence[Seen]) -> None:
        state = frozenset((seen.key, seen.published_by) for seen in partitions)
        self.states.setdefault(table, set()).add(state)
        self.problems += filter(None, (wrong(seen, self.expected) for seen in partitions))


@contextmanager
def reading(readers: Sequence[Reader]) -> Iterator[None]:
    """Let the readers read until the end of the block; an error of a reader is raised there."""
    stopped = threading.Event()
    with ThreadPoolExecutor(len(readers)) as pool:
        jobs = [pool.submit(reader.read_until, stopped) for reader in readers]
        try:
            yield
        finally:
            stopped.set()
        for job in jobs:
            job.result()


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)
