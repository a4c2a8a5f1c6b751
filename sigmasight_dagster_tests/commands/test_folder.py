"""`sigmasight import` of a folder: each file a portfolio, in one process; a bad one stops no other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_dagster_tests.support.project import CliProject

ROWS = "ticker,quantity,entry_price,entry_date\nAAPL,{quantity},148.70,2022-11-15\n"


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    return new_project()


def test_each_file_becomes_a_portfolio_and_a_bad_one_stops_no_other(
    project: CliProject, tmp_path: Path
) -> None:
    for name, quantity in (("one", "10"), ("three", "30"), ("two", "many")):
        (tmp_path / f"{name}.csv").write_text(ROWS.format(quantity=quantity))
    done = project.run("import", str(tmp_path), "--cash", "1000")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "3 files: 2 created, 1 not imported: see above"
    assert f"{tmp_path}/two.csv:2: error: quantity: 'many'" in done.stderr
    assert project.warehouse().position_counts().to_dict() == {"one": 1, "three": 1}
    (tmp_path / "one.csv").write_text(ROWS.format(quantity="11"))
    (tmp_path / "two.csv").write_text(ROWS.format(quantity="20"))
    refused = project.run("import", str(tmp_path))
    assert refused.returncode == 1
    assert refused.stdout.splitlines()[-1] == "3 files: 1 created, 1 unchanged, 1 not imported: see above"
    assert "--replace" in refused.stderr
    assert project.ok("import", str(tmp_path), "--replace").splitlines()[-1] == (
        "3 files: 1 replaced, 2 unchanged"
    )
    assert project.warehouse().portfolios()["cash"].tolist() == [1000.0, 1000.0, 0.0]


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        ((), (), "no .csv in this folder"),
        (("good.csv", "Not A Name.csv"), (), "portfolio name 'Not A Name' must match"),
        (("good.csv",), ("mine",), "leave mine out"),
        (("good.csv",), ("--explain",), "are of one file"),
    ],
)
def test_what_a_folder_cannot_be_is_refused_before_a_file_is_read(
    project: CliProject, tmp_path: Path, files: tuple[str, ...], options: tuple[str, ...], said: str
) -> None:
    for name in files:
        (tmp_path / name).write_text(ROWS.format(quantity="1"))
    done = project.run("import", str(tmp_path), *options)
    assert done.returncode != 0
    assert said in done.stderr
    assert "good" not in project.warehouse().position_counts()
