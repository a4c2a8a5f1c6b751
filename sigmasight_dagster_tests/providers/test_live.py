"""The chains of provider live: polygon and fmp on loopback servers, files, and sources that are down."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.tables import CorporateActions, DailyPrices, OptionQuotes, TreasuryYields, validate
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.live import sources
from sigmasight_dagster.providers.live.provider import LiveProvider
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Rows
from sigmasight_dagster_tests.providers.fault_subjects import BARS, END, NOW, START, SUBJECTS
from sigmasight_dagster_tests.providers.rest_vendors import Fmp, Polygon

TEN_TIMES: Rows = [{**row, "close": row["close"] * 10} for row in BARS]
ACTIONS: Rows = [{"symbol": "MSFT", "date": "2022-10-05", "amount": 0.5}]


@dataclass
class Vendors:
    polygon: FaultServer
    fmp: FaultServer

    def provider(self, **more: object) -> LiveProvider:
        given = {
            "price_sources": "polygon,fmp",
            "security_sources": "polygon,fmp",
            "option_sources": "polygon",
            "polygon_api_key": SecretStr("key"),
            "fmp_api_key": SecretStr("key"),
            "polygon_plan": "advanced",
            "fmp_plan": "advanced",
            "polygon_url": self.polygon.url,
            "fmp_url": self.fmp.url,
        }
        return LiveProvider(Settings(_env_file=None, provider="live", **{**given, **more}), lambda: NOW)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Politeness of each test's own, which does not sleep."""

    def politeness(source: str, manners: Manners) -> Politeness:
        return Politeness(source, manners, lambda seconds: None)

    monkeypatch.setattr(sources, "politeness", politeness)


@pytest.fixture
def vendors() -> Iterator[Vendors]:
    """Polygon has AAPL without 6 October, and no MSFT; FMP has both, AAPL at ten times the price."""
    most = [row for row in BARS if row["date"] != "2022-10-06"]
    polygon = Polygon({"AAPL": most, "IBM": BARS}).handlers()
    fmp = Fmp({"AAPL": TEN_TIMES, "MSFT": BARS}, dividends=ACTIONS).handlers()
    with FaultServer(polygon) as first, FaultServer(fmp) as second:
        yield Vendors(first, second)


def closes(rows: pd.DataFrame, symbol: str) -> list[tuple[float, str]]:
    chosen = rows[rows["symbol"] == symbol]
    return [(row.close, row.source.split(":")[0]) for row in chosen.itertuples()]


def test_the_next_source_fills_what_the_first_lacks(vendors: Vendors) -> None:
    rows = vendors.provider().daily_prices(["AAPL", "IBM", "MSFT", "NONE"], START, END)
    validate(DailyPrices, rows)
    polygon, fmp = "polygon", "fmp"
    assert closes(rows, "AAPL") == [
        (104, polygon),
        (105, polygon),
        (106, polygon),
        (1070, fmp),
        (108, polygon),
    ]
    assert {source for _, source in closes(rows, "IBM")} == {"polygon"}
    assert {source for _, source in closes(rows, "MSFT")} == {"fmp"}
    assert closes(rows, "NONE") == []
    asked = {request.query["symbol"] for request in vendors.fmp.requests}
    assert asked == {"AAPL", "MSFT", "NONE"}, "IBM lacks nothing"


def test_filled_adjusted_closes_are_on_the_scale_of_the_others(vendors: Vendors) -> None:
    """FMP's AAPL is ten times Polygon's: the filled close is FMP's, and no return is of a factor of ten."""
    provider = vendors.provider()
    rows = provider.daily_prices(["AAPL"], START, END).set_index("date")
    assert rows["adjusted_close"].tolist() == pytest.approx([104, 105, 106, 107, 108])
    filled = rows.loc["2022-10-06"]
    assert (filled["close"], filled["source"].split(", ")[-1]) == (
        1070,
        "adjusted close on the scale of the source before",
    )
    alone = provider.daily_prices(["AAPL"], dt.date(2022, 10, 6), dt.date(2022, 10, 6))
    assert alone["adjusted_close"].tolist() == pytest.approx([107]), "a range of one session too"


