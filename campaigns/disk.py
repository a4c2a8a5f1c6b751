"""A disk gets full at random moments; then space is made, and the same command is typed again."""

import ctypes
import os
import random
import subprocess
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from campaigns.kills import Kill, Kills, Plot

SERVER, STATE, LOGS, TEMPORARY, EVERY = (
    "server's data",
    "state folder",
    "compute logs",
    "temporary folder",
    "all",
)
VICTIMS: Final = (SERVER, SERVER, SERVER, STATE, LOGS, TEMPORARY, EVERY)
LEFT_BYTES: Final = (0, 0, 65_536, 1_048_576, 4_194_304)
"""What is still free when it is filled: the disk gets full of what the command writes itself."""
MOST_FILLS: Final = 2
SPARE_MIB: Final = {SERVER: 300, STATE: 32, LOGS: 32, TEMPORARY: 32}
TOLD: Final = ("disk", "space")
_NEW_MOUNTS: Final = 0x00020000
_BALLAST: Final = ".ballast"


def private_mounts() -> str:
    """Let this process, and all that it starts, have mounts of its own, which end with it; or why not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        return "this system has no mounts of a process's own"
    if libc.unshare(_NEW_MOUNTS):
        return f"this user may have no mounts of its own ({os.strerror(ctypes.get_errno())})"
    done = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


@dataclass
class Disk(Kills):
    """Rounds as those of kills, with disks for what is killed."""

    _places: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._draw = random.Random(0)
        self.left_out = private_mounts()
        if self.left_out:
            print(f"LEFT OUT: {self.left_out}", flush=True)
            return
        self.house.server.stop()
        home = self.house.home
        self._places = {
            STATE: home,
            SERVER: home / "postgres",
            LOGS: home / "dagster" / "storage",
            TEMPORARY: home / "temporary",
        }
        for name, place in self._places.items():
            _on_its_own(place, SPARE_MIB[name])
        self._places[TEMPORARY].chmod(0o1777)
        os.environ["TMPDIR"] = str(self._places[TEMPORARY])
        self.house.server.start()

    @property
    def n_rounds(self) -> int:
        return 0 if self.left_out else 1_000_000

    def plot(self, number: int) -> Plot:
        """The command of the round of kills, and other moments."""
        draw = random.Random(number)
        self._draw = draw
        kills = tuple(
            Kill(draw.choice(VICTIMS), draw.uniform(0.0, 0.95), draw.random() < 0.6)
            for _ in range(draw.randint(1, MOST_FILLS))
        )
        return replace(Plot.of(number), kills=kills, what="full:")

    def strike(self, victim: str, process: "subprocess.Popen[bytes]") -> str:
        """Fill the disk; the command goes on, and finds it full."""
        del process
        for name in self._places if victim == EVERY else (victim,):
            fill(self._places[name], self._draw.choice(LEFT_BYTES))
        return f"times {victim} full"

    def relieve(self) -> None:
        """Make space, and look whether the command has said why it ended."""
        full = [place for place in self._places.values() if (place / _BALLAST).exists()]
        for place in full:
            (place / _BALLAST).unlink()
        if full and any(word in self.house.said(n_chars=600).lower() for word in TOLD):
            self.figures.did["times a command said so"] += 1

    def close(self) -> None:
        """Leave the folders as mounted ones no more."""
        if self.left_out:
            return
        self.house.server.stop()
        for place in reversed(self._places.values()):
            subprocess.run(["umount", "--lazy", place], check=False)


def fill(place: Path, left: int) -> None:
    """Take all of the space but so many bytes."""
    ballast = place / _BALLAST
    with ballast.open("ab") as file:
        size = file.tell()
        piece = 64 * 2**20
        while piece >= 4096:
            free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
            if free - piece < left:
                piece //= 2
                continue
            try:
                os.posix_fallocate(file.fileno(), size, piece)
            except OSError:
                piece //= 2
                continue
            size += piece


def _on_its_own(place: Path, spare_mib: int) -> None:
    """Move a folder to a file system that holds twice what is in it, and some more."""
    place.mkdir(parents=True, exist_ok=True)
    facts = place.stat()
    used = sum(path.lstat().st_size for path in place.rglob("*") if path.is_file())
    with tempfile.TemporaryDirectory(dir="/var/tmp") as stash:
        subprocess.run(["cp", "-a", f"{place}/.", stash], check=True)
        size = f"size={2 * used // 2**20 + spare_mib}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", place], check=True)
        subprocess.run(["cp", "-a", f"{stash}/.", place], check=True)
    os.chown(place, facts.st_uid, facts.st_gid)
    place.chmod(facts.st_mode & 0o7777)
