"""Doubts from day to day: opened, lifted, settled; what is stored of them and what is kept out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.tables import CorporateActions, Corrections, DailyPrices, Publications, SupersededRows
from sigmasight_dagster.engine import doubts
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp, LearnedActions, Warehouse
from sigmasight_dagster_tests.support.market_rows import actions, prices, sessions, walk

N = 90
DAYS = sessions(N)
STAMP = AuditStamp.now("test")


class World:
    """A warehouse into which the days of a market are published one after the other."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        folder.mkdir()
        (folder / "ZZZ.csv").write_text("Date,Close\n2021-01-04,5\n2021-01-05,6\n")
        given = {"database_url": url, "provider": "files", "files_dir": folder, **settings}
        self.platform = Platform(Settings(_env_file=None, **given))
        self.warehouse: Warehouse = self.platform.warehouse

    def publish(self, rows: pd.DataFrame, told: pd.DataFrame | None = None) -> None:
        """Actions, then prices, of the dates of the rows."""
        dates = pd.DatetimeIndex(sorted(rows["date"].unique()))
        told = actions() if told is None else told
        for model, given in ((CorporateActions, told[told["date"].isin(dates)]), (DailyPrices, rows)):
            used, findings = doubts.screen(self.platform, model, given, dates)
            self.warehouse.replace(model, used, dates, None, STAMP, findings)

    def closes(self) -> pd.Series:
        return self.warehouse.read(DailyPrices).set_index("date")["close"]

    def states(self) -> list[str]:
        return self.warehouse.doubts(every=True)["state"].tolist()

    def settle(self, state: str) -> None:
        known = self.warehouse.doubts()
        decided = known.drop(columns="computed_at").assign(state=state, settled_by="test")
        self.warehouse.settle(doubts.rejudge(self.platform, decided), STAMP)


@pytest.fixture
def world(url: str, tmp_path: Path) -> World:
    return World(url, tmp_path / "prices")


def one_bad(factor: float = 100.0, place: int = 70, length: int = 1) -> pd.DataFrame:
    closes = walk(N, 0.015, seed=41)
    closes[place : place + length] *= factor
    return prices(closes, volume=np.where(np.arange(N) == place, 1.2e7, 1e6))


def test_a_print_is_kept_out_in_a_range_and_restored_by_a_confirmation(world: World) -> None:
    rows = one_bad()
    world.publish(rows)
    stored = world.warehouse.read(DailyPrices)
    assert stored["close"].isna().tolist() == [place == 70 for place in range(N)]
    assert stored["adjusted_close"].isna().sum() == 1
    assert stored["status"].iloc[70].startswith("doubtful close 4,892.94: 100 times")
    assert world.states() == ["open"]
    assert world.warehouse.read(Corrections).empty
    world.settle("confirmed")
    pd.testing.assert_frame_equal(world.warehouse.read(DailyPrices), rows)
    assert world.warehouse.differing_partitions(DailyPrices).empty, "checksums follow single rows"
    changed = world.warehouse.read(Corrections)
    assert changed[["table_name", "date", "symbol"]].to_numpy().tolist() == [
        ["daily_prices", DAYS[70], "AAA"]
    ]
    assert len(world.warehouse.read(SupersededRows).query("old_row.notna()")) == 1
    world.publish(rows)
    assert world.states() == ["open", "confirmed"]
    assert world.closes().notna().all()


def test_a_rejection_holds_for_that_value_only(world: World) -> None:
    world.publish(one_bad())
    world.settle("rejected")
    world.publish(one_bad())
    assert world.states() == ["open", "rejected"]
    assert np.isnan(world.closes().iloc[70])
    assert "(rejected)" in world.warehouse.read(DailyPrices)["status"].iloc[70]
    world.publish(one_bad(factor=1.0))
    assert world.closes().notna().all()
    world.publish(one_bad(factor=10.0))
    assert world.states() == ["open", "rejected", "open"]


def test_day_by_day_the_next_close_lifts_a_doubt_or_the_return_opens_it(world: World) -> None:
    rows = one_bad(factor=2.6, place=70, length=20)
    world.publish(rows[rows["date"] <= DAYS[69]])
    world.publish(rows[rows["date"] == DAYS[70]])
    assert np.isnan(world.closes().iloc[-1])
    world.publish(rows[rows["date"] == DAYS[71]])
    assert world.states() == ["open", "lifted"]
    assert world.closes().notna().all()
    assert world.warehouse.doubts()["reason"].tolist() == ["what came later agrees with it"]
    again = one_bad(factor=1.7, place=80).assign(volume=rows["volume"])
    again[["close", "adjusted_close"]] *= np.where(np.arange(N) >= 70, 2.6, 1.0)[:, None]
    world.publish(again[again["date"].between(DAYS[72], DAYS[80])])
    assert world.states() == ["open", "lifted"]
    world.publish(again[again["date"] == DAYS[81]])
    assert world.states() == ["open", "lifted", "open"]
    assert world.closes().index[world.closes().isna()].tolist() == [DAYS[80]]


@pytest.mark.parametrize("chunk", [1, 7, N])
def test_whatever_the_batch_the_same_is_kept_out(world: World, chunk: int) -> None:
    closes = walk(N, 0.015, seed=42)
    closes[62:65] *= 0.01
    closes[75] *= 10
    closes[85:] *= 100
    rows = prices(closes)
    world.publish(rows[rows["date"] < DAYS[60]])
    for place in range(60, N, chunk):
        world.publish(rows[rows["date"].isin(DAYS[place : place + chunk])])
    out = world.closes().index[world.closes().isna()]
    assert out.tolist() == list(DAYS[[62, 63, 64, 75, 85, 86, 87, 88, 89]])