def test_a_refused_close_is_the_next_sources(vendors: Vendors) -> None:
    vendors.polygon.use(FAULTS["negative price"])
    with capture_logs() as logs:
        rows = vendors.provider().daily_prices(["IBM", "AAPL"], START, END)
    refused = [
        (entry["symbol"], entry["reason"], entry["count"])
        for entry in logs
        if entry["event"] == "bars refused"
    ]
    assert refused == [("AAPL", "the close is negative", 1), ("IBM", "the close is negative", 1)]
    assert closes(rows, "AAPL")[2:4] == [(1060, "fmp"), (1070, "fmp")]
    ibm = rows[rows["symbol"] == "IBM"].set_index("date").loc["2022-10-06"]
    assert pd.isna(ibm["close"])
    assert ibm["status"] == "refused: the close is negative", "fmp has none either"


def test_actions_are_of_the_source_that_gave_the_prices(vendors: Vendors) -> None:
    provider = vendors.provider()
    provider.daily_prices(["AAPL", "MSFT"], START, END)
    before = vendors.polygon.attempts("/v2/aggs/")
    rows = provider.corporate_actions(["AAPL", "MSFT"], START, END)
    validate(CorporateActions, rows)
    assert rows[["symbol", "amount", "source"]].to_numpy().tolist() == [["MSFT", 0.5, "fmp"]]
    assert vendors.polygon.attempts("/v2/aggs/") == before
    assert {r.query["symbol"] for r in vendors.fmp.requests if r.path == "/stable/dividends"} == {"MSFT"}
    afresh = vendors.provider().corporate_actions(["AAPL", "MSFT"], START, END)
    pd.testing.assert_frame_equal(afresh, rows)


@pytest.mark.parametrize("fault", ["500 always", "401", "html", "429 for an hour"])
def test_a_source_that_fails_is_left_out(vendors: Vendors, fault: str) -> None:
    vendors.polygon.use(FAULTS[fault])
    with capture_logs() as logs:
        rows = vendors.provider().daily_prices(["AAPL", "MSFT"], START, END)
    assert {source for _, source in closes(rows, "AAPL")} == {"fmp"}
    (warning,) = [entry for entry in logs if entry["event"] == "source failed"]
    assert (warning["log_level"], warning["source"], warning["kind"]) == ("warning", "polygon", "prices")
    assert warning["error"].startswith("polygon: /v2/aggs/ticker/AAPL/")


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        ("401", "500 always", TransientError),
        ("429 for an hour", "401", TransientError),
        ("401", "html", SourceError),
    ],
)
def test_no_source_answers(vendors: Vendors, first: str, second: str, error: type[Exception]) -> None:
    vendors.polygon.use(FAULTS[first])
    vendors.fmp.use(FAULTS[second])
    provider = vendors.provider()
    for ask in (provider.daily_prices, provider.corporate_actions):
        with pytest.raises(error, match=r"^no source of prices answers: polygon: .*; fmp: "):
            ask(["AAPL"], START, END)


def test_timestamps_as_the_assets_give_them(vendors: Vendors) -> None:
    days = pd.DatetimeIndex([pd.Timestamp(START), pd.Timestamp(END)])
    assert len(vendors.provider().daily_prices(["IBM"], days[0], days[-1])) == 5


def test_a_range_in_the_future_has_no_rows(vendors: Vendors) -> None:
    assert vendors.provider().daily_prices(["IBM"], dt.date(2022, 10, 10), dt.date(2022, 10, 14)).empty


def test_securities_say_where_they_are_from_and_why_not(vendors: Vendors) -> None:
    found = vendors.provider().securities(["IBM", "MSFT", "NONE"]).set_index("symbol")
    assert found["source"].tolist() == ["polygon", "fmp", "live: unknown to polygon, fmp"]
    vendors.fmp.use(FAULTS["500 always"])
    lacking = vendors.provider().securities(["IBM", "MSFT"]).set_index("symbol")
    assert lacking["source"]["IBM"] == "polygon"
    assert lacking["source"]["MSFT"].startswith("unavailable: fmp: /stable/profile: HTTP 500")


def test_option_quotes_of_a_source_that_fails(vendors: Vendors) -> None:
    vendors.polygon.use(FAULTS["403"])
    found = vendors.provider().option_quotes(["AAPL230120C00150000"], START, END)
    validate(OptionQuotes, found)
    assert found["date"].tolist() == [pd.Timestamp("2022-10-07")]
    assert found["underlying"].tolist() == ["AAPL"]
    assert found[["bid", "ask", "last"]].isna().all().all()
    assert found["status"].str.startswith("unavailable: polygon: ").all()


