"""Two backfills of a range at once, eight readers: whole partitions, the contents of a single backfill."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2
import pytest

from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    Grain,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionValues,
    StressResults,
    Table,
    grain,
)
from sigmasight_dagster.warehouse.database import LAYOUT_LOCK
from sigmasight_dagster_tests.support.partition_readers import Key, Reader, look, reading, wait_for, wrong
from sigmasight_dagster_tests.support.project import CliProject, assert_same_contents
from sigmasight_dagster_tests.support.small_project import SmallProject

pytestmark = pytest.mark.computes("portfolio_snapshots", "position_factor_exposures", "stress_results")

NAMES = ("alpha", "beta", "gamma")
BACKFILL = ("backfill", "--start", "2022-12-01", "--end", "2022-12-14")
MODELS: tuple[type[Table], ...] = (
    DailyPrices,
    FactorBetas,
    PositionValues,
    PositionFactorExposures,
    StressResults,
    PortfolioSnapshots,
)
SETTINGS = {"SIGMASIGHT_CHUNK_PARTITIONS": "15"}
"""Two portfolio runs: each table is in part published for a while."""

N_READERS = 8
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture(scope="module")
def single(new_project: Callable[[], CliProject]) -> SmallProject:
    """The range backfilled once, undisturbed."""
    project = SmallProject.of(new_project(), NAMES)
    assert project.run(*BACKFILL, **SETTINGS).returncode == 0
    return project


@pytest.fixture(scope="module")
def expected(single: SmallProject) -> dict[Key, int]:
    """How many rows each partition has."""
    with closing(psycopg2.connect(single.asset_url)) as connection, connection.cursor() as cursor:
        return {seen.key: seen.n_rows for model in MODELS for seen in look(cursor, model)}


@contextmanager
def two_backfills(project: SmallProject) -> Iterator[list[subprocess.Popen[str]]]:
    """Two commands that set out together: neither gets past opening the project before both are there."""
    with ExitStack() as stack:
        connection = stack.enter_context(closing(psycopg2.connect(project.asset_url)))
        cursor = connection.cursor()
        cursor.execute(f"SELECT pg_advisory_xact_lock({LAYOUT_LOCK})")
        pair = [
            stack.enter_context(
                subprocess.Popen(
                    project.command(*BACKFILL),
                    env={**project.environment, **SETTINGS},
                    cwd=project.home,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            for _ in range(2)
        ]

        def both_wait() -> bool:
            cursor.execute(WAITING)
            return cursor.fetchone() == (2,)

        wait_for(both_wait, 60)
        connection.rollback()
        yield pair


def test_two_backfills_and_eight_readers(
    single: SmallProject, expected: dict[Key, int], new_project: Callable[[], CliProject]
) -> None:
    project = SmallProject.of(new_project(), NAMES)
    readers = [Reader(project.asset_url, MODELS, expected) for _ in range(N_READERS)]
    with reading(readers), two_backfills(project) as pair:
        said = [process.communicate(timeout=300)[0] for process in pair]
    assert [process.returncode for process in pair] == [0, 0], said
    problems = [problem for reader in readers for problem in reader.problems]
    assert not problems, f"{len(problems)} problems; first: {problems[0]}"
    assert_same_contents(single.contents(), project.contents())
    for reader in readers:
        assert_saw_it_happen(reader)


def assert_saw_it_happen(reader: Reader) -> None:
    """Every table was seen empty, then of one backfill's runs, then of the other's; some tables in part."""
    in_part = set()
    for table, states in reader.states.items():
        partitions = {frozenset(key for key, _ in state) for state in states}
        whole = max(partitions, key=len)
        assert frozenset() in partitions
        assert len({run for state in states for _, run in state if run}) >= 2, f"{table}: one backfill seen"
        in_part |= {table for seen in partitions if frozenset() < seen < whole}
    assert len(in_part) > 1


FIRST_ROW = "ctid = (SELECT min(ctid) FROM sigmasight.{0})"
FIRST_DATE = "date = (SELECT min(date) FROM sigmasight.{0})"
SPOILERS = {
    "a row missing": f"DELETE FROM sigmasight.{{0}} WHERE {FIRST_ROW}",
    "a row of another run": f"UPDATE sigmasight.{{0}} SET run_id = 'x' WHERE {FIRST_ROW}",
    "rows not published": f"DELETE FROM sigmasight.publications WHERE table_name = '{{0}}' AND {FIRST_DATE}",
    "published without rows": f"DELETE FROM sigmasight.{{0}} WHERE {FIRST_DATE}",
}


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=list(SPOILERS))
@pytest.mark.parametrize("model", [DailyPrices, StressResults])
def test_readers_find_a_partition_that_is_not_whole(
    single: SmallProject, expected: dict[Key, int], model: type[Table], spoiler: str
) -> None:
    table = model.to_schema().name
    with closing(psycopg2.connect(single.asset_url)) as connection, connection.cursor() as cursor:
        assert not [seen for seen in look(cursor, model) if wrong(seen, expected)]
        cursor.execute(spoiler.format(table))
        spoiled = [seen for seen in look(cursor, model) if wrong(seen, expected)]
        connection.rollback()
    by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
    assert 1 <= len(spoiled) <= (len(NAMES) if by_portfolio else 1)
