"""What comes in with a portfolio file is not believed too easily: field cases, and more of each kind."""

import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import DataEnd
from sigmasight_dagster_tests.field_cases.reading import CALL, HEADER, one, parse


@pytest.mark.parametrize(
    ("ticker", "date", "symbol"),
    [
        ("FB", "2025-10-06", "FB"),
        ("SQ", "2026-02-02", "SQ"),
        ("FB", "2022-06-08", "META"),
        ("FB220617C00200000", "2022-03-01", "META220617C00200000"),
        ("NLOK", "2023-01-03", "NLOK"),
        ("SYMC", "2018-01-03", "GEN"),
    ],
)
def test_08_a_rename_holds_for_entries_before_it(ticker: str, date: str, symbol: str) -> None:
    parsed = one(ticker, date)
    assert parsed.positions["symbol"].tolist() == [symbol]
    said = "somebody else's" if symbol == ticker else "imported as"
    assert said in parsed.warnings["reason"].item()


@pytest.mark.parametrize(
    ("ticker", "underlying", "known"),
    [
        ("SPXW240119C04700000", "SPX", None),
        ("NDXP240119P16500000", "NDX", None),
        ("VIXW  240117C00015000", "VIX", None),
        ("RUTW240119C02000000", "RUT", {"RUT"}),
        ("SPXW240119C04700000", "^SPX", {"^SPX"}),
        ("XSP240119C00470000", "XSP", None),
        ("BRKB240119C00350000", "BRK-B", None),
    ],
)
def test_09_weeklies_of_indices_have_the_index_as_underlying(
    ticker: str, underlying: str, known: set[str] | None
) -> None:
    parsed = one(ticker, "2024-01-08", known=known)
    assert parsed.positions["underlying"].tolist() == [underlying]
    assert parsed.positions["symbol"].tolist() == [ticker.replace(" ", "")]


@pytest.mark.parametrize("known", [None, {"SDS", "AAPL", "T"}, {"SDS1", "AAPL1"}])
@pytest.mark.parametrize(
    "ticker", ["SDS1220204C00003000", "AAPL1240119C00150000", "AAPL7240119C00150000", "T2  240119C00015000"]
)
def test_11_adjusted_contracts_are_refused_as_such(ticker: str, known: set[str] | None) -> None:
    parsed = one(ticker, "2022-01-20", known=known)
    assert parsed.errors["column"].tolist() == ["ticker"]
    assert "adjusted contract, deliverable not known" in parsed.errors["reason"].item()


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        (f"{HEADER}\nAAPL,1,5,2022-03-01,\nJPM,1,5,2022-03-01,\n", ["AAPL", "JPM"]),
        (f"{HEADER},\nAAPL,1,5,2022-03-01,\nJPM,1,5,2022-03-01,,,\n", ["AAPL", "JPM"]),
        (f"{HEADER},\nAAPL,1,5,2022-03-01\n", ["AAPL"]),
        (f"{HEADER},tags\nAAPL,1,5,2022-03-01,a,\nJPM,1,5,2022-03-01,,\n", ["AAPL", "JPM"]),
        (f"\ufeff{HEADER}\r\nAAPL,1,5,2022-03-01\r\n\r\n,,,\r\n", ["AAPL"]),
        (
            f'{HEADER},notes\nAAPL,1,5,2022-03-01,"bought\nin two fills"\nJPM,1,5,2022-03-01,x\n',
            ["AAPL", "JPM"],
        ),
        (
            f'{HEADER},notes\r\nAAPL,1,5,2022-03-01,"a, ""b""\r\n\r\nc"\r\nJPM,1,5,2022-03-01,x\r\n',
            ["AAPL", "JPM"],
        ),
        (f'notes,{HEADER}\n"one\ntwo\nthree",AAPL,1,5,2022-03-01\n', ["AAPL"]),
    ],
)
def test_18_21_shapes_of_csv_are_read(text: str, symbols: list[str]) -> None:
    for data in (text, text.encode()):
        parsed = parse(data)
        assert parsed.errors.empty
        assert parsed.positions["symbol"].tolist() == symbols


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f'{HEADER},notes\nAAPL,x,5,2022-03-01,"two\nlines"\nJPM,1,5,2022-03-01,x\n', [2]),
        (f'{HEADER},notes\nAAPL,1,5,2022-03-01,"two\nlines",extra\nJPM,1,5,2022-03-01,x\n', [2]),
        (
            f'{HEADER},notes\nKO,1,5,2022-03-01,"two\nlines"\nAAPL,1,5,2022-03-01,"open\nJPM,1,5,2022-03-01,x\n',
            [4],
        ),
        (f"{HEADER},tags,exit_date,exit_price\nAAPL,1,5,2022-03-01,9,a,,\nJPM,1,5,2022-03-01,b,,\n", [2]),
        (f"{HEADER},tags\nAAPL,1,000,5,2022-03-01,\nJPM,1,5,2022-03-01,\n", [2]),
    ],
)
def test_18_21_one_bad_record_is_one_error_and_takes_no_other(text: str, lines: list[int]) -> None:
    parsed = parse(text)
    assert parsed.errors["line"].tolist() == lines
    assert parsed.positions["symbol"].tolist()[-1] == "JPM"


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_18_other_separators_are_refused_with_the_cure(sign: str) -> None:
    with pytest.raises(InputError, match="separate the columns by commas"):
        parse(f"{HEADER}\nAAPL,1,5,2022-03-01".replace(",", sign))


