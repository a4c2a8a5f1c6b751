"""The default database server: PostgreSQL from a wheel, with its data under SIGMASIGHT_HOME.

The server belongs to nobody: it runs in its own session, outlives the process that started it, and any
process may start, use or stop it. Two locks in the home directory keep this safe: `postgres.lock` is held
while someone starts or stops the server, `postgres.alive` is inherited by every process of the server, so
that the system itself knows, whatever a pid file says, whether the data directory is in use.
"""

import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg2  # type: ignore[import-untyped]

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.server import processes
from sigmasight_dagster.server.data import SOCKET_PORT, START_SECONDS, PostgresData

DATABASES = ("sigmasight", "dagster")
READER = "sigmasight_reader"
"""The role that the warehouse's migration makes and grants; it cannot log in until it is asked for."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServerStatus:
    """What `sigmasight db status` shows. `databases` maps names to bytes; empty when the server is down."""

    running: bool
    pid: int | None
    version: str | None
    data_dir: Path
    message: str
    databases: dict[str, int] = field(default_factory=dict)


class EmbeddedPostgres:
    """A PostgreSQL server under `home`, shared by all processes of this machine that use the same home.

    port: also listen on 127.0.0.1:port, with the password in `tcp_url`; by default only on a Unix socket,
    which the owner alone (and root) can reach. say: where messages on what had to be repaired go.

    Every method raises InputError if the directory or the port cannot be used, and SigmaSightError if
    PostgreSQL fails; both in one line that says what to do.
    """

    def __init__(self, home: Path, port: int | None = None, say: processes.Say = _log.warning) -> None:
        self.home = Path(home).expanduser().resolve()
        self.port = port
        self._data = PostgresData(self.home, say)
        self._say = say

    def start(self) -> None:
        """Start the server and create its databases, unless it answers already; it answers on return."""
        if not self._refusal(DATABASES[-1]):
            return
        with self._alone():
            if not self._answers():
                self._launch()
            self._create_databases()

    def stop(self) -> None:
        """Stop the server, ending open connections. Does nothing if it is not running."""
        if self.home.exists():
            with self._alone():
                if processes.postmaster(self._data.path):
                    self._data.shut_down()

    def status(self) -> ServerStatus:
        """The state of the server, without changing it."""
        refusal = self._refusal("postgres")
        with self._readable():
            process = processes.postmaster(self._data.path)
            if not refusal:
                return self._running_status(process)
            message = self._why_down(process, refusal)
            return self._status(False, process, message)

    def url(self, database: str) -> str:
        """libpq URL of `database` over the Unix socket, for psql, psycopg2 and adbc."""
        with self._readable():
            file = processes.PidFile.read(self._data.path)
        folder = file.socket_folder if file and file.socket_folder else self._data.socket_folder()
        port = file.port if file and file.port else self.port or SOCKET_PORT
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(folder))}&port={port}"

    def tcp_url(self, database: str) -> str:
        """libpq URL of `database` over 127.0.0.1, with the password: for programs without Unix sockets."""
        with self._readable():
            if self.port is None or self._listening_port() != self.port:
                raise InputError(
                    "the database does not listen on that TCP port: set SIGMASIGHT_DB_PORT, then "
                    "`sigmasight db stop` and `sigmasight db start`"
                )
            password = self._password()
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def has_reader(self) -> bool:
        """Whether a migration has made the role that may only read."""
        address = self.url(DATABASES[0])
        with (
            self._readable(),
            closing(psycopg2.connect(address)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT to_regrole(%s) IS NOT NULL", [READER])
            return cursor.fetchone() == (True,)

    def reader_url(self, tcp: bool) -> str:
        """libpq URL of the assets for the role that may only read; lets the role log in, from here alone.

        Over the socket, or over 127.0.0.1 with a password of its own.
        """
        address = self.tcp_url(DATABASES[0]) if tcp else self.url(DATABASES[0])
        with self._readable(), closing(psycopg2.connect(self.url(DATABASES[0]))) as connection:
            password = self._password(READER)
            with connection, connection.cursor() as cursor:
                cursor.execute(f"ALTER ROLE {READER} LOGIN PASSWORD %s", [password])
        place = address.partition("@")[2]
        return f"postgresql://{READER}:{password}@{place}" if tcp else f"postgresql://{READER}@{place}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep everyone else from starting or stopping this server."""
        with self._readable():
            self.home.mkdir(parents=True, exist_ok=True)
            with processes.file_lock(self.home / "postgres.lock", START_SECONDS) as lock:
                if lock is None:
                    raise SigmaSightError(f"{self.home} is being started or stopped by a process that hangs")
                yield

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot use {error.filename or self.home} ({error.strerror or error}): run as the user who "
                f"owns {self._data.path}, or set SIGMASIGHT_HOME to a folder of yours"
            ) from error
        except psycopg2.Error as error:
            raise SigmaSightError(f"the embedded database server failed: {_one_line(error)}") from error

    def _launch(self) -> None:
        """Launch the server, which does not answer: first make sure that nothing is left of the last one."""
        with processes.file_lock(self.home / "postgres.alive", 0) as alive:
            if alive is not None:
                self._data.launch(self._data.prepare(self.port), self.port, alive)
                return
        if ended := processes.end_orphans(self._data.cluster_name):
            self._say(f"ended {ended} sessions that a killed database server had left running")
        with processes.file_lock(self.home / "postgres.alive", 2) as alive:
            if alive is None:
                raise InputError(
                    f"data directory {self._data.path} is in use by a server that cannot be reached (another "
                    "container?): stop that server, or set SIGMASIGHT_HOME to another folder"
                )
            self._data.launch(self._data.prepare(self.port), self.port, alive)

    def _create_databases(self) -> None:
        with closing(psycopg2.connect(self.url("postgres"))) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            if self.port:
                cursor.execute("ALTER ROLE postgres PASSWORD %s", [self._password()])
            cursor.execute("SELECT datname FROM pg_database")
            existing = {name for (name,) in cursor.fetchall()}
            for name in DATABASES:
                if name not in existing:
                    cursor.execute(f"CREATE DATABASE {name}")

    def _refusal(self, database: str) -> str:
        """Empty if the server answers SELECT 1 in `database` (or is merely full), else why it does not."""
        try:
            with closing(psycopg2.connect(self.url(database), connect_timeout=5)) as connection:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                return ""
        except psycopg2.OperationalError as error:
            text = _one_line(error)
            return "" if re.search("too many clients|remaining connection slots", text) else text

    def _answers(self) -> bool:
        """True if the server answers; waits for one that is just starting, recovering or stopping."""
        until = time.monotonic() + 60
        while refusal := self._refusal("postgres"):
            process = processes.postmaster(self._data.path)
            if process is None:
                return False
            if "No such file" in refusal and _age(process) > 10:
                self._say(f"the database server (pid {process.pid}) has lost its socket: starting it again")
                self._data.shut_down()
                return False
            if re.search("starting up|recovery|not yet accepting", refusal):
                until = max(until, time.monotonic() + 5)
            if time.monotonic() > until:
                raise SigmaSightError(f"the database server (pid {process.pid}) does not answer: {refusal}")
            time.sleep(0.1)
        return True

    def _status(self, running: bool, process: psutil.Process | None, message: str) -> ServerStatus:
        pid = process.pid if process else None
        return ServerStatus(running, pid, self._data.version(), self._data.path, message)

    def _running_status(self, process: psutil.Process | None) -> ServerStatus:
        sizes = "SELECT datname, pg_database_size(oid) FROM pg_database WHERE NOT datistemplate ORDER BY 1"
        try:
            with closing(psycopg2.connect(self.url("postgres"))) as connection, connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version')")
                [(version,)] = cursor.fetchall()
                cursor.execute(sizes)
                databases = dict(cursor.fetchall())
        except psycopg2.OperationalError as error:
            return self._status(True, process, f"running, but takes no connection now: {_one_line(error)}")
        message = "running"
        if self._listening_port() != self.port:
            wanted = f"TCP port {self.port}" if self.port else "no TCP port"
            message += f", but not yet with {wanted}: `sigmasight db stop`, then `sigmasight db start`"
        return replace(self._status(True, process, message), version=version, databases=databases)

    def _listening_port(self) -> int | None:
        file = processes.PidFile.read(self._data.path)
        return file.port if file and file.listens_on_tcp else None

    def _why_down(self, process: psutil.Process | None, refusal: str) -> str:
        if process:
            return f"does not answer: {refusal}"
        if not self._data.path.exists():
            return "not running; the first start creates it"
        unclean = processes.PidFile.read(self._data.path) is not None
        return "not running; was not shut down cleanly, the next start recovers" if unclean else "not running"

    def _password(self, role: str = "postgres") -> str:
        """A role's password for TCP connections, made once and readable by its owner only."""
        file = self.home / f"{role}.password"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(secrets.token_urlsafe(24))
        return file.read_text().strip()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _age(process: psutil.Process) -> float:
    try:
        return max(0.0, time.time() - process.create_time())
    except psutil.Error:
        return 0.0
