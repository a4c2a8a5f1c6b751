"""Start-up: commands and imports in fresh interpreters, as multiples of `python -c pass` in the same run."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.books import COMMAND
from benchmarks.measure import multiple
from sigmasight_dagster.server.embedded import EmbeddedPostgres


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        home = Path(folder)
        server = EmbeddedPostgres(home, None)
        server.start()
        try:
            for words, goal in (
                (["--help"], "< 0.5 s"),
                (["--version"], "< 0.5 s"),
                (["db", "url"], "< 0.5 s"),
                (["db", "status"], "< 0.5 s"),
            ):
                _line(f"sigmasight {' '.join(words)}", COMMAND, words, goal, home)
        finally:
            server.stop()
        for module, goal in (("sigmasight_core.tables", ""), ("sigmasight_dagster.definitions", "< 1.5 s")):
            _line(f"import {module}", f"import {module}", [], goal, home)


def _line(name: str, program: str, words: list[str], goal: str, home: Path) -> None:
    multiple(name, lambda: _python("pass", [], home), lambda: _python(program, words, home), goal)


def _python(program: str, words: list[str], home: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if name != "SIGMASIGHT_DATABASE_URL"}
    command = [sys.executable, "-c", program, *words]
    environment = {**kept, "SIGMASIGHT_HOME": str(home)}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