def test_without_a_key_of_fred_yields_are_null_and_prices_go_on(vendors: Vendors) -> None:
    provider = vendors.provider()
    found = provider.treasury_yields(START, END)
    validate(TreasuryYields, found)
    assert len(found) == 20
    assert found["yield_percent"].isna().all()
    (status,) = found["status"].unique()
    assert status.startswith("unavailable: fred needs a key: set SIGMASIGHT_FRED_API_KEY")
    assert provider.factor_proxies()["rates"] is None
    assert vendors.provider(fred_api_key="key").factor_proxies()["rates"] == "10Y"
    assert provider.factor_proxies()["market"] == "SPY"
    assert vendors.provider(factor_proxies={"market": "VTI"}).factor_proxies()["market"] == "VTI"


def test_yahoo_and_fred_in_chains(vendors: Vendors) -> None:
    with FaultServer(SUBJECTS["yahoo"].handlers) as yahoo, FaultServer(SUBJECTS["fred"].handlers) as fred:
        sources = {
            "price_sources": "yahoo,fmp",
            "fred_api_key": "key",
            "yahoo_url": yahoo.url,
            "fred_url": fred.url,
        }

        def provider() -> LiveProvider:
            return vendors.provider(**sources)

        prices = provider().daily_prices(["AAPL"], START, END)
        assert closes(prices, "AAPL") == [(row["close"], "yahoo") for row in BARS]
        yahoo.use(FAULTS["500 always"])
        prices = provider().daily_prices(["AAPL"], START, END)
        assert {source for _, source in closes(prices, "AAPL")} == {"fmp"}
        assert provider().treasury_yields(START, END)["yield_percent"].notna().all()
        fred.use(FAULTS["401"])
        (status,) = provider().treasury_yields(START, END)["status"].unique()
        assert status.startswith("unavailable: ")
        assert "SIGMASIGHT_FRED_API_KEY" in status
        fred.use(FAULTS["500 always"])
        with pytest.raises(TransientError, match="no source of yields answers"):
            provider().treasury_yields(START, END)


def test_files_in_a_chain(vendors: Vendors, tmp_path: Path) -> None:
    (tmp_path / "MSFT.csv").write_text("Date,Close\n2022-10-03,1\n2022-10-04,2\n")
    (tmp_path / "treasury_10y.csv").write_text("date,yield\n2022-10-03,3.5\n")
    (tmp_path / "securities.csv").write_text("symbol,name\nMSFT,Ours\n")
    sources = {"price_sources": "files,fmp", "yield_sources": "fred,files", "security_sources": "files,fmp"}
    provider = vendors.provider(**sources, files_dir=tmp_path)
    rows = provider.daily_prices(["MSFT"], START, END)
    assert [source for _, source in closes(rows, "MSFT")] == ["files", "files", "fmp", "fmp", "fmp"]
    assert provider.treasury_yields(START, START)["yield_percent"].notna().sum() == 1
    assert provider.securities(["MSFT"])["name"].tolist() == ["Ours"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"polygon_api_key": None},
            "SIGMASIGHT_PRICE_SOURCES: polygon needs a key: set SIGMASIGHT_POLYGON_API_KEY",
        ),
        ({"fmp_api_key": SecretStr(" ")}, "SIGMASIGHT_PRICE_SOURCES: fmp needs a key"),
        ({"price_sources": "fred"}, "SIGMASIGHT_PRICE_SOURCES: fred has none of this; use yahoo"),
        ({"price_sources": ""}, "SIGMASIGHT_PRICE_SOURCES is empty"),
        ({"price_sources": "fmp,fmp"}, "fmp is there twice"),
        ({"yield_sources": "files"}, "SIGMASIGHT_YIELD_SOURCES: files needs a directory of prices"),
        ({"option_sources": "fmp"}, "SIGMASIGHT_OPTION_SOURCES: fmp has none of this"),
    ],
)
def test_settings_that_cannot_be_used(vendors: Vendors, given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        vendors.provider(**given)


def test_the_provider_of_the_settings() -> None:
    provider = make_provider(Settings(_env_file=None, provider="live"))
    assert provider.name == "live: yahoo"
    assert (provider.symbols(), provider.first_date(), provider.last_date()) == (
        None,
        dt.date(2015, 1, 2),
        None,
    )


def test_one_politeness_a_source_and_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    manners = Manners(1000, 1)
    make: Callable[[str, Manners], Politeness] = sources.politeness
    assert make("x", manners) is make("x", Manners(1000, 1))
    assert make("x", manners) is not make("y", manners)
