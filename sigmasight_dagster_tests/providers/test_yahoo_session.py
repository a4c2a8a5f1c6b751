"""What yfinance does around a request (cookie, crumb, caches, settings), with our session in between."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yfinance
import yfinance.cache

from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.yahoo.source import MANNERS, YahooSource
from sigmasight_dagster_tests.providers.fault_server import FAULTS, Fault, FaultServer, Request, Sleeper
from sigmasight_dagster_tests.providers.yahoo_answers import (
    CHART,
    COOKIES,
    CRUMB,
    SUMMARY,
    bars,
    by_symbol,
    chart,
    summary,
)
from sigmasight_dagster_tests.providers.yahoo_sources import source

START, END = dt.date(2020, 8, 27), dt.date(2020, 9, 1)
AAPL = chart("AAPL", bars("2020-08-27", [125.0, 126.0, 127.0, 128.0]))
APPLE = summary(quoteType={"quoteType": "EQUITY", "longName": "Apple Inc."})
INVALID_CRUMB = {
    "finance": {"result": None, "error": {"code": "Unauthorized", "description": "Invalid Crumb"}}
}


class Refusing(FaultServer):
    """Answers requests without the crumb that it wants as Yahoo does: 401 and Invalid Crumb."""

    crumb = "new"

    def _good(self, request: Request) -> tuple[int, bytes]:
        if request.path.startswith(SUMMARY) and request.query.get("crumb") != self.crumb:
            return 401, json.dumps(INVALID_CRUMB).encode()
        return super()._good(request)


def serve(kind: Callable[..., FaultServer] = FaultServer, crumb: bytes = b"new") -> FaultServer:
    handlers: dict[str, Any] = {
        **COOKIES,
        CRUMB: lambda request: crumb,
        CHART: by_symbol({"AAPL": AAPL, "MSFT": AAPL}),
        SUMMARY: by_symbol({"AAPL": APPLE}),
    }
    return kind(handlers)


def test_cookie_and_crumb_are_asked_for_once_in_a_process() -> None:
    with serve() as server:
        yahoo = source(server)
        yahoo.daily_prices(["AAPL", "MSFT"], START, END)
        yahoo.securities(["AAPL"])
        assert server.attempts(CRUMB) == 1
        assert [request.query["crumb"] for request in server.requests if request.path.startswith("/v8")] == [
            "new",
            "new",
        ]


def test_every_request_goes_to_the_address_of_the_settings() -> None:
    with serve() as server:
        source(server).daily_prices(["AAPL"], START, END)
        assert {request.headers["host"] for request in server.requests} == {
            server.url.removeprefix("http://")
        }
        assert {request.path for request in server.requests} == {"/", CRUMB, CHART + "AAPL"}


def test_two_sources_in_one_process_do_not_share_a_crumb() -> None:
    with serve(Refusing) as first, serve(Refusing, b"other") as second:
        second.crumb = "other"  # type: ignore[attr-defined]
        one, two = source(first), source(second)
        for yahoo in (one, two, one, two):
            assert yahoo.securities(["AAPL"])["name"].tolist() == ["Apple Inc."]
        assert first.attempts(SUMMARY) == second.attempts(SUMMARY) == 2


def test_a_crumb_that_has_expired_is_renewed_once() -> None:
    given = iter([b"old", b"new"])
    with serve(Refusing) as server:
        server.handlers[CRUMB] = lambda request: next(given)  # type: ignore[index]
        assert source(server).securities(["AAPL"])["name"].tolist() == ["Apple Inc."]
        assert server.attempts(CRUMB) == server.attempts(SUMMARY) == 2


def test_a_crumb_that_stays_invalid_is_an_error() -> None:
    with serve(Refusing, b"old") as server:
        with pytest.raises(SourceError, match="HTTP 401"):
            source(server).securities(["AAPL"])
        assert server.attempts(SUMMARY) == 2


def test_charts_need_no_crumb() -> None:
    with serve() as server:
        server.use(FAULTS["429 for an hour"], CRUMB)
        assert len(source(server).daily_prices(["AAPL"], START, END)) == 4
        assert server.attempts(CRUMB) == 1


def test_a_summary_for_which_no_crumb_is_given_may_be_asked_for_later() -> None:
    with serve(Refusing) as server:
        server.use(FAULTS["429 for an hour"], CRUMB)
        with pytest.raises(TransientError, match="getcrumb: HTTP 429") as caught:
            source(server).securities(["AAPL"])
        assert caught.value.retry_after_seconds == 3600
        assert server.attempts(SUMMARY) == 2


@pytest.mark.parametrize("status", [401, 429])
def test_a_crumb_that_is_refused_is_asked_for_once_more_where_it_is_needed(status: int) -> None:
    with serve(Refusing) as server:
        server.use(Fault("once", times=1, status=status), CRUMB)
        assert source(server).securities(["AAPL"])["name"].tolist() == ["Apple Inc."]
        assert server.attempts(CRUMB) == server.attempts(SUMMARY) == 2


def test_a_source_that_is_down_is_asked_for_a_crumb_as_often_as_for_data_and_no_more() -> None:
    sleeper = Sleeper()
    with serve() as server:
        server.use(FAULTS["500 always"], CRUMB, CHART)
        with pytest.raises(TransientError, match="HTTP 500"):
            source(server, sleeper=sleeper).daily_prices(["AAPL"], START, END)
        assert (server.attempts(CRUMB), server.attempts(CHART)) == (4, 0)
    assert len(sleeper.slept) == 3


def test_an_answer_of_another_shape_is_an_error() -> None:
    with (
        FaultServer({**COOKIES, CHART: lambda request: {"spark": []}}) as server,
        pytest.raises(SourceError, match="another shape"),
    ):
        source(server).daily_prices(["AAPL"], START, END)


def test_a_chart_that_yfinance_cannot_read_is_an_error() -> None:
    odd = {"chart": {"result": [{"meta": {}, "indicators": {"quote": [{"open": [1.0]}]}}], "error": None}}
    with (
        FaultServer({**COOKIES, CHART: lambda request: odd}) as server,
        pytest.raises(SourceError, match="yahoo: AAPL: yfinance cannot read the answer"),
    ):
        source(server).daily_prices(["AAPL"], START, END)


def test_a_request_that_yahoo_calls_wrong_is_an_error() -> None:
    wrong = {"chart": {"result": None, "error": {"code": "Bad Request", "description": "Invalid input"}}}
    with (
        FaultServer({**COOKIES, CHART: lambda request: wrong}) as server,
        pytest.raises(SourceError, match="Invalid input"),
    ):
        source(server).daily_prices(["AAPL"], START, END)


def test_dates_without_data_are_no_rows() -> None:
    text = "Data doesn't exist for startDate = 1598500800, endDate = 1598932800"
    none = {"chart": {"result": None, "error": {"code": "Bad Request", "description": text}}}
    with FaultServer({**COOKIES, CHART: lambda request: none}) as server:
        assert source(server).daily_prices(["AAPL"], START, END).empty


def test_nothing_is_kept_in_the_users_folders_and_settings_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (yfinance.config.debug.hide_exceptions, yfinance.config.network.retries) == (True, 0)
    with serve() as server:
        source(server).daily_prices(["AAPL"], START, END)
    assert not list(tmp_path.iterdir())
    assert "sigmasight-yahoo-" in yfinance.cache._CookieDBManager.get_location()
    assert (yfinance.config.debug.hide_exceptions, yfinance.config.network.retries) == (True, 0)


def test_the_same_question_is_asked_again() -> None:
    with serve() as server:
        yahoo = source(server)
        frames = [yahoo.daily_prices(["AAPL"], START, END) for _ in range(2)]
        assert server.attempts(CHART) == 2
    pd.testing.assert_frame_equal(*frames)


@pytest.mark.parametrize("url", ["127.0.0.1:9", "ftp://127.0.0.1", "nowhere", "http://me:secret@127.0.0.1"])
def test_an_address_that_is_none_names_the_setting(url: str) -> None:
    with pytest.raises(InputError, match="SIGMASIGHT_YAHOO_URL is no address") as caught:
        YahooSource(Politeness("yahoo", MANNERS, Sleeper()), url, 1.0)
    assert "secret" not in str(caught.value)


def test_an_address_may_have_a_path() -> None:
    handlers = {**COOKIES, "/proxy" + CHART: by_symbol({"AAPL": AAPL})}
    with FaultServer(handlers) as server:
        yahoo = YahooSource(Politeness("yahoo", MANNERS, Sleeper()), server.url + "/proxy/", 1.0)
        assert len(yahoo.daily_prices(["AAPL"], START, END)) == 4
        assert all(request.path.startswith("/proxy") for request in server.requests)
