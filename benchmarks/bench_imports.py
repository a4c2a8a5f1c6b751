"""Start-up: commands and imports in fresh interpreters, as multiples of `python -c pass` in the same run."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.books import COMMAND
from benchmarks.measure import multiple, own_server


def main() -> None:
    with own_server() as (home, _):
        for words, goal in (
            (["--help"], "< 0.5 s"),
            (["--version"], "< 0.5 s"),
            (["db", "url"], "< 0.5 s"),
            (["db", "status"], "< 0.5 s"),
        ):
            _line(f"sigmasight {' '.join(words)}", COMMAND, words, goal, home)
        for module, goal in (
            ("sigmasight_core.tables", ""),
            ("sigmasight_dagster.definitions", "< 1.5 s"),
        ):
            _line(f"import {module}", f"import {module}", [], goal, home)


def _line(name: str, program: str, words: list[str], goal: str, home: Path) -> None:
    multiple(name, lambda: _python("pass", [], home), lambda: _python(program, words, home), goal)


def _python(program: str, words: list[str], home: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if name != "SIGMASIGHT_DATABASE_URL"}
    command = [sys.executable, "-c", program, *words]
    environment = {**kept, "SIGMASIGHT_HOME": str(home)}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
