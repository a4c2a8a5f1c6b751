"""A file of what a benchmark holds: what is read, scaled, told and refused, and the cure."""

import pandas as pd
import pytest

from sigmasight_core.account.benchmark_file import ParsedHoldings, parse_benchmark_file
from sigmasight_core.calendar import FIRST_DATE
from sigmasight_core.tables import BenchmarkHoldings, validate

KNOWN = ["AAPL", "BRK-B", "MSFT"]


def read(text: str, known: list[str] | None = KNOWN, allow_short: bool = False) -> ParsedHoldings:
    return parse_benchmark_file(
        text, "h.csv", portfolio="book", benchmark="SPY", known_symbols=known, allow_short=allow_short
    )


def refused(text: str, **said: bool) -> list[tuple[int, str, str, str]]:
    rows = read(text, **said).errors
    return [tuple(row) for row in rows[["line", "column", "value", "reason"]].to_numpy().tolist()]


def test_a_file_without_dates_counts_always() -> None:
    parsed = read("Ticker,Weight,Name,Sector\naapl,0.6,Apple,\nBRK.B,0.4,Berkshire,Financials\n")
    assert parsed.errors.empty
    assert parsed.warnings.empty
    rows = validate(BenchmarkHoldings, parsed.holdings)
    assert rows["symbol"].tolist() == ["AAPL", "BRK-B"]
    assert rows["sector"].tolist() == ["", "Financials"]
    assert rows["source_line"].tolist() == [2, 3]
    assert set(rows["holdings_date"]) == {FIRST_DATE}


def test_weights_of_each_date_are_scaled_to_one_and_told() -> None:
    parsed = read(
        "symbol,weight,as_of\nAAPL,0.5,2022-01-31\nMSFT,0.498,2022-01-31\nAAPL,1,2022-02-28\nMSFT,0,2022-02-28\n"
    )
    assert parsed.errors.empty
    assert parsed.holdings.groupby("holdings_date")["weight"].sum().tolist() == pytest.approx(
        [1.0, 1.0], abs=1e-15
    )
    assert parsed.warnings[["line", "reason"]].to_numpy().tolist() == [
        [2, "the weights of 2022-01-31 sum to 0.998: scaled to 1"]
    ]
    assert set(parsed.holdings["holdings_date"]) == {pd.Timestamp("2022-01-31"), pd.Timestamp("2022-02-28")}


@pytest.mark.parametrize(
    ("rows", "line", "column", "value", "reason"),
    [
        (
            "AAPL,0.5,\nMSFT,0.4,",
            2,
            "weight",
            "0.5",
            "the weights sum to 0.9; they must sum to 1",
        ),
        ("AAPL,60,\nMSFT,40,", 2, "weight", "60", "more than 10 times the benchmark"),
        ("AAPL,1.2,\nMSFT,-0.2,", 3, "weight", "-0.2", "negative; correct it, or say --allow-short"),
        ("AAPL,0.5,\nAAPL,0.5,", 3, "symbol", "AAPL", "same symbol and date as line 2; add up"),
        ("AAPL,0.5,\nNOPE,0.5,", 3, "symbol", "NOPE", "unknown symbol NOPE: there are no prices of it"),
        ("AAPL,0.5,\n,0.5,", 3, "symbol", "", "the symbol is missing; fill it in"),
        ("AAPL,0.5,\nMSFT,half,", 3, "weight", "half", "not a number"),
        ("AAPL,0.5,2022-01-31\nMSFT,0.5,", 3, "date", "", "the date is missing"),
    ],
)
def test_what_is_refused(rows: str, line: int, column: str, value: str, reason: str) -> None:
    found = refused(f"symbol,weight,date\n{rows}\n")
    assert [entry for entry in found if entry[:3] == (line, column, value) and entry[3].startswith(reason)]


def test_percent_short_weights_and_sectors_in_brackets() -> None:
    text = "symbol,weight\n" + "".join(f"U{number:02d},5\n" for number in range(20))
    parsed = read(text, known=None)
    assert parsed.errors["reason"].tolist() == ["the weights sum to 100; write fractions of 1: 0.05 for 5%"]
    short = read("symbol,weight\nAAPL,1.2\nMSFT,-0.2\n", allow_short=True)
    assert short.errors.empty
    assert short.holdings["weight"].tolist() == [1.2, -0.2]
    assert refused("symbol,weight,sector\nAAPL,1,(cash)\n")[0][1:3] == ("sector", "(cash)")
