"""Answers in the shapes of Yahoo's API (chart, options, quoteSummary, crumb), for the fault server."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from sigmasight_core import calendar
from sigmasight_dagster_tests.providers.fault_server import Handler, Request, Rows

NEW_YORK = ZoneInfo("America/New_York")
CHART, OPTIONS, SUMMARY = "/v8/finance/chart/", "/v7/finance/options/", "/v10/finance/quoteSummary/"
CRUMB = "/v1/test/getcrumb"
UNKNOWN_CHART = {
    "chart": {
        "result": None,
        "error": {"code": "Not Found", "description": "No data found, symbol may be delisted"},
    }
}
UNKNOWN_SUMMARY = {
    "quoteSummary": {
        "result": None,
        "error": {"code": "Not Found", "description": "Quote not found for symbol: NONE"},
    }
}
COOKIES: dict[str, Handler] = {CRUMB: lambda request: b"Ab1cD2eF3gH"}
"""Next to a handler of data; fc.yahoo.com is answered 404, as it is by Yahoo."""


def opening(date: str) -> int:
    """Yahoo stamps a daily bar with the opening of its session, in seconds."""
    return int(dt.datetime.fromisoformat(f"{date}T09:30:00").replace(tzinfo=NEW_YORK).timestamp())


def chart(
    symbol: str,
    rows: Rows,
    splits: Sequence[tuple[str, int, int]] = (),
    dividends: Sequence[tuple[str, float] | tuple[str, float, str]] = (),
    **meta: Any,
) -> dict[str, Any]:
    """The answer of chart v8 with daily bars of those rows.

    :param splits: ex-date, numerator, denominator.
    :param dividends: ex-date, amount and, if there is one, a currency.
    """
    currency = rows[0].get("currency", "USD") if rows else "USD"
    head = {
        "currency": currency,
        "symbol": symbol,
        "exchangeName": "NMS",
        "fullExchangeName": "NasdaqGS",
        "instrumentType": "EQUITY",
        "firstTradeDate": 345479400,
        "regularMarketTime": opening(rows[-1]["date"]) + 23_401 if rows else 1_665_172_801,
        "hasPrePostMarketData": True,
        "gmtoffset": -14400,
        "timezone": "EDT",
        "exchangeTimezoneName": "America/New_York",
        "priceHint": 2,
        "dataGranularity": "1d",
        "range": "",
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
        **meta,
    }
    result: dict[str, Any] = {"meta": head, "indicators": {"quote": [{}], "adjclose": [{}]}}
    if rows:
        result["timestamp"] = [opening(row["date"]) for row in rows]
        fields = ("open", "high", "low", "close", "volume")
        result["indicators"]["quote"] = [{name: [row[name] for row in rows] for name in fields}]
        adjusted = [row.get("adjclose", row["close"]) for row in rows]
        result["indicators"]["adjclose"] = [{"adjclose": adjusted}]
    events = {"splits": _splits(splits), "dividends": _dividends(dividends)}
    if splits or dividends:
        result["events"] = {kind: found for kind, found in events.items() if found}
    return {"chart": {"result": [result], "error": None}}


def _splits(splits: Sequence[tuple[str, int, int]]) -> dict[str, Any]:
    return {
        str(opening(day)): {
            "date": opening(day),
            "numerator": numerator,
            "denominator": denominator,
            "splitRatio": f"{numerator}:{denominator}",
        }
        for day, numerator, denominator in splits
    }


def _dividends(dividends: Sequence[Any]) -> dict[str, Any]:
    return {
        str(opening(day)): {
            "amount": amount,
            "date": opening(day),
            **({"currency": currency[0]} if currency else {}),
        }
        for day, amount, *currency in dividends
    }


def bars(first: str, closes: Sequence[float | None], volumes: Sequence[float | None] | None = None) -> Rows:
    """Rows of consecutive sessions from `first` on; open, high and low lie near the close."""
    days = [calendar.shift_sessions(first, step).date().isoformat() for step in range(len(closes))]
    return [
        {
            "date": day,
            "open": close and close * 0.99,
            "high": close and close * 1.02,
            "low": close and close * 0.98,
            "close": close,
            "adjclose": close and close * 0.9,
            "volume": volumes[at] if volumes else 1000.0,
        }
        for at, (day, close) in enumerate(zip(days, closes, strict=True))
    ]


def by_symbol(answers: dict[str, Any]) -> Handler:
    """A handler that answers by the last part of the path; None where there is nothing."""

    def handler(request: Request) -> Any:
        answer: Any = answers.get(unquote(request.path).rsplit("/", 1)[1])
        return answer(request) if callable(answer) else answer

    return handler


def option(
    symbol: str, strike: float, traded: dt.datetime, bid: float, ask: float, **other: Any
) -> dict[str, Any]:
    """One contract of options v7."""
    return {
        "contractSymbol": symbol,
        "strike": strike,
        "currency": "USD",
        "lastPrice": 5.0,
        "change": 0.1,
        "percentChange": 2.0,
        "volume": 10,
        "openInterest": 100,
        "bid": bid,
        "ask": ask,
        "contractSize": "REGULAR",
        "expiration": 0,
        "lastTradeDate": int(traded.timestamp()),
        "impliedVolatility": 0.25,
        "inTheMoney": False,
        **other,
    }


def midnight(day: str) -> int:
    """Yahoo writes expiries as midnight UTC, in seconds."""
    return int(dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp())


def options(symbol: str, chains: dict[str, tuple[list[Any], list[Any]]]) -> Callable[[Request], Any]:
    """A handler of options v7: calls and puts by expiry; without a date the first of them."""

    def answer(request: Request) -> Any:
        dates = {midnight(day): sides for day, sides in chains.items()}
        at = int(request.query.get("date", next(iter(dates))))
        calls, puts = dates[at]
        result = {
            "underlyingSymbol": symbol,
            "expirationDates": list(dates),
            "strikes": sorted({row["strike"] for row in [*calls, *puts]}),
            "hasMiniOptions": False,
            "quote": {"quoteType": "EQUITY", "symbol": symbol, "currency": "USD"},
            "options": [{"expirationDate": at, "hasMiniOptions": False, "calls": calls, "puts": puts}],
        }
        return {"optionChain": {"result": [result], "error": None}}

    return answer


def summary(**modules: Any) -> dict[str, Any]:
    """The answer of quoteSummary v10."""
    return {"quoteSummary": {"result": [modules], "error": None}}
