"""yfinance itself against summaries in Yahoo's shape: what is known of a security."""

import json
from typing import Any

import pytest

from sigmasight_dagster.providers.base import SECURITY_COLUMNS
from sigmasight_dagster_tests.providers.fault_server import Fault, FaultServer
from sigmasight_dagster_tests.providers.yahoo_answers import (
    COOKIES,
    SUMMARY,
    UNKNOWN_SUMMARY,
    by_symbol,
    summary,
)
from sigmasight_dagster_tests.providers.yahoo_sources import source

APPLE = summary(
    quoteType={"exchange": "NMS", "quoteType": "EQUITY", "symbol": "AAPL", "shortName": "Apple Inc.",
               "longName": "Apple Inc.", "timeZoneFullName": "America/New_York"},
    price={"exchange": "NMS", "exchangeName": "NasdaqGS", "marketState": "CLOSED", "quoteType": "EQUITY",
           "currency": "USD", "marketCap": 2_868_000_000_000, "longName": "Apple Inc."},
    assetProfile={"country": "United States", "industry": "Consumer Electronics", "sector": "Technology"},
    summaryDetail={"currency": "USD", "marketCap": 2_868_000_000_000},
)  # fmt: skip
SPY = summary(
    quoteType={"exchange": "PCX", "quoteType": "ETF", "longName": "SPDR S&P 500 ETF Trust"},
    price={"exchangeName": "NYSEArca", "quoteType": "ETF", "currency": "USD", "marketCap": 437_000_000_000},
    assetProfile={"companyOfficers": []},
    summaryDetail={"currency": "USD", "totalAssets": 478_000_000_000},
    fundProfile={"family": "SPDR State Street Global Advisors", "categoryName": "Large Blend"},
)


def securities(answers: dict[str, Any], symbols: list[str]) -> Any:
    with FaultServer({**COOKIES, SUMMARY: by_symbol(answers)}) as server:
        rows = source(server).securities(symbols)
        assert server.attempts(SUMMARY) == len(symbols), "one request a symbol"
    assert list(rows.columns) == list(SECURITY_COLUMNS)
    return rows.set_index("symbol")


def test_a_stock() -> None:
    row = securities({"AAPL": APPLE}, ["AAPL"]).loc["AAPL"]
    assert row.to_dict() == {
        "name": "Apple Inc.",
        "security_type": "stock",
        "sector": "Technology",
        "industry": "Consumer Electronics",
        "exchange": "NasdaqGS",
        "currency": "USD",
        "country": "United States",
        "market_cap": 2.868e12,
        "source": "yahoo",
    }


def test_a_fund_has_net_assets_in_place_of_a_market_cap() -> None:
    row = securities({"SPY": SPY}, ["SPY"]).loc["SPY"]
    assert row[["security_type", "sector", "industry", "market_cap"]].tolist() == [
        "etf", "unclassified", "", 4.78e11,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("quote_type", "security_type"),
    [("MUTUALFUND", "mutual_fund"), ("INDEX", "index"), ("CRYPTOCURRENCY", "unknown"), (None, "unknown")],
)
def test_types(quote_type: str | None, security_type: str) -> None:
    rows = securities({"XX": summary(quoteType={"quoteType": quote_type})}, ["XX"])
    assert rows.loc["XX", "security_type"] == security_type


def test_a_size_in_another_currency_is_unknown() -> None:
    foreign = summary(quoteType={"quoteType": "EQUITY"}, price={"currency": "EUR", "marketCap": 1_000_000})
    row = securities({"XX": foreign}, ["XX"]).loc["XX"]
    assert row["currency"] == "EUR"
    assert row.isna()["market_cap"]


def test_an_unknown_symbol_is_a_row_of_what_stands_for_unknown() -> None:
    rows = securities({"AAPL": APPLE, "NONE": UNKNOWN_SUMMARY}, ["AAPL", "NONE"])
    assert rows.loc["NONE", "source"] == "yahoo: unknown symbol"
    assert rows.loc["NONE", "security_type"] == "unknown"
    assert rows.loc["AAPL", "source"] == "yahoo"


def test_an_unknown_symbol_by_its_status() -> None:
    unknown = Fault("unknown", status=404, body=json.dumps(UNKNOWN_SUMMARY).encode())
    with FaultServer({**COOKIES, SUMMARY: by_symbol({"AAPL": APPLE})}) as server:
        server.use(unknown, SUMMARY + "NONE")
        rows = source(server).securities(["NONE", "AAPL"])
        assert server.attempts(SUMMARY) == 2
    assert rows["security_type"].tolist() == ["stock", "unknown"]


def test_only_unknown_symbols() -> None:
    assert securities({"NONE": UNKNOWN_SUMMARY}, ["NONE"])["source"].tolist() == ["yahoo: unknown symbol"]
