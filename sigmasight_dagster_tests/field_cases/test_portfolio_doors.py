"""Every door of a portfolio file: prices held against closes, cash that stays, ids that stay."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_dagster.ledger import files, inbox
from sigmasight_dagster_tests.support.files_project import FilesProject
from sigmasight_dagster_tests.support.project import CliProject

HEADER = "ticker,quantity,entry_price,entry_date\n"
SPLIT_LOT = "AAA,400,75.1,2020-01-02\n"
SPLIT_DOUBT = "a quarter of AAA's close of 300.4 on 2020-01-02"
NOW = pd.Timestamp("2021-06-30 22:00", tz="UTC")


class Doors(FilesProject):
    """On prices of its own: AAA split 4:1 on 2020-08-31, BBB did not."""

    FIRST = "2019-01-02"

    def file(self, rows: str, name: str = "mine.csv") -> str:
        path = self.home / name
        path.write_text(HEADER + rows)
        return str(path)


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> Doors:
    made = Doors.without_prices(new_project())
    days = calendar.sessions("2019-01-02", "2021-06-30")
    for name, close in {"AAA": 300.4, "BBB": 50.0}.items():
        closes = np.where((days >= pd.Timestamp("2020-08-31")) & (name == "AAA"), close / 4, close)
        made.write_closes(name, days, closes)
    (made.folder / "splits.csv").write_text("symbol,ex_date,ratio\nAAA,2020-08-31,4\n")
    return made


def lots(project: CliProject, name: str) -> list[tuple[str, float, float]]:
    rows = project.warehouse().positions([name])
    return list(zip(rows["position_id"], rows["quantity"], rows["entry_price"], strict=True))


def test_import_tells_the_doubt_and_reads_shares_of_today(
    project: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    file = project.file(SPLIT_LOT)
    project.here("import", file, "--portfolio", "split")
    warned = capsys.readouterr().err
    assert f"mine.csv:2: warning: entry_price: '75.1': the price is {SPLIT_DOUBT}" in warned
    assert "--shares-of today" in warned
    assert lots(project, "split") == [("AAA@2020-01-02", 400, 75.1)]
    project.here("import", file, "--portfolio", "split", "--replace", "--shares-of", "today")
    assert "warning" not in capsys.readouterr().err
    assert lots(project, "split") == [("AAA@2020-01-02", 100, 300.4)]


def test_a_position_that_is_added_is_held_against_its_close(
    project: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    project.here("import", project.file("BBB,10,50,2020-01-02\n"), "--portfolio", "edits")
    lot = ("--quantity", "400", "--entry-price", "75.1", "--entry-date", "2020-01-02")
    project.here("position", "add", "edits", "AAA", *lot)
    assert SPLIT_DOUBT in capsys.readouterr().err
    project.here("position", "add", "edits", "AAA", *lot, "--shares-of", "today")
    assert SPLIT_DOUBT not in capsys.readouterr().err
    project.here("position", "change", "edits", "BBB@2020-01-02", "--entry-price", "500")
    assert "total cost of the lot" in capsys.readouterr().err
    assert lots(project, "edits") == [
        ("AAA@2020-01-02", 400, 75.1),
        ("AAA@2020-01-02#2", 100, 300.4),
        ("BBB@2020-01-02", 10, 500),
    ]


def test_the_inbox_reads_by_its_setting(project: Doors) -> None:
    for shares_of, said in (("entry", True), ("today", False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(SETTINGS, "SIGMASIGHT_INBOX_SHARES_OF", shares_of)
            with InboxProject(project.home, project.asset_url, project.dagster_url).open() as opened:
                (inbox.directory(opened.settings) / f"inbox_{shares_of}.csv").write_text(HEADER + SPLIT_LOT)
                first = inbox.look(opened, None, NOW)
                notes = inbox.look(opened, first.cursor, NOW).notes
        assert any("SIGMASIGHT_INBOX_SHARES_OF=today" in note for note in notes) == said
    assert lots(project, "inbox_today") == [("AAA@2020-01-02", 100, 300.4)]


SETTINGS: dict[str, str] = {}


class InboxProject(Doors):
    """The same with SETTINGS."""

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **SETTINGS}


def test_the_cash_stays_unless_it_is_given(project: Doors) -> None:
    def cash() -> float:
        return float(project.warehouse().portfolios().set_index("portfolio")["cash"]["rich"])

    project.here("import", project.file("BBB,10,50,2020-01-02\n"), "--portfolio", "rich", "--cash", "50000")
    project.here("import", project.file("BBB,11,50,2020-01-02\n"), "--portfolio", "rich", "--replace")
    assert (cash(), lots(project, "rich")) == (50_000, [("BBB@2020-01-02", 11, 50)])
    project.here("import", project.file("BBB,11,50,2020-01-02\n"), "--portfolio", "rich")
    zero = ("--cash", "0", "--replace")
    project.here("import", project.file("BBB,11,50,2020-01-02\n"), "--portfolio", "rich", *zero)
    assert cash() == 0


def test_lots_of_one_day_in_another_order_are_unchanged(
    project: Doors, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["BBB,10,50,2020-01-02\n", "BBB,20,51,2020-01-02\n", "BBB,30,52,2020-01-02\n"]
    project.here("import", project.file("".join(rows)), "--portfolio", "lots")
    project.here("import", project.file("".join(reversed(rows))), "--portfolio", "lots")
    assert "3 positions, unchanged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("BBB,10,50,2021-07-15\n", "the data in SIGMASIGHT_FILES_DIR end on 2021-06-30"),
        ("BBB,10,50,2020-01-02\nBBB1210115C00050000,1,2,2020-01-02\n", "adjusted contract"),
        ("BBB,10,50,2020-01-02\nBBB.L,1,2,2020-01-02\n", "London (GBP)"),
    ],
)
def test_a_refused_file_stores_nothing(
    project: Doors, rows: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert project.here("import", project.file(rows), "--portfolio", "refused") == 1
    assert said in capsys.readouterr().err
    assert "refused" not in set(project.warehouse().portfolios()["portfolio"])


def test_a_list_of_transactions_stores_nothing(project: Doors) -> None:
    path = project.home / "trades.csv"
    path.write_text(HEADER.strip() + ",Action\nBBB,10,50,2020-01-02,Buy\nBBB,5,50,2020-03-02,Sell\n")
    with pytest.raises(InputError, match="list of transactions"):
        project.here("import", str(path), "--portfolio", "refused", "--skip-bad-rows")
    assert "refused" not in set(project.warehouse().portfolios()["portfolio"])


def test_ten_thousand_rows_are_checked_in_seconds(project: Doors) -> None:
    days = calendar.sessions("2019-01-02", "2021-06-30")
    rows = "".join(f"BBB,{n + 1},{50 + n % 5},{days[n % len(days)]:%Y-%m-%d}\n" for n in range(9_999))
    text = (HEADER + rows + SPLIT_LOT).encode()
    with project.open() as opened:
        before = time.process_time()
        parsed = files.parse(opened, text, "many", "many.csv", allow_unpriced=False)
        seconds = time.process_time() - before
    assert len(parsed.positions) == 10_000
    assert parsed.warnings["line"].tolist() == [10_001]
    assert seconds < 10
