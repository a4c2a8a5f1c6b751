"""Killed writers, concurrent ones, a server that goes away: never a mixed or partial partition."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.tables import FactorExposures, PositionLiquidity
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse import Warehouse, WarehouseError
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

MODEL = PositionLiquidity
COPIED = (
    "SELECT coalesce(max(tuples_processed), 0) FROM pg_stat_progress_copy WHERE datname = current_database()"
)
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'sigmasight'"
)
WRITER = """
import sys
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.faults.test_warehouse_faults import MODEL, many_rows
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, stamp
Warehouse(sys.argv[1]).replace(MODEL, many_rows(), DATES, PORTFOLIOS, stamp("killed"))
"""


def many_rows() -> pd.DataFrame:
    """So many that there is time to interrupt their COPY."""
    ids = [f"S{n:06d}@2024-01-02" for n in range(50_000)]
    index = pd.MultiIndex.from_product([DATES, PORTFOLIOS, ids], names=["date", "portfolio", "position_id"])
    numbers = {"average_daily_volume": 2.0, "n_obs": 20, "days_to_liquidate": 1.0, "status": "ok"}
    frame = index.to_frame(index=False).assign(**numbers)
    return frame[list(MODEL.to_schema().columns)]


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.002)


@pytest.fixture
def old_rows(database_url: str) -> pd.DataFrame:
    """A migrated database with a range of rows that a fault must not touch."""
    warehouse = Warehouse(database_url)
    warehouse.migrate()
    rows = random_rows(MODEL, per_partition=20)
    warehouse.replace(MODEL, rows, DATES, PORTFOLIOS, stamp("old"))
    warehouse.close()
    return rows


def assert_old_range_is_whole(url: str, old: pd.DataFrame) -> None:
    warehouse = Warehouse(url)
    pd.testing.assert_frame_equal(warehouse.read(MODEL), old)
    assert warehouse.count_published("old") == len(DATES) * len(PORTFOLIOS)
    assert warehouse.count_published("killed") == 0
    new = random_rows(MODEL, per_partition=3, seed=1)
    warehouse.replace(MODEL, new, DATES, PORTFOLIOS, stamp("next"))
    pd.testing.assert_frame_equal(warehouse.read(MODEL), new)
    warehouse.close()


def test_kill_9_of_the_writer_in_the_middle_of_its_copy(database_url: str, old_rows: pd.DataFrame) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, database_url]) as writer:
        wait_until(lambda: sql(database_url, COPIED)[0][0] > 1000 or writer.poll() is not None)
        os.kill(writer.pid, signal.SIGKILL)
    assert writer.returncode == -signal.SIGKILL
    wait_until(lambda: sql(database_url, OTHERS) == [(0,)])
    assert_old_range_is_whole(database_url, old_rows)


def test_kill_9_of_a_writer_that_waits_for_another(database_url: str, old_rows: pd.DataFrame) -> None:
    """The dead writer's place in the queue is given up."""
    warehouse = Warehouse(database_url)
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    keys = Rectangle.of(MODEL, DATES, PORTFOLIOS).lock_keys
    command = [sys.executable, "-c", WRITER, database_url]
    with warehouse._database.transaction(*keys), subprocess.Popen(command) as writer:
        wait_until(lambda: sql(database_url, waiting) == [(1,)])
        os.kill(writer.pid, signal.SIGKILL)
    warehouse.close()
    assert_old_range_is_whole(database_url, old_rows)


def test_server_stops_in_the_middle_of_a_copy(postgres_home: Path) -> None:
    """The writer is told in one line, the old range is whole after a restart, and the same object goes on."""
    server = EmbeddedPostgres(postgres_home, say=lambda message: None)
    server.start()
    url = server.url("sigmasight")
    warehouse = Warehouse(url)
    warehouse.migrate()
    old = random_rows(MODEL, per_partition=20)
    warehouse.replace(MODEL, old, DATES, PORTFOLIOS, stamp("old"))
    rows = many_rows()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(warehouse.replace, MODEL, rows, DATES, PORTFOLIOS, stamp("killed"))
        wait_until(lambda: sql(url, COPIED)[0][0] > 1000 or writing.done())
        server.stop()
        with pytest.raises(WarehouseError) as caught:
            writing.result(timeout=60)
    assert "\n" not in str(caught.value)
    with pytest.raises(WarehouseError, match=r"not reachable .*; run `sigmasight db start`"):
        warehouse.read(MODEL)
    server.start()
    pd.testing.assert_frame_equal(warehouse.read(MODEL), old)
    server.stop()
    server.start()
    assert warehouse.count_published("old") == len(DATES) * len(PORTFOLIOS)
    warehouse.close()
    assert_old_range_is_whole(url, old)


