"""The API on the demo's data: a real server, asked from a second process.

Open loop at 200 requests a second over /data and /analytics, closed loop with 50 clients, and both with
logins beside them, which Argon2 makes costly. The limit of requests a minute is off. Then all of it again
beside other portfolios, with 10 million rows in position_values.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import psutil
import psycopg

from benchmarks.load.client import Load, Outcome, request
from benchmarks.measure import own_server
from sigmasight_core.tables import PositionValues, Publications, table_name
from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.api.routes import analytics, data
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse.layout.schema import stored_columns
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.running_api import RunningApi, running_api

PORTFOLIO, PASSWORD = "individual", "correct horse battery"
EMAIL = f"{PORTFOLIO}@example.com"
PER_SECOND, CLIENTS, LOGINS_PER_SECOND = 200, 50, 2
SECONDS, WARM_SECONDS = 20.0, 8.0
ROWS = 10_000_000


def main() -> None:
    with own_server() as (home, postgres):
        url = _demo(home, postgres)
        measure(url, home)
        add_others(url)
        measure(url, home, f", {ROWS:,} rows of position_values; goal: within 1.5 times")


def _demo(home: Path, postgres: EmbeddedPostgres) -> str:
    """The URL of a database with the demo's data and one user."""
    project = CliProject(home, postgres.url("sigmasight"), postgres.url("dagster"))
    done = project.process("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    add_user(project.asset_url, home)
    return project.asset_url


def add_user(url: str, home: Path) -> None:
    project = CliProject(home, url, "")
    command = project.command("users", "add", EMAIL, PORTFOLIO, "--password-stdin")
    subprocess.run(command, input=f"{PASSWORD}\n", text=True, check=True, env=project.environment, cwd=home)


def add_others(url: str) -> None:
    """The demo's position values once more under other names, published, until there are `ROWS`."""
    with psycopg.connect(url, autocommit=True) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM sigmasight.position_values").fetchall()
        copies = -(-ROWS // count)
        for model in (PositionValues, Publications):
            table = f"sigmasight.{table_name(model)}"
            names = [*stored_columns(model)]
            cells = {name: f"t.{name}" for name in names} | {"portfolio": "t.portfolio || '_' || n"}
            wanted = " WHERE t.table_name = 'position_values'" if model is Publications else ""
            connection.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(cells.values())} "
                f"FROM {table} AS t CROSS JOIN generate_series(1, {copies}) AS n{wanted}"
            )
            connection.execute(f"VACUUM ANALYZE {table}")


def measure(url: str, home: Path, note: str = "") -> None:
    """Print the figures of a server on a database that has the demo's rows."""
    with running_api(url, home) as server:
        asked = _requests(server)
        login = [request(f"{BASE}/auth/login", {}, {"email": EMAIL, "password": PASSWORD})]
        _ask(Load("127.0.0.1", server.port, asked, WARM_SECONDS, connections=8))
        open_loop = Load("127.0.0.1", server.port, asked, SECONDS, per_second=PER_SECOND)
        closed = Load("127.0.0.1", server.port, asked, SECONDS, connections=CLIENTS)
        logins = Load("127.0.0.1", server.port, login, SECONDS, per_second=LOGINS_PER_SECOND)
        print(f"API{note}: {len(asked)} endpoints, no limit of requests a minute")
        _report(f"{PER_SECOND} requests a second", _ask(open_loop)[0], "p95 < 20 ms, no error")
        busy = psutil.Process(server.process.pid)
        before = sum(busy.cpu_times()[:2])
        outcome = _ask(closed)[0]
        cost = (sum(busy.cpu_times()[:2]) - before) / len(outcome.seconds)
        _report(
            f"{CLIENTS} clients at once", outcome, f"p95 < 100 ms, no error; {1000 * cost:.2f} ms CPU each"
        )
        reads, users = _ask(open_loop, logins)
        _report(f"{PER_SECOND} a second beside logins", reads, "no error")
        _report(f"{LOGINS_PER_SECOND} logins a second", users, "no error")


def _requests(server: RunningApi) -> list[str]:
    """One of each reading endpoint that needs no more than a portfolio and has rows."""
    headers = {
        "Authorization": f"Bearer {server.token(EMAIL, PASSWORD)}",
        "Accept-Encoding": "gzip",
    }
    paths = [f"/data/portfolio/{PORTFOLIO}/complete"]
    for router, reads in ((analytics.router, analytics.READS), (data.router, data.READS)):
        for read in reads:
            path = f"{router.prefix}{read.path}".replace("{portfolio}", PORTFOLIO)
            if not read.required:
                paths.append(f"{path}?portfolio={PORTFOLIO}" if read.asks_portfolio else path)
    every = [request(f"{BASE}{path}", headers) for path in paths]
    once = [_ask(Load("127.0.0.1", server.port, [one], 0.001, connections=1))[0] for one in every]
    return [one for one, outcome in zip(every, once, strict=True) if not outcome.errors]


def _ask(*loads: Load) -> list[Outcome]:
    """Each load from a process of its own, at the same time."""
    command = [sys.executable, "-m", "benchmarks.load.client"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        processes = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in loads]  # type: ignore[call-overload]
        for process, load in zip(processes, loads, strict=True):
            process.stdin.write(json.dumps(asdict(load)))
            process.stdin.close()
        return [Outcome(**json.loads(process.stdout.read())) for process in processes]


def _report(name: str, outcome: Outcome, goal: str) -> None:
    times = " ".join(f"p{share:g} {outcome.at(share / 100):.1f}" for share in (50, 95, 99))
    facts = f"{len(outcome.seconds) / outcome.took:,.0f} /s, {times} ms, {outcome.errors} errors"
    load = f"load {os.getloadavg()[0]:.1f}, asking takes {outcome.busy:.0%} of a core"
    print(f"{name:<44}{facts}   {goal}   ({load})", flush=True)
