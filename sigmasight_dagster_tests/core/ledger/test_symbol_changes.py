"""Renamed symbols at import: facts of the exchanges, options' roots, and a user's own changes."""

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.ledger.symbol_changes import SYMBOL_CHANGES, SymbolChange, resolved, with_own

AS_OF = pd.Timestamp("2025-06-30")
REUSED = (
    SymbolChange("AAA", "BBB", "2020-01-02", "took a symbol that was free"),
    SymbolChange("BBB", "CCC", "2015-01-02", "gave the symbol away"),
)


def parse(
    ticker: str, known: set[str] | None = None, own: dict[str, str] | None = None, date: str = "2021-06-01"
) -> ParsedPortfolio:
    text = f"ticker,quantity,entry_price,entry_date\n{ticker},10,100,{date}\n"
    return parse_portfolio_csv(text, "book", "book.csv", AS_OF, known, own)


@pytest.mark.parametrize(
    ("written", "symbol", "underlying"),
    [
        ("FB", "META", "META"),
        ("fb", "META", "META"),
        ("FB220617C00200000", "META220617C00200000", "META"),
        ("ZOOM", "ZM", "ZM"),
        ("BRK.B", "BRK-B", "BRK-B"),
        ("META", "META", "META"),
        ("TWTR", "TWTR", "TWTR"),
    ],
)
def test_an_old_symbol_is_imported_as_its_successor(written: str, symbol: str, underlying: str) -> None:
    position = parse(written).positions.iloc[0]
    assert (position["symbol"], position["underlying"]) == (symbol, underlying)
    assert position["position_id"] == f"{symbol}@2021-06-01"


def test_the_warning_names_old_and_new_with_date_and_reason() -> None:
    warning = parse("FB").warnings.iloc[0]
    assert (warning["line"], warning["column"], warning["value"]) == (2, "ticker", "FB")
    assert warning["reason"] == (
        "FB is META since 2022-06-09 (Facebook became Meta Platforms): imported as META"
    )
    assert parse("META").warnings.empty
    assert "has no successor since 2022-10-27" in parse("TWTR").warnings["reason"].item()


def test_a_symbol_that_has_prices_itself_stays() -> None:
    parsed = parse("FB", known={"FB", "META"})
    assert parsed.positions["symbol"].tolist() == ["FB"]
    assert parsed.warnings.empty
    assert parse("FB", known={"META"}).positions["symbol"].tolist() == ["META"]


def test_an_unknown_successor_is_refused_with_both_names() -> None:
    assert "unknown symbol META (FB is META" in parse("FB", known={"AAPL"}).errors["reason"].item()
    assert "no successor" in parse("TWTR", known={"AAPL"}).errors["reason"].item()


def test_a_users_own_changes() -> None:
    own = {"OLD": "NEW-A", "FB": ""}
    assert parse("OLD", own=own).positions["symbol"].tolist() == ["NEW-A"]
    option = parse("OLD220617P00200000", known={"NEW-A"}, own=own).positions.iloc[0]
    assert (option["symbol"], option["underlying"]) == ("NEWA220617P00200000", "NEW-A")
    assert parse("FB", own=own).positions["symbol"].tolist() == ["FB"]
    with pytest.raises(InputError, match=r"changes in a circle \(A -> B\)"):
        with_own({"A": "B", "B": "A"})


@pytest.mark.parametrize(
    ("written", "date", "symbol"),
    [
        ("SYMC", "2019-11-04", "GEN"),
        ("SYMC", "2019-11-05", "SYMC"),
        ("NLOK", "2022-11-07", "GEN"),
        ("NLOK", "2022-11-08", "NLOK"),
        ("FB", "2022-06-08", "META"),
        ("FB", "2022-06-09", "FB"),
        ("ZOOM", "2019-04-17", "ZOOM"),
        ("ZOOM", "2019-04-18", "ZM"),
        ("OLD", "2025-01-02", "META"),
    ],
)
def test_a_change_holds_for_entries_before_its_date(written: str, date: str, symbol: str) -> None:
    parsed = parse(written, own={"OLD": "FB"}, date=date)
    assert parsed.positions["symbol"].tolist() == [symbol]
    reason = parsed.warnings["reason"].item()
    assert ("imported as" in reason) == (symbol != written)
    assert ("kept as written" in reason) == (symbol == written)


def test_a_change_of_another_company_before_is_not_followed() -> None:
    found = {change.old: change for change in resolved(REUSED)}
    assert (found["AAA"].new, found["BBB"].new) == ("BBB", "CCC")


def test_two_spellings_of_one_position_are_two_lots() -> None:
    text = "ticker,quantity,entry_price,entry_date\nFB,10,100,2021-06-01\nMETA,1,100,2021-06-01\n"
    parsed = parse_portfolio_csv(text, "book", "book.csv", AS_OF)
    assert parsed.positions["position_id"].tolist() == ["META@2021-06-01", "META@2021-06-01#2"]


def test_every_declared_change_is_well_formed() -> None:
    olds = [change.old for change in SYMBOL_CHANGES]
    assert olds == sorted(set(olds))
    news = {change.new for change in resolved(SYMBOL_CHANGES)}
    assert not news & set(olds)
    pd.to_datetime([change.date for change in SYMBOL_CHANGES], format="%Y-%m-%d")
