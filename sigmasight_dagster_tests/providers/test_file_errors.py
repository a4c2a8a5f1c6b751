"""Bad files: each is refused in one line that names the file, the line or row, the column and the cure."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster.providers.files.provider import FilesProvider

DAY = dt.date(2024, 1, 10)
GOOD = "Date,Close\n2024-01-10,5\n2024-01-11,6\n"


def refusal(folder: Path, basis: str = "as_traded") -> str:
    provider = FilesProvider(folder, basis)  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        provider.daily_prices(None, DAY, DAY)
    message = str(caught.value)
    assert "\n" not in message
    return message


CSV_ERRORS = {
    "Date,Close\n2024-01-10,5\n\n10.1.2024,6\n": "line 4, column Date: '10.1.2024' is not a date of 1990",
    "Date,Close\n2024-02-30,5\n": "line 2, column Date: '2024-02-30' is not a date",
    "Date,Close\n,5\n": "line 2, column Date: '' is not a date",
    "Date,Close\n2024-01-10 09:30:00,5\n": "line 2, column Date: '2024-01-10 09:30:00' is not a date",
    "Date,Close\n1970-01-02,5\n": "line 2, column Date: '1970-01-02' is not a date of 1990..2035",
    "Date,Close\n9999-12-31,5\n": "line 2, column Date: '9999-12-31' is not a date of 1990..2035",
    "Date,Close\n2024-01-10,abc\n": "line 2, column Close: 'abc' is not a number",
    'Date,Close\n2024-01-10,"1,234.5"\n': "'1,234.5' is not a number; write it without thousands separators",
    "Date,Close\n2024-01-10,$5\n": "'$5' is not a number; write it like 1234.5, without currency signs",
    "Date,Close\n2024-01-10,5\n2024-01-11,-6\n": "line 3, column Close: '-6' must be positive",
    "Date,Close\n2024-01-10,0\n": "line 2, column Close: '0' must be positive",
    "Date,Close\n2024-01-10,inf\n": "line 2, column Close: 'inf' must be finite",
    "Date,Close,Adj Close\n2024-01-10,5,-1\n": "line 2, column Adj Close: '-1' must be positive",
    "Date,Close,Volume\n2024-01-10,5,-1\n": "line 2, column Volume: '-1' must be 0 or more",
    "Date,Close\n2024-01-10,5\n2024-01-13,6\n": "line 3, column Date: 2024-01-13 is no session (weekend)",
    "Date,Close\n2024-01-15,6\n": "line 2, column Date: 2024-01-15 is no session (NYSE holiday",
    "Date,Close\n2024-01-11,5\n2024-01-10,5\n2024-01-11,5\n": "line 4, column Date: 2024-01-11 is there",
    "Date,Close\n2024-01-10,5,7\n": "line 2: 3 fields, but the header has 2",
    "Date,Close\n2024-01-10\n": "line 2: 1 fields, but the header has 2",
    'Date,Close\n2024-01-10,"5\n': "line 2: unexpected end of data; check the quotes",
    "Date,Price\n2024-01-10,5\n": "line 1: no column close in 'Date,Price'; add it to the header",
    "Date;Close\n2024-01-10;5\n": "line 1: no column date, close in 'Date;Close'; separate columns",
    "Date,Close,close\n2024-01-10,5,5\n": "line 1: column close is there twice",
    "Date,Close\n": "the file has a header and no rows",
    "": "the file is empty",
    " \n\n": "the file is empty",
    "<!DOCTYPE html>\n<html>": "line 1: this is HTML or XML, not CSV",
    "Date,Close\n2024-01-10,\n": "no close in it",
}


@pytest.mark.parametrize(("text", "message"), CSV_ERRORS.items())
def test_csv_errors_name_file_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "AAPL.csv").write_text(GOOD)
    bad = tmp_path / "ZZZ.csv"
    bad.write_text(text)
    if text == "Date,Close\n2024-01-10,\n":
        (tmp_path / "AAPL.csv").unlink()
        assert message in refusal(tmp_path)
        return
    found = refusal(tmp_path)
    assert found.startswith(str(bad))
    assert message in found


def test_text_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "A.csv").write_bytes(b"Date,Close\n2024-01-10,5\n2024-01-11,\xff\n")
    assert "A.csv, line 3: not UTF-8 text; save the file as UTF-8 CSV" in refusal(tmp_path)


def test_layouts_that_are_not_known(tmp_path: Path) -> None:
    assert "unknown file layout (found nothing)" in refusal(tmp_path)
    (tmp_path / "prices.xlsx").write_bytes(b"PK")
    (tmp_path / "splits.csv").write_text("symbol,ex_date,ratio\n")
    assert "unknown file layout (found prices.xlsx, splits.csv); put in either one" in refusal(tmp_path)
    pd.DataFrame({"A": [1.0]}, index=pd.DatetimeIndex(["2024-01-10"])).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "AAPL.csv").write_text(GOOD)
    assert "unknown file layout" in refusal(tmp_path)


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere").endswith(
        "no such directory; set SIGMASIGHT_FILES_DIR to one with prices"
    )
    file = tmp_path / "file"
    file.write_text("")
    assert "no such directory" in refusal(file)


def test_names_of_files_that_are_no_symbols_or_the_same_one(tmp_path: Path) -> None:
    (tmp_path / "my prices.csv").write_text(GOOD)
    assert "my prices.csv: 'my prices' is not a symbol; name files" in refusal(tmp_path)
    (tmp_path / "my prices.csv").unlink()
    (tmp_path / "BRK.B.csv").write_text(GOOD)
    (tmp_path / "brk-b.csv").write_text(GOOD)
    assert "symbol BRK-B is there twice; remove one" in refusal(tmp_path)


def wide(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"A": [5.0, 6.0], **columns}, index=pd.DatetimeIndex(["2024-01-10", "2024-01-11"]))


PARQUET_ERRORS = {
    "negative": (wide(B=[1.0, -2.0]), "row 2, column B: -2 must be positive"),
    "infinite": (wide(B=[np.inf, 2.0]), "row 1, column B: inf must be finite"),
    "text": (wide(B=["x", "y"]), "column B: str is not a number; store prices as float"),
    "twice": (wide().iloc[[0, 1, 0]], "row 3, column date: 2024-01-10 is there twice"),
    "weekend": (wide().shift(2, freq="D"), "row 2, column date: 2024-01-13 is no session (weekend)"),
    "time": (wide().shift(1, freq="h"), "row 1, column date: '2024-01-10 01:00:00' has a time of day"),
    "no date": (wide().reset_index(drop=True), "unknown file layout, no column date (found A)"),
    "number date": (wide().assign(date=[1, 2]).reset_index(drop=True), "column date: int64 is no date"),
    "bad date": (
        wide().assign(date=["2024-01-10", "soon"]).reset_index(drop=True),
        "row 2, column date: 'soon' is not a date of 1990..2035",
    ),
    "no rows": (wide().iloc[:0], "the file has no rows"),
    "no prices": (wide()[[]], "no column of prices beside the date"),
    "all missing": (wide(A=[np.nan, np.nan]), "no close in it"),
    "same symbol": (wide(a=[1.0, 2.0]), "symbol A is there twice"),
    "long without close": (
        wide(symbol=["A", "A"]),
        "a long file (it has a column symbol) without a column close",
    ),
    "long without symbol": (
        wide(symbol=["A", None], close=[1.0, 2.0]),
        "row 2, column symbol: is missing",
    ),
    "long twice": (
        wide(symbol=["A", "a"], close=[1.0, 2.0]).iloc[[0, 0]],
        "row 2, column date: 2024-01-10 is there twice",
    ),
    "long zero": (wide(symbol=["A", "A"], close=[1.0, 0.0]), "row 2, column close: 0 must be positive"),
}


@pytest.mark.parametrize("case", PARQUET_ERRORS)
def test_parquet_errors_name_file_row_and_column(tmp_path: Path, case: str) -> None:
    frame, message = PARQUET_ERRORS[case]
    frame.to_parquet(tmp_path / "p.parquet")
    assert message in refusal(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1 this is no Parquet file PAR1", b"Date,Close\n2024-01-10,5\n"]
)
def test_a_corrupt_parquet_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.parquet").write_bytes(content)
    assert f"{tmp_path / 'p.parquet'}: not a Parquet file, or corrupt (" in refusal(tmp_path)


SPLIT_ERRORS = {
    "AAPL,2020-08-31,4:1": "line 3, column ratio: '4:1' is not a number",
    "AAPL,2020-08-31,0": "line 3, column ratio: '0' must be positive",
    "AAPL,2020-08-31,": "line 3, column ratio: give new shares per old share: 4 for a 4:1 split",
    "AAPL,2020-08-31,1": "line 3, column ratio: give new shares per old share",
    "AAPL,2020-08-30,4": "line 3, column ex_date: 2020-08-30 is no session (weekend)",
    "AAPL,31/08/2020,4": "line 3, column ex_date: '31/08/2020' is not a date",
    ",2020-08-31,4": "line 3, column symbol: is blank; fill it in",
    "ge,2021-08-02,2": "line 3, column symbol: GE has another split on that date",
}


@pytest.mark.parametrize(("line", "message"), SPLIT_ERRORS.items())
def test_errors_of_splits(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "AAPL.csv").write_text(GOOD)
    (tmp_path / "splits.csv").write_text(f"symbol,ex_date,ratio\nGE,2021-08-02,0.125\n{line}\n")
    assert f"{tmp_path / 'splits.csv'}, {message}" in refusal(tmp_path)


TRADED = "Date,Close\n2020-08-28,499.24\n2020-08-31,129.04\n"
ADJUSTED = "Date,Close\n2020-08-28,124.81\n2020-08-31,129.04\n"
REVERSE = "Date,Close\n2021-07-30,12.95\n2021-08-02,102.82\n"


@pytest.mark.parametrize(
    ("text", "split", "basis", "message"),
    [
        (
            ADJUSTED,
            "2020-08-31,4",
            "as_traded",
            "4:1 split, so they are not as traded; set SIGMASIGHT_FILES_CLOSE_BASIS",
        ),
        (
            TRADED,
            "2020-08-31,4",
            "adjusted",
            "fall by a factor of 3.87 at the 4:1 split, so they are not adjusted; set",
        ),
        (TRADED, "2020-08-31,4", "split_adjusted", "SIGMASIGHT_FILES_CLOSE_BASIS to as_traded"),
        (REVERSE, "2021-08-02,0.125", "adjusted", "SIGMASIGHT_FILES_CLOSE_BASIS to as_traded"),
    ],
)
def test_closes_that_contradict_the_basis(
    tmp_path: Path, text: str, split: str, basis: str, message: str
) -> None:
    (tmp_path / "AAA.csv").write_text(text)
    (tmp_path / "MSFT.csv").write_text(GOOD)
    (tmp_path / "splits.csv").write_text(f"symbol,ex_date,ratio\nMSFT,2003-02-18,2\nAAA,{split}\n")
    found = refusal(tmp_path, basis)
    assert found.startswith(f"AAA on {split[:10]}: the closes ")
    assert message in found


@pytest.mark.parametrize(
    ("text", "split", "basis"),
    [
        (TRADED, "2020-08-31,4", "as_traded"),
        (ADJUSTED, "2020-08-31,4", "adjusted"),
        (REVERSE, "2021-08-02,0.125", "as_traded"),
        (ADJUSTED, "2020-08-31,1.05", "as_traded"),  # too small to tell
        ("Date,Close\n2020-01-31,124\n2020-08-31,129\n", "2020-08-31,4", "as_traded"),  # too long a gap
        ("Date,Close\n2020-08-31,129\n", "2020-08-31,4", "as_traded"),  # nothing before
    ],
)
def test_closes_that_agree_with_the_basis_or_cannot_tell(
    tmp_path: Path, text: str, split: str, basis: str
) -> None:
    (tmp_path / "AAA.csv").write_text(text)
    (tmp_path / "splits.csv").write_text(f"symbol,ex_date,ratio\nAAA,{split}\n")
    assert FilesProvider(tmp_path, basis).symbols() == {"AAA"}  # type: ignore[arg-type]


YIELD_ERRORS = {
    "date,yield_percent\n2024-01-10,4.0%\n": "line 2, column yield_percent: '4.0%' is not a number",
    "date,yield_percent\n2024-01-10,4\n2024-01-13,4\n": "line 3, column date: 2024-01-13 is a weekend",
    "date,yield_percent\n2024-01-10,4\n2024-01-10,4\n": "line 3, column date: 2024-01-10 is there twice",
    "date,percent\n2024-01-10,4\n": "line 1: no column yieldpercent in 'date,percent'",
    "date,yield_percent\n": "the file has a header and no rows",
}


@pytest.mark.parametrize(("text", "message"), YIELD_ERRORS.items())
def test_errors_of_yields(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "treasury_2y.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        FilesProvider(tmp_path).treasury_yields(DAY, DAY)
    assert str(caught.value).startswith(str(tmp_path / "treasury_2y.csv"))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("symbol,security_type\nA,share\n", "line 2, column security_type: 'share' is not one of stock, etf"),
        ("symbol,name\nA,x\na,y\n", "line 3, column symbol: A is there twice"),
        ("name\nx\n", "line 1: no column symbol"),
    ],
)
def test_errors_of_securities(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "securities.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        FilesProvider(tmp_path).securities(["A"])
    assert str(caught.value).startswith(str(tmp_path / "securities.csv"))
    assert message in str(caught.value)
