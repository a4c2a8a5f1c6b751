"""The sources polygon and fmp on a loopback server: what they ask, and what becomes of good answers."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from sigmasight_core.calendar import sessions
from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.tables import CorporateActions, DailyPrices, OptionQuotes, validate
from sigmasight_dagster.providers.base import SECURITY_COLUMNS
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.vendors.fmp import FmpSource
from sigmasight_dagster.providers.vendors.polygon import PolygonSource
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Handler, Request, Rows
from sigmasight_dagster_tests.providers.rest_vendors import Fmp, Polygon

START, END = dt.date(2022, 10, 3), dt.date(2022, 10, 7)
AFTER_CLOSE = dt.datetime(2022, 10, 7, 22, tzinfo=dt.UTC)
SPLITS: Rows = [{"symbol": "BRK.B", "date": "2022-10-05", "ratio": 2.0}]
DIVIDENDS: Rows = [
    {"symbol": "BRK.B", "date": "2022-10-06", "amount": 1.0},
    {"symbol": "BRK.B", "date": "2022-12-01", "amount": 9.0},
]


def rows(closes: list[float]) -> Rows:
    days = sessions(START, END)[: len(closes)].strftime("%Y-%m-%d")
    return [
        {"date": day, "close": close, "currency": "USD", "volume": 5.0}
        for day, close in zip(days, closes, strict=True)
    ]


SPLIT_SERIES = rows([100, 100, 50, 49, 50])


@contextmanager
def polygon(
    handlers: dict[str, Handler], now: dt.datetime = AFTER_CLOSE, plan: str = "advanced"
) -> Iterator[tuple[PolygonSource, FaultServer]]:
    with FaultServer(handlers) as server:
        politeness = Politeness("polygon", Manners(1000, 1), lambda seconds: None)
        yield PolygonSource(politeness, SecretStr("key"), server.url, 5, plan, lambda: now), server


@contextmanager
def fmp(handlers: dict[str, Handler], plan: str = "advanced") -> Iterator[tuple[FmpSource, FaultServer]]:
    with FaultServer(handlers) as server:
        politeness = Politeness("fmp", Manners(1000, 1), lambda seconds: None)
        yield FmpSource(politeness, SecretStr("key"), server.url, 5, plan, lambda: AFTER_CLOSE), server


def test_polygon_follows_pages_and_adjusts() -> None:
    vendor = Polygon({"BRK.B": SPLIT_SERIES}, SPLITS, DIVIDENDS, page=2)
    with polygon(vendor.handlers()) as (source, server):
        prices = source.daily_prices(["BRK-B", "NONE"], START, END)
        actions = source.corporate_actions(["BRK-B", "NONE"], START, END)
        assert server.attempts("/v2/aggs/ticker/BRK.B/") == 3
        assert server.attempts("/v3/reference/splits") == 2, "kept for corporate_actions"
        assert all("apikey" not in str(request.query).lower() for request in server.requests)
    validate(DailyPrices, prices)
    assert prices["symbol"].unique().tolist() == ["BRK-B"]
    assert prices["close"].tolist() == [100, 100, 50, 49, 50]
    assert prices["adjusted_close"].tolist() == pytest.approx([49, 49, 49, 49, 50])
    assert prices["status"].unique().tolist() == ["no open, high, low from this source"]
    validate(CorporateActions, actions)
    assert actions[["kind", "amount"]].to_numpy().tolist() == [["split", 2.0], ["dividend", 1.0]]


def test_no_page_is_asked_of_another_host() -> None:
    handlers = Polygon({"AAPL": SPLIT_SERIES}, page=4).handlers()
    with polygon(handlers) as (source, server):
        source.daily_prices(["AAPL"], START, END)
        assert [request.query.get("cursor") for request in server.requests[:2]] == [None, "4"]


def test_the_session_that_has_not_closed_is_left_out() -> None:
    noon = dt.datetime(2022, 10, 7, 16, tzinfo=dt.UTC)
    with polygon(Polygon({"AAPL": SPLIT_SERIES}).handlers(), noon) as (source, _):
        assert source.daily_prices(["AAPL"], START, END)["date"].max() == pd.Timestamp("2022-10-06")


def test_history_before_the_plan_is_not_asked() -> None:
    with polygon(Polygon({"AAPL": SPLIT_SERIES}).handlers(), plan="free") as (source, server):
        source.daily_prices(["AAPL"], dt.date(2015, 1, 2), END)
        assert "/2020-10-08/" in server.requests[0].path
    with fmp(Fmp({"AAPL": SPLIT_SERIES}).handlers(), plan="starter") as (other, server):
        other.daily_prices(["AAPL"], dt.date(2015, 1, 2), END)
        assert server.requests[0].query["from"] == "2017-10-08"


def test_fmp_prices_and_actions() -> None:
    series = [
        {**row, "adjusted": close} for row, close in zip(SPLIT_SERIES, [49, 49, 49, 49, 50], strict=True)
    ]
    renamed = [[{**row, "symbol": "BRK-B"} for row in given] for given in (SPLITS, DIVIDENDS)]
    with fmp(Fmp({"BRK-B": series}, *renamed).handlers()) as (source, _):
        prices = source.daily_prices(["BRK-B", "NONE"], START, END)
        actions = source.corporate_actions(["BRK-B", "NONE"], START, END)
    validate(DailyPrices, prices)
    assert prices["close"].tolist() == [100, 100, 50, 49, 50]
    assert prices["adjusted_close"].tolist() == [49, 49, 49, 49, 50]
    assert actions[["kind", "amount"]].to_numpy().tolist() == [["split", 2.0], ["dividend", 1.0]]


@pytest.mark.parametrize("make", [polygon, fmp])
def test_securities(make: Callable[..., object]) -> None:
    vendor = Polygon if make is polygon else Fmp
    with make(vendor({"AAPL": SPLIT_SERIES}).handlers()) as (source, _):  # type: ignore[attr-defined]
        found = source.securities(["AAPL", "NONE"])
    assert list(found) == list(SECURITY_COLUMNS)
    known, unknown = found.to_dict("records")
    assert (known["name"], known["security_type"], known["currency"]) == ("AAPL Inc.", "stock", "USD")
    assert known["market_cap"] == 2.5e12
    assert (unknown["symbol"], unknown["security_type"]) == ("NONE", "unknown")
    assert unknown["source"].endswith("unknown symbol")


def test_symbols_outside_of_the_fmp_plan_have_no_rows() -> None:
    good = Fmp({"AAPL": SPLIT_SERIES}).handlers()

    def some(path: str) -> Handler:
        return lambda request: good[path](request) if request.query["symbol"] == "AAPL" else 402

    with fmp({path: some(path) for path in good}) as (source, _):
        assert source.daily_prices(["AAPL", "XYZ"], START, END)["symbol"].unique().tolist() == ["AAPL"]
        with pytest.raises(SourceError, match="the plan of the key does not include this"):
            source.daily_prices(["XYZ"], START, END)


@pytest.mark.parametrize(
    ("make", "kind", "path"),
    [
        (polygon, "corporate_actions", "/v3/reference/splits"),
        (polygon, "corporate_actions", "/v3/reference/dividends"),
        (polygon, "securities", "/v3/reference/tickers/"),
        (polygon, "daily_prices", "/v3/reference/dividends"),
        (fmp, "daily_prices", "/stable/historical-price-eod/dividend-adjusted"),
        (fmp, "corporate_actions", "/stable/splits"),
        (fmp, "corporate_actions", "/stable/dividends"),
        (fmp, "securities", "/stable/profile"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("429 for an hour", TransientError),
        ("401", SourceError),
        ("html", SourceError),
        ("cut off then good", None),
    ],
)
def test_faults_of_the_other_requests(
    make: Callable[..., Any], kind: str, path: str, fault: str, error: type[Exception] | None
) -> None:
    vendor = Polygon if make is polygon else Fmp
    span = () if kind == "securities" else (START, END)
    with make(vendor({"AAPL": SPLIT_SERIES}).handlers()) as (source, server):
        server.use(FAULTS[fault], path)
        with pytest.raises(error, match=path) if error else nullcontext():
            getattr(source, kind)(["AAPL"], *span)
        assert server.attempts(path) == (1 if error else 2)


def test_settings_that_cannot_be_right() -> None:
    politeness = Politeness("fmp", Manners(1, 1))
    with pytest.raises(InputError, match="SIGMASIGHT_FMP_URL is no address"):
        FmpSource(politeness, SecretStr("key"), "localhost:80", 5)
    with pytest.raises(InputError, match="SIGMASIGHT_FMP_API_KEY has characters") as raised:
        FmpSource(politeness, SecretStr("kéy"), None, 5)
    assert "kéy" not in str(raised.value)


def chain_row(strike: int, bid: float, ask: float, updated: str = "2022-10-07 16:00") -> dict[str, object]:
    moment = pd.Timestamp(updated, tz="America/New_York").value
    return {
        "details": {"ticker": f"O:AAPL230120C{strike * 1000:08d}", "shares_per_contract": 100},
        "last_quote": {"bid": bid, "ask": ask},
        "day": {"close": 5.5, "last_updated": moment},
        "implied_volatility": 0.3,
        "open_interest": 10,
    }


def options(request: Request) -> object:
    if request.path.startswith("/v2/aggs/"):
        moment = int(pd.Timestamp("2022-10-05", tz="America/New_York").timestamp() * 1000)
        return {"results": [{"t": moment, "c": 4.5}]}
    assert request.query["expiration_date"] == "2023-01-20"
    calls = [chain_row(strike, 5, 6) for strike in range(100, 200, 10)]
    calls[5] = chain_row(150, 6, 5, "2022-10-06 16:00")
    return {"results": calls}


def test_option_quotes_of_the_chain_and_of_the_days_before() -> None:
    handlers: dict[str, Handler] = {"/v3/snapshot/options/AAPL": options, "/v2/aggs/ticker/O:": options}
    with polygon(handlers) as (source, _):
        found = source.option_quotes(["AAPL230120C00150000"], START, END)
    validate(OptionQuotes, found)
    chain = found[found["date"] == "2022-10-07"].set_index("contract")
    assert [name[-6:-3] for name in chain.index] == ["130", "140", "150", "160", "170"]
    held = chain.loc["AAPL230120C00150000"]
    assert held[["bid", "ask", "last"]].isna().all()
    assert held["status"] == "the bid is above the ask"
    assert chain.loc["AAPL230120C00160000", "status"] == "ok"
    history = found[found["date"] == "2022-10-05"].iloc[0]
    assert (history["last"], history["underlying"]) == (4.5, "AAPL")
    assert history["status"] == "no bid, ask, implied volatility, open interest"
