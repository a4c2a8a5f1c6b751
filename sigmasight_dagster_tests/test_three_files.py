"""Adding a calculation takes three files: those of CONTRIBUTING.md, in a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_dagster_tests.conftest import REPOSITORY

BLOCK = re.compile(r"\*\*\d\. The \w+\*\*, `([^`]+)`.*?```python\n(.*?)```\n", re.DOTALL)
LEFT = (".git", ".venv", ".sigmasight", "__pycache__", ".pytest_cache", ".hypothesis")


@pytest.fixture(scope="module")
def files() -> dict[Path, str]:
    """The files that CONTRIBUTING.md shows, by path."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Adding a calculation")[2].partition("\n## ")[0]
    return {Path(path): code for path, code in BLOCK.findall(section)}


@pytest.fixture(scope="module")
def copy(files: dict[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with the three files; a cache of mypy, where there is one, spares its first minute."""
    root = tmp_path_factory.mktemp("copy") / "project"
    shutil.copytree(REPOSITORY, root, ignore=shutil.ignore_patterns(*LEFT))
    for path, code in files.items():
        assert not (root / path).exists(), f"{path} is in the project already"
        (root / path).write_text(code, encoding="utf-8")
    return root


def run(root: Path, *arguments: object) -> str:
    """Standard output of a Python module in the copy; its output is the message when it fails."""
    result = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_three_files_are_shown(files: dict[Path, str]) -> None:
    rooms = [path.parts[0] for path in files]
    assert rooms == ["sigmasight_core", "sigmasight_dagster", "sigmasight_dagster_tests"]


def test_its_test_passes_and_so_do_the_linters(copy: Path, files: dict[Path, str]) -> None:
    core, asset, test = files
    run(copy, "pytest", "-n0", "-p", "no:cacheprovider", test)
    run(copy, "ruff", "check", *files)
    run(copy, "ruff", "format", "--check", *files)
    run(copy, "mypy", core, asset)


def test_the_data_dictionary_is_generated(copy: Path) -> None:
    dictionary = copy / "docs" / "data_dictionary.md"
    before = dictionary.read_text(encoding="utf-8").splitlines()
    run(copy, "sigmasight_dagster.reports.data_dictionary")
    run(copy, "sigmasight_dagster.reports.data_dictionary", "--check")
    after = dictionary.read_text(encoding="utf-8").splitlines()
    assert "## position_leverage" in set(after) - set(before)
    assert not set(before) - set(after)


def test_everything_knows_the_new_table(
    copy: Path, fresh_database: Callable[..., str], tmp_path: Path
) -> None:
    urls = (fresh_database(), fresh_database())
    shown = run(copy, "sigmasight_dagster_tests.support.witness", "position_leverage", *urls, tmp_path)
    found = json.loads(shown.splitlines()[-1])
    rows = found.pop("rows")
    assert set(rows["leverage"]) == {1.0}
    assert set(rows["status"]) == {"ok"}
    assert set(found.pop("checks")) == {"rows_meet_the_contract", "no_input_has_changed_since"}
    assert "position leverage" in found.pop("readiness")
    assert found == {
        "error": "",
        "published": 15,
        "view": [[True]],
        "retention": 30,
        "primary_key": ["date", "portfolio", "position_id"],
        "group": "portfolio_risk",
        "reads": ["portfolio_snapshots", "position_values"],
        "columns": ["date", "portfolio", "position_id", "leverage", "status"],
        "lineage": {
            "position_id": ["position_values.position_id"],
            "leverage": ["portfolio_snapshots.total_value", "position_values.exposure"],
        },
        "dictionary": True,
        "stale_after_prices": True,
    }
