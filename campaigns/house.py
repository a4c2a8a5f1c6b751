"""A project of the campaign's own: two small portfolios on the sample's data, on an embedded server."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg2

from sigmasight_dagster.server import processes
from sigmasight_dagster.server.embedded import DATABASES, EmbeddedPostgres

PORTFOLIOS: Final = ("alpha", "beta")
BEFORE: Final = "2022-12-16"
"""The session that is computed before the campaign, with the history that it needs."""
DATES: Final = ("2022-12-19", "2022-12-20", "2022-12-21")
EARLY, FULL = "early", "full"
"""What a round begins with: nothing of DATES is computed, or all of it."""

SECONDS_A_COMMAND: Final = 300
"""More than any command here takes on a busy machine: one that is still there then is stuck."""

REPOSITORY: Final = Path(__file__).resolve().parent.parent

_SETTINGS: Final = {
    "SIGMASIGHT_START_DATE": "2022-08-15",
    "SIGMASIGHT_CHUNK_PARTITIONS": "4",
    "SIGMASIGHT_PLOT_PARTITIONS": "0",
    "SIGMASIGHT_RETRY_SECONDS": "0.01",
}
_LEDGER: Final = """ticker,quantity,entry_price,entry_date
AAPL,{quantity},148.70,2022-11-15
JPM,-20,130.00,2022-11-15
AAPL230120C00150000,5,12.00,2022-11-15
"""
_COMMAND: Final = "from sigmasight_dagster.cli import main; main()"


@dataclass(frozen=True)
class House:
    """The project's folder, which holds its server, ledger files and logs."""

    home: Path
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home, say=lambda _message: None)

    @property
    def url(self) -> str:
        """libpq URL of the tables."""
        return self.server.url(DATABASES[0])

    def file(self, name: str, quantity: int) -> str:
        """A ledger of two stocks, one of them short, and an option."""
        path = self.home / f"{name}_{quantity}.csv"
        path.write_text(_LEDGER.format(quantity=quantity))
        return str(path)

    def start(self, arguments: tuple[str, ...], log: str = "output") -> "subprocess.Popen[bytes]":
        """`sigmasight ARGUMENTS` in a process group of its own; what it says is added to a file."""
        with (self.home / log).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.home,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def ok(self, *arguments: str) -> None:
        """The command, undisturbed. :raises SystemExit: when it fails."""
        if self.start(arguments).wait(SECONDS_A_COMMAND):
            sys.exit(f"undisturbed, `sigmasight {' '.join(arguments)}` fails:\n{self.said()}")

    def said(self, log: str = "output", n_chars: int = 3_000) -> str:
        """The end of what commands have said."""
        path = self.home / log
        return path.read_text(errors="replace")[-n_chars:] if path.exists() else ""

    def keep(self, name: str) -> None:
        """Remember both databases as they are, under a name."""
        self._copy({f"{name}_{database}": database for database in DATABASES})

    def restore(self, name: str) -> None:
        """Both databases as they were remembered."""
        self._copy({database: f"{name}_{database}" for database in DATABASES})

    def publications(self, since: float) -> int:
        """Publications by runs since then (seconds of the epoch); 0 while the server is away."""
        statement = "SELECT count(*) FROM sigmasight.publications WHERE computed_at >= to_timestamp(%s)"
        with (
            contextlib.suppress(psycopg2.Error),
            closing(psycopg2.connect(self.url)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, [since])
            [(count,)] = cursor.fetchall()
            return int(count)
        return 0

    def kill_server(self) -> bool:
        """kill -9 of the PostgreSQL server; False when it does not run."""
        postmaster = processes.postmaster(self.home / "postgres")
        if postmaster is None:
            return False
        postmaster.kill()
        postmaster.wait(10)
        return True

    def _copy(self, pairs: Mapping[str, str]) -> None:
        self.server.start()
        with closing(psycopg2.connect(self.server.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for to, source in pairs.items():
                    cursor.execute(
                        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
                        [source],
                    )
                    cursor.execute(f"DROP DATABASE IF EXISTS {to} WITH (FORCE)")
                    _create(cursor, to, source)


def _create(cursor: "psycopg2.extensions.cursor", to: str, source: str) -> None:
    """A copy of a database, once those who were told to leave it have left."""
    for _ in range(50):
        with contextlib.suppress(psycopg2.errors.ObjectInUse):
            cursor.execute(f"CREATE DATABASE {to} TEMPLATE {source} STRATEGY file_copy")
            return
        time.sleep(0.1)
    sys.exit(f"somebody stays in database {source}")


@contextmanager
def house() -> Iterator[House]:
    """The project, its server running, this process's environment its own; all removed at the end.

    Without fsync, which makes copies fast: it matters when a machine loses its power, which no round tries.
    """
    before = dict(os.environ)
    made = House(Path(tempfile.mkdtemp(prefix="campaign-", dir=tempfile.gettempdir())))
    made.home.chmod(0o711)
    external = ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL")
    for name in [name for name in before if name.startswith("SIGMASIGHT_") or name in external]:
        del os.environ[name]
    os.environ.update(_SETTINGS, SIGMASIGHT_HOME=str(made.home), DAGSTER_HOME=str(REPOSITORY))
    os.environ["PYTHONPATH"] = str(REPOSITORY)
    try:
        made.server.start()
        with closing(psycopg2.connect(made.server.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("ALTER SYSTEM SET fsync = off")
                cursor.execute("SELECT pg_reload_conf()")
        yield made
    finally:
        for process in made.started:  # of a campaign that is interrupted; they would start the server again
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        made.server.stop()
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(made.home, ignore_errors=True)


def furnish(made: House) -> None:
    """Import the portfolios, compute BEFORE and then DATES, and remember both states."""
    for place, name in enumerate(PORTFOLIOS, start=1):
        made.ok("import", made.file(name, 10 * place), name, "--cash", "1000", "--allow-unpriced")
    made.ok("run", "--date", BEFORE)
    made.keep(EARLY)
    made.ok("backfill", "--start", DATES[0], "--end", DATES[-1])
    made.keep(FULL)
