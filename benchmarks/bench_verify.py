"""Checksums: what they add to a backfill, and `sigmasight verify` of what it has stored.

Their cost is the server's for all partitions at once, beside the processor's time of the whole backfill, the
server's and the command's: both in one run, so that the load of the machine matters little.
"""

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.books import COMMAND, Books, books
from sigmasight_core.tables import TABLES, Grain, grain
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse.checksums.partitions import stored

DATES, PORTFOLIOS = 63, 20
YEAR = 252
REPEATS = 3


def main() -> None:
    with books(PORTFOLIOS) as made:
        before = _server_seconds(made)
        done = made.backfill(DATES)
        whole = done.cpu_seconds + _server_seconds(made) - before
        _cost(made, whole)
        _verify(made)


def _cost(made: Books, whole: float) -> None:
    url = EmbeddedPostgres(made.home, None).url("sigmasight")
    times = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        for _ in range(REPEATS):
            begun = _process_seconds(connection.info.backend_pid)
            for model in TABLES:
                if grain(model) is not Grain.UNPARTITIONED:
                    cursor.execute(f"SELECT sum(checksum) FROM ({stored(model, '')}) AS s")
            times.append(_process_seconds(connection.info.backend_pid) - begun)
    spent = sorted(times)[REPEATS // 2]
    name = f"checksums, {DATES} dates x {PORTFOLIOS} x 30; backfill"
    share = f"{100 * spent / whole:.1f}% of the CPU"
    print(f"{name:<44}{whole:>12.1f} s{spent:>12.2f} s{share:>24}   <= 3%", flush=True)


def _verify(made: Books) -> None:
    command = [sys.executable, "-c", COMMAND, "verify"]
    begun = time.perf_counter()
    subprocess.run(command, env=made.environment, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - begun
    name, at_most = f"verify, {DATES} dates x {PORTFOLIOS} x 30", f"a year <= {took * YEAR / DATES:.1f} s"
    print(f"{name:<44}{'-':>14}{took:>12.1f} s{at_most:>24}   < 20 s", flush=True)


def _server_seconds(made: Books) -> float:
    """Processor's time of the server with its processes, those that have ended too."""
    server = int((made.home / "postgres" / "postmaster.pid").read_text().split()[0])
    children = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and _stat(int(path.name))[1:2] == [str(server)]
    ]
    ended = sum(map(int, _stat(server)[13:15])) / os.sysconf("SC_CLK_TCK")
    return ended + _process_seconds(server) + sum(map(_process_seconds, children))


def _process_seconds(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; none of a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return []
