"""A broker file of 1,000 rows with other spellings and 30 planted errors: all named; ready once mended."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import PositionValues
from sigmasight_dagster_tests.ledger.test_onboard import DAY, SimulatedProject
from sigmasight_dagster_tests.support.project import CliProject

pytestmark = pytest.mark.computes("factor_betas", "portfolio_snapshots")

N_ROWS, N_SYMBOLS = 1_000, 300
HEADER = "Account,Symbol,Qty,Price,Trade Date,Description,Strategy,Exit Date,Exit Price"
SYMBOL, QTY, PRICE, DATE, STRATEGY, EXIT_DATE, EXIT_PRICE = 1, 2, 3, 4, 6, 7, 8

PLANTED: list[tuple[str, dict[int, str]]] = [
    ("quantity", {QTY: "0"}),
    ("quantity", {QTY: ""}),
    ("quantity", {QTY: "ten"}),
    ("quantity", {QTY: '"1,000"'}),
    ("quantity", {QTY: "NaN"}),
    ("quantity", {QTY: "1e13"}),
    ("entry_price", {PRICE: "-0.01"}),
    ("entry_price", {PRICE: "-12.50"}),
    ("entry_price", {PRICE: ""}),
    ("entry_price", {PRICE: "$12.50"}),
    ("entry_price", {PRICE: "12.5.1"}),
    ("entry_price", {PRICE: "inf"}),
    ("entry_date", {DATE: ""}),
    ("entry_date", {DATE: "11/15/2022"}),
    ("entry_date", {DATE: "2022-02-30"}),
    ("entry_date", {DATE: "2032-01-05"}),
    ("entry_date", {DATE: "1085-01-02"}),
    ("ticker", {SYMBOL: ""}),
    ("ticker", {SYMBOL: "NOT A SYMBOL"}),
    ("ticker", {SYMBOL: "AAPL231320C00100000"}),
    ("ticker", {SYMBOL: "AAPL230120X00100000"}),
    ("ticker", {SYMBOL: "AAPL230120C150"}),
    ("ticker", {SYMBOL: "AAPL220121C00100000"}),
    ("strategy", {STRATEGY: "not a tag!"}),
    ("strategy", {STRATEGY: "a" * 21}),
    ("exit_price", {EXIT_DATE: "2022-12-15"}),
    ("exit_date", {EXIT_PRICE: "10"}),
    ("exit_date", {EXIT_DATE: "2021-12-15", EXIT_PRICE: "10"}),
    ("", {DATE: "2022-11-15,1"}),
    ("", {STRATEGY: '"never closed'}),
]


def broker_rows() -> list[list[str]]:
    rng = np.random.default_rng(7)
    sessions = calendar.sessions("2022-11-15", "2022-12-09")
    letters = "ABCDEFGHIJ"
    names = [f"Q{a}{b}{c}" for a in letters for b in letters for c in "KLM"][:N_SYMBOLS]
    rows = []
    for number in range(N_ROWS):
        day = sessions[number // N_SYMBOLS * 4 + int(rng.integers(0, 4))]
        short = -1 if number % 7 == 0 else 1
        rows.append(
            [
                f"U{number:06d}",
                names[number % N_SYMBOLS],
                str(short * int(rng.integers(1, 500))),
                f"{rng.uniform(5, 400):.2f}",
                f"{day:%Y-%m-%d}",
                '"common stock, USD"',
                "core",
                "",
                "",
            ]
        )
    return rows


def text(rows: list[list[str]]) -> str:
    return "\n".join([HEADER, *(",".join(row) for row in rows)]) + "\n"


@pytest.fixture(scope="module")
def project(new_project: Callable[[], CliProject]) -> SimulatedProject:
    return SimulatedProject.made(new_project())


def test_all_planted_errors_are_named_and_the_mended_file_is_ready(project: SimulatedProject) -> None:
    assert len(PLANTED) == 30
    rows = broker_rows()
    lines = {13 + 31 * place: planted for place, planted in enumerate(PLANTED)}
    for line, (_, change) in lines.items():
        for column, value in change.items():
            rows[line - 2][column] = value
    file = project.home / "broker.csv"
    file.write_text(text(rows))
    refused = project.run(*project.onboarding("broker"))
    named = re.findall(r"broker\.csv:(\d+): error: (\w*):", refused.stderr)
    assert {(int(line), column) for line, column in named} == {
        (line, column) for line, (column, _) in lines.items()
    }
    assert (refused.returncode, len(named)) == (1, 30)
    assert "Nothing stored: 30 errors in 30 rows." in refused.stdout
    assert project.warehouse().portfolios().empty

    file.write_text(text(broker_rows()))
    shown = project.ok(*project.onboarding("broker"))
    assert "1000 positions, created" in shown
    assert "1000 of 1000" in next(line for line in shown.splitlines() if "valuation" in line)
    values = project.warehouse().read(PositionValues)
    assert set(values["date"].dt.strftime("%Y-%m-%d")) == {DAY}
    assert len(values) == N_ROWS
