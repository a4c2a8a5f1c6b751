"""Partitions per second of a range run, each a planned event and a materialization, against stock storage.

The asset computes nothing, so the run is its events. Each storage has a database and processes of its own;
the stock one runs without DAGSTER_EVENT_BATCH_SIZE, as Dagster does by default.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import dagster as dg
import pandas as pd

from benchmarks.measure import rates, report, seconds
from sigmasight_dagster.partitions.dates import portfolio_dates, trading_dates
from sigmasight_dagster.partitions.keys import range_tags
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.session_dates import date_bounds
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import OURS, STOCK, dagster_instance

DATES, PORTFOLIOS = 252, 60
PLAIN_DATES, PLAIN_PORTFOLIOS = 20, 50
REPEATS = 3
BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
ONE_RUN = "import sys; from benchmarks.bench_events import one_run; one_run(*sys.argv[1:])"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        home = Path(folder)
        server = EmbeddedPostgres(home, None)
        server.start()
        try:
            execute(server.url("postgres"), "CREATE DATABASE stock", "CREATE DATABASE ours")
            _measure(server, home)
        finally:
            server.stop()


def _measure(server: EmbeddedPostgres, home: Path) -> None:
    n_stock, n_ours = PLAIN_DATES * PLAIN_PORTFOLIOS, DATES * PORTFOLIOS
    stock, ours = [], []
    for _ in range(REPEATS):
        stock.append(_in_process(STOCK, server.url("stock"), home / "stock", PLAIN_DATES, PLAIN_PORTFOLIOS))
        ours.append(_in_process(OURS, server.url("ours"), home / "ours", DATES, PORTFOLIOS))
    scaled = [(plain * n_ours / n_stock, fast) for plain, fast in zip(stock, ours, strict=True)]
    report(f"events of {n_ours:,} partitions; stock storage", scaled, ">= 20")
    per_second = ([n_stock / took for took in stock], [n_ours / took for took in ours])
    rates("partitions per second", *per_second, ">= 1,000 /s")


def _in_process(storage: str, url: str, folder: Path, n_dates: int, n_portfolios: int) -> float:
    """Seconds of one range run in a fresh process."""
    environment = {name: text for name, text in os.environ.items() if name != BATCH_SIZE}
    arguments = [storage, url, str(folder), str(n_dates), str(n_portfolios)]
    command = [sys.executable, "-c", ONE_RUN, *arguments]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


def one_run(storage: str, url: str, folder: str, n_dates: str, n_portfolios: str) -> None:
    """Print the seconds of a range run of an asset that computes nothing."""
    dates = trading_dates(*date_bounds(Settings()))
    names = [f"portfolio_{number:02d}" for number in range(int(n_portfolios))]

    @dg.asset(partitions_def=portfolio_dates(dates))
    def empty() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"total value (USD)": 1.0, "status": "ok"})

    sessions = pd.DatetimeIndex(pd.to_datetime(dates.get_partition_keys()))
    tags = range_tags(sessions[: int(n_dates)], (names[0], names[-1]))
    config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    with dagster_instance(url, Path(folder), storage) as instance:
        instance.add_dynamic_partitions("portfolio", names)
        took = seconds(lambda: dg.materialize([empty], instance=instance, tags=tags, run_config=config))
        key = dg.AssetKey("empty")
        assert len(instance.get_materialized_partitions(key)) == int(n_dates) * int(n_portfolios)
    print(took)
