"""yfinance itself against option chains in Yahoo's shape: which quotes count, of which session."""

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from sigmasight_core.errors import TransientError
from sigmasight_core.options.occ import format_occ
from sigmasight_core.tables import OptionQuotes, validate
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer
from sigmasight_dagster_tests.providers.yahoo_answers import COOKIES, OPTIONS, by_symbol, option, options
from sigmasight_dagster_tests.providers.yahoo_sources import new_york, source

# Friday 2024-01-12 is a session; Monday 2024-01-15 is a holiday.
FRIDAY = "2024-01-12"
EVENING = new_york("2024-01-12T16:30")
TRADED = new_york("2024-01-12T15:58")
FEBRUARY, MARCH = "2024-02-16", "2024-03-15"


def name(strike: float, kind: str = "C", expiry: str = FEBRUARY, root: str = "AAPL") -> str:
    return format_occ(root, expiry, kind == "C", strike)


def ladder(kind: str = "C", expiry: str = FEBRUARY, root: str = "AAPL") -> list[dict[str, Any]]:
    return [
        option(name(strike, kind, expiry, root), strike, TRADED, 5.0, 5.2)
        for strike in (170.0, 175.0, 180.0, 182.5, 185.0, 190.0, 195.0, 200.0)
    ]


def chain(**change: Any) -> dict[str, Any]:
    """AAPL with two expiries; `change` of the call at 185 of February."""
    calls = [{**row, **change} if row["strike"] == 185.0 else row for row in ladder()]
    return {
        "AAPL": options("AAPL", {FEBRUARY: (calls, ladder("P")), MARCH: (ladder("C", MARCH), [])}),
        "NONE": {"optionChain": {"result": [], "error": None}},
    }


def quotes(
    contracts: list[str],
    answers: dict[str, Any] | None = None,
    now: dt.datetime = EVENING,
    start: str = FRIDAY,
    end: str = FRIDAY,
) -> pd.DataFrame:
    with FaultServer({**COOKIES, OPTIONS: by_symbol(answers or chain())}) as server:
        asked = source(server, now).option_quotes
        first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
        return validate(OptionQuotes, asked(contracts, first, last))


def held(**change: Any) -> pd.Series:
    return quotes([name(185)], chain(**change)).set_index("contract").loc[name(185)]


def test_the_contract_and_two_strikes_on_each_side() -> None:
    rows = quotes([name(185)])
    assert rows["contract"].tolist() == [name(strike) for strike in (180, 182.5, 185, 190, 195)]
    assert set(rows["underlying"]) == {"AAPL"}
    assert set(rows["date"]) == {pd.Timestamp(FRIDAY)}
    row = rows.iloc[2]
    assert row[["bid", "ask", "last", "implied_volatility", "open_interest", "status"]].tolist() == [
        5.0, 5.2, 5.0, 0.25, 100.0, "ok",
    ]  # fmt: skip


def test_at_the_end_of_the_chain_there_are_fewer_neighbours() -> None:
    assert quotes([name(170)])["contract"].tolist() == [name(170), name(175), name(180)]


def test_held_contracts_of_several_kinds_and_expiries_share_their_chain() -> None:
    held = [name(170, "P"), name(200), name(185), name(185, expiry=MARCH)]
    with FaultServer({**COOKIES, OPTIONS: by_symbol(chain())}) as server:
        rows = source(server, EVENING).option_quotes(
            held, dt.date.fromisoformat(FRIDAY), dt.date(2024, 1, 16)
        )
        dates = [request.query.get("date") for request in server.requests if OPTIONS in request.path]
    assert set(held) < set(rows["contract"])
    assert rows["contract"].is_unique
    assert len(dates) == 3, "the list of expiries, and each of the two expiries once"


def test_what_is_not_listed_gives_no_rows() -> None:
    assert quotes([name(185, root="NONE"), name(185, expiry="2024-02-23")]).empty
    assert quotes([name(187.5)]).empty
    assert quotes([]).empty


def test_expired_contracts_are_not_asked_for() -> None:
    with FaultServer({**COOKIES, OPTIONS: by_symbol(chain())}) as server:
        day = dt.date.fromisoformat(FRIDAY)
        assert source(server, EVENING).option_quotes([name(185, expiry="2024-01-05")], day, day).empty
        assert not server.requests


