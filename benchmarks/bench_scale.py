"""1,000 portfolios of 50 positions, drawn from 500 symbols: registered, one date, a month; what is stored.

Everything is done by commands, in processes of their own, on a server of its own. With
SIGMASIGHT_BENCH_PORTFOLIOS=10000 it is as many, and no month; those after the first thousand are copied in
the database, as an import would have stored them. The market's own work is done, and told, before the date.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import psycopg2

from benchmarks import many
from benchmarks.measure import own_server
from sigmasight_core import calendar
from sigmasight_dagster.server.embedded import EmbeddedPostgres

COMMAND: Final = "from sigmasight_dagster.cli import main; main()"
LAST_DATE: Final = pd.Timestamp(many.ENVIRONMENT["SIGMASIGHT_END_DATE"])
MONTH: Final = 21
IMPORTED: Final = 1_000
READERS: Final = (["status"], ["portfolios"], ["stale"], ["coverage"], ["readiness", "p00000"])
LARGEST: Final = 6
GOALS: Final = {10_000: "< 300 s, < 4,000 MB"}


@dataclass(frozen=True)
class Took:
    """What a command took: its own process' CPU and memory, without the server's."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


def main() -> None:
    count = int(os.environ.get("SIGMASIGHT_BENCH_PORTFOLIOS", IMPORTED))
    with own_server() as (home, server):
        measure(home, server, count)


def measure(home: Path, server: EmbeddedPostgres, count: int) -> None:
    """Every line, in the order in which a user does it."""
    inputs = home / "portfolios"
    inputs.mkdir()
    imported = min(count, IMPORTED)
    many.write_portfolios(inputs, imported)
    took = command(home, "import", f"{inputs}", "--cash", "1000000")
    show(f"import of {imported:,} portfolios x {many.POSITIONS}", took, f"{per(took, imported)} a portfolio")
    copied = copy_portfolios(server, imported, count)
    if count > imported:
        print(f"  {count - imported:,} more copied in {copied:.1f} s")
    month = calendar.shift_sessions(LAST_DATE, 1 - MONTH)
    took = command(home, "backfill", "p00000", *dates(month))
    show(f"the market of {many.N_SYMBOLS} symbols, {MONTH} dates", took, runs_of(took))
    one = command(home, "backfill", "--missing-only", *dates(LAST_DATE))
    show(f"{count:,} portfolios, one date", one, rate(one, count - 1), GOALS.get(count, ""))
    for words in READERS:
        show(f"sigmasight {' '.join(words)}", command(home, *words), "")
    stored(server, "after one date")
    if count <= IMPORTED:
        took = command(home, "backfill", "--missing-only", *dates(month))
        show(f"{count:,} portfolios, {MONTH - 1} more dates", took, rate(took, (MONTH - 1) * (count - 1)))
        stored(server, f"after {MONTH} dates")


def dates(first: pd.Timestamp) -> list[str]:
    return ["--start", f"{first:%Y-%m-%d}", "--end", f"{LAST_DATE:%Y-%m-%d}"]


def environment(home: Path) -> dict[str, str]:
    external = ("SIGMASIGHT_DATABASE_URL", "DAGSTER_POSTGRES_URL")
    kept = {name: text for name, text in os.environ.items() if name not in external}
    return {**kept, **many.ENVIRONMENT, "SIGMASIGHT_HOME": str(home)}


def command(home: Path, *arguments: str) -> Took:
    """Run `sigmasight`; the benchmark ends where it fails."""
    log, begun = home / "output", time.perf_counter()
    with log.open("w") as output:
        words = [sys.executable, "-c", COMMAND, *arguments]
        process = subprocess.Popen(words, env=environment(home), stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    took, said = time.perf_counter() - begun, log.read_text()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"sigmasight {' '.join(arguments)}: exit code {process.returncode}\n{said[-4_000:]}")
    return Took(took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)  # kB on Linux


def copy_portfolios(server: EmbeddedPostgres, first: int, count: int) -> float:
    """Portfolios from `first` on that hold what the first ones hold. The next command gives them partitions.

    :returns: seconds.
    """
    begun = time.perf_counter()
    with closing(psycopg2.connect(server.url("sigmasight"))) as connection, connection.cursor() as cursor:
        for start in range(first, count, first):
            for table in ("portfolios", "positions", "transactions"):
                _copy(cursor, table, start, min(first, count - start))
        connection.commit()
    return time.perf_counter() - begun


def _copy(cursor: "psycopg2.extensions.cursor", table: str, start: int, count: int) -> None:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'sigmasight' "
        "AND table_name = %s AND is_generated = 'NEVER'",
        (table,),
    )
    columns = [row[0] for row in cursor.fetchall()]
    renamed = f"'p' || lpad((substr(portfolio, 2)::int + {start})::text, 5, '0')"
    chosen = ", ".join(renamed if name == "portfolio" else f'"{name}"' for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    cursor.execute(
        f"INSERT INTO sigmasight.{table} ({named}) SELECT {chosen} FROM sigmasight.{table} "
        f"WHERE portfolio < 'p{count:05d}'"
    )


def show(name: str, took: Took, more: str, goal: str = "") -> None:
    facts = f"{took.cpu_seconds:.1f} s CPU, {took.peak_mb:,.0f} MB"
    print(f"{name:<44}{'-':>14}{took.seconds:>12.1f} s{facts:>24}   {goal or more}", flush=True)
    if goal and more:
        print(f"  {more}")


def per(took: Took, count: int) -> str:
    return f"{took.cpu_seconds / count * 1000:.0f} ms of CPU"


def rate(took: Took, portfolio_days: int) -> str:
    a_second = f"{portfolio_days / took.seconds:.0f} portfolio-days a second"
    return f"{a_second}, {portfolio_days / took.cpu_seconds:.0f} a second of CPU, {runs_of(took)}"


def runs_of(took: Took) -> str:
    planned = re.search(r"([\d,]+)\s+partitions\s+in\s+(\d+)\s+runs", took.said)
    return f"{planned[1]} partitions in {planned[2]} runs" if planned else ""


def stored(server: EmbeddedPostgres, when: str) -> None:
    """Events, and the largest tables with their indexes."""
    events = asked(server, "dagster", "SELECT count(*), pg_total_relation_size('event_logs') FROM event_logs")
    tags = asked(server, "dagster", "SELECT pg_total_relation_size('asset_event_tags')")
    whole = [asked(server, name, "SELECT pg_database_size(current_database())")[0][0] for name in DATABASES]
    ours, dagsters = (f"{size / 1e6:,.0f} MB" for size in whole)
    print(f"  {when}: {ours} of tables, {dagsters} of Dagster's")
    print(f"  {events[0][0]:,} events, {events[0][1] / 1e6:,.0f} MB; their tags {tags[0][0] / 1e6:,.0f} MB")
    largest = asked(
        server,
        "sigmasight",
        "SELECT relname, pg_total_relation_size(c.oid) AS size FROM pg_class AS c JOIN pg_namespace AS n "
        "ON n.oid = relnamespace WHERE nspname = 'sigmasight' AND relkind = 'r' "
        f"ORDER BY 2 DESC LIMIT {LARGEST}",
    )
    print("  " + ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in largest), flush=True)


DATABASES: Final = ("sigmasight", "dagster")


def asked(server: EmbeddedPostgres, database: str, statement: str) -> Sequence[tuple]:
    with closing(psycopg2.connect(server.url(database))) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()