@pytest.mark.parametrize(("ticker", "price", "warned"), [("AAPL", "0", 0), ("KO", "0.00", 0), (CALL, "0", 1)])
def test_19_free_shares_are_accepted(ticker: str, price: str, warned: int) -> None:
    parsed = one(ticker, price=price)
    assert parsed.positions["entry_price"].tolist() == [0.0]
    assert len(parsed.warnings) == warned


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        (["AAPL,100,163.20,2022-03-01", "AAPL,50,164.05,2022-03-01"], 0),
        (["AAPL,100,163.20,2022-02-26", "AAPL,50,164.05,2022-02-28"], 1),
        (["BRK.B,1,300,2022-03-01", "BRK/B,2,300,2022-03-01", "BRK-B,3,300,2022-03-01"], 0),
        (["AAPL,100,163.20,2022-03-01", "AAPL,100,163.20,2022-03-01"], 1),
    ],
)
def test_20_lots_of_one_day_are_all_kept(rows: list[str], warned: int) -> None:
    parsed = parse("\n".join([HEADER, *rows]))
    assert parsed.errors.empty
    ids = parsed.positions["position_id"].tolist()
    assert ids == [ids[0], *(f"{ids[0]}#{number}" for number in range(2, len(rows) + 1))]
    assert len(parsed.warnings) == warned


@pytest.mark.parametrize(
    ("date", "entry"),
    [
        ("1986-05-12", "1986-05-12"),
        ("1987-10-17", "1987-10-19"),
        ("1994-06-27", "1994-06-27"),
        ("1962-01-07", "1962-01-08"),
    ],
)
def test_22_old_lots_are_accepted(date: str, entry: str) -> None:
    parsed = one("KO", date, "3.10")
    assert parsed.positions["entry_date"].tolist() == [pd.Timestamp(entry)]


@pytest.mark.parametrize("date", ["0202-03-01", "1022-03-01", "1822-03-01", "2202-03-01", "9999-12-31"])
def test_22_years_that_cannot_be_are_refused(date: str) -> None:
    assert one("KO", date).errors["column"].tolist() == ["entry_date"]


@pytest.mark.parametrize(
    ("ticker", "symbol"),
    [
        ("BRK/B", "BRK-B"),
        ("BRK B", "BRK-B"),
        ("bf.b", "BF-B"),
        ("BAC.PR.L", "BAC-PL"),
        ("BAC PRL", "BAC-PL"),
        ("BACpL", "BAC-PL"),
        ("BAC^L", "BAC-PL"),
        ("BAC-PL", "BAC-PL"),
        ("JPM/PRC", "JPM-PC"),
        ("ACHR.WS", "ACHR-WT"),
        ("NYSE:IBM", "IBM"),
        ("AAPL US Equity", "AAPL"),
        ("NA", "NA"),
        ("TRUE", "TRUE"),
    ],
)
def test_45_spellings_of_share_classes(ticker: str, symbol: str) -> None:
    assert one(ticker).positions["symbol"].tolist() == [symbol]


@pytest.mark.parametrize(
    ("ticker", "reason"),
    [
        ("VOD.L", "a listing in London (GBP); only US listings in USD"),
        ("SHOP.TO", "Toronto (CAD)"),
        ("0700.HK", "Hong Kong (HKD)"),
        ("SAP.DE", "Xetra (EUR)"),
        ("AIR.PA", "Paris (EUR)"),
        ("VOD LN Equity", "London (GBP)"),
        ("LON:VOD", "London (GBP)"),
        ("BAC-L", "BAC-PL"),
        ("BTC-EUR", "quoted in EUR"),
        ("ES=F", "a future"),
        ("US0378331005", "an ISIN"),
    ],
)
def test_45_listings_elsewhere_and_unclear_ones_are_refused(ticker: str, reason: str) -> None:
    parsed = one(ticker)
    assert parsed.positions.empty
    assert reason in parsed.errors["reason"].item()


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2024-03-15", "the sample's data end on 2022-12-28: choose another provider"),
        ("2022-12-29", "the sample's data end on 2022-12-28: choose another provider"),
        ("2026-06-02", "in the future of 2026-06-01; correct it"),
    ],
)
def test_49_an_entry_after_the_data_is_not_an_error_of_the_date(date: str, said: str) -> None:
    end = DataEnd(
        pd.Timestamp("2022-12-28"), "the sample's data end on 2022-12-28", "choose another provider"
    )
    parsed = parse(f"{HEADER}\nAAPL,10,172.6,{date}\n", end=end)
    assert said in parsed.errors["reason"].item()


def test_ten_thousand_rows_with_side_columns() -> None:
    days = calendar.sessions("2015-01-02", "2020-12-31")
    rows = [f"S{n % 500},{n + 1},{5 + n % 90},{days[n % len(days)]:%Y-%m-%d},Long,USD" for n in range(10_000)]
    parsed = parse("\n".join([f"{HEADER},Side,Currency", *rows]))
    assert len(parsed.positions) == 10_000


@pytest.mark.parametrize(
    ("ticker", "reason"),
    [
        ("^GSPC", "an index"),
        ("vix", "an index"),
        ("BTC-USD", "cryptocurrency"),
        ("ETH-USDT", "cryptocurrency"),
        ("EURUSD=X", "pair of currencies"),
        ("037833100", "a CUSIP"),
        ("912828ZT0", "a CUSIP"),
        ("BBG000B9XRY4", "a FIGI"),
        ("US0378331005", "an ISIN"),
    ],
)
@pytest.mark.parametrize("known", [None, {"^GSPC", "BTC", "AAPL"}])
def test_45_what_is_no_share_or_fund_is_refused_as_what_it_is(
    ticker: str, reason: str, known: set[str] | None
) -> None:
    errors = one(ticker, known=known).errors
    assert errors["value"].tolist() == [ticker]
    assert reason in errors["reason"].iloc[0]


def test_45_digits_without_a_check_digit_are_no_cusip() -> None:
    assert one("037833101").errors.empty
