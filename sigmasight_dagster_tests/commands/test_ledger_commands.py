"""Edits of a portfolio on the command line: the rules of the import, a history, results unpublished."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from dagster._core.test_utils import create_run_for_test

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    LedgerChanges,
    PortfolioSnapshots,
    PositionValues,
    Publications,
    table_name,
)
from sigmasight_core.tables.access.managed import AlertRuleRows, Uploads
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject
from sigmasight_dagster_tests.support.stored_rows import keep, random_rows, sql, stamp

pytestmark = pytest.mark.computes("position_values")

KEPT_BY_NAME = [
    model
    for model in OPERATIONS_TABLES
    if "portfolio" in model.to_schema().columns and model not in (Publications, LedgerChanges)
]
"""Tables that are no results, with rows of single portfolios."""
DAYS = pd.DatetimeIndex(["2022-11-21", "2022-11-22"]).as_unit("ns")
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
        (("remove", "alpha", "AAPL@2020-01-02"), SHARE),
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
    said = json.loads(project.ok("ledger", "alpha", "--json"))
    assert [row["position_id"] for row in said["positions"]] == list(stored.index)
    assert said["positions"][0].items() >= {"exit_date": "2022-11-22", "exit_price": 150.25}.items()
    assert said["changes"][-1].items() >= {"before": {"cash": 1000.0}, "after": {"cash": -250.5}}.items()
    assert re.search(rf"{SHARE} +LONG +10 +148.7\n +closed 2022-11-22 at 150.25\n", shown)
    assert re.search(r"7  cash +cash +cash 1000.0 -> -250.5\n", shown)
    assert max(map(len, shown.splitlines())) <= 80
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


def test_positions_and_then_the_portfolio_are_removed(
    template: Callable[[], SmallProject], capsys: pytest.CaptureFixture[str]
) -> None:
    project = template()
    project.here("position", "remove", "alpha", OPTION.lower())
    assert f"{OPTION}, removed; results from its entry date on" in capsys.readouterr().out
    project.here("position", "remove", "alpha", SHORT)
    rows = project.warehouse().ledger_changes("alpha")
    assert rows.loc[rows["change"] > 1, ["position_id", "action", "command"]].to_numpy().tolist() == [
        [OPTION, "removed", f"sigmasight position remove alpha {OPTION.lower()}"],
        [SHORT, "removed", f"sigmasight position remove alpha {SHORT}"],
    ]
    told = refusal(project, "position", "remove", "alpha", SHARE)
    assert "only position; remove the portfolio: sigmasight remove alpha" in told

    warehouse = project.warehouse()
    for model in (PortfolioSnapshots, PositionValues):
        rows = random_rows(model, DAYS, ("alpha",), per_partition=3)
        warehouse.replace(model, rows, DAYS, ["alpha"], stamp())
    assert "no terminal to ask on; add --yes" in refusal(project, "remove", "alpha")
    for model in KEPT_BY_NAME:
        for name in ("alpha", "beta"):
            rows = random_rows(model, per_partition=2, seed=len(name)).assign(portfolio=name)
            keep(project.asset_url, model, rows.assign(state="stored") if model is Uploads else rows)
    rules = {"alone": ["alpha"], "both": ["alpha", "beta"], "other": ["beta"], "every": None}
    rows = random_rows(AlertRuleRows, per_partition=len(rules)).assign(rule=list(rules))
    written = [json.dumps({"id": name, **({"portfolio": of} if of else {})}) for name, of in rules.items()]
    keep(project.asset_url, AlertRuleRows, rows.assign(definition=written))
    with project.open() as opened:
        run = create_run_for_test(opened.instance, status=dg.DagsterRunStatus.STARTED)
        told = refusal(project, "remove", "alpha", "--yes")
        assert f"not while runs compute: {run.run_id[:8]}; wait for them" in told
        opened.instance.delete_run(run.run_id)
        capsys.readouterr()
        project.here("remove", "alpha", "--yes")
        assert opened.portfolio_order() == []
    shown = capsys.readouterr().out.splitlines()
    assert shown == [
        "Portfolio alpha: 1 positions, results of 2 dates 2022-11-21..2022-11-22",
        "Removed alpha: 1 positions, 4 partitions with 8 rows of results",
        "4 users and roles that saw it see it no more. Kept: its history",
        "(ledger_changes), saved what-ifs, the log of activity, files of reports.",
    ]
    for model in TABLES:
        if "portfolio" in model.to_schema().columns:
            assert warehouse.read(model).empty, model
    assert warehouse.published(PositionValues).empty
    assert warehouse.ledger_changes("alpha")["command"].iloc[-1] == "sigmasight remove alpha"
    for model in KEPT_BY_NAME:
        left = f"SELECT DISTINCT portfolio FROM sigmasight.{table_name(model)}"
        assert sql(project.asset_url, left) == [("beta",)], model
    left = "SELECT rule, definition::jsonb -> 'portfolio' FROM sigmasight.alert_rules ORDER BY 1"
    assert sql(project.asset_url, left) == [("both", ["beta"]), ("every", None), ("other", ["beta"])]