def test_a_split_that_is_told_late_brings_all_closes_back(world: World) -> None:
    growth = walk(N, 0.01, seed=43, start=400)
    closes = np.where(np.arange(N) >= 70, growth / 4, growth)
    world.publish(prices(closes, adjusted_close=closes))
    assert world.closes().isna().sum() == N - 70
    told = actions((str(DAYS[70].date()), "AAA", "split", 4.0))
    used, findings = doubts.screen(world.platform, CorporateActions, told, DAYS[70:71])
    world.warehouse.replace(CorporateActions, used, DAYS[70:71], None, STAMP, findings)
    assert world.closes().notna().all()
    assert set(world.warehouse.doubts().query("kind == 'close'")["state"]) == {"lifted"}


def test_a_split_that_the_source_tells_after_the_prices_is_stored(url: str, tmp_path: Path) -> None:
    world = World(url, tmp_path / "prices")
    (tmp_path / "prices" / "splits.csv").write_text(f"symbol,ex_date,ratio\nAAA,{DAYS[70]:%Y-%m-%d},4\n")
    growth = walk(N, 0.01, seed=43, start=400)
    closes = np.where(np.arange(N) >= 70, growth / 4, growth)
    world.publish(prices(closes, adjusted_close=closes))
    assert world.closes().notna().all()
    stored = world.warehouse.read(CorporateActions)
    assert stored[["date", "kind", "amount"]].to_numpy().tolist() == [[DAYS[70], "split", 4.0]]


class TestActions:
    def told(self, amount: float, kind: str = "split") -> pd.DataFrame:
        return actions((str(DAYS[70].date()), "AAA", kind, amount))

    def stored(self, world: World) -> list[list[Any]]:
        return world.warehouse.read(CorporateActions)[["kind", "amount"]].to_numpy().tolist()

    def count(self, world: World) -> int:
        published = world.warehouse.read(Publications, dates=DAYS[70:71])
        return int(published.loc[published["table_name"] == "corporate_actions", "n_rows"].iloc[0])

    def test_a_spin_off_is_a_distribution_until_it_is_confirmed(self, world: World) -> None:
        growth = walk(N, 0.01, seed=44)
        closes = np.where(np.arange(N) >= 70, growth / 1.253, growth)
        world.publish(prices(closes, adjusted_close=growth), self.told(1.253))
        assert self.stored(world) == [["distribution", 1.253]]
        assert world.closes().notna().all()
        world.settle("confirmed")
        assert self.stored(world) == [["split", 1.253]]
        world.settle("rejected")
        assert (self.stored(world), self.count(world)) == ([], 0)
        world.settle("confirmed")
        assert (self.stored(world), self.count(world)) == ([["split", 1.253]], 1)
        assert world.states() == ["open", "confirmed", "rejected", "confirmed"]

    def test_a_split_without_its_jump_is_not_known(self, world: World) -> None:
        world.publish(prices(walk(N, 0.01, seed=45)), self.told(4.0))
        ((kind, amount),) = self.stored(world)
        assert (kind, np.isnan(amount)) == ("split", True)
        assert "no 4:1 split" in world.warehouse.read(CorporateActions)["status"].iloc[0]

    def test_a_dividend_larger_than_the_price(self, world: World) -> None:
        world.publish(prices(walk(N, 0.01, seed=45)), self.told(500.0, "dividend"))
        assert np.isnan(self.stored(world)[0][1])
        world.settle("rejected")
        assert self.stored(world) == []


def test_actions_of_other_dates_are_told_apart_by_their_ratio(world: World) -> None:
    told = actions(("2020-03-02", "AAA", "split", 1.253), ("2020-04-01", "AAA", "split", 4.0))
    empty = pd.DataFrame()
    item = LearnedActions(DAYS[:1], None, ["AAA"], DAYS[0], told, empty, empty, DAYS[0])
    known, findings = doubts.learned(world.platform, item)
    assert known.rows["kind"].tolist() == ["distribution", "split"]
    world.warehouse.settle(findings, STAMP)
    assert world.states() == ["open"]
    again, nothing = doubts.learned(world.platform, item)
    assert again.rows.equals(known.rows)
    assert nothing.versions.empty


def test_the_second_source_settles_it(url: str, tmp_path: Path) -> None:
    rows = one_bad()
    folder = tmp_path / "prices"
    world = World(url, folder, cross_check_source="files")
    text = pd.DataFrame({"Date": DAYS.strftime("%Y-%m-%d"), "Close": rows["close"]}).to_csv(index=False)
    (folder / "AAA.csv").write_text(text)
    world.publish(rows)
    assert world.closes().notna().all()
    known = world.warehouse.doubts()
    assert known[["state", "settled_by"]].to_numpy().tolist() == [["confirmed", "second source files"]]


def test_it_can_be_turned_off_and_bent(url: str, tmp_path: Path) -> None:
    World(url, tmp_path / "a", doubtful_rows="off").publish(one_bad())
    world = World(url, tmp_path / "b", doubtful_print_factor=4.0)
    assert world.closes().notna().all()
    world.publish(one_bad(factor=3.0))
    assert world.states() == []
    world.publish(one_bad(factor=5.0))
    assert world.states() == ["open"]
