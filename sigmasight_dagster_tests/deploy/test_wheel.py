"""The wheel in an empty folder: built, installed beside the tests' requirements, then `init` and the demo.

`--durations` says how long it took: about 25 s of work, most of it starting processes.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_dagster.settings.example import env_example
from sigmasight_dagster_tests.conftest import REPOSITORY, copy_server
from sigmasight_dagster_tests.support.project import PORTFOLIOS

FILES = ("dagster.yaml", "workspace.yaml", ".env.example", "examples/portfolios/individual.csv")
START = "2022-12-27"
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def python(*arguments: str, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    names = ("SIGMASIGHT_", "DAGSTER_", "PYTHONPATH")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(names)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env={**kept, **environment}
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed, without its requirements: those of the tests serve."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    offline = ("--no-deps", "--no-index", "--quiet", "--disable-pip-version-check")
    pip = ("-m", "pip")
    built = python(*pip, "wheel", *offline, "--no-build-isolation", "-w", ".", str(REPOSITORY), cwd=wheels)
    assert built.returncode == 0, built.stderr
    (wheel,) = wheels.glob("sigmasight-*.whl")
    done = python(*pip, "install", *offline, "--target", str(target), str(wheel), cwd=wheels)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder that lies in no project."""
    (tmp_path / "mine").mkdir()
    return tmp_path / "mine"


@pytest.fixture
def sigmasight(installed: Path, folder: Path, postgres_home: Path, created_home: Path) -> Command:
    copy_server(created_home, postgres_home)

    def run(*arguments: str, cwd: Path = folder) -> "subprocess.CompletedProcess[str]":
        program = str(installed / "bin" / "sigmasight")
        environment = {"PYTHONPATH": str(installed), "SIGMASIGHT_HOME": str(postgres_home)}
        return python(program, *arguments, cwd=cwd, **environment)

    return run


def test_an_empty_folder_becomes_a_project_that_computes(sigmasight: Command, folder: Path) -> None:
    (folder / "workspace.yaml").write_text("load_from: [python_module: sigmasight_dagster.definitions]\n")

    made = sigmasight("init")
    assert made.returncode == 0, made.stderr
    assert "kept, as it was there already: workspace.yaml" in made.stdout
    assert (folder / "workspace.yaml").read_text().startswith("load_from: [")
    for name in FILES:
        assert (folder / name).exists(), made.stdout
    for name in ("dagster.yaml", "examples/portfolios/individual.csv", "examples/brokers/schwab.csv"):
        assert (folder / name).read_bytes() == (REPOSITORY / name).read_bytes()
    assert (folder / ".env.example").read_text() == env_example()

    # Windows cannot reach before the first date: two dates are done in seconds.
    (folder / ".env").write_text(f"SIGMASIGHT_START_DATE={START}\n")
    below = folder / "examples"
    made_below = set(below.iterdir())
    shown = sigmasight("demo", "--start", "2022-12-28", cwd=below)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert all(f"{name} on 2022-12-28" in shown.stdout for name in PORTFOLIOS)
    assert "Dagster UI:   sigmasight dev" in shown.stdout, "the checkout's package ran"
    assert set(below.iterdir()) == made_below, "the working directory was taken for the project"
    assert not list(folder.rglob("*.db")), "Dagster kept something in SQLite"
