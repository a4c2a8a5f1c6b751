"""What a batch reads: windows of declared inputs, and nothing that was not declared or published."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_core import calendar
from sigmasight_core.errors import LedgerError
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorExposures,
    Portfolios,
    Positions,
    Table,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset, tolerated_gaps, window
from sigmasight_dagster.warehouse import AuditStamp, UpstreamNotPublished
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import DATES, House
from sigmasight_dagster_tests.support.stored_rows import random_rows

SESSIONS = calendar.sessions("2022-11-01", "2022-12-16")
FIRST = SESSIONS[0]
STAMP = AuditStamp("run", "1", pd.Timestamp("2023-01-02", tz="UTC"))


def batch(house: House, *inputs: Any, names: Sequence[str] = (), first: pd.Timestamp = FIRST) -> Batch:
    @risk_asset(FactorExposures if names else FactorBetas, inputs=inputs, group="test")
    def asset(batch: Batch) -> pd.DataFrame:
        raise AssertionError("not run")

    return Batch(asset, house.platform, DATES, tuple(names), first)


def publish(house: House, dates: pd.DatetimeIndex) -> None:
    rows = {"series": "10Y", "yield_percent": 1.0, "source": "test", "status": "ok"}
    house.platform.warehouse.replace(
        TreasuryYields, pd.DataFrame({"date": dates, **rows}), dates, None, STAMP
    )


def entries(*days: str) -> pd.DataFrame:
    return pd.DataFrame({"entry_date": pd.to_datetime(list(days))})


class TestWindow:
    def test_without_a_look_back_it_is_the_dates_even_with_holes(self) -> None:
        dates = DATES[[0, 3]]
        assert list(window(Input(DailyPrices), dates, FIRST, entries("2022-11-02"))) == list(dates)

    @given(st.integers(1, 20), st.sampled_from(range(21, len(SESSIONS) - 2)))
    def test_a_look_back_counts_sessions_before_the_first_date(self, look_back: int, start: int) -> None:
        dates = SESSIONS[[start, start + 2]]
        found = window(Input(DailyPrices, look_back=look_back), dates, FIRST, None)
        assert list(found) == list(SESSIONS[start - look_back : start + 3])

    def test_it_is_clipped_at_the_first_date_of_the_project(self) -> None:
        found = window(Input(DailyPrices, look_back=500), DATES, SESSIONS[-8], None)
        assert list(found) == list(SESSIONS[-8:])

    @pytest.mark.parametrize(
        ("days", "start"),
        [
            (("2022-12-01", "2022-11-15"), "2022-11-15"),
            (("2022-12-15",), "2022-12-12"),
            ((), "2022-12-12"),
            (("2001-01-02",), "2022-11-01"),
        ],
    )
    def test_since_entry_starts_at_the_earliest_entry(self, days: tuple[str, ...], start: str) -> None:
        found = window(Input(DailyPrices, since_entry=True), DATES, FIRST, entries(*days))
        assert list(found) == list(calendar.sessions(start, "2022-12-16"))


class TestRead:
    def test_an_input_that_was_not_declared_is_refused(self, house: House) -> None:
        made = batch(house, DailyPrices, names=["a"])
        for read in (lambda: made.read(TreasuryYields), lambda: made.positions, lambda: made.registry):
            with pytest.raises(LookupError, match="without declaring it in `inputs`"):
                read()

    def test_rows_are_those_of_the_dates_and_their_look_back(self, house: House) -> None:
        publish(house, SESSIONS)
        assert list(batch(house, TreasuryYields).read(TreasuryYields)["date"]) == list(DATES)
        longer = batch(house, Input(TreasuryYields, look_back=4)).read(TreasuryYields)
        assert list(longer["date"]) == list(SESSIONS[-9:])

    def test_of_chosen_symbols_it_has_theirs_alone_also_of_no_symbol(self, house: House) -> None:
        """What this process has just published is handed on whole."""
        prices = random_rows(DailyPrices, DATES, per_partition=3)
        house.platform.warehouse.replace(DailyPrices, prices, DATES, None, STAMP)
        made, symbol = batch(house, DailyPrices), prices["symbol"].iloc[0]
        pd.testing.assert_frame_equal(made.read(DailyPrices), prices)
        assert set(made.read(DailyPrices, symbols=[symbol])["symbol"]) == {symbol}
        assert made.read(DailyPrices, symbols=[]).empty

    def test_each_of_the_dates_must_be_published(self, house: House) -> None:
        publish(house, SESSIONS.drop(DATES[1]))
        with pytest.raises(UpstreamNotPublished, match=r"1 of 5 partitions never published \(2022-12-13\)"):
            batch(house, Input(TreasuryYields, look_back=4)).read(TreasuryYields)

    @pytest.mark.parametrize(("look_back", "holes"), [(10, 2), (10, 3), (25, 2), (25, 3)])
    def test_a_window_may_lack_a_few_sessions(self, house: House, look_back: int, holes: int) -> None:
        publish(house, SESSIONS.delete(range(-9, -9 + holes)))
        made = batch(house, Input(TreasuryYields, look_back=look_back))
        if holes <= tolerated_gaps(look_back):
            assert len(made.read(TreasuryYields)) == look_back + len(DATES) - holes
        else:
            with pytest.raises(UpstreamNotPublished, match=f"{holes} of {look_back}"):
                made.read(TreasuryYields)

    def test_what_comes_before_the_project_is_not_asked_for(self, house: House) -> None:
        publish(house, SESSIONS[-8:])
        made = batch(house, Input(TreasuryYields, look_back=252), first=SESSIONS[-8])
        assert list(made.read(TreasuryYields)["date"]) == list(SESSIONS[-8:])

    def test_stored_rows_are_those_of_its_own_tables(self, house: House) -> None:
        publish(house, SESSIONS)
        made = batch(house, TreasuryYields)
        assert made.stored(FactorBetas, SESSIONS).empty
        for read in (
            lambda: made.stored(TreasuryYields, SESSIONS),
            lambda: made.stored_at(TreasuryYields),
            lambda: made.stored_dates(TreasuryYields),
        ):
            with pytest.raises(LookupError, match="does not publish treasury_yields"):
                read()

    def test_it_is_closed_to_anything_else(self, house: House) -> None:
        assert not {"platform", "warehouse", "settings"} & set(dir(batch(house)))

    def test_some_sessions_of_a_window_can_be_read_alone(self, house: House) -> None:
        publish(house, SESSIONS[-7:])
        made = batch(house, Input(TreasuryYields, look_back=6))
        chosen = SESSIONS[[-7, -6]]
        assert list(made.read_on(TreasuryYields, chosen)["date"]) == list(chosen)
        outside = SESSIONS[[0, -7]]
        assert list(made.read_on(TreasuryYields, outside)["date"]) == [SESSIONS[-7]]
        with pytest.raises(UpstreamNotPublished):
            made.read_on(TreasuryYields, SESSIONS[[-8, -7]])


class TestLedger:
    @pytest.fixture
    def ledger(self, house: House) -> House:
        missing = {"exit_price": None, "exit_date": pd.NaT, "expiry_date": pd.NaT, "strike": None}
        for name in ("a", "b"):
            rows = pd.DataFrame(
                {
                    "portfolio": [name],
                    "position_id": "AAPL@2022-11-03",
                    "symbol": "AAPL",
                    "underlying": "AAPL",
                    "position_type": "LONG",
                    "quantity": 10.0,
                    "multiplier": 1,
                    "entry_price": 100.0,
                    "entry_date": pd.Timestamp("2022-11-03"),
                    **missing,
                    "tags": "",
                    "notes": None,
                }
            )
            registration = {"portfolio": name, "cash": 5.0, "source": "x.csv"}
            house.platform.warehouse.save_portfolio(registration, rows, STAMP)
        return house

    def test_positions_and_registry_are_those_of_the_batch(self, ledger: House) -> None:
        made = batch(ledger, Portfolios, Positions, names=["b"])
        assert made.positions["portfolio"].tolist() == ["b"]
        assert made.registry["portfolio"].tolist() == ["b"]

    def test_windows_since_entry_come_from_the_batch_s_own_positions(self, ledger: House) -> None:
        item: Input | type[Table] = Input(DailyPrices, since_entry=True)
        made = batch(ledger, Positions, item, names=["a"])
        assert made.sessions(DailyPrices)[0] == pd.Timestamp("2022-11-03")

    def test_a_computation_by_date_sees_what_every_portfolio_holds(self, ledger: House) -> None:
        made = batch(ledger, Positions)
        assert made.held_contracts.empty
        assert made.held_since()["underlying"].tolist() == ["AAPL"]

    def test_what_portfolios_hold_is_a_declared_input(self, ledger: House) -> None:
        made = batch(ledger, DailyPrices)
        for read in (lambda: made.held_contracts, lambda: made.held_since()):
            with pytest.raises(LookupError, match="reads positions without declaring it"):
                read()

    def test_a_ledger_edited_by_hand_is_refused_with_its_portfolios(self, ledger: House) -> None:
        url = ledger.platform.settings.database_url
        assert url
        execute(url, "UPDATE sigmasight.positions SET position_type = 'SHORT' WHERE portfolio = 'a'")
        with pytest.raises(LedgerError, match="position AAPL@2022-11-03 of portfolio a") as caught:
            _ = batch(ledger, Positions, names=["a", "b"]).positions
        assert caught.value.portfolios == ("a",)

    def test_partitions_are_every_date_and_portfolio(self, house: House) -> None:
        found = batch(house, names=["a", "b"]).partitions
        assert len(found) == 2 * len(DATES)
        assert found["portfolio"].dtype == "str"
        assert found.iloc[1].tolist() == [DATES[0], "b"]
