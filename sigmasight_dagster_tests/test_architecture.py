"""The house: import contracts that hold and can be broken, sizes of rooms, imports inside of functions.

`make check` runs the contracts themselves (import-linter, in `pyproject.toml`).
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sigmasight_dagster_tests.conftest import REPOSITORY

PACKAGES = ("sigmasight_core", "sigmasight_dagster", "sigmasight_client")
MOST_FILES, MOST_LINES, MOST_INNER_IMPORTS = 15, 300, 40
FILES = sorted(path for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))
CLOCKS = re.compile(r"\btoday\(\)|\.now\(|\butcnow\(|\.today\(")
INNER = "# noqa: PLC0415"
"""Marks an import inside of a function; ruff refuses one without it."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)}
    )


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        (
            "sigmasight_core/errors.py",
            "from sigmasight_core.risk import measures",
            "core sees",
        ),
        (
            "sigmasight_dagster/tags.py",
            "from sigmasight_dagster import platform",
            "project sees",
        ),
        (
            "sigmasight_core/market/coverage.py",
            "def late() -> None:\n    from sigmasight_core.stress import stress",
            "core sees",
        ),
        ("sigmasight_core/arrays/gaps.py", "import sqlalchemy", "core knows no orchestration"),
    ],
)
def test_an_upward_import_breaks_its_contract(path: str, line: str, contract: str, tmp_path: Path) -> None:
    for package in PACKAGES:
        skipped = shutil.ignore_patterns("__pycache__", "*.parquet")
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=skipped)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    target = tmp_path / path
    target.write_text(f"{target.read_text(encoding='utf-8')}\n\n{line}\n", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode == 1, result.stdout
    assert re.search(rf"{contract}.* BROKEN", " ".join(result.stdout.split())), result.stdout


def test_no_room_is_a_corridor() -> None:
    folders = {path.parent for path in FILES}
    full = {str(folder): len(list(folder.glob("*.py"))) for folder in folders}
    assert {name: count for name, count in full.items() if count > MOST_FILES} == {}


def test_no_module_is_long() -> None:
    lines = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_imports_inside_of_functions_are_few_and_have_a_reason() -> None:
    inner = []
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if INNER in line or ("noqa" in line and "PLC0415" in line):
                above = number - 1
                while "PLC0415" in lines[above]:
                    above -= 1
                beside = line.partition("PLC0415")[2].strip(" )")
                inner.append((f"{path.name}:{number + 1}", bool(beside) or "#" in lines[above]))
    assert [place for place, reason in inner if not reason] == []
    assert len(inner) <= MOST_INNER_IMPORTS


@pytest.mark.parametrize("room", sorted({path.parent for path in FILES}), ids=lambda room: room.name)
def test_every_room_has_a_placard(room: Path) -> None:
    if room.name != "sample_data":
        assert (room / "__init__.py").read_text(encoding="utf-8").startswith('"""')


def test_the_core_reads_no_clock() -> None:
    core = (REPOSITORY / PACKAGES[0]).rglob("*.py")
    assert [str(path) for path in core if CLOCKS.search(path.read_text(encoding="utf-8"))] == []
