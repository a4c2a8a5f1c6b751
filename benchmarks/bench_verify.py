"""Checksums: what they add to a backfill, and `sigmasight verify` of what it has stored.

Their cost is the server's for all partitions at once, beside the processor's time of the whole backfill, the
server's and the command's: both in one run, so that the load of the machine matters little.
"""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2

from benchmarks.books import COMMAND, LAST_DATE, Books, books
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


def _verify(made: Books, n_dates: int = DATES) -> None:
    """Processor's time of command and server: of every date, and of one, which is mostly the start."""
    start, whole = _verify_seconds(made, "--date", f"{LAST_DATE:%Y-%m-%d}"), _verify_seconds(made)
    name = f"verify, {n_dates} dates x {PORTFOLIOS} x 30; one date"
    year = f"a year {start + (whole - start) * (YEAR - 1) / (n_dates - 1):.1f} s CPU"
    print(f"{name:<44}{start:>12.1f} s{whole:>12.1f} s{year:>24}   < 20 s", flush=True)


def _verify_seconds(made: Books, *options: str) -> float:
    before = _server_seconds(made)
    command = [sys.executable, "-c", COMMAND, "verify", *options]
    process = subprocess.Popen(command, env=made.environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"verify: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime + _server_seconds(made) - before


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