@pytest.mark.parametrize(
    ("now", "session"),
    [
        ("2024-01-12T15:59", None),  # the market is open
        ("2024-01-12T09:30", None),
        ("2024-01-12T09:29", "2024-01-11"),  # the session before, until the opening
        ("2024-01-12T16:14", None),  # quotes are 15 minutes late
        ("2024-01-12T16:15", "2024-01-12"),
        ("2024-01-13T12:00", "2024-01-12"),  # Saturday
        ("2024-01-15T12:00", "2024-01-12"),  # a holiday
        ("2024-01-16T09:29", "2024-01-12"),
        ("2024-01-16T09:31", None),
        ("2024-07-03T13:15", "2024-07-03"),  # half day
        ("2024-07-03T13:14", None),
    ],
)
def test_the_session_of_which_a_chain_tells(now: str, session: str | None) -> None:
    late = {"AAPL": options("AAPL", {"2024-12-20": (ladder("C", "2024-12-20"), [])})}
    rows = quotes([name(185, expiry="2024-12-20")], late, new_york(now), "2024-01-02", "2024-07-31")
    assert set(rows["date"].dt.strftime("%Y-%m-%d")) == ({session} if session else set())


def test_other_sessions_have_no_rows_and_are_not_asked_for() -> None:
    with FaultServer({**COOKIES, OPTIONS: by_symbol(chain())}) as server:
        asked = source(server, EVENING).option_quotes
        assert asked([name(185)], dt.date(2024, 1, 2), dt.date(2024, 1, 11)).empty
        assert asked([name(185)], dt.date(2024, 1, 16), dt.date(2024, 1, 31)).empty
        assert not server.requests


@pytest.mark.parametrize(
    ("change", "missing", "status"),
    [
        ({"lastTradeDate": int(new_york("2024-01-11T15:59").timestamp())}, ["last"],
         "last trade of an earlier session"),
        ({"bid": 0.0}, ["bid"], "no bid"),
        ({"bid": 0.0, "ask": 0.0}, ["bid", "ask", "implied_volatility"],
         "no bid; no ask; no implied volatility"),
        ({"bid": None, "ask": None}, ["bid", "ask", "implied_volatility"],
         "no bid; no ask; no implied volatility"),
        ({"impliedVolatility": 0.0000100001}, ["implied_volatility"], "no implied volatility"),
        ({"impliedVolatility": float("nan")}, ["implied_volatility"], "no implied volatility"),
        ({"bid": 6.0}, ["bid", "ask", "implied_volatility"],
         "the bid is above the ask; no implied volatility"),
        ({"lastPrice": -1.0}, ["last"], "no last"),
        ({"openInterest": None}, ["open_interest"], "no open interest"),
        ({"currency": "EUR"}, ["bid", "ask", "last", "implied_volatility", "open_interest"],
         "refused: the quotes are not in USD"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_null(change: dict[str, Any], missing: list[str], status: str) -> None:
    row = held(**change)
    fields = ["bid", "ask", "last", "implied_volatility", "open_interest"]
    assert [field for field in fields if pd.isna(row[field])] == missing
    assert row["status"] == status


def test_adjusted_contracts_are_left_out() -> None:
    assert name(185) not in set(quotes([name(190)], chain(contractSize="MINI"))["contract"])


def test_roots_that_are_not_the_name_of_the_underlying() -> None:
    weekly = [row for root in ("SPX", "SPXW") for row in ladder("C", FEBRUARY, root)]
    answers = {
        "BRK-B": options("BRK-B", {FEBRUARY: (ladder("C", FEBRUARY, "BRKB"), [])}),
        "^SPX": options("^SPX", {FEBRUARY: (weekly, [])}),
    }
    rows = quotes([name(185, root="BRKB"), name(170, root="SPXW")], answers)
    assert rows.groupby("underlying").size().to_dict() == {"BRK-B": 5, "SPXW": 3}


def test_a_source_that_is_down_is_an_error_and_not_an_empty_chain() -> None:
    with FaultServer({**COOKIES, OPTIONS: by_symbol(chain())}) as server:
        server.use(FAULTS["500 always"], OPTIONS)
        day = dt.date.fromisoformat(FRIDAY)
        with pytest.raises(TransientError, match="HTTP 500"):
            source(server, EVENING).option_quotes([name(185)], day, day)
        assert server.attempts(OPTIONS) == 4
