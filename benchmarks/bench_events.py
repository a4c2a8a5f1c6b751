"""Partitions per second of a range run, each a planned event and a materialization, against stock storage.

The asset computes nothing, so the run is its events, from its creation to its end. Each storage has a
database and processes of its own; the stock one runs without DAGSTER_EVENT_BATCH_SIZE, as Dagster does by
default. The last line is Dagster's own way on our storage: that of runs launched in the UI.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pandas as pd

from benchmarks.measure import own_server, rates, report, seconds
from sigmasight_dagster.instance.console import console_logger
from sigmasight_dagster.partitions.dates import portfolio_dates, trading_dates
from sigmasight_dagster.runs.execute import execute, new_run_id
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.session_dates import date_bounds
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.story import materialized
from sigmasight_dagster_tests.conftest import execute as execute_sql
from sigmasight_dagster_tests.support.house import OURS, STOCK, dagster_instance

DATES, PORTFOLIOS = 252, 60
PLAIN_DATES, PLAIN_PORTFOLIOS = 20, 50
REPEATS = 3
UI = "UI"
BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
ONE_RUN = "import sys; from benchmarks.bench_events import one_run; one_run(*sys.argv[1:])"


def main() -> None:
    with own_server() as (home, server):
        execute_sql(server.url("postgres"), "CREATE DATABASE stock", "CREATE DATABASE ours")
        _measure(server, home)


def _measure(server: EmbeddedPostgres, home: Path) -> None:
    n_stock, n_ours = PLAIN_DATES * PLAIN_PORTFOLIOS, DATES * PORTFOLIOS
    took: dict[str, list[float]] = {STOCK: [], OURS: [], UI: []}
    for _ in range(REPEATS):
        took[STOCK].append(_in_process(STOCK, server.url("stock"), home, PLAIN_DATES, PLAIN_PORTFOLIOS))
        for way in (OURS, UI):
            took[way].append(_in_process(way, server.url("ours"), home, DATES, PORTFOLIOS))
    plain = [seconds * n_ours / n_stock for seconds in took[STOCK]]
    name = f"events of {n_ours:,} partitions; stock storage"
    report(name, list(zip(plain, took[OURS], strict=True)), ">= 300")
    stock, ours = ([n_ours / seconds for seconds in each] for each in (plain, took[OURS]))
    rates("partitions per second", stock, ours, ">= 10,000 /s")
    rates("of a run launched in the UI", stock, [n_ours / seconds for seconds in took[UI]], ">= 1,000 /s")


def _in_process(way: str, url: str, folder: Path, n_dates: int, n_portfolios: int) -> float:
    """Seconds of one range run in a fresh process."""
    environment = {name: text for name, text in os.environ.items() if name != BATCH_SIZE}
    arguments = [way, url, str(folder / "instance"), str(n_dates), str(n_portfolios)]
    command = [sys.executable, "-c", ONE_RUN, *arguments]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.split()[-1])


def one_run(way: str, url: str, folder: str, n_dates: str, n_portfolios: str) -> None:
    """Print the seconds of a range run of an asset that computes nothing."""
    dates = trading_dates(*date_bounds(Settings()))
    names = tuple(f"portfolio_{number:02d}" for number in range(int(n_portfolios)))
    told = {"total value (USD)": dg.FloatMetadataValue(1.0), "status": dg.TextMetadataValue("ok")}

    @dg.multi_asset(
        name="empty",
        specs=[dg.AssetSpec("empty")],
        partitions_def=portfolio_dates(dates),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def empty(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        yield from materialized(context, "empty", dict.fromkeys(context.partition_keys, told))

    sessions = pd.DatetimeIndex(pd.to_datetime(dates.get_partition_keys()))[: int(n_dates)]
    declared: Any = SimpleNamespace(name="empty", table_names=("empty",))
    run = RangeRun("benchmark", (declared,), sessions, names)
    loggers = {"console": console_logger}
    definitions = dg.Definitions([empty], loggers=loggers, executor=dg.in_process_executor)
    with dagster_instance(url, Path(folder), STOCK if way == STOCK else OURS) as instance:
        instance.event_log_storage.by_template = way == OURS  # type: ignore[attr-defined]
        instance.add_dynamic_partitions("portfolio", list(names))
        took = seconds(lambda: execute(run, new_run_id(), definitions, instance))
        key = dg.AssetKey("empty")
        assert len(instance.get_materialized_partitions(key)) == int(n_dates) * int(n_portfolios)
    print(took)
