"""The packaged sample: facts against the NYSE calendar, the contract of a provider, proxies, yields."""

import datetime as dt

import exchange_calendars
import numpy as np
import pandas as pd
import pytest

from sigmasight_core import tables
from sigmasight_core.errors import InputError
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.base import YIELD_SERIES
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.settings import Settings

FIRST, LAST = dt.date(2014, 1, 2), dt.date(2022, 12, 28)
STOCKS = (
    *("AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO"),
    *("LLY", "MRK", "MSFT", "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM"),
)
FUNDS = ["MTUM", "QUAL", "SIZE", "USMV", "VLUE"]


@pytest.fixture(scope="module")
def provider() -> SampleProvider:
    return SampleProvider()


@pytest.fixture(scope="module")
def prices(provider: SampleProvider) -> pd.DataFrame:
    return tables.validate(tables.DailyPrices, provider.daily_prices(None, FIRST, LAST))


def test_symbols_and_range(provider: SampleProvider) -> None:
    assert provider.symbols() == {*STOCKS, *FUNDS, "SP500"}
    assert (provider.first_date(), provider.last_date()) == (FIRST, LAST)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pandas")
def test_every_session_of_the_exchange_calendar_has_every_symbol(prices: pd.DataFrame) -> None:
    calendar = exchange_calendars.get_calendar("XNYS", start="2014-01-01", end="2022-12-31")
    sessions = calendar.sessions_in_range("2014-01-02", "2022-12-28")
    counts = prices.groupby("date").size()
    assert len(sessions) == 2264
    assert list(counts.index) == list(sessions)
    assert (counts == 26).all()
    left = calendar.sessions_in_range("2022-12-28", "2022-12-30")[1:]
    assert [str(day.date()) for day in left] == ["2022-12-29", "2022-12-30"]


@pytest.mark.parametrize(
    ("symbol", "first", "last"),
    [  # skfolio 1.12.2, load_sp500_dataset(), load_factors_dataset(), load_sp500_index()
        ("AAPL", 17.365, 125.674),
        ("XOM", 66.010, 106.627),
        ("MTUM", 52.704, 143.730),
        ("SP500", 1831.980, 3783.220),
    ],
)
def test_closes_are_those_of_the_package(
    prices: pd.DataFrame, symbol: str, first: float, last: float
) -> None:
    closes = prices.loc[prices["symbol"] == symbol, "close"]
    assert (closes.iloc[0], closes.iloc[-1]) == (first, last)


def test_index_closes_are_the_published_ones(prices: pd.DataFrame) -> None:
    index = prices[prices["symbol"] == "SP500"].set_index("date")["close"]
    published = {"2020-02-19": 3386.15, "2020-03-23": 2237.40, "2022-01-03": 4796.56}
    assert index[list(map(pd.Timestamp, published))].to_numpy() == pytest.approx(list(published.values()))


def test_only_adjusted_closes_exist_and_the_rows_say_so(prices: pd.DataFrame) -> None:
    assert (prices["close"] == prices["adjusted_close"]).all()
    assert prices[["open", "high", "low", "volume"]].isna().all(axis=None)
    assert set(prices["status"]) == {"no open, high, low, volume from this source"}
    assert set(prices["source"]) == {"sample: skfolio data set, adjusted closes only, close = adjusted_close"}


def test_a_selection_is_the_same_rows(provider: SampleProvider, prices: pd.DataFrame) -> None:
    start, end = dt.date(2020, 7, 2), dt.date(2020, 7, 6)
    some = provider.daily_prices({"XOM", "AAPL", "NOPE"}, start, end)
    inside = prices["date"].between("2020-07-02", "2020-07-06") & prices["symbol"].isin(["AAPL", "XOM"])
    pd.testing.assert_frame_equal(some, prices[inside].reset_index(drop=True))
    assert len(some) == 4  # 2020-07-03 was a holiday


@pytest.mark.parametrize(("start", "end"), [("2013-01-01", "2013-12-31"), ("2023-01-01", "2023-12-31")])
def test_outside_of_the_range_is_empty_and_legal(provider: SampleProvider, start: str, end: str) -> None:
    frame = provider.daily_prices(None, pd.Timestamp(start), pd.Timestamp(end))
    assert len(tables.validate(tables.DailyPrices, frame)) == 0


def test_yields_are_unavailable_on_every_session(provider: SampleProvider) -> None:
    frame = tables.validate(
        tables.TreasuryYields, provider.treasury_yields(dt.date(2022, 11, 21), dt.date(2022, 11, 28))
    )
    assert len(frame) == 5 * 4  # Thanksgiving 2022-11-24 is no session
    assert set(frame["series"]) == set(YIELD_SERIES)
    assert frame["yield_percent"].isna().all()
    assert set(frame["status"]) == {"unavailable: sample has no Treasury yields"}


def test_there_are_no_corporate_actions(provider: SampleProvider) -> None:
    frame = provider.corporate_actions(None, FIRST, LAST)
    assert len(tables.validate(tables.CorporateActions, frame)) == 0


def test_factor_proxies(provider: SampleProvider) -> None:
    assert provider.factor_proxies() == {
        "market": "SP500",
        "value": "VLUE",
        "growth": None,
        "momentum": "MTUM",
        "quality": "QUAL",
        "size": "SIZE",
        "low_volatility": "USMV",
        "rates": None,
    }


def test_the_user_may_choose_proxies() -> None:
    settings = Settings(provider="sample", factor_proxies={"market": "QUAL"})
    assert make_provider(settings).factor_proxies()["market"] == "QUAL"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"beauty": "QUAL"}, "factor_proxies: there is no 'beauty'; use market, value"),
        ({"rates": "10Y"}, "factor_proxies: there is no 'rates'"),
        ({"growth": "VUG"}, "factor_proxies: growth = 'VUG' has no prices"),
    ],
)
def test_a_wrong_proxy_is_refused(chosen: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SampleProvider(chosen).factor_proxies()


def test_securities(provider: SampleProvider) -> None:
    frame = provider.securities(None)
    assert set(frame["symbol"]) == provider.symbols()
    by_type = frame.groupby("security_type")["symbol"].agg(set)
    assert by_type.to_dict() == {"stock": set(STOCKS), "etf": set(FUNDS), "index": {"SP500"}}
    assert (frame["name"].str.len() > 0).all()
    assert (frame["sector"].str.len() > 0).all()


def test_securities_of_symbols_asked_for(provider: SampleProvider) -> None:
    frame = provider.securities(["ZZZZ", "JPM"]).set_index("symbol")
    assert frame.loc["JPM", ["name", "security_type", "sector"]].tolist() == [
        "JPMorgan Chase & Co.",
        "stock",
        "Financials",
    ]
    unknown = frame.loc["ZZZZ", ["name", "security_type", "sector", "source"]].tolist()
    assert unknown == ["", "unknown", "unclassified", "sample: unknown symbol"]
    assert np.isnan(frame.loc["ZZZZ", "market_cap"])
    rows = frame.reset_index().assign(date=pd.Timestamp("2022-12-28"))
    assert len(tables.validate(tables.SecurityMaster, rows)) == 2


def test_no_price_is_handed_out_by_reference(provider: SampleProvider) -> None:
    day = dt.date(2022, 12, 28)
    first = provider.daily_prices({"AAPL"}, day, day)
    first["close"] = np.nan
    assert provider.daily_prices({"AAPL"}, day, day)["close"].tolist() == [125.674]
