"""Edits of a portfolio on the command line: the rules of the import, a history, results unpublished."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import PositionValues
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

SHARE, SHORT, OPTION = "AAPL@2022-11-15", "JPM@2022-11-15", "SPY230120C00400000@2022-11-15"


@pytest.fixture(scope="module")
def template(new_project: Callable[[], CliProject]) -> Callable[[], SmallProject]:
    return lambda: SmallProject.of(new_project(), ["alpha"])


@pytest.fixture(scope="module")
def project(template: Callable[[], SmallProject]) -> SmallProject:
    return template()


def positions(project: CliProject) -> pd.DataFrame:
    return project.warehouse().positions(["alpha"]).set_index("position_id")


def refusal(project: SmallProject, *arguments: str) -> str:
    before, history = positions(project), project.warehouse().ledger_changes("alpha")
    with pytest.raises(InputError) as error:
        project.here(*arguments)
    pd.testing.assert_frame_equal(positions(project), before)
    assert len(project.warehouse().ledger_changes("alpha")) == len(history)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("close", "alpha", "AAPL@2020-01-02", "--date", "2022-11-22", "--price", "1"), SHARE),
        (("close", "alpha", "XOM", "--date", "2022-11-22", "--price", "1"), f"there are: {SHARE}, {SHORT}"),
        (("close", "alpha", SHARE, "--date", "2022-11-14", "--price", "1"), "exit is before the entry"),
        (("close", "alpha", SHARE, "--date", "2022-11-22", "--price", "$1"), "currency sign"),
        (("change", "alpha", SHARE, "--quantity", "0"), "quantity '0': the quantity is zero"),
        (("change", "alpha", SHARE), "nothing to change"),
        (("change", "alpha", SHARE, "--exit-date", "2022-11-22"), "exit_date without exit_price"),
        (("tag", "alpha", SHARE, "not a tag"), "is not a tag"),
        (("tag", "alpha", SHARE, "core", "--remove"), "no tag 'core'"),
        (("tag", "beta", SHARE, "core"), "unknown portfolio 'beta'"),
        (("add", "alpha", "ZZZZ", "--quantity", "1", "--entry-price", "1"), "unknown symbol ZZZZ"),
        (("add", "alpha", "MSFT", "--quantity", "1"), "the entry_date is missing"),
    ],
)
def test_what_an_import_refuses_is_refused(
    project: SmallProject, arguments: tuple[str, ...], named: str
) -> None:
    assert named in refusal(project, "position", *arguments)


def test_cash_that_is_no_number_is_refused(project: SmallProject) -> None:
    assert "not a finite number" in refusal(project, "cash", "alpha", "nan")


def test_a_second_lot_of_a_day_stands_beside_the_first(
    template: Callable[[], SmallProject], capsys: pytest.CaptureFixture[str]
) -> None:
    project = template()
    lot = ("--quantity", "1", "--entry-price", "150", "--entry-date", "2022-11-15")
    project.here("position", "add", "alpha", "aapl", *lot)
    shown = capsys.readouterr()
    assert f"{SHARE}#2, stored" in shown.out
    assert f"there are other lots of that day: {SHARE}" in shown.err
    project.here("position", "change", "alpha", f"{SHARE}#2", "--quantity", "2")
    project.here("position", "tag", "alpha", SHARE, "core")
    stored = positions(project)
    assert stored.loc[[SHARE, f"{SHARE}#2"], "quantity"].tolist() == [10, 2]
    assert stored.loc[[SHARE, f"{SHARE}#2"], "tags"].tolist() == ["core", ""]


def test_edits_and_their_history(template: Callable[[], SmallProject]) -> None:
    project = template()
    assert project.here("run", "--date", "2022-11-21") == 0
    assert project.here("run", "--date", "2022-11-22") == 0
    entered = (
        "--quantity",
        "-7",
        "--entry-price",
        "0.1",
        "--entry-date",
        "2022-11-22",
        "--tags",
        "a,b",
        "--notes",
        "=a  pair",
    )
    project.here("position", "add", "alpha", "msft", *entered)
    published = project.warehouse().published(PositionValues)["date"].dt.strftime("%Y-%m-%d").tolist()
    assert published == ["2022-11-21"]
    project.here("position", "close", "alpha", SHARE.lower(), "--date", "2022-11-22", "--price", "150.25")
    project.here("position", "change", "alpha", SHORT, "--quantity", "-25.5", "--entry-date", "2022-11-16")
    project.here("position", "change", "alpha", "MSFT@2022-11-22", "--quantity", "-7")
    project.here("position", "tag", "alpha", OPTION, "hedge", "core")
    project.here("position", "tag", "alpha", OPTION, "hedge", "--remove")
    project.here("cash", "alpha", "-250.5")
    project.here("cash", "alpha", "-250.5")

    stored = positions(project)
    assert list(stored.index) == [SHARE, "JPM@2022-11-16", "MSFT@2022-11-22", OPTION]
    added = stored.loc["MSFT@2022-11-22"]
    assert (added["position_type"], added["quantity"], added["tags"]) == ("SHORT", -7.0, "a,b")
    assert stored["notes"].dropna().to_dict() == {"MSFT@2022-11-22": "=a pair"}
    assert stored.loc[SHARE, "exit_price"] == 150.25
    assert (stored.loc[OPTION, "tags"], stored.loc[OPTION, "underlying"]) == ("core", "SPY")
    assert project.warehouse().portfolios()["cash"].tolist() == [-250.5]
    assert project.warehouse().published(PositionValues).empty

    rows = project.warehouse().ledger_changes("alpha")
    assert rows.groupby("change")["action"].apply(list).tolist() == [
        ["cash", "added", "added", "added"],
        ["added"],
        ["changed"],
        ["removed", "added"],
        ["changed"],
        ["changed"],
        ["cash"],
    ]
    commands = rows.drop_duplicates("change")["command"].tolist()
    assert commands[0] == "sigmasight import alpha.csv"
    assert commands[2] == f"sigmasight position close alpha {SHARE.lower()} --date 2022-11-22 --price 150.25"
    shown = project.ok("ledger", "alpha")
    assert "alpha: 4 positions, cash -250.50, from alpha.csv" in shown
    assert f"{SHARE}\tLONG\t10 at 148.7\tclosed 2022-11-22 at 150.25\t-" in shown
    assert "\tcash\tcash\tcash 1000.0 -> -250.5" in shown
    assert "tags hedge,core -> core" in shown


def test_a_replacement_is_in_the_history(template: Callable[[], SmallProject], tmp_path: Path) -> None:
    project = template()
    file = tmp_path / "other.csv"
    file.write_text("ticker,quantity,entry_price,entry_date\nAAPL,11,148.70,2022-11-15\n")
    project.ok("import", str(file), "--portfolio", "alpha", "--cash", "1000", "--replace")
    rows = project.warehouse().ledger_changes("alpha")
    latest = rows[rows["change"] == 2]
    assert dict(zip(latest["position_id"], latest["action"], strict=True)) == {
        SHARE: "changed",
        SHORT: "removed",
        OPTION: "removed",
    }
