"""A portfolio's transactions as they are stored: of lists of positions, of histories, of stated balances."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.account.entries import WHOLE_LOT
from sigmasight_core.account.positions_file import CONSTANT_CASH, LISTED
from sigmasight_core.errors import InputError
from sigmasight_dagster.ledger.accounts import Stated, save_history, save_list
from sigmasight_dagster_tests.core.account.account_inputs import entry, history
from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import SmallProject

SHARE = "AAPL@2022-11-15"


@pytest.fixture
def project(new_project: Callable[[], CliProject]) -> SmallProject:
    return SmallProject.of(new_project(), ["alpha"])


def stored(project: CliProject, name: str = "alpha") -> pd.DataFrame:
    return project.warehouse().transactions([name])


def stated(project: CliProject) -> list[tuple[str, float, str]]:
    rows = stored(project)
    rows = rows[rows["kind"] == "statement"].sort_values("date")
    return list(zip(rows["date"].dt.strftime("%Y-%m-%d"), rows["amount"], rows["inferred"], strict=True))


def test_a_list_of_positions_is_its_buys_and_sells_and_its_cash_a_statement(project: SmallProject) -> None:
    assert sorted(stored(project)["inferred"].unique()) == sorted([LISTED, CONSTANT_CASH])
    assert stated(project) == [("2022-11-15", 1000.0, CONSTANT_CASH)]
    project.here("position", "close", "alpha", SHARE, "--date", "2022-11-22", "--price", "150.18")
    sold = stored(project).set_index("kind").loc["sell"]
    assert (sold["lot"], sold["inferred"], sold["amount"]) == (SHARE, WHOLE_LOT, pytest.approx(1501.8))
    lot = ("--quantity", "1", "--entry-price", "150", "--entry-date", "2022-11-21")
    project.here("position", "add", "alpha", "aapl", *lot)
    # an edit leaves the balance where it was stated; another balance is one of the last entry date
    assert stated(project) == [("2022-11-15", 1000.0, CONSTANT_CASH)]
    project.here("cash", "alpha", "1700")
    assert stated(project) == [("2022-11-21", 1700.0, CONSTANT_CASH)]


def test_a_dated_balance_stays_beside_it_and_is_in_the_history(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.here("cash", "alpha", "990.5", "--date", "2022-11-18")
    project.here("cash", "alpha", "990.5", "--date", "2022-11-18")
    both = [("2022-11-15", 1000.0, CONSTANT_CASH), ("2022-11-18", 990.5, "")]
    assert stated(project) == both
    project.here("position", "tag", "alpha", SHARE, "core")
    project.here("import", str(project.home / "alpha.csv"), "--portfolio", "alpha", "--replace")
    assert stated(project) == both
    changes = project.warehouse().ledger_changes("alpha")
    noted = changes[changes["position_id"] == "2022-11-18/statement/"]
    assert [json.loads(text)["amount"] for text in noted["after"]] == [990.5]
    project.here("ledger", "alpha")
    assert "added\t2022-11-18/statement/\tstatement 990.50" in capsys.readouterr().out
    with pytest.raises(InputError, match="not a trading date"):
        project.here("cash", "alpha", "5", "--date", "2022-11-19")


def test_a_balance_with_its_date_at_import_is_the_only_one_and_stays(project: SmallProject) -> None:
    file = str(project.home / "alpha.csv")
    listed = ("import", file, "--portfolio", "dated", "--allow-unpriced")
    project.here(*listed, "--cash", "700", "--cash-date", "2022-11-18", "--margin")
    only = [("2022-11-18", 700.0, "")]

    def registered() -> tuple[float, str]:
        row = project.warehouse().portfolios().set_index("portfolio").loc["dated"]
        return row["cash"], row["margin"]

    def statements() -> list[tuple[str, float, str]]:
        rows = stored(project, "dated").query("kind == 'statement'").sort_values("date")
        return list(zip(rows["date"].dt.strftime("%Y-%m-%d"), rows["amount"], rows["inferred"], strict=True))

    assert (statements(), registered()) == (only, (700.0, "yes"))
    # neither an edit nor another list states a balance, or takes the margin away
    lot = ("--quantity", "1", "--entry-price", "150", "--entry-date", "2022-11-21")
    project.here("position", "add", "dated", "aapl", *lot)
    project.here(*listed, "--replace")
    assert (statements(), registered()) == (only, (700.0, "yes"))
    with project.open() as opened:
        lots = opened.platform.warehouse.positions(["dated"])
        again = Stated(700.0, "2022-11-18")
        assert save_list(opened, "dated", "alpha.csv", lots, stated=again, replace=True) == "unchanged"
    project.here(*listed, "--cash", "-50", "--replace", "--no-margin")
    assert statements() == [("2022-11-15", -50.0, CONSTANT_CASH), *only]
    assert registered() == (-50.0, "no")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--cash-date", "2022-11-18"), "give the balance too: --cash N"),
        (("--cash", "5", "--cash-date", "2022-11-14"), "is before the first entry, 2022-11-15"),
        (("--cash", "5", "--cash-date", "2022-11-19"), "not a trading date"),
        (("--cash", "5", "--cash-date", "2034-01-05"), "the last trading date is"),
        (("--cash", "5", "--cash-date", "18.11.2022"), "18.11.2022"),
        (("--cash", "nan", "--cash-date", "2022-11-18"), "not a finite number"),
    ],
)
def test_a_balance_that_cannot_be_of_its_date_is_refused(
    project: SmallProject, given: tuple[str, ...], said: str
) -> None:
    file = str(project.home / "alpha.csv")
    with pytest.raises(InputError) as error:
        project.here("import", file, "--portfolio", "dated", "--allow-unpriced", *given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert "dated" not in set(project.warehouse().portfolios()["portfolio"])


ROWS = (
    entry("2022-11-15", "deposit", amount=2000.0),
    entry("2022-11-15", "buy", "AAPL", 10, 148.7, fees=1.0),
    entry("2022-11-18", "sell", "AAPL", 4, 151.0, fees=1.0),
    entry("2022-11-21", "transfer_in", "JPM", 2),
)


def test_a_history_makes_the_lots_and_the_same_again_changes_nothing(project: SmallProject) -> None:
    rows = history(*ROWS).assign(portfolio="beta")
    with project.open() as opened:
        assert save_history(opened, "beta", "beta.csv", rows, replace=False)[0] == "created"
        assert save_history(opened, "beta", "beta.csv", rows, replace=True)[0] == "unchanged"
        shorter = history(*ROWS[:2], *ROWS[3:]).assign(portfolio="beta")
        with pytest.raises(InputError, match="already registered"):
            save_history(opened, "beta", "beta.csv", shorter, replace=False)
    lots = project.warehouse().positions(["beta"]).set_index("position_id")
    assert lots["quantity"].to_dict() == {SHARE: 4.0, f"{SHARE}#2": 6.0, "JPM@2022-11-21": 2.0}
    assert lots.loc[SHARE, "exit_price"] == 151.0
    assert lots.loc["JPM@2022-11-21", "entry_price"] > 100
    registered = project.warehouse().portfolios().set_index("portfolio")["cash"]
    assert registered["beta"] == pytest.approx(2000 - 1488 + 603)
    with pytest.raises(InputError, match=r"positions follow from the transactions of history\.csv"):
        project.here("position", "close", "beta", f"{SHARE}#2", "--date", "2022-11-22", "--price", "150")


def test_a_history_takes_a_dated_balance_and_margin(project: SmallProject) -> None:
    rows = history(*ROWS[:2]).assign(portfolio="beta")
    with project.open() as opened:
        said = Stated(500.0, "2022-11-18", margin=True)
        save_history(opened, "beta", "beta.csv", rows, replace=False, stated=said)
        early = Stated(500.0, "2022-11-14")
        with pytest.raises(InputError, match="before the first entry, 2022-11-15"):
            save_history(opened, "beta", "beta.csv", rows, replace=True, stated=early)
        assert save_history(opened, "beta", "beta.csv", rows, replace=True)[0] == "replaced"
    registered = project.warehouse().portfolios().set_index("portfolio").loc["beta"]
    assert (registered["cash"], registered["margin"]) == (2000 - 1488, "yes")


def test_more_than_is_held_is_refused_or_a_short(project: SmallProject) -> None:
    sold = history(*ROWS[:2], entry("2022-11-18", "sell", "AAPL", 12, 151.0)).assign(portfolio="beta")
    with project.open() as opened:
        with pytest.raises(InputError, match=r"line 4: sell of 12 AAPL .* is 2 more than is held"):
            save_history(opened, "beta", "beta.csv", sold, replace=False)
        assert "beta" not in set(project.warehouse().portfolios()["portfolio"])
        _, lots = save_history(opened, "beta", "beta.csv", sold, replace=False, allow_short=True)
    assert lots["quantity"].tolist() == [10.0, -2.0]


def test_a_removed_portfolio_leaves_no_transactions(project: SmallProject, tmp_path: Path) -> None:
    from sigmasight_dagster.warehouse import AuditStamp

    project.warehouse().remove_portfolio("alpha", AuditStamp.now("test"))
    assert stored(project).empty
