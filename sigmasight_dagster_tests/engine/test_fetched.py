"""Live data in the warehouse: what is final is not fetched again, and returns survive restating sources."""

import datetime as dt
import itertools
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
from sigmasight_core.tables import CorporateActions, DailyPrices, OptionQuotes, validate
from sigmasight_dagster.assets import market
from sigmasight_dagster.engine import fetched
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.providers.base import action_rows
from sigmasight_dagster.providers.marks import MarkedProvider
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp

SESSIONS = calendar.sessions("2022-10-03", "2022-11-30")
DIVIDEND_AT = 12
"""Session of an ex-date: sources restate all adjusted closes before it from then on."""
GROWTH = np.cumprod(1 + np.random.default_rng(5).normal(0, 0.02, len(SESSIONS)))


class RestatingSource:
    """Closes of A and B; adjusted to the last session of each fetch, as real sources do."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, pd.Timestamp]] = []
        self.corrected: dict[pd.Timestamp, float] = {}

    name = "test"

    def symbols(self) -> None:
        """Any."""

    def corporate_actions(self, symbols: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        sessions = SESSIONS[(pd.Timestamp(start) <= SESSIONS) & (pd.Timestamp(end) >= SESSIONS)]
        self.asked += [(symbol, date) for symbol in symbols for date in sessions]
        days = sessions[sessions == SESSIONS[DIVIDEND_AT]]
        paid = [
            action_rows(np.full(len(days), s, object), days, days.day / 10, "test", "dividend")
            for s in symbols
        ]
        return validate(CorporateActions, pd.concat(paid))

    def daily_prices(self, symbols: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        sessions = SESSIONS[(pd.Timestamp(start) <= SESSIONS) & (pd.Timestamp(end) >= SESSIONS)]
        self.asked += [(symbol, date) for symbol in symbols for date in sessions]
        place = SESSIONS.get_indexer(sessions)
        paid = np.where(place < DIVIDEND_AT, 1.0, 0.9)
        close = 100 * GROWTH[place] * paid * [self.corrected.get(date, 1.0) for date in sessions]
        adjusted = close / paid * paid[-1]
        rows = pd.DataFrame({"date": sessions, "close": close, "adjusted_close": adjusted})
        wide = rows.assign(open=close, high=close, low=close, volume=1.0, price_date=pd.Timestamp("NaT"))
        frames = [wide.assign(symbol=symbol, source="test", status="ok") for symbol in symbols]
        return validate(DailyPrices, pd.concat(frames))


@pytest.fixture
def platform(database_url: str, tmp_path: Path) -> Platform:
    made = Platform(Settings(_env_file=None, home=tmp_path, database_url=database_url))
    made.warehouse.migrate()
    made.__dict__["market_data"] = RestatingSource()
    return made


def fetch(
    platform: Platform,
    dates: pd.DatetimeIndex,
    symbols: Collection[str] = ("A",),
    refetch: bool = False,
    written_at: str = "2022-12-30",
) -> set[tuple[str, pd.Timestamp]]:
    """Publish the prices of some dates; what the source was asked for."""
    source = platform.market_data
    source.asked.clear()
    batch = Batch(market.daily_prices, platform, dates, (), SESSIONS[0], refetch)
    rows = fetched.daily_prices(batch, list(symbols))
    stamp = AuditStamp("test", "0", pd.Timestamp(written_at, tz="UTC"))
    platform.warehouse.replace(DailyPrices, rows, dates, None, stamp)
    return set(source.asked)


def returns(platform: Platform, symbol: str = "A") -> np.ndarray:
    rows = platform.warehouse.read(DailyPrices, symbols=[symbol])
    return np.diff(np.log(rows["adjusted_close"].to_numpy()))


@pytest.mark.parametrize("cuts", [(10, 20), (20, 10), (5, 11, 13, 14)])
def test_returns_of_several_fetches_are_those_of_the_market(
    platform: Platform, cuts: tuple[int, ...]
) -> None:
    edges = [0, *sorted(cuts), len(SESSIONS)]
    parts = [SESSIONS[start:end] for start, end in itertools.pairwise(edges)]
    for part in parts if cuts == tuple(sorted(cuts)) else reversed(parts):
        fetch(platform, part)
    np.testing.assert_allclose(returns(platform), np.diff(np.log(GROWTH)), rtol=0, atol=1e-12)


def test_a_gap_is_filled_on_the_scale_of_both_ends(platform: Platform) -> None:
    for part in (SESSIONS[:8], SESSIONS[8:9], SESSIONS[20:], SESSIONS[9:20]):
        fetch(platform, part)
    np.testing.assert_allclose(returns(platform), np.diff(np.log(GROWTH)), rtol=0, atol=1e-12)


def test_what_is_final_is_asked_for_once(platform: Platform) -> None:
    fetch(platform, SESSIONS[:10])
    assert fetch(platform, SESSIONS[:10]) == set()
    later = fetch(platform, SESSIONS[5:15])
    assert later == {("A", date) for date in SESSIONS[9:15]}, "the new sessions and one to link them to"
    new = fetch(platform, SESSIONS[5:15], ["A", "B"])
    assert {symbol for symbol, _ in new} == {"B"}


def test_a_price_of_just_after_the_close_is_asked_for_again(platform: Platform) -> None:
    day = SESSIONS[10:11]
    fetch(platform, day, written_at=f"{day[0]:%Y-%m-%d} 21:30")
    platform.market_data.corrected[day[0]] = 1.01
    assert fetch(platform, day) == {("A", day[0])}
    assert platform.warehouse.read(DailyPrices)["close"].tolist() == pytest.approx([101 * GROWTH[10]])
    assert fetch(platform, day) == set()


def test_a_refetched_correction_is_stored_and_changes_the_returns_around_it(platform: Platform) -> None:
    fetch(platform, SESSIONS)
    platform.market_data.corrected[SESSIONS[15]] = 1.01
    assert fetch(platform, SESSIONS) == set()
    fetch(platform, SESSIONS[14:17], refetch=True)
    expected = np.diff(np.log(GROWTH))
    expected[14] += np.log(1.01)
    expected[15] -= np.log(1.01)
    np.testing.assert_allclose(returns(platform), expected, rtol=0, atol=1e-12)


def test_a_close_that_was_wrong_at_first_bends_nothing_that_follows(platform: Platform) -> None:
    fetch(platform, SESSIONS[:10])
    platform.market_data.corrected[SESSIONS[10]] = 1.01
    fetch(platform, SESSIONS[10:11])
    platform.market_data.corrected.clear()
    fetch(platform, SESSIONS[11:20])
    fetch(platform, SESSIONS[10:11], refetch=True)
    np.testing.assert_allclose(returns(platform), np.diff(np.log(GROWTH[:20])), rtol=0, atol=1e-12)


def test_actions_are_asked_for_once_and_of_a_new_symbol_for_stored_dates(platform: Platform) -> None:
    source, warehouse, dates = platform.market_data, platform.warehouse, SESSIONS[10:14]

    def actions(symbols: list[str], written_at: str) -> set[tuple[str, pd.Timestamp]]:
        source.asked.clear()
        batch = Batch(market.corporate_actions, platform, dates, (), SESSIONS[0])
        rows = fetched.corporate_actions(batch, symbols)
        assert rows["symbol"].tolist() == symbols
        written = AuditStamp("test", "0", pd.Timestamp(written_at, tz="UTC"))
        warehouse.replace(CorporateActions, rows, dates, None, written)
        return set(source.asked)

    assert actions(["A"], "2022-12-30") == {("A", date) for date in dates}
    assert actions(["A"], "2022-12-30") == set()
    position = parse_portfolio_csv(
        "ticker,quantity,entry_price,entry_date\nB,1,100,2022-10-04\n", "p", "p.csv", SESSIONS[-1]
    )
    stamp = AuditStamp("test", "0", pd.Timestamp("2023-01-03", tz="UTC"))
    warehouse.save_portfolio({"portfolio": "p", "cash": 0.0, "source": "p.csv"}, position.positions, stamp)
    assert actions(["A", "B"], "2023-01-04") == {("B", date) for date in dates}
    assert actions(["A", "B"], "2023-01-04") == set()


def test_a_changed_mark_counts_at_once(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "marks.csv"
    for price in (100.0, 120.0):
        file.write_text(f"date,symbol,price\n{SESSIONS[3]:%Y-%m-%d},FUND1,{price}\n")
        platform.__dict__["market_data"] = MarkedProvider(RestatingSource(), file)
        batch = Batch(market.daily_prices, platform, SESSIONS[2:6], (), SESSIONS[0])
        rows = fetched.daily_prices(batch, ["A", "FUND1"])
        fund = rows[rows["symbol"] == "FUND1"].set_index("date")
        assert fund["close"].to_dict() == dict.fromkeys(SESSIONS[3:6], price)
        assert fund["adjusted_close"].dropna().to_dict() == {SESSIONS[3]: price}
        written = AuditStamp("test", "0", pd.Timestamp("2022-12-30", tz="UTC"))
        platform.warehouse.replace(DailyPrices, rows, SESSIONS[2:6], None, written)


def test_stored_quotes_outlive_a_source_that_knows_the_present_alone(platform: Platform) -> None:
    quote = pd.DataFrame(
        {"date": SESSIONS[:1], "contract": "A221216C00100000", "underlying": "A", "bid": 1.0, "ask": 1.2}
    ).assign(last=1.1, implied_volatility=0.3, open_interest=5.0, source="test", status="ok")
    rows = validate(OptionQuotes, quote)
    stamp = AuditStamp.now("test")
    platform.warehouse.replace(OptionQuotes, rows, SESSIONS[:2], None, stamp)
    batch = Batch(market.option_quotes, platform, SESSIONS[:2], (), SESSIONS[0])
    pd.testing.assert_frame_equal(fetched.option_quotes(batch, rows.iloc[:0]), rows)
    better = validate(OptionQuotes, quote.assign(bid=1.05))
    pd.testing.assert_frame_equal(fetched.option_quotes(batch, better), better)
