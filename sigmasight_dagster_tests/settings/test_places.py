"""Where a project lies: above the working directory or in it, and never taken from a folder that has none."""

from pathlib import Path

import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.settings import Settings, places
from sigmasight_dagster.settings.example import env_example
from sigmasight_dagster_tests.conftest import REPOSITORY


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the working directory of a package that lies elsewhere."""
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "site-packages" / "sigmasight_dagster")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    folder = tmp_path / "mine" / "below"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_a_checkout_is_its_own_project() -> None:
    assert places.project_root() == places.project_files() == REPOSITORY


def test_an_empty_folder_is_no_project(installed: Path) -> None:
    assert places.project_root() == installed
    with pytest.raises(
        InputError, match=r"below has no dagster\.yaml, so it is no project: .*sigmasight init"
    ):
        places.dagster_home()


def test_the_nearest_project_above_is_the_one(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "workspace.yaml").write_text("load_from: [{python_module: another_project}]\n")
    for name in ("workspace.yaml", "dagster.yaml"):
        (installed.parent / name).write_bytes((REPOSITORY / name).read_bytes())
    assert places.project_root() == places.dagster_home() == installed.parent
    monkeypatch.setenv("DAGSTER_HOME", str(REPOSITORY))
    assert places.dagster_home() == REPOSITORY


def test_the_example_of_settings_has_each_one_in_a_form_that_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SIGMASIGHT_HOME", "SIGMASIGHT_DATABASE_URL", "DAGSTER_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    lines = [line[1:] for line in env_example().splitlines() if line.startswith("#") and line[1:2] != " "]
    (tmp_path / "every.env").write_text("\n".join(lines))
    (tmp_path / "none.env").write_text(env_example())
    every = Settings(_env_file=tmp_path / "every.env")
    none = Settings(_env_file=tmp_path / "none.env")
    assert every.model_fields_set == set(Settings.model_fields)
    assert len(lines) == len(Settings.model_fields)
    assert none.model_fields_set == set()
    defaults = {name: value for name, value in none.model_dump(exclude={"home"}).items() if value}
    differing = {name for name, value in defaults.items() if every.model_dump()[name] != value}
    assert differing == {"factor_model"}
