"""fredapi itself against answers in FRED's shape."""

import datetime as dt
import traceback
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from sigmasight_core.errors import InputError, SigmaSightError, SourceError
from sigmasight_core.tables import TreasuryYields, validate
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.vendors import fred
from sigmasight_dagster.providers.vendors.fred import MANNERS, NOT_PUBLISHED, FredSource
from sigmasight_dagster_tests.providers.fault_server import FAULTS, Fault, FaultServer, Request, Sleeper
from sigmasight_dagster_tests.providers.fred_answers import BAD_KEY, OBSERVATIONS, observations

KEY = "abcdef0123456789abcdef0123456789"
YIELDS = {"DGS3MO": 5.45, "DGS2": 4.14, "DGS10": 3.96, "DGS30": 4.20}


def answer(request: Request) -> bytes:
    """Friday 2024-01-12 and Tuesday 2024-01-16; on the Monday, a holiday, a dot. Nothing of the 17th."""
    level = YIELDS[request.query["series_id"]]
    return observations(
        [
            {"date": "2024-01-12", "close": level},
            {"date": "2024-01-15", "close": None},
            {"date": "2024-01-16", "close": level + 0.11},
        ]
    )


def source(server: FaultServer, url: str | None = None) -> FredSource:
    return FredSource(Politeness("fred", MANNERS, Sleeper()), SecretStr(KEY), url or server.url, 0.3)


def test_yields_in_percent_on_every_session() -> None:
    with FaultServer({OBSERVATIONS: answer}) as server:
        rows = source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 17))
        (ten,) = [request for request in server.requests if request.query["series_id"] == "DGS10"]
        assert server.attempts() == 4
    rows = validate(TreasuryYields, rows)
    table = rows.pivot_table(index="date", columns="series", values="yield_percent", dropna=False)
    assert table.index.strftime("%m-%d").tolist() == ["01-12", "01-16", "01-17"]
    assert table.loc["2024-01-12"].to_dict() == {"3M": 5.45, "2Y": 4.14, "10Y": 3.96, "30Y": 4.20}
    assert table.loc["2024-01-16", "10Y"] == pytest.approx(4.07)
    assert table.loc["2024-01-17"].isna().all()
    assert set(rows.loc[rows["date"] == "2024-01-17", "status"]) == {NOT_PUBLISHED}
    assert set(rows["source"]) == {"fred: DGS3MO", "fred: DGS2", "fred: DGS10", "fred: DGS30"}
    assert ten.query["observation_start"] == "2024-01-12"
    assert ten.query["observation_end"] == "2024-01-17"
    assert ten.query["api_key"] == KEY


def test_a_bond_holiday_on_which_shares_trade_is_null() -> None:
    columbus = observations([{"date": "2023-10-09", "close": None}, {"date": "2023-10-10", "close": 4.66}])
    with FaultServer({OBSERVATIONS: lambda request: columbus}) as server:
        rows = source(server).treasury_yields(dt.date(2023, 10, 9), dt.date(2023, 10, 10))
    assert rows.loc[rows["series"] == "10Y", "yield_percent"].isna().tolist() == [True, False]


def test_a_range_without_a_session_asks_nothing() -> None:
    with FaultServer({}) as server:
        rows = source(server).treasury_yields(dt.date(2024, 1, 13), dt.date(2024, 1, 15))
        assert not server.requests
    assert rows.empty


def test_an_infinite_yield_is_refused() -> None:
    body = observations([{"date": "2024-01-12", "close": float("inf")}])
    with FaultServer({OBSERVATIONS: lambda request: body}) as server:
        rows = source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
    assert set(validate(TreasuryYields, rows)["status"]) == {"refused: the yield is infinite"}


@pytest.mark.parametrize("key", [None, SecretStr(""), SecretStr("  ")])
def test_without_a_key(key: SecretStr | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRED_API_KEY", KEY)  # fredapi would take it
    with pytest.raises(InputError, match="set SIGMASIGHT_FRED_API_KEY"):
        FredSource(Politeness("fred", MANNERS), key, None, 1.0)


def test_an_address_that_is_none() -> None:
    with pytest.raises(InputError, match="SIGMASIGHT_FRED_URL is no address"):
        FredSource(Politeness("fred", MANNERS), SecretStr(KEY), "file:///etc/passwd", 1.0)


BROKEN: dict[str, Fault] = {
    **{name: FAULTS[name] for name in ("401", "404", "500 always", "429 for an hour", "html", "cut off")},
    "slow": FAULTS["slow"],
    "bad key": Fault("bad key", status=400, body=BAD_KEY),
    "html error": Fault("html error", status=403, body=b"<!DOCTYPE html><html><p>No<br></html>"),
    "not a number": Fault("not a number", body=BAD_KEY.replace(b"<error", b"<observations><observation")),
    "an error in place of yields": Fault("error", body=BAD_KEY),
    "empty": Fault("empty", body=b""),
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_failure_shows_the_key(name: str) -> None:
    with FaultServer({OBSERVATIONS: answer}) as server:
        server.use(BROKEN[name])
        with pytest.raises(SigmaSightError) as caught:
            source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
    told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert KEY not in told
    assert "\n" not in str(caught.value)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert KEY not in f"{seen!r} {vars(seen)}"
        seen = seen.__context__ or seen.__cause__


def test_no_server_at_all_does_not_show_the_key() -> None:
    with FaultServer({}) as server:
        url = server.url
    with pytest.raises(SigmaSightError, match=r"fred: DGS3MO: the connection failed \(URLError\)") as caught:
        source(server, url).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bad key", "the key is refused, correct SIGMASIGHT_FRED_API_KEY"),
        ("html", "the answer is a web page"),
        ("an error in place of yields", "not FRED's list"),
    ],
)
def test_what_cannot_pass_says_why(name: str, text: str) -> None:
    with FaultServer({OBSERVATIONS: answer}) as server:
        server.use(BROKEN[name])
        with pytest.raises(SourceError, match=text):
            source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
        assert server.attempts() == 1


def test_urlopen_of_fredapi_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Any = fred.fred_module.urlopen
    with FaultServer({OBSERVATIONS: answer}) as server:
        source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
        server.use(FAULTS["401"])
        with pytest.raises(SourceError):
            source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
    assert fred.fred_module.urlopen is before


def test_dates_are_midnights() -> None:
    with FaultServer({OBSERVATIONS: answer}) as server:
        rows = source(server).treasury_yields(dt.date(2024, 1, 12), dt.date(2024, 1, 12))
    assert set(rows["date"]) == {pd.Timestamp("2024-01-12")}