def versioned(version: int, dates: pd.DatetimeIndex, portfolios: tuple[str, ...]) -> pd.DataFrame:
    """Rows that tell their version, and how many rows of that version a partition has: version % 7 x 3."""
    return random_rows(FactorExposures, dates, portfolios, version % 7 * 3).assign(beta=float(version))


def assert_partitions_are_whole(rows: pd.DataFrame) -> None:
    parts = rows.groupby(["date", "portfolio"])["beta"]
    assert (parts.min() == parts.max()).all()
    assert (parts.size() == parts.first() % 7 * 3).all()


def test_concurrent_writers_and_readers(database_url: str) -> None:
    """Four writers replace random overlapping rectangles; each read sees whole partitions of one version."""
    warehouse = Warehouse(database_url)
    warehouse.migrate()
    for name in PORTFOLIOS:
        sql(
            database_url,
            "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
            f"VALUES ('{name}', 0, '', 'r', 'c', now())",
        )
    warehouse.replace(FactorExposures, versioned(1, DATES, PORTFOLIOS), DATES, PORTFOLIOS, stamp())
    stop = threading.Event()

    def write(writer: int) -> int:
        rng = np.random.default_rng(writer)
        for step in range(12):
            dates = DATES[np.sort(rng.choice(len(DATES), rng.integers(1, 5), replace=False))]
            names = tuple(np.sort(rng.choice(PORTFOLIOS, rng.integers(1, 4), replace=False)).tolist())
            version = 100 * writer + step
            warehouse.replace(
                FactorExposures, versioned(version, dates, names), dates, names, stamp(f"w{writer}")
            )
        return 12

    def read(reader: int) -> int:
        reads = 0
        while not stop.is_set():
            assert_partitions_are_whole(warehouse.read(FactorExposures))
            if reader:
                latest = sql(
                    database_url, "SELECT date, portfolio, beta FROM sigmasight.factor_exposures_latest"
                )
                assert_partitions_are_whole(pd.DataFrame(latest, columns=["date", "portfolio", "beta"]))
            reads += 1
        return reads

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read, n) for n in range(2)]
        try:
            assert list(pool.map(write, range(1, 5))) == [12] * 4
        finally:
            stop.set()
        assert all(reader.result() > 3 for reader in readers)
    final = warehouse.read(FactorExposures)
    assert_partitions_are_whole(final)
    counted = sql(
        database_url, "SELECT date, portfolio, n_rows FROM sigmasight.publications WHERE n_rows > 0"
    )
    sizes = final.groupby(["date", "portfolio"]).size()
    assert {(pd.Timestamp(d), p): n for d, p, n in counted} == sizes.to_dict()
    warehouse.close()


def test_a_migration_waits_for_a_writer(database_url: str, old_rows: pd.DataFrame) -> None:
    """A column that is added while a range is being written: both happen, one after the other."""
    warehouse = Warehouse(database_url)
    sql(database_url, "ALTER TABLE sigmasight.position_liquidity DROP days_to_liquidate CASCADE")
    with ThreadPoolExecutor(1) as pool:
        with warehouse._database.transaction(1):
            migration = pool.submit(Warehouse(database_url).migrate)
            time.sleep(1.5)
            assert not migration.done()
        assert "added column position_liquidity.days_to_liquidate" in migration.result(timeout=60)
    pd.testing.assert_frame_equal(warehouse.read(MODEL), old_rows.assign(days_to_liquidate=float("nan")))
    warehouse.close()
