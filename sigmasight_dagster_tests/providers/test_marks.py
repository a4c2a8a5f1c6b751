"""Marks of private assets: rows counted by hand, and every bad line refused with file, line and column."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import DailyPrices, validate
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.base import SECURITY_COLUMNS
from sigmasight_dagster.providers.marks import MarkedProvider, read_marks
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.providers.simulated import SimulatedProvider
from sigmasight_dagster.settings import Settings

START, END = dt.date(2022, 9, 1), dt.date(2022, 9, 12)
MARKS = """Symbol,Date,Price,Note
house,2022-09-02,500000,appraisal
FUND1,2022-08-15,100,a month end
fund1,2022-09-03,110,a Saturday
FUND1,2022-09-05,111.5,Labor Day
FUND1,2022-09-08,90,
"""


def marked(folder: Path, text: str = MARKS, base: SampleProvider | None = None) -> MarkedProvider:
    path = folder / "marks.csv"
    path.write_text(text)
    return MarkedProvider(base or SampleProvider(), path)


def test_a_row_on_each_session_from_the_first_mark_on(tmp_path: Path) -> None:
    rows = marked(tmp_path).daily_prices(["FUND1", "HOUSE"], START, END)
    fund = rows[rows["symbol"] == "FUND1"]
    days = ["2022-09-01", "2022-09-02", "2022-09-06", "2022-09-07", "2022-09-08", "2022-09-09", "2022-09-12"]
    assert fund["date"].dt.strftime("%Y-%m-%d").tolist() == days
    assert fund["close"].tolist() == [100, 100, 111.5, 111.5, 90, 90, 90]
    since = ["2022-08-15", "2022-08-15", "", "2022-09-06", "", "2022-09-08", "2022-09-08"]
    assert fund["price_date"].dt.strftime("%Y-%m-%d").fillna("").tolist() == since
    np.testing.assert_array_equal(fund["adjusted_close"], [np.nan, np.nan, 111.5, np.nan, 90, np.nan, np.nan])
    assert fund["status"].iloc[3].startswith("mark of 2022-09-05 carried: no open")
    assert fund["status"].iloc[4] == "no open, high, low, volume from this source"
    assert set(rows["source"]) == {"marks: marks.csv"}
    house = rows[rows["symbol"] == "HOUSE"]
    assert (len(house), house["date"].min()) == (6, pd.Timestamp("2022-09-02"))
    validate(DailyPrices, rows)


def test_the_other_prices_are_the_providers(tmp_path: Path) -> None:
    provider, plain = marked(tmp_path), SampleProvider()
    both = provider.daily_prices(None, START, END)
    public = both[~both["symbol"].isin(["FUND1", "HOUSE"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(public, plain.daily_prices(None, START, END))
    assert provider.symbols() == plain.symbols() | {"FUND1", "HOUSE"}
    assert both.sort_values(["date", "symbol"]).index.tolist() == list(range(len(both)))
    validate(DailyPrices, both)
    mixed = provider.daily_prices(["AAPL", "HOUSE"], START, END)
    assert set(mixed["symbol"]) == {"AAPL", "HOUSE"}
    assert (provider.first_date(), provider.last_date()) == (plain.first_date(), plain.last_date())
    assert provider.factor_proxies() == plain.factor_proxies()
    assert provider.corporate_actions(["FUND1"], START, END).empty


def test_a_session_that_the_provider_lacks_stays_without_a_price(tmp_path: Path) -> None:
    after = marked(tmp_path).daily_prices(None, dt.date(2022, 12, 27), dt.date(2022, 12, 30))
    assert after["date"].max() == pd.Timestamp("2022-12-28")


def test_securities_are_private(tmp_path: Path) -> None:
    rows = marked(tmp_path).securities(["AAPL", "FUND1", "NONE"])
    assert list(rows.columns) == list(SECURITY_COLUMNS)
    assert dict(zip(rows["symbol"], rows["security_type"], strict=True)) == {
        "AAPL": "stock",
        "FUND1": "private",
        "NONE": "unknown",
    }
    assert marked(tmp_path).securities(["FUND1"])["source"].tolist() == ["marks: marks.csv"]


def test_on_a_provider_of_any_symbol_a_mark_goes_first(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(MARKS)
    provider = MarkedProvider(SimulatedProvider(1), path)
    assert provider.symbols() is None
    rows = provider.daily_prices(["AAPL", "FUND1"], START, END)
    sources = rows.groupby("symbol")["source"].unique().map(list).to_dict()
    assert sources == {"AAPL": ["simulated, seed 1"], "FUND1": ["marks: marks.csv"]}


def test_the_setting_puts_marks_on_top(tmp_path: Path) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(MARKS)
    made = make_provider(Settings(_env_file=None, provider="sample", marks_file=path))
    assert "FUND1" in (made.symbols() or ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("date,symbol,price\n2022-01-03,A1,\n", "line 2, column price: is blank"),
        ("date,symbol,price\n2022-01-03,A1,0\n", "line 2, column price: '0' must be positive"),
        ("date,symbol,price\n2022-01-03,A1,1\n2022-01-04,A1,1e\n", "line 3, column price: '1e' is not a num"),
        ("date,symbol,price\n2022-13-03,A1,1\n", "line 2, column date: '2022-13-03' is not a date"),
        ("date,symbol,price\n2022-01-03,My House,1\n", "line 2, column symbol: 'MY HOUSE' is not a symbol"),
        ("date,symbol,price\n2022-01-03,,1\n", "line 2, column symbol: is blank"),
        ("day,symbol,price\n2022-01-03,A1,1\n", "line 1: no column date"),
        ("date,symbol,price\n", "no marks; add a line"),
        ("date,symbol,price\n2022-01-03,a1,1\n2022-01-03,A1,2\n", "line 3, column date: A1 has another mark"),
        ("date,symbol,price\n2022-01-03,A1,1,2\n", "line 2: 4 fields, but the header has 3"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "marks.csv"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_marks(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_a_symbol_with_prices_is_refused(tmp_path: Path) -> None:
    provider = marked(tmp_path, "date,symbol,price\n2022-01-03,AAPL,1\n")
    with pytest.raises(
        InputError, match="AAPL has prices from provider sample; give the private asset another"
    ):
        provider.symbols()
