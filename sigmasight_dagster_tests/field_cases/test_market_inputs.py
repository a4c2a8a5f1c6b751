"""Market data as people bring them: histories that begin early, the hidden files of a Mac."""

import datetime as dt
import logging
from pathlib import Path

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.files.provider import FilesProvider

PRICES = "Date,Close\n2024-01-10,5\n2024-01-11,6\n"
WEEK = (dt.date(1990, 1, 2), dt.date(1990, 1, 3))


def provider(folder: Path, **files: str) -> FilesProvider:
    """Of a directory with AAA.csv and the files."""
    for name, text in {"AAA.csv": PRICES, **files}.items():
        (folder / name).write_text(text)
    return FilesProvider(folder)


@pytest.mark.parametrize(
    ("text", "dropped"),
    [
        ("observation_date,DGS10\n1989-12-20,7.80\n1989-12-21,7.81\n1990-01-02,7.94\n1990-01-03,7.99\n", 2),
        ("DATE,VALUE\n1962-01-02,.\n 1976-06-01 ,7.9\n1989-12-31,\n1990-01-02,7.94\n1990-01-03,7.99\n", 3),
        ("Date,Yield\n1990-01-03,7.99\n1990-01-02 00:00:00,7.94\n1989-12-29 00:00:00,7.93\n", 1),
    ],
)
def test_yields_from_before_the_calendar_are_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, dropped: int
) -> None:
    with caplog.at_level(logging.WARNING):
        rows = (
            provider(tmp_path, **{"treasury_10y.csv": text}).treasury_yields(*WEEK).query("series == '10Y'")
        )
    assert rows[["yield_percent", "status"]].to_numpy().tolist() == [[7.94, "ok"], [7.99, "ok"]]
    words = f"treasury_10y.csv: {dropped} rows from before 1990-01-01 are left out"
    assert sum(words in said for said in caplog.messages) == 1


def test_a_history_of_prices_begins_with_the_calendar(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = provider(tmp_path, **{"KO.csv": "Date,Close\n1962-01-02,101\n1989-12-29,77.25\n1990-01-02,78.5\n"})
    assert old.daily_prices({"KO"}, *WEEK)["close"].iloc[0] == 78.5
    assert "KO.csv: 2 rows from before 1990-01-01" in caplog.text


@pytest.mark.parametrize("layout", ["wide", "wide by index", "long", "dates as text"])
def test_early_rows_of_parquet_files_are_dropped_as_those_of_csv_files(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, layout: str
) -> None:
    days = pd.to_datetime(["1962-01-02", "1990-01-03", "1989-12-29", "1990-01-02"])
    wide = pd.DataFrame({"date": days, "KO": [101, 79, 77.25, 78.5]})
    frame = {
        "wide": wide,
        "wide by index": wide.set_index("date"),
        "long": pd.DataFrame({"date": days, "symbol": "KO", "close": wide["KO"]}),
        "dates as text": wide.assign(date=days.strftime("%Y-%m-%d")),
    }[layout]
    frame.to_parquet(tmp_path / "closes.parquet")
    read = FilesProvider(tmp_path)
    assert read.first_date() == WEEK[0]
    assert read.daily_prices({"KO"}, *WEEK)["close"].tolist() == [78.5, 79]
    assert caplog.text.count("closes.parquet: 2 rows from before 1990-01-01") == 1


def test_an_error_beside_early_rows_names_the_row_of_the_file(tmp_path: Path) -> None:
    days = pd.to_datetime(["1989-12-29", "1990-01-02", "1990-01-03"])
    pd.DataFrame({"date": days, "KO": [5.0, 5.0, -5.0]}).to_parquet(tmp_path / "closes.parquet")
    with pytest.raises(InputError, match=r"closes.parquet, row 3, column KO"):
        FilesProvider(tmp_path).symbols()


def test_splits_of_before_the_calendar_are_kept_for_old_lots(tmp_path: Path) -> None:
    text = "symbol,ex_date,ratio\nAAA,1987-06-16,2\nAAA,2024-01-11,3\n"
    files = provider(tmp_path, **{"AAA.csv": "Date,Close\n2024-01-10,6\n2024-01-11,2\n", "splits.csv": text})
    rows = files.corporate_actions({"AAA"}, dt.date(1986, 3, 13), dt.date(2024, 1, 11))
    assert rows["amount"].tolist() == [2, 3]
    assert (
        files.daily_prices({"AAA"}, dt.date(2024, 1, 10), dt.date(2024, 1, 11))["adjusted_close"].eq(2).all()
    )
    assert files.actions_known_from({"AAA"}) == {}
    (tmp_path / "splits.csv").unlink()
    assert FilesProvider(tmp_path).actions_known_from({"AAA", "BBB"}) == {"AAA": dt.date(2024, 1, 10)}


@pytest.mark.parametrize("date", ["1989-13-40", "", "12/29/1989", "1.1.1989"])
def test_a_date_that_is_none_is_refused_beside_early_ones(tmp_path: Path, date: str) -> None:
    text = f"date,yield\n1989-12-29,7.9\n{date},7.9\n1990-01-02,7.94\n"
    with pytest.raises(InputError, match=r"treasury_10y.csv, line 3, column date"):
        provider(tmp_path, **{"treasury_10y.csv": text}).treasury_yields(*WEEK)


@pytest.mark.parametrize("name", [".DS_Store", "._AAA.csv", "._prices.parquet", ".hidden.csv"])
def test_hidden_files_are_ignored(tmp_path: Path, name: str) -> None:
    assert provider(tmp_path, **{name: "Mac OS X\x05\x16"}).symbols() == {"AAA"}
