"""Entry prices held against the closes of their days: field case 04, and more of its kind."""

import re

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.price_doubts import MarketFacts, in_shares_of_entry, price_doubts
from sigmasight_dagster_tests.field_cases.reading import CALL, HEADER, parse

CLOSES = pd.DataFrame(
    {
        "date": pd.to_datetime(["2020-01-02", "2020-01-02", "2021-06-01", "2019-01-02"]),
        "symbol": ["AAA", "BBB", "AAA", "CCC"],
        "close": [300.0, 50.0, 90.0, 8.0],
        "high": [305.0, 50.0, 90.0, np.nan],
        "low": [200.0, 50.0, 90.0, np.nan],
        "source": "files",
    }
)
SPLITS = pd.DataFrame(
    {
        "date": pd.to_datetime(["2020-08-31", "2020-03-02", "2021-03-01", "2020-05-01"]),
        "symbol": ["AAA", "CCC", "CCC", "BBB"],
        "kind": ["split", "split", "split", "dividend"],
        "amount": [4.0, 2.0, 0.1, 4.0],
    }
)


def doubts(rows: str, shares_of: str = "entry") -> pd.DataFrame:
    parsed = parse(f"{HEADER}\n{rows}\n")
    positions = parsed.positions
    written = positions[["entry_price", "exit_price"]].assign(line=parsed.lines)
    if shares_of == "today":
        positions = in_shares_of_entry(positions=positions, splits=SPLITS)
    facts = MarketFacts(CLOSES, SPLITS)
    other = "today" if shares_of == "entry" else "entry"
    cure = f"--shares-of {other}"
    return price_doubts(
        positions=positions,
        written=written,
        facts=facts,
        shares_of=shares_of,  # type: ignore[arg-type]
        cure=cure,
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "AAA,400,75.09,2020-01-02",
            r"a quarter of AAA's close of 300 on 2020-01-02.*split 4:1 on 2020-08-31.*of today",
        ),
        ("CCC,100,4,2019-01-02", r"half of CCC's close.*split 2:1 on 2020-03-02: .*--shares-of today"),
        ("CCC,100,40,2019-01-02", r"5 times CCC's.*split 2:1 on 2020-03-02, split 1:10 on 2021-03-01"),
        ("AAA,10,3010,2020-01-02", "total cost of the lot"),
        ("BBB,-7,352,2020-01-02", "total cost of the lot"),
        ("BBB,30,5000,2020-01-02", "in cents, or another currency"),
        ("BBB,30,12.5,2020-01-02", "a quarter of BBB's close.*another company, currency or date"),
        ("AAA210618C00300000,2,4500,2020-01-02", "price of a contract"),
        ("AAA200117P00250000,1,5000,2020-01-02", "price of a contract"),
        ("AAA210618C00100000,1,12,2020-01-02", "less than its intrinsic value"),
    ],
)
def test_04_a_price_that_is_not_of_its_day_is_named_with_what_it_could_be(row: str, said: str) -> None:
    found = doubts(row)
    assert found[["line", "column"]].values.tolist() == [[2, "entry_price"]]
    assert found["value"].item() == row.split(",")[2]
    assert re.search(said, found["reason"].item())


@pytest.mark.parametrize(
    "row",
    [
        "AAA,10,300,2020-01-02",
        "AAA,10,201,2020-01-02",
        "BBB,10,60,2020-01-02",
        "BBB,10,41,2020-01-02",
        "AAA,10,0,2020-01-02",
        "AAA,10,75,2020-03-03",
        "ZZZ,10,75,2020-01-02",
        "AAA210618C00300000,2,45,2020-01-02",
        "AAA200117P00250000,1,0.05,2020-01-02",
    ],
)
def test_04_a_price_of_its_day_or_without_a_close_is_not_doubted(row: str) -> None:
    assert doubts(row).empty


def test_04_shares_of_today_are_stored_in_shares_of_entry() -> None:
    lots = ["AAA,400,75,2020-01-02,2020-02-03,80", "CCC,20,40,2019-01-02,,", f"{CALL},1,5,2023-03-01,,"]
    text = "\n".join([f"{HEADER},exit_date,exit_price", *lots])
    rows = in_shares_of_entry(positions=parse(text).positions, splits=SPLITS)
    assert rows["quantity"].tolist() == [100.0, 100.0, 1.0]
    assert rows["entry_price"].tolist() == [300.0, 8.0, 5.0]
    assert rows["exit_price"].iloc[0] == 320.0
    assert doubts("AAA,400,75,2020-01-02", "today").empty
    wrong = doubts("AAA,100,300,2020-01-02", "today")
    assert wrong["value"].item() == "300"
    assert "--shares-of entry" in wrong["reason"].item()
    with pytest.raises(InputError, match="AAA: the ratio of a split"):
        in_shares_of_entry(positions=parse(text).positions, splits=SPLITS.assign(amount=np.nan))


@pytest.mark.parametrize("row", ["BBB,30,5000,2019-12-16", "BBB,30,0.5,2020-01-21", "CCC,100,40,2019-01-15"])
def test_a_price_of_a_day_without_a_close_is_held_against_the_nearest_one(row: str) -> None:
    assert re.search("close of .* on 20(19|20)-01-02", doubts(row)["reason"].item())


@pytest.mark.parametrize("row", ["BBB,30,70,2019-12-16", "BBB,30,20,2020-01-21", "BBB,30,5000,2020-03-16"])
def test_what_the_weeks_around_do_not_contradict_is_not_doubted(row: str) -> None:
    assert doubts(row).empty
