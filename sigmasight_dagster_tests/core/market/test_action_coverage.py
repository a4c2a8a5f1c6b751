"""Times since an entry whose corporate actions are not known, against a day-by-day count."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.arrays.as_of import day_numbers
from sigmasight_core.market.action_coverage import (
    ASSUMED,
    assumed,
    covered,
    entries,
    gaps,
    reasons,
    to_ask,
)
from sigmasight_core.market.corporate_actions import Splits
from sigmasight_core.tables import ActionCoverage, CorporateActions, validate

AFTER = "corporate actions of AAPL not known after"
NAMES = pd.Index(["AAPL"], dtype="str")


def held(*dates: str, symbol: str = "AAPL") -> pd.DataFrame:
    frame = pd.DataFrame({"symbol": symbol, "entry_date": pd.to_datetime(list(dates))})
    return frame.astype({"entry_date": "datetime64[ns]"})


def coverage(
    first: str, last: str, source: str = "live", asked: str = "", symbol: str = "AAPL"
) -> pd.DataFrame:
    row = {
        "symbol": [symbol],
        "first_asked_date": pd.to_datetime([asked or first]),
        "first_known_date": pd.to_datetime([first]),
        "last_known_date": pd.to_datetime([last]),
        "source": [source],
    }
    return validate(ActionCoverage, pd.DataFrame(row))


NOTHING = validate(ActionCoverage, ActionCoverage.empty())


def status(entry: str, day: str, known: pd.DataFrame) -> str:
    rows = gaps(held=held(entry), coverage=known, until=pd.Timestamp("2021-12-31"))
    found, texts = reasons(
        names=NAMES,
        corporate_actions=rows,
        codes=np.zeros(1, dtype=np.int64),
        entry=day_numbers([pd.Timestamp(entry)]),
        day=day_numbers([pd.Timestamp(day)]),
    )
    return texts[0] if found[0] else "known"


@pytest.mark.parametrize(
    ("day", "known", "said"),
    [
        ("2021-08-03", NOTHING, "corporate actions of AAPL not known from 2020-01-02 on"),
        ("2020-01-02", NOTHING, "known"),
        ("2020-01-03", NOTHING, "corporate actions of AAPL not known from 2020-01-02 on"),
        ("2021-08-03", coverage("2020-01-02", "2021-08-03"), "known"),
        ("2021-08-03", coverage("2020-01-03", "2021-08-03"), "known"),
        (
            "2021-08-03",
            coverage("2021-08-03", "2021-08-03"),
            "corporate actions of AAPL not known from 2020-01-02 to 2021-08-02",
        ),
        (
            "2021-08-04",
            coverage("2020-01-02", "2021-08-03"),
            "corporate actions of AAPL not known after 2021-08-03",
        ),
        (
            "2020-01-03",
            coverage("2021-08-03", "2021-08-03"),
            "corporate actions of AAPL not known from 2020-01-02 to 2021-08-02",
        ),
        (
            "2021-08-04",
            coverage("2019-01-02", "2019-06-28"),
            "corporate actions of AAPL not known after 2019-06-28",
        ),
    ],
)
def test_what_is_not_known_says_from_when_to_when(day: str, known: pd.DataFrame, said: str) -> None:
    assert status("2020-01-02", day, known) == said


@settings(deadline=None, max_examples=40)
@given(st.tuples(*[st.integers(0, 30)] * 4), st.integers(0, 30), st.booleans())
def test_a_quantity_is_known_if_every_day_since_entry_is(
    days: tuple[int, int, int, int], other: int, none: bool
) -> None:
    """Whatever else is held in the symbol."""
    start = dt.date(2021, 3, 1)
    entry, day, first, last = (start + dt.timedelta(number) for number in days)
    if last < first:
        first, last = last, first
    known = NOTHING if none else coverage(str(first), str(last))
    lots = held(str(entry), str(start + dt.timedelta(other)))
    rows = gaps(held=lots, coverage=known, until=pd.Timestamp(start + dt.timedelta(30)))
    after, until = day_numbers([pd.Timestamp(entry)]), day_numbers([pd.Timestamp(day)])
    ratio = Splits.of(NAMES, rows).ratio(np.zeros(1, dtype=np.int64), after=after, until=until)
    since = [entry + dt.timedelta(number + 1) for number in range((day - entry).days)]
    complete = all(not none and first <= each <= last for each in since)
    assert np.isnan(ratio[0]) == (not complete)


def test_a_split_of_unknown_ratio_from_a_source_is_another_reason() -> None:
    row = {"date": pd.Timestamp("2020-06-12"), "symbol": "AAPL", "kind": "split", "amount": [np.nan]}
    rows = validate(CorporateActions, pd.DataFrame(row).assign(source="live", status="ratio not given"))
    zero = np.zeros(1, dtype=np.int64)
    found, texts = reasons(names=NAMES, corporate_actions=rows, codes=zero, entry=zero, day=zero + 30000)
    assert (found.tolist(), texts.tolist()) == ([False], [])


@pytest.mark.parametrize(
    ("entry", "known", "asks"),
    [
        ("2020-01-02", NOTHING, True),
        ("2021-08-03", NOTHING, False),
        ("2020-01-02", coverage("2020-01-02", "2021-08-02"), False),
        ("2020-01-02", coverage("2020-01-02", "2021-07-30"), True),
        ("2020-01-02", coverage("2020-01-03", "2021-08-02"), True),
        ("2020-01-02", coverage("2020-10-01", "2021-08-02", asked="2020-01-02"), False),
        ("2020-01-02", coverage("2020-01-02", "2021-08-02", source="files"), True),
        ("2020-01-02", coverage("2020-01-02", "2021-08-02", symbol="KO"), True),
    ],
)
def test_a_source_is_asked_for_what_it_was_not_asked(entry: str, known: pd.DataFrame, asks: bool) -> None:
    before = pd.Timestamp("2021-08-02")
    assert to_ask(held=held(entry), coverage=known, source="live", before=before).tolist() == [asks]


def test_entries_are_of_underlyings() -> None:
    frame = pd.DataFrame(
        {
            "underlying": ["KO", "AAPL", "AAPL", "AAPL"],
            "entry_date": pd.to_datetime(["2020-01-02", "2021-01-04", "2020-01-02", "2021-01-04"]),
        }
    )
    assert entries(frame).astype(str).to_numpy().tolist() == [
        ["AAPL", "2020-01-02"],
        ["AAPL", "2021-01-04"],
        ["KO", "2020-01-02"],
    ]


def test_covered_cells() -> None:
    cells = pd.DataFrame({"date": pd.date_range("2021-08-02", periods=4), "symbol": "AAPL"})
    known = coverage("2021-08-03", "2021-08-04")
    assert covered(cells=cells, coverage=known, source="live").tolist() == [False, True, True, False]
    assert not covered(cells=cells, coverage=known, source="files").any()


def test_what_was_fetched_before_there_were_records_counts_as_known() -> None:
    """From the first partition on after which each was stored while the symbol was in the ledger."""
    stored = pd.to_datetime(["2022-01-05", "2022-01-01", "2022-01-07"], utc=True)
    published = pd.DataFrame({"date": pd.date_range("2021-08-02", periods=3), "computed_at": stored})
    since = pd.DataFrame(
        {
            "symbol": ["EARLY", "LATER", "NEW"],
            "since": pd.to_datetime(["2021-01-01", "2022-01-02", "2022-01-08"], utc=True),
        }
    )
    found = assumed(published=published, since=since).set_index("symbol")
    assert found["first_known_date"].astype(str).to_dict() == {"EARLY": "2021-08-02", "LATER": "2021-08-04"}
    assert set(found["last_known_date"].astype(str)) == {"2021-08-04"}
    assert set(found["source"]) == {ASSUMED}
    assert assumed(published=published.iloc[:0], since=since).empty
