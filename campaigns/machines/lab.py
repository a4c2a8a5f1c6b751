"""Servers that are not the project's own: any PostgreSQL with its programs on this machine, and pgbouncer."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg2

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.server import processes

FOLDERS: Final = "CAMPAIGN_SERVERS"
"""Environment: folders with `postgres` and `initdb`, separated as PATH is."""
USUAL: Final = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/pgsql")
ROLE: Final = "app"
"""Who the project connects as: no superuser."""
NAMES: Final = ("tables_of_app", "dagster_of_app")
SECONDS: Final = 30


def binaries() -> dict[str, Path]:
    """Folder of the programs by the server's version, the oldest first."""
    given = [Path(each) for each in os.environ.get(FOLDERS, "").split(os.pathsep) if each]
    usual = [folder for top in USUAL for folder in Path(top).glob("*/bin")]
    with suppress(SigmaSightError):
        usual.append(processes.programs())
    found = {
        _version(folder): folder
        for folder in [*usual, *given]
        if all((folder / n).exists() for n in _PROGRAMS)
    }
    return dict(sorted(found.items(), key=lambda pair: [int(part) for part in pair[0].split(".")]))


_PROGRAMS: Final = ("postgres", "initdb", "pg_ctl")


def _version(folder: Path) -> str:
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    return said.split()[2]


@dataclass
class Lab:
    """One server's data under `home`, which is made on first use."""

    home: Path
    version: str
    programs: Path
    port: int = field(default_factory=lambda: free_port())

    @property
    def data(self) -> Path:
        return self.home / f"server-{self.version}"

    def url(self, database: str, role: str = ROLE, host: str = "127.0.0.1", port: int | None = None) -> str:
        return f"postgresql://{role}@{host}:{port or self.port}/{database}"

    @contextmanager
    def running(
        self, options: Mapping[str, str] | None = None, data: Path | None = None, **environment: str
    ) -> Iterator[None]:
        """The server, with these settings on its command line."""
        if not self.data.exists():
            self._make()
        place = data or self.data
        every = {"port": str(self.port), "listen_addresses": "127.0.0.1", "fsync": "off", **(options or {})}
        every["unix_socket_directories"] = ""
        flags = " ".join(f"-c {name}='{value}'" for name, value in every.items())
        log = self.home / f"server-{self.version}.log"
        log.touch()
        own(log)
        started = self._run(
            "pg_ctl", "start", "-w", f"--pgdata={place}", f"--log={log}", f"--options={flags}", **environment
        )
        if started.returncode:
            raise RuntimeError(f"PostgreSQL {self.version} does not start: {log.read_text()[-500:]}")
        try:
            yield
        finally:
            self._run("pg_ctl", "stop", "-w", "--mode=fast", f"--pgdata={place}")

    def make_databases(self, options: str = "", owner: str = ROLE) -> None:
        """Both databases anew and empty, of a role without a setting. :param options: of CREATE DATABASE."""
        self.admin(
            *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in NAMES),
            f"DROP ROLE IF EXISTS {ROLE}",
            f"CREATE ROLE {ROLE} LOGIN",
            *(f"CREATE DATABASE {name} OWNER {owner} TEMPLATE template0 {options}" for name in NAMES),
        )

    def admin(self, *statements: str, database: str = "postgres") -> None:
        with closing(psycopg2.connect(self.url(database, "postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)

    def one(self, database: str, query: str) -> object:
        """The one cell that a query gives the superuser."""
        with (
            closing(psycopg2.connect(self.url(database, "postgres"))) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(query)
            [(cell,)] = cursor.fetchall()
            return cell

    @contextmanager
    def copied_as_standby(self) -> Iterator[Path]:
        """Data of a standby: those of the stopped server, which it takes for its primary's."""
        place = self.data.with_name(f"{self.data.name}-standby")
        subprocess.run(["cp", "-a", self.data, place], check=True)
        (place / "standby.signal").touch()
        own(place / "standby.signal")
        try:
            yield place
        finally:
            shutil.rmtree(place)

    def _make(self) -> None:
        self.data.mkdir()
        own(self.data)
        self.data.chmod(0o700)
        made = self._run(
            "initdb",
            f"--pgdata={self.data}",
            "--username=postgres",
            "--auth=trust",
            "--locale=C",
            "--encoding=UTF8",
        )
        if made.returncode:
            raise RuntimeError(f"initdb of PostgreSQL {self.version}: {made.stderr[-500:]}")

    def _run(self, program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.programs / program), *arguments],
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": os.environ["PATH"], **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            text=True,
            cwd="/",
            **_as_user(),
        )


def _as_user() -> dict[str, object]:
    user = processes.server_user(Path("/nowhere"))
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}


def own(path: Path) -> None:
    """Give a file to the user that servers run as."""
    if user := processes.server_user(Path("/nowhere")):
        shutil.chown(path, user.pw_uid, user.pw_gid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pooler() -> str | None:
    """pgbouncer's program, where there is one."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pooled(lab: Lab, mode: str, size: int) -> Iterator[int]:
    """The port of a pgbouncer before the server, with its defaults otherwise."""
    program, port = pooler(), free_port()
    assert program is not None
    folder = lab.home / "pooler"
    folder.mkdir(exist_ok=True)
    (folder / "users").write_text(f'"{ROLE}" ""\n"postgres" ""\n')
    (folder / "ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={lab.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder / 'users'}\n"
        f"pool_mode = {mode}\ndefault_pool_size = {size}\n"
    )
    for path in (folder, *folder.iterdir()):
        own(path)
    process = subprocess.Popen(
        [program, str(folder / "ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **_as_user()
    )
    try:
        _await(port)
        yield port
    finally:
        process.terminate()
        process.wait(SECONDS)


def _await(port: int) -> None:
    until = time.monotonic() + SECONDS
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if time.monotonic() > until:
            raise RuntimeError("pgbouncer does not answer")
        time.sleep(0.05)
