"""A portfolio's transactions as they are stored: of lists of positions, of histories, of stated balances."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.account.entries import WHOLE_LOT
from sigmasight_core.account.positions_file import CONSTANT_CASH, LISTED
from sigmasight_core.conventions import LotRule
from sigmasight_core.errors import InputError
from sigmasight_dagster.ledger.accounts import Stated, save_history, save_list
from sigmasight_dagster.ledger.realized import realized
from sigmasight_dagster.ledger.statements import doubts
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
    shown = " ".join(capsys.readouterr().out.split())
    assert "added 2022-11-18/statement/ statement 990.50" in shown
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


LOTS = """\
date,kind,symbol,quantity,price,fees,amount
2022-11-15,deposit,,,,,5000
2022-11-15,buy,AAPL,10,140,,
2022-11-16,buy,AAPL,10,150,,
2022-11-18,sell,AAPL,10,155,1,
"""


def test_the_rule_of_lots_is_kept_and_says_what_a_sale_closes_and_gains(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = history(
        entry("2022-11-15", "deposit", amount=5000.0),
        entry("2022-11-15", "buy", "AAPL", 10, 140.0),
        entry("2022-11-16", "buy", "AAPL", 10, 150.0),
        entry("2022-11-18", "sell", "AAPL", 10, 155.0, fees=1.0),
    ).assign(portfolio="lots")
    with project.open() as opened:

        def gained(rule: LotRule | None, said: LotRule | None = None) -> tuple[float, str, float]:
            """The price of what is still open, the rule, and the gain of the sale."""
            stated = Stated(lots=said)
            _, lots = save_history(opened, "lots", "lots.csv", rows, replace=True, stated=stated)
            found = realized(opened, "lots", rule)
            assert not found.outdated
            assert not found.settled
            still = lots.loc[lots["exit_date"].isna(), "entry_price"].iloc[0]
            return float(still), found.rule, found.rows["gain"].sum()

        assert gained(None) == (150.0, "fifo", 150.0)
        assert gained(None, "highest") == (140.0, "highest", 50.0)
        assert gained(None) == (140.0, "highest", 50.0)
        assert gained("fifo") == (140.0, "fifo", 150.0)
        # at the average cost the lots are those of fifo, with the prices that were paid
        assert gained(None, "average") == (150.0, "average", 100.0)
        changes = opened.platform.warehouse.ledger_changes("lots")
        noted = changes.loc[changes["action"] == "cash", "after"]
        assert [json.loads(text).get("lots") for text in noted] == [None, "highest", "average"]
    capsys.readouterr()
    project.here("gains", "lots")
    assert [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()] == [
        "lots: realised gains by average, in USD",
        "entered closed symbol quantity cost gain",
        "2022-11-15 2022-11-18 AAPL 10 1,450.00 100.00",
        "1 closed lots: proceeds 1,550.00, cost 1,450.00, gain 100.00",
    ]


def test_a_history_is_onboarded_as_it_is_imported(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.home / "lots.csv"
    file.write_text(LOTS, encoding="utf-8")
    with pytest.raises(InputError, match="nothing stored: there is no terminal to ask on"):
        project.here("onboard", str(file), "--portfolio", "lots")
    shown = capsys.readouterr().out
    assert "4 transactions, read by preset transactions" in shown
    assert "lots: 2 positions, cash 3,649.00" in shown
    with pytest.raises(InputError, match="a history has its cash; of which day is the balance"):
        project.here("onboard", str(file), "--portfolio", "lots", "--cash", "5")
    file.write_text(LOTS.replace("sell,AAPL,10", "sell,AAPL,25"), encoding="utf-8")
    with pytest.raises(InputError, match="sell of 25 AAPL on 2022-11-18 is 5 more than is held"):
        project.here("onboard", str(file), "--portfolio", "lots", "--yes")
    file.write_text(LOTS.replace("buy,AAPL,10,140", "gift,AAPL,10,140"), encoding="utf-8")
    assert project.here("onboard", str(file), "--portfolio", "lots", "--yes") == 1
    assert "Nothing stored: 1 errors in 1 rows" in capsys.readouterr().out
    assert "lots" not in set(project.warehouse().portfolios()["portfolio"])


def test_a_balance_that_differs_by_more_than_a_setting_is_told(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.home / "lots.csv"
    stated = "2022-11-18,statement,,,,,3649.80\n2022-11-21,statement,,,,,3600\n"
    file.write_text(LOTS + stated, encoding="utf-8")
    project.here("import", str(file), "--portfolio", "lots")
    told = "2022-11-21: 3,600.00 stated, 3,649.80 computed: -49.80 is booked as paid out on that day"
    assert capsys.readouterr().err == f"lots: warning: balance: {told}\n"
    with project.open() as opened:
        opened.settings.statement_tolerance = 49.9
        assert doubts(opened, "lots") == []
        opened.settings.statement_tolerance = 0.5
        assert [line[:10] for line in doubts(opened, "lots")] == ["2022-11-18", "2022-11-21"]
        assert doubts(opened, "alpha") == []


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


def test_a_benchmark_stays_and_one_without_prices_is_refused(
    project: SmallProject, capsys: pytest.CaptureFixture[str]
) -> None:
    def benchmark() -> str:
        return str(project.warehouse().portfolios().set_index("portfolio").loc["alpha", "benchmark"])

    listed = ("import", str(project.home / "alpha.csv"), "--portfolio", "alpha", "--replace")
    assert benchmark() == "nan"
    with pytest.raises(InputError, match="--benchmark NOPE: the sample provider has no prices of NOPE; give"):
        project.here(*listed, "--allow-unpriced", "--benchmark", "NOPE")
    project.here(*listed, "--allow-unpriced", "--benchmark", "jpm")
    project.here(*listed, "--allow-unpriced")
    project.here("cash", "alpha", "900")
    assert benchmark() == "JPM"
    project.here("benchmark", "alpha", "MTUM")
    assert benchmark() == "MTUM"
    project.here("portfolios")
    project.here("ledger", "alpha")
    shown = capsys.readouterr().out
    assert "beside MTUM, replaced; what is held against it no longer counts as published" in shown
    assert "alpha.csv\n    beside MTUM\n" in shown
    assert "benchmark JPM -> MTUM" in shown

    file = project.home / "holdings.csv"
    file.write_text("symbol,weight\nJPM,0.6\nNOPE,0.4\n")
    with pytest.raises(InputError, match=r"holdings.csv: 1 errors; nothing was stored"):
        project.here("benchmark", "alpha", "JPM", "--holdings", str(file))
    assert (benchmark(), len(project.warehouse().benchmark_holdings())) == ("MTUM", 0)
    assert f"{file}:3: error: symbol: 'NOPE': unknown symbol NOPE" in capsys.readouterr().err
    file.write_text("symbol,weight\nJPM,0.6\nAAPL,0.4\n")
    project.here("benchmark", "alpha", "MTUM", "--holdings", str(file))
    project.here("ledger", "alpha")
    project.here("benchmark", "alpha", "JPM")
    shown = capsys.readouterr().out
    assert f"MTUM: 2 holdings from {file}, replaced" in shown
    assert f"added holding/{calendar.FIRST_DATE:%Y-%m-%d}/AAPL 0.4 of MTUM" in " ".join(shown.split())
    assert "The 2 holdings of its former benchmark are forgotten; give those of JPM:" in shown
    assert project.warehouse().benchmark_holdings().empty
