"""Programs as a shell starts them with `&` in a script, so that Ctrl-C is ignored, beside the foreground.

python -m campaigns background --once 1      the table of docs/reliability.md

Dagster gives SIGTERM the handler of SIGINT: where that is ignored, and nobody sees to it, `dev` cannot be
ended, and each step waits a minute for what captures its output.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from campaigns.figures import Figures
from campaigns.house import DATES, EARLY, REPOSITORY, SECONDS_A_COMMAND, House
from campaigns.services import free_port, listens

BACKFILL: Final = ("backfill", "--start", DATES[0], "--end", DATES[-1])
TESTS: Final = "sigmasight_dagster_tests/engine/test_publish.py"
"""Some dozen runs of Dagster's, whose steps are executed and captured as any."""
IGNORED: Final = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
SIGMASIGHT: Final = (sys.executable, "-c", "from sigmasight_dagster.cli import main; main()")
SECONDS_OF_TESTS: Final = 900.0
END_SECONDS: Final = 10.0
"""In which SIGTERM ends `dev`, on an idle machine."""
MOST_TIMES: Final = 2.0
"""What takes longer than this beside the foreground waits for something."""


@dataclass(frozen=True)
class Took:
    """What one start took: seconds by the clock and of the processors, and whether it went well."""

    seconds: float
    cpu_seconds: float
    said: str = ""


class Background:
    """The campaign in one house: one round, which compares."""

    def __init__(self, house: House, figures: Figures):
        self._house, self._figures = house, figures

    def play(self, number: int) -> None:
        """Each program in the foreground and with SIGINT ignored; prints the table."""
        self._figures.rounds += 1
        print("\n| started | foreground | SIGINT ignored | of the processors |\n|---|---:|---:|---:|")
        rows = {
            f"`make test TESTS={TESTS}`": (self._tests(()), self._tests(IGNORED)),
            f"`sigmasight {' '.join(BACKFILL)}`": (self._backfill(()), self._backfill(IGNORED)),
        }
        (ready, ended), (ready_ignored, ended_ignored) = self._dev(()), self._dev(IGNORED)
        rows |= {
            "`sigmasight dev`, until it answers": (ready, ready_ignored),
            "`sigmasight dev`, from SIGTERM until its port is free": (ended, ended_ignored),
        }
        for what, (usual, ignored) in rows.items():
            cpu = f"{usual.cpu_seconds:.1f} and {ignored.cpu_seconds:.1f} s"
            print(f"| {what} | {usual.seconds:.1f} s | {ignored.seconds:.1f} s | {cpu} |")
            self._figures.did["programs started both ways"] += 1
            stuck = [took.said for took in (usual, ignored) if took.said]
            if ignored.seconds > MOST_TIMES * usual.seconds + END_SECONDS:
                stuck.append(f"it takes {ignored.seconds:.0f} s with SIGINT ignored, not {usual.seconds:.0f}")
            self._figures.found("stuck", stuck, number, what)

    def _tests(self, before: Sequence[str]) -> Took:
        made = ("make", "test", f"BIN={Path(sys.executable).parent}", "DEV=", f"TESTS={TESTS}")
        house = ("SIGMASIGHT_", "DAGSTER_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(house)}
        return self._run((*before, *made), REPOSITORY, env, SECONDS_OF_TESTS)

    def _backfill(self, before: Sequence[str]) -> Took:
        self._house.restore(EARLY)
        return self._run((*before, *SIGMASIGHT, *BACKFILL), self._house.home)

    def _run(
        self,
        command: Sequence[str],
        folder: Path,
        env: Mapping[str, str] | None = None,
        most_seconds: float = SECONDS_A_COMMAND,
    ) -> Took:
        with self._started(command, folder, env) as process:
            begun = time.monotonic()
            code, cpu = _waited(process, most_seconds)
            took = time.monotonic() - begun
        return Took(took, cpu, f"exit code {code}: {self._house.said()[-500:]}" if code else "")

    def _dev(self, before: Sequence[str]) -> tuple[Took, Took]:
        """Until it answers, and from SIGTERM to the end of the last process that it started."""
        port = free_port()
        command = (*before, *SIGMASIGHT, "dev", "--port", str(port))
        with self._started(command, self._house.home) as process:
            begun = time.monotonic()
            while "Dagster UI: " not in self._house.said(n_chars=500) and process.poll() is None:
                time.sleep(0.1)
            ready = time.monotonic() - begun
            process.send_signal(signal.SIGTERM)
            code, cpu = _waited(process, 60)
            ended = time.monotonic() - begun - ready
        said = f"exit code {code}" if code else ""
        said = f"{said}; its port is taken" if listens(port) or not _free(port) else said
        return Took(ready, cpu), Took(ended, 0.0, said)

    @contextmanager
    def _started(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
    ) -> "Iterator[subprocess.Popen[bytes]]":
        log = self._house.home / "output"
        log.write_bytes(b"")
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=env,
                start_new_session=True,
            )
        self._house.started.append(process)
        yield process


def _waited(process: "subprocess.Popen[bytes]", seconds: float) -> tuple[int, float]:
    """Exit code, -9 of what had to be killed, and processor seconds of it and of all that it waited for."""
    before = sum(os.times()[2:4])
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return code, sum(os.times()[2:4]) - before


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return probe.bind(("127.0.0.1", port)) is None
