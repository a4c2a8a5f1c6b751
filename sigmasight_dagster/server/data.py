"""The data directory of the embedded server: made, checked, launched and shut down.

Nothing here takes a lock: `embedded_postgres` does, and it alone calls what changes something.
"""

import hashlib
import pwd
import re
import shutil
import socket
from pathlib import Path

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_dagster.server import processes

SOCKET_PORT = 5432
LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.65535")
START_SECONDS = 600
"""Room for the recovery of a large unclean shutdown."""

INITIAL_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "max_locks_per_transaction": "256",  # many monthly partitions in one transaction
    "random_page_cost": "1.1",
    "enable_parallel_hash": "off",  # it needs more than the 64 MB of shared memory that Docker gives
    "jit": "off",
    "autovacuum_naptime": "5s",  # what is published again makes rows dead by the million within a minute
    "idle_in_transaction_session_timeout": "1h",  # who forgets to end a transaction stops vacuum
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""Written to postgresql.conf once, for the user to change. Durability (fsync ...) stays at its default."""


class PostgresData:
    """The data directory `home`/postgres. say: where messages on what had to be repaired go."""

    def __init__(self, home: Path, say: processes.Say) -> None:
        self.path = home / "postgres"
        self.log = home / "postgres.log"
        self._hash = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        self.cluster_name = f"sigmasight-{self._hash}"
        self._say = say

    def version(self) -> str | None:
        """Major version of PostgreSQL that made the directory; None if it is not a data directory."""
        file = self.path / "PG_VERSION"
        return file.read_text().strip() if file.exists() else None

    def socket_folder(self) -> Path:
        """The directory itself, or a short one if its path is too long or odd for a socket and a URL."""
        plain = re.fullmatch(r"[A-Za-z0-9/._+-]+", str(self.path))
        if plain and len(str(self.path)) <= LONGEST_SOCKET_FOLDER:
            return self.path
        return Path("/tmp") / f"sigmasight-{self._hash}"

    def prepare(self, port: int | None) -> pwd.struct_passwd | None:
        """Make the directory ready to be served; returns the user to serve it as (None: ourselves).

        The caller has made sure that no process serves it.
        """
        if re.search(r'["$`\\\n]', str(self.path)):
            raise InputError(f"PostgreSQL cannot use {self.path}: set SIGMASIGHT_HOME to a plainer path")
        user = processes.server_user(self.path)
        processes.let_enter(self.path, user, self._say)
        processes.let_execute(processes.programs(), user, self._say)
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            self._initialise(user)
        self._check_version()
        self._clear_pid_file()
        if port:
            _check_port(port)
        return user

    def launch(self, user: pwd.struct_passwd | None, port: int | None, alive: int) -> None:
        """Start the server in its own session. All its processes inherit the descriptor `alive`."""
        folder = self.socket_folder()
        if folder != self.path:
            processes.create_folder(folder, user)
        self.log.touch(mode=0o600)
        if user:
            shutil.chown(self.log, user.pw_uid, user.pw_gid)
        options = {
            "listen_addresses": "127.0.0.1" if port else "",
            "port": str(port or SOCKET_PORT),
            "unix_socket_directories": str(folder),
            "cluster_name": self.cluster_name,
        }
        flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        places = [f"--pgdata={self.path}", f"--log={self.log}", f"--options={flags}"]
        logged = self.log.stat().st_size
        waiting = ["--wait", f"--timeout={START_SECONDS}"]
        started = processes.run("pg_ctl", "start", *waiting, *places, user=user, keep=(alive,))
        if started.returncode:
            with self.log.open(errors="replace") as log:
                log.seek(logged)
                reason = _reason(log.read()) or _reason(started.stderr)
            raise SigmaSightError(f"PostgreSQL did not start: {reason} (log: {self.log})")

    def shut_down(self) -> None:
        """Fast shutdown (open transactions roll back), or an immediate one if that takes a minute."""
        user = processes.server_user(self.path)
        for mode in ("fast", "immediate"):
            options = ["--wait", "--timeout=60", f"--mode={mode}", f"--pgdata={self.path}"]
            stopped = processes.run("pg_ctl", "stop", *options, user=user)
            if not stopped.returncode or processes.postmaster(self.path) is None:
                self._remove_socket_folder()
                return
        raise SigmaSightError(f"PostgreSQL did not stop: {_reason(stopped.stderr)} (log: {self.log})")

    def _remove_socket_folder(self) -> None:
        if (folder := self.socket_folder()) != self.path:
            shutil.rmtree(folder, ignore_errors=True)

    def _initialise(self, user: pwd.struct_passwd | None) -> None:
        """Run initdb beside the place, then rename: a killed initdb leaves nothing that looks like data."""
        draft = self.path.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        processes.create_folder(draft, user)
        settings = [f"--set={name}={value}" for name, value in INITIAL_SETTINGS.items()]
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"]
        made = processes.run("initdb", f"--pgdata={draft}", *access, *locale, *settings, user=user)
        if made.returncode:
            raise SigmaSightError(f"cannot create a database in {self.path}: {_reason(made.stderr)}")
        if self.path.exists():
            self.path.rmdir()
        draft.rename(self.path)

    def _check_version(self) -> None:
        version = self.version() if self.path.is_dir() else None
        cure = "move it away, or set SIGMASIGHT_HOME to another folder"
        if version is None:
            raise InputError(f"{self.path} is not empty and not a PostgreSQL data directory: {cure}")
        if version != str(processes.MAJOR_VERSION):
            raise InputError(
                f"{self.path} was made by PostgreSQL {version}, and this is PostgreSQL "
                f"{processes.MAJOR_VERSION}: upgrade it with pg_upgrade, {cure}"
            )

    def _clear_pid_file(self) -> None:
        """Remove the pid file that a killed server left behind."""
        left = processes.PidFile.read(self.path)
        if left is None:
            return
        if processes.postmaster(self.path):
            raise InputError(
                f"data directory {self.path} is in use by a server that was started by hand (pid {left.pid}) "
                "and does not answer: stop that server, or set SIGMASIGHT_HOME to another folder"
            )
        (self.path / "postmaster.pid").unlink()
        self._say(
            f"the database server was not shut down cleanly (its process {left.pid} is gone): "
            "PostgreSQL recovers what was committed from its log"
        )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(
                f"port {port} cannot be used ({reason}): set SIGMASIGHT_DB_PORT to a free port"
            ) from error


def _reason(text: str) -> str:
    """The line of a program's output that says why it failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if re.search("FATAL|PANIC|error:|could not", line)]
    return (told or lines or [""])[-1]
