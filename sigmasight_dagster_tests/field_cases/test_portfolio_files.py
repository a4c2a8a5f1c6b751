"""What comes in with a portfolio file is not believed too easily: field cases, and more of each kind."""

import re

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import DataEnd, ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.ledger.price_doubts import MarketFacts, in_shares_of_entry, price_doubts
from sigmasight_core.tables import Positions, validate

AS_OF = pd.Timestamp("2026-06-01")
HEADER = "ticker,quantity,entry_price,entry_date"
CALL, PUT = "AAPL240119C00150000", "AAPL240119P00150000"


def parse(text: str | bytes, known: set[str] | None = None, end: DataEnd | None = None) -> ParsedPortfolio:
    parsed = parse_portfolio_csv(text, "book", "book.csv", AS_OF, known, data_end=end)
    validate(Positions, parsed.positions)
    return parsed


def one(
    ticker: str, date: str = "2022-03-01", price: str = "150", known: set[str] | None = None
) -> ParsedPortfolio:
    return parse(f"{HEADER}\n{ticker},10,{price},{date}\n", known)


def beside(column: str, value: str, ticker: str = "AAPL", quantity: str = "10") -> ParsedPortfolio:
    return parse(f"{HEADER},{column}\n{ticker},{quantity},150,2022-03-01,{value}\n")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("Action", ["Buy", "Sell", "Buy", "Sell Short"]),
        ("B/S", ["B", "S"]),
        ("Transaction Type", ["Bought", "Sold"]),
        ("side", ["BOT", "SLD"]),
        ("Type", ["Buy to Open", "Sell to Close"]),
        ("Activity", ["Buy", "Dividend"]),
        ("Open/Close", ["O", "C"]),
    ],
)
def test_01_a_list_of_transactions_is_refused_as_such(column: str, values: list[str]) -> None:
    rows = "\n".join(f"AAPL,10,150,2022-03-0{day},{value}" for day, value in enumerate(values, 1))
    with pytest.raises(
        InputError, match=r"line \d, column .*, value .*: this is a list of transactions; "
    ) as error:
        parse(f"{HEADER},{column}\n{rows}\n")
    assert column in str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "quantity", "read"),
    [
        ("Side", "Short", "10", -10.0),
        ("Side", "SHORT", "-10", -10.0),
        ("Long/Short", "S", "10", -10.0),
        ("Position", "short", "10", -10.0),
        ("Action", "Sell to Open", "10", -10.0),
        ("Direction", "Long", "10", 10.0),
        ("Type", "Stock", "10", 10.0),
        ("Currency", "USD", "10", 10.0),
        ("CCY", "US$", "10", 10.0),
        ("Multiplier", "1.0", "10", 10.0),
        ("Exchange", "NYSE Arca", "10", 10.0),
        ("Exchange", "NasdaqGS", "10", 10.0),
        ("Put/Call", "", "10", 10.0),
        ("Sector", "anything", "10", 10.0),
    ],
)
def test_01_a_column_that_means_one_thing_is_used(
    column: str, value: str, quantity: str, read: float
) -> None:
    parsed = beside(column, value, quantity=quantity)
    assert parsed.errors.empty
    assert parsed.positions["quantity"].tolist() == [read]
    assert len(parsed.warnings) == ((read != float(quantity)) or column == "Sector")


@pytest.mark.parametrize(
    ("column", "value", "ticker"),
    [
        ("Multiplier", "100", CALL),
        ("Contract Size", "100.0", PUT),
        ("Put/Call", "C", CALL),
        ("Right", "PUT", PUT),
        ("Strike", "150.00", CALL),
        ("Expiration Date", "01/19/2024", CALL),
        ("Expiry", "2024-01-19", PUT),
        ("Underlying", "AAPL", CALL),
        ("Security Type", "Option", CALL),
    ],
)
def test_01_terms_that_agree_with_the_option_are_fine(column: str, value: str, ticker: str) -> None:
    parsed = beside(column, value, ticker)
    assert parsed.errors.empty
    assert parsed.warnings.empty
    assert len(parsed.positions) == 1


@pytest.mark.parametrize(
    ("column", "value", "ticker", "quantity", "reason"),
    [
        ("Side", "Buy", "AAPL", "-10", "the quantity is negative"),
        ("Side", "S", "AAPL", "10", "Sell or Short"),
        ("Type", "Whatever", "AAPL", "10", "could change what the row means"),
        ("Security Type", "Future", "ES", "10", "not supported"),
        ("Security Type", "Stock", CALL, "10", "is an option"),
        ("Currency", "EUR", "AAPL", "10", "not USD"),
        ("CCY", "GBX", "AAPL", "10", "not USD"),
        ("FX Rate", "1.27", "AAPL", "10", "not the 1"),
        ("Multiplier", "100", "AAPL", "10", "not the 1 of a share"),
        ("Contract Size", "10", CALL, "10", "not the 100 of an option"),
        ("Put/Call", "Put", CALL, "10", "is not what the option"),
        ("Right", "C", "AAPL", "10", "is a share, not an option"),
        ("Strike", "155", CALL, "10", "not the strike of"),
        ("Strike", "155", "AAPL", "10", "without strike"),
        ("Expiration", "2024-01-26", PUT, "10", "not the expiry of"),
        ("Underlying", "MSFT", CALL, "10", "not the underlying"),
        ("Exchange", "LSE", "VOD", "10", "London (GBP)"),
        ("Exchange", "Nasdaq Stockholm", "ERIC", "10", "not an exchange in the US"),
        ("Position", "-10", "AAPL", "10", "another number than the quantity"),
        ("Unit", "shares", CALL, "10", "contracts of options"),
        ("Sell Date", "2023-01-04", "AAPL", "10", "the position was closed"),
        ("Status", "Cancelled", "AAPL", "10", "not a word that is known"),
    ],
)
def test_01_a_column_that_contradicts_refuses_the_row_by_name(
    column: str, value: str, ticker: str, quantity: str, reason: str
) -> None:
    parsed = beside(column, value, ticker, quantity)
    assert parsed.positions.empty
    error = parsed.errors.iloc[0]
    assert (error["line"], error["column"], error["value"]) == (2, column, value)
    assert reason in error["reason"]


def test_01_an_option_in_columns_is_told_its_symbol() -> None:
    parsed = parse(f"{HEADER},Put/Call,Strike,Expiration\nAAPL,1,5,2023-03-01,Put,150,01/19/2024\n")
    assert set(parsed.errors["column"]) == {"Put/Call", "Strike", "Expiration"}
    assert parsed.errors["reason"].str.contains(PUT).all()


def test_01_columns_that_change_nothing_are_named_once() -> None:
    parsed = parse(
        f"{HEADER},Notes,Sector,Market Value\nAAPL,1,5,2023-03-01,x,y,z\nKO,1,5,2023-03-01,x,y,z\n"
    )
    assert parsed.warnings[["line", "column"]].values.tolist() == [[1, "Notes, Sector, Market Value"]]
    assert "not used" in parsed.warnings["reason"].item()


@pytest.mark.parametrize(
    "price", ["EUR 20", "150p", "C$20", "1500 GBX", "150 GBp", "€150", "CHF150", "¥1500"]
)
def test_01_prices_in_another_currency_are_refused(price: str) -> None:
    parsed = one("AAPL", price=price)
    assert parsed.errors["column"].tolist() == ["entry_price"]
    assert "only prices in USD" in parsed.errors["reason"].item()


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
        "AAA,10,75,2020-01-03",
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
