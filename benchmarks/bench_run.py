"""`sigmasight run` of one portfolio on one date, with the market published and with `--force`.

And from a fresh clone to numbers: `make demo`, which installs from the package registry. It is asked for by
SIGMASIGHT_BENCH_CLONE=1, where there is a network, and else left out.
"""

import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import limit, own_server, report, seconds
from sigmasight_dagster.settings.places import project_files
from sigmasight_dagster_tests.support.project import CliProject

DAY = "2022-12-21"
REPEATS = 5
CLONE = "SIGMASIGHT_BENCH_CLONE"


def main() -> None:
    with own_server() as (home, postgres):
        urls = postgres.url("sigmasight"), postgres.url("dagster")
        project = CliProject(home, *urls, plots=5)
        project.import_examples()
        _run(project)  # the history of the market, which its date looks back on
        _measure(project)
    _clone()


def _measure(project: CliProject) -> None:
    assert "taken as published" in _run(project)
    pairs = [
        (seconds(lambda: _run(project, "--force")), seconds(lambda: _run(project))) for _ in range(REPEATS)
    ]
    report("one portfolio, one date: --force, or as published", pairs, "< 6 s")


def _run(project: CliProject, *options: str) -> str:
    done = project.process("run", "individual", "--date", DAY, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _clone() -> None:
    name = "clone to numbers (make demo)"
    if not os.environ.get(CLONE):
        print(f"{name:<44}LEFT OUT: it installs from a registry; {CLONE}=1 measures it", flush=True)
        return
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", project_files(), clone], check=True)
        kept = {word: text for word, text in os.environ.items() if not word.startswith("SIGMASIGHT_")}
        environment = {word: text for word, text in kept.items() if word not in ("PYTHONPATH", "VIRTUAL_ENV")}
        try:
            limit(name, lambda: _make_demo(clone, environment), "< 75 s", repeats=1)
        finally:
            with suppress(OSError):
                subprocess.run([clone / ".venv/bin/sigmasight", "db", "stop"], cwd=clone, env=environment)


def _make_demo(clone: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(["make", "demo"], cwd=clone, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"make demo: exit code {done.returncode}\n{done.stdout[-2_000:]}{done.stderr[-2_000:]}")
