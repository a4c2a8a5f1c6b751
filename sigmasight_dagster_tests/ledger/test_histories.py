"""Histories of brokers as they are stored: positions and cash of each example, and the same again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sigmasight_dagster_tests.core.brokers.reading import FOLDER, changed, example
from sigmasight_dagster_tests.core.brokers.test_examples import EXPECTED, HELD
from sigmasight_dagster_tests.support.project import CliProject


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> CliProject:
    return new_project()


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_is_stored_and_again_changes_nothing(project: CliProject, name: str) -> None:
    arguments = ("import", str(FOLDER / f"{name}.csv"), "--portfolio", name, "--format", "auto")
    said = project.ok(*arguments)
    assert said.startswith(f"Portfolio {name}: {len(EXPECTED[name])} transactions of {name}; ")
    assert said.rstrip().endswith("created")
    warehouse = project.warehouse()
    lots = warehouse.positions([name])
    open_lots = lots[lots["exit_date"].isna()]
    quantities, cash = HELD[name]
    assert open_lots.groupby("symbol")["quantity"].sum().to_dict() == pytest.approx(quantities)
    registered = warehouse.portfolios().set_index("portfolio")["cash"]
    assert registered[name] == pytest.approx(cash, abs=1e-6)
    stored = warehouse.transactions([name])
    assert len(stored) == len(EXPECTED[name])
    assert stored["amount"].sum() == pytest.approx(cash, abs=1e-6)
    assert project.ok(*arguments, "--replace").rstrip().endswith("unchanged")


def test_a_bad_row_and_nothing_is_stored(project: CliProject, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    split = '"12/12/2022","Stock Split","AAPL","APPLE INC","60","","",""\n'
    header = example("schwab").splitlines(keepends=True)[1]
    text = changed("schwab", ("$5,646.75", "$5,656.75")).replace(header, header + split)
    file.write_text(text, encoding="utf-8")
    result = project.run("import", str(file), "--portfolio", "bad")
    assert result.returncode == 1
    assert f"{file}:7: error: Amount: '$5,656.75': not quantity x price and fees" in result.stderr
    assert (
        f"{file}:3: warning: split: 'AAPL': the market data know no split of it within a week"
        in result.stderr
    )
    assert result.stdout.startswith("Nothing imported: 1 bad rows. See --explain")
    assert "bad" not in set(project.warehouse().portfolios()["portfolio"])
    assert "11 transactions" in project.ok("import", str(file), "--portfolio", "bad", "--skip-bad-rows")


def test_a_sale_of_more_than_is_held_is_refused_or_opens_a_short(project: CliProject, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text(
        changed("schwab", ('"40","$141.17","$0.05","$5,646.75"', '"140","$141.17","$0.05","$19,763.75"')),
        encoding="utf-8",
    )
    result = project.run("import", str(file), "--portfolio", "over")
    assert result.returncode == 1
    assert "line 6: sell of 140 AAPL on 2022-11-29 is 40 more than is held" in result.stderr
    assert "over" not in set(project.warehouse().portfolios()["portfolio"])
    project.ok("import", str(file), "--portfolio", "over", "--allow-short")
    lots = project.warehouse().positions(["over"])
    assert lots[lots["exit_date"].isna()].groupby("symbol")["quantity"].sum()["AAPL"] == -40


def test_a_longer_history_replaces_the_shorter(project: CliProject, tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    lines = example("trading212").splitlines(keepends=True)
    file.write_text("".join(lines[:4]), encoding="utf-8")
    project.ok("import", str(file), "--portfolio", "growing")
    file.write_text("".join(lines), encoding="utf-8")
    refused = project.run("import", str(file), "--portfolio", "growing")
    assert refused.returncode == 1
    assert "already registered" in refused.stderr
    assert (
        project.ok("import", str(file), "--portfolio", "growing", "--replace").rstrip().endswith("replaced")
    )
    assert len(project.warehouse().transactions(["growing"])) == len(EXPECTED["trading212"])
