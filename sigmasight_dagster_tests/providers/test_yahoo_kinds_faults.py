"""The faults of the wire for the kinds of Yahoo's data that the fault matrix does not ask for."""

import datetime as dt
from collections.abc import Callable

import pandas as pd
import pytest

from sigmasight_core.errors import SourceError, TransientError
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.yahoo.source import MANNERS, YahooSource
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Sleeper
from sigmasight_dagster_tests.providers.yahoo_answers import (
    CHART,
    COOKIES,
    OPTIONS,
    SUMMARY,
    bars,
    by_symbol,
    chart,
    option,
    options,
    summary,
)
from sigmasight_dagster_tests.providers.yahoo_sources import new_york

DAY = dt.date(2024, 1, 12)
EVENING = new_york("2024-01-12T16:30")
CONTRACT = "AAPL240216C00185000"
CALLS = [option(CONTRACT, 185.0, new_york("2024-01-12T15:58"), 5.0, 5.2)]
HANDLERS = {
    **COOKIES,
    CHART: by_symbol({"AAPL": chart("AAPL", bars("2024-01-12", [185.0]), dividends=[("2024-01-12", 0.24)])}),
    OPTIONS: by_symbol({"AAPL": options("AAPL", {"2024-02-16": (CALLS, [])})}),
    SUMMARY: by_symbol({"AAPL": summary(quoteType={"quoteType": "EQUITY"})}),
}
KINDS: dict[str, tuple[str, int, Callable[[YahooSource], pd.DataFrame]]] = {
    "corporate_actions": (CHART, 1, lambda yahoo: yahoo.corporate_actions(["AAPL"], DAY, DAY)),
    "option_quotes": (OPTIONS, 2, lambda yahoo: yahoo.option_quotes([CONTRACT], DAY, DAY)),
    "securities": (SUMMARY, 1, lambda yahoo: yahoo.securities(["AAPL"])),
}
"""By kind: the requests of one symbol when all is well, and how it is asked for."""

OUTCOMES: dict[str, tuple[type[Exception] | None, int]] = {
    "ok": (None, 0),
    "429 seconds": (None, 1),
    "429 for an hour": (TransientError, 0),
    "401": (SourceError, 0),
    "403": (SourceError, 0),
    "404": (SourceError, 0),
    "500 then good": (None, 1),
    "500 always": (TransientError, 3),
    "slow": (TransientError, 3),
    "cut off": (TransientError, 3),
    "cut off then good": (None, 1),
    "html": (SourceError, 0),
    "truncated json": (TransientError, 3),
}
"""By fault: the error, and how often it is asked again."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", OUTCOMES)
def test_fault(kind: str, fault: str) -> None:
    path, requests, ask = KINDS[kind]
    error, again = OUTCOMES[fault]
    sleeper = Sleeper()
    with FaultServer(HANDLERS) as server:
        server.use(FAULTS[fault], path)
        yahoo = YahooSource(Politeness("yahoo", MANNERS, sleeper), server.url, 0.3, lambda: EVENING)
        if error is None:
            assert len(ask(yahoo)) == 1
        else:
            with pytest.raises(error, match="yahoo: "):
                ask(yahoo)
        assert server.attempts(path) == again + (requests if error is None else 1)
    assert len(sleeper.slept) == again
