"""The provider of the user's own files: what it makes of good ones."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core import tables
from sigmasight_core.calendar import sessions
from sigmasight_core.errors import InputError
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.files.provider import FilesProvider
from sigmasight_dagster.providers.rows.splits import Splits, later_ratios
from sigmasight_dagster.settings import Settings

# Apple around its 4:1 split (Yahoo Finance, closes adjusted for splits); as traded = x 4 before.
DAYS = ["2020-08-27", "2020-08-28", "2020-08-31", "2020-09-01"]
SPLIT_ADJUSTED = [125.01, 124.81, 129.04, 134.18]
AS_TRADED = [500.04, 499.24, 129.04, 134.18]
START, END = dt.date(2020, 8, 27), dt.date(2020, 9, 1)
SPLITS = "symbol,ex_date,ratio\nAAPL,2020-08-31,4\n"


def csv_of(closes: list[float], header: str = "Date,Close") -> str:
    return "\n".join([header, *(f"{day},{close}" for day, close in zip(DAYS, closes, strict=True))]) + "\n"


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name.replace('__', '.')}.csv").write_text(text)
    return folder


def rows(provider: FilesProvider, start: dt.date = START, end: dt.date = END) -> pd.DataFrame:
    return tables.validate(tables.DailyPrices, provider.daily_prices(None, start, end))


def test_as_traded_closes_are_kept_and_adjusted_by_splits(tmp_path: Path) -> None:
    frame = rows(FilesProvider(write(tmp_path, AAPL=csv_of(AS_TRADED), splits=SPLITS)))
    assert frame["close"].tolist() == AS_TRADED
    assert frame["adjusted_close"].to_numpy() == pytest.approx(SPLIT_ADJUSTED, rel=1e-12)
    assert set(frame["source"]) == {"files: AAPL.csv, as_traded, adjusted by splits.csv"}


@pytest.mark.parametrize("basis", ["split_adjusted", "adjusted"])
def test_adjusted_closes_are_unsplit(tmp_path: Path, basis: str) -> None:
    frame = rows(FilesProvider(write(tmp_path, AAPL=csv_of(SPLIT_ADJUSTED), splits=SPLITS), basis))
    assert frame["close"].to_numpy() == pytest.approx(AS_TRADED, rel=1e-12)
    assert frame["adjusted_close"].tolist() == SPLIT_ADJUSTED
    assert set(frame["source"]) == {f"files: AAPL.csv, {basis}, un-split by splits.csv"}


def test_shares_times_unsplit_close_is_continuous(tmp_path: Path) -> None:
    provider = FilesProvider(write(tmp_path, AAPL=csv_of(SPLIT_ADJUSTED), splits=SPLITS), "split_adjusted")
    shares = np.array([100.0, 100.0, 400.0, 400.0])
    value = shares * rows(provider)["close"].to_numpy()
    assert np.diff(np.log(value)) == pytest.approx(np.diff(np.log(SPLIT_ADJUSTED)), abs=1e-12)


def test_without_splits_file_the_source_says_so(tmp_path: Path) -> None:
    write(tmp_path, MSFT=csv_of(SPLIT_ADJUSTED))
    as_traded, adjusted = FilesProvider(tmp_path), FilesProvider(tmp_path, "adjusted")
    assert rows(as_traded)["source"].iloc[0].endswith("as_traded, adjusted_close = close (no splits.csv)")
    assert rows(adjusted)["source"].iloc[0].endswith("adjusted, close = given close (no splits.csv)")
    assert rows(adjusted)["close"].tolist() == SPLIT_ADJUSTED


FULL = """Date,Open,High,Low,Close,Adj Close,Volume,Remark
2020-08-31,130,131,126,129.04,126.5,200,x
2020-08-28,504,506,498,499.24,122.4,50,
"""


def test_all_columns_as_traded_in_any_order(tmp_path: Path) -> None:
    frame = rows(FilesProvider(write(tmp_path, AAPL=FULL, splits=SPLITS)))
    assert frame["date"].is_monotonic_increasing
    assert frame.loc[0, ["open", "high", "low", "close", "adjusted_close", "volume"]].tolist() == [
        504,
        506,
        498,
        499.24,
        122.4,
        50,
    ]
    assert set(frame["status"]) == {"ok"}
    assert set(frame["source"]) == {"files: AAPL.csv, as_traded, its own Adj Close"}


def test_unsplitting_covers_the_whole_bar(tmp_path: Path) -> None:
    text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-08-28,126,127,124,125,122.4,200\n"
    frame = rows(FilesProvider(write(tmp_path, AAPL=text, splits=SPLITS), "split_adjusted"))
    values = frame.loc[0, ["open", "high", "low", "close", "adjusted_close", "volume"]].tolist()
    assert values == [504, 508, 496, 500, 122.4, 50]


def test_missing_values_are_null_with_a_status_and_never_filled(tmp_path: Path) -> None:
    text = f"Date,Close,Volume\n{DAYS[0]},1.5,\n{DAYS[1]},null,7\n{DAYS[3]},1.7,8\n"
    write(tmp_path, AAA=text, BBB=csv_of([1, 2, 3, 4]))
    frame = rows(FilesProvider(tmp_path))
    gaps = frame[frame["symbol"] == "AAA"]
    assert gaps["close"].isna().tolist() == [False, True, True, False]
    assert gaps["status"].tolist() == [
        "no open, high, low, volume from this source",
        "no open, high, low, close, adjusted_close from this source",
        "no open, high, low, close, adjusted_close, volume from this source",
        "no open, high, low from this source",
    ]


def test_no_rows_before_the_first_and_after_the_last_close(tmp_path: Path) -> None:
    late = f"Date,Close\n{DAYS[1]},5\n{DAYS[2]},6\n"
    frame = rows(FilesProvider(write(tmp_path, LATE=late, AAA=csv_of([1, 2, 3, 4]))))
    assert frame.loc[frame["symbol"] == "LATE", "date"].astype(str).tolist() == DAYS[1:3]


@pytest.mark.parametrize("first", ["2020-08-28 00:00:00-04:00", "2020-08-28T00:00:00", " 2020-08-28 "])
def test_spellings_of_dates_symbols_and_headers(tmp_path: Path, first: str) -> None:
    (tmp_path / "brk.b.csv").write_bytes(b"\xef\xbb\xbf" + f"\nCLOSE, date\n\n5.5,{first}\n".encode())
    frame = rows(FilesProvider(tmp_path))
    assert frame[["symbol", "close"]].to_numpy().tolist() == [["BRK-B", 5.5]]
    assert frame["date"].tolist() == [pd.Timestamp("2020-08-28")]


def wide() -> pd.DataFrame:
    index = pd.DatetimeIndex(DAYS, name="date")
    return pd.DataFrame({"AAPL": SPLIT_ADJUSTED, "brk.b": [np.nan, 2.0, np.nan, 4.0]}, index=index)


@pytest.mark.parametrize("form", ["index", "unnamed index", "column", "dates", "text", "unsorted", "float32"])
def test_wide_parquet(tmp_path: Path, form: str) -> None:
    frame = wide()
    forms = {
        "index": lambda: frame,
        "unnamed index": lambda: frame.rename_axis(None),
        "column": frame.reset_index,
        "dates": lambda: frame.reset_index().assign(date=[dt.date.fromisoformat(day) for day in DAYS]),
        "text": lambda: frame.reset_index().assign(date=DAYS),
        "unsorted": lambda: frame.iloc[::-1],
        "float32": lambda: frame.astype("float32"),
    }
    forms[form]().to_parquet(tmp_path / "closes.parquet")
    write(tmp_path, splits=SPLITS)
    provider = FilesProvider(tmp_path, "adjusted")
    found = rows(provider)
    apple = found[found["symbol"] == "AAPL"]
    assert provider.symbols() == {"AAPL", "BRK-B"}
    assert apple["close"].to_numpy() == pytest.approx(AS_TRADED, rel=1e-7)
    assert apple["adjusted_close"].to_numpy() == pytest.approx(SPLIT_ADJUSTED, rel=1e-7)
    assert found.loc[found["symbol"] == "BRK-B", "close"].isna().tolist() == [False, True, False]
    assert set(found["source"]) == {"files: closes.parquet, adjusted, un-split by splits.csv"}


def test_long_parquet(tmp_path: Path) -> None:
    frame = wide().reset_index().melt("date", var_name="Ticker", value_name="Close").dropna()
    frame.assign(**{"Adj Close": frame["Close"] / 2}).iloc[::-1].to_parquet(tmp_path / "p.parquet")
    found = rows(FilesProvider(tmp_path))
    assert found["adjusted_close"].to_numpy() == pytest.approx(found["close"].to_numpy() / 2, nan_ok=True)
    assert found["symbol"].value_counts().to_dict() == {"AAPL": 4, "BRK-B": 3}


def test_corporate_actions_are_the_splits(tmp_path: Path) -> None:
    text = "symbol,ex_date,ratio\nGE,2021-08-02,0.125\nAAPL,2020-08-31,4\n"
    provider = FilesProvider(write(tmp_path, AAPL=csv_of(AS_TRADED), splits=text))
    both = tables.validate(
        tables.CorporateActions, provider.corporate_actions(None, dt.date(2020, 8, 31), dt.date(2021, 8, 2))
    )
    assert both[["symbol", "kind", "amount"]].to_numpy().tolist() == [
        ["AAPL", "split", 4.0],
        ["GE", "split", 0.125],
    ]
    assert len(provider.corporate_actions({"GE"}, START, dt.date(2021, 8, 2))) == 1
    assert len(provider.corporate_actions(None, dt.date(2020, 9, 1), dt.date(2021, 8, 1))) == 0


def test_yields_are_null_where_there_is_none(tmp_path: Path) -> None:
    text = "observation_date,DGS10\n2020-08-28,0.74\n2020-08-31,\n2020-09-02,-0.01\n2020-09-04,.\n"
    provider = FilesProvider(write(tmp_path, AAPL=csv_of(AS_TRADED), treasury_10y=text))
    frame = tables.validate(tables.TreasuryYields, provider.treasury_yields(START, dt.date(2020, 9, 8)))
    assert frame.groupby("date").size().tolist() == [4] * 8
    ten = frame[frame["series"] == "10Y"].set_index(
        frame["date"].dt.strftime("%m-%d")[frame["series"] == "10Y"]
    )
    assert ten["yield_percent"].dropna().to_dict() == {"08-28": 0.74, "09-02": -0.01}
    assert ten["status"].to_dict() == {
        "08-27": "treasury_10y.csv begins on 2020-08-28",
        "08-28": "ok",
        "08-31": "no yield in treasury_10y.csv on this session",
        "09-01": "no yield in treasury_10y.csv on this session",
        "09-02": "ok",
        "09-03": "no yield in treasury_10y.csv on this session",
        "09-04": "no yield in treasury_10y.csv on this session",
        "09-08": "treasury_10y.csv ends on 2020-09-04",
    }
    others = frame.loc[frame["series"] == "30Y", "status"].unique().tolist()
    assert others == ["unavailable: files has no Treasury yields in treasury_30y.csv"]


def test_proxies_are_those_that_have_prices(tmp_path: Path) -> None:
    write(tmp_path, SPY=csv_of(AS_TRADED), VUG=csv_of(AS_TRADED), VTI=csv_of(AS_TRADED))
    proxies = FilesProvider(tmp_path, proxies={"value": "VTI"}).factor_proxies()
    assert {factor: symbol for factor, symbol in proxies.items() if symbol} == {
        "market": "SPY",
        "growth": "VUG",
        "value": "VTI",
    }
    write(tmp_path, treasury_10y="date,yield_percent\n2020-08-28,0.74\n")
    assert FilesProvider(tmp_path).factor_proxies()["rates"] == "10Y"


def test_securities(tmp_path: Path) -> None:
    text = "symbol,name,security_type,sector\nAAPL,Apple Inc.,stock,Technology\nbrk.b,,,\n"
    provider = FilesProvider(write(tmp_path, AAPL=csv_of(AS_TRADED), securities=text))
    columns = ["symbol", "name", "security_type", "sector", "source"]
    found = provider.securities(["AAPL", "BRK-B", "NEW"])[columns].to_numpy().tolist()
    assert found == [
        ["AAPL", "Apple Inc.", "stock", "Technology", "files: securities.csv"],
        ["BRK-B", "", "unknown", "unclassified", "files: securities.csv"],
        ["NEW", "", "unknown", "unclassified", "files: not in securities.csv"],
    ]
    assert provider.securities(None)["symbol"].tolist() == ["AAPL"]
    (tmp_path / "securities.csv").unlink()
    assert FilesProvider(tmp_path).securities(["AAPL"])["security_type"].tolist() == ["unknown"]


def test_files_are_read_once(tmp_path: Path) -> None:
    provider = FilesProvider(write(tmp_path, AAPL=csv_of(AS_TRADED)))
    before = rows(provider)
    (tmp_path / "AAPL.csv").unlink()
    pd.testing.assert_frame_equal(rows(provider), before)
    assert (provider.first_date(), provider.last_date()) == (START, END)


def test_the_setting_makes_the_provider(tmp_path: Path) -> None:
    write(tmp_path, AAPL=csv_of(SPLIT_ADJUSTED), splits=SPLITS)
    settings = Settings(provider="files", files_dir=tmp_path, files_close_basis="split_adjusted")
    assert make_provider(settings).symbols() == {"AAPL"}
    with pytest.raises(InputError, match=re.escape("set SIGMASIGHT_FILES_DIR")):
        make_provider(Settings(provider="files", files_dir=None))


@given(
    at=st.lists(
        st.tuples(st.integers(0, 21), st.integers(0, 3), st.floats(0.05, 20)),
        max_size=8,
        unique_by=lambda s: s[:2],
    ),
    order=st.randoms(use_true_random=False),
)
def test_later_ratios_are_the_product_of_the_later_splits(
    at: list[tuple[int, int, float]], order: "np.random.Generator"
) -> None:
    dates, symbols = sessions("2022-03-01", "2022-03-30"), np.array(["A", "B", "C"], object)
    order.shuffle(at)
    names = np.array(["A", "B", "C", "NOT THERE"], object)
    splits = Splits(
        names[[column for _, column, _ in at]] if at else np.array([], object),
        dates[[row for row, _, _ in at]].to_numpy() if at else np.array([], "datetime64[ns]"),
        np.array([ratio for _, _, ratio in at]),
    )
    factors = later_ratios(splits, dates, symbols)
    for row, date in enumerate(dates):
        for column in range(3):
            later = [ratio for r, c, ratio in at if c == column and dates[r] > date]
            assert factors[row, column] == pytest.approx(np.prod(later), rel=1e-12)
