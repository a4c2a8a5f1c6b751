"""Columns beside the needed ones: field case 01, and more of its kind."""

import pytest

from sigmasight_core.errors import InputError
from sigmasight_dagster_tests.field_cases.reading import CALL, HEADER, PUT, beside, one, parse


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
    assert parsed.positions["notes"].tolist() == ["x", "x"]
    assert parsed.warnings[["line", "column"]].values.tolist() == [[1, "Sector, Market Value"]]
    assert "not used" in parsed.warnings["reason"].item()


@pytest.mark.parametrize(
    "price", ["EUR 20", "150p", "C$20", "1500 GBX", "150 GBp", "€150", "CHF150", "¥1500"]
)
def test_01_prices_in_another_currency_are_refused(price: str) -> None:
    parsed = one("AAPL", price=price)
    assert parsed.errors["column"].tolist() == ["entry_price"]
    assert "only prices in USD" in parsed.errors["reason"].item()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("Instrument Currency", "JPY", "not USD"),
        ("Native Ccy", "EUR", "not USD"),
        ("Market", "TSX", "Toronto"),
        ("Primary Market", "LSE", "London"),
    ],
)
def test_01_a_column_is_known_by_what_stands_in_it(column: str, value: str, reason: str) -> None:
    errors = beside(column, value).errors
    assert errors["column"].tolist() == [column]
    assert reason in errors["reason"].iloc[0]


@pytest.mark.parametrize(("column", "value"), [("Trans Code", "STO"), ("How", "Short"), ("x", "Sell Short")])
def test_01_words_of_a_direction_count_in_a_column_of_any_name(column: str, value: str) -> None:
    assert beside(column, value).positions["quantity"].tolist() == [-10.0]


def test_01_sales_in_a_column_of_any_name_refuse_the_file() -> None:
    with pytest.raises(InputError, match="column How, value 'Sold': this is a list of transactions"):
        beside("How", "Sold")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("Analyst Rating", "Sell"),
        ("Zacks recommendation", "Buy"),
        ("Notes", "short"),
        ("Market", "Large Cap"),
        ("Home market", "NYSE"),
        ("Held since", "long ago"),
    ],
)
def test_01_opinions_and_other_words_change_nothing(column: str, value: str) -> None:
    parsed = beside(column, value)
    assert parsed.errors.empty
    assert parsed.positions["quantity"].tolist() == [10.0]
