"""Exactly the named partitions are replaced, and exactly those are published."""

from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    FactorExposures,
    Portfolios,
    Positions,
    Publications,
)
from sigmasight_dagster.warehouse import UpstreamNotPublished, Warehouse, WarehouseError
from sigmasight_dagster.warehouse.rectangle import LOCKS_PER_TABLE, Rectangle
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

subsets = st.tuples(
    st.sets(st.sampled_from(list(DATES)), min_size=1),
    st.sets(st.sampled_from(PORTFOLIOS), min_size=1),
    st.integers(0, 3),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(subsets, min_size=1, max_size=5))
def test_any_sets_of_dates_and_portfolios(warehouse: Warehouse, steps: list) -> None:
    """A dictionary of partitions is the model: after each replacement the table holds the same."""
    expected: dict[tuple[pd.Timestamp, str], pd.DataFrame] = {}
    warehouse.replace(
        FactorExposures, random_rows(FactorExposures, per_partition=0), DATES, PORTFOLIOS, stamp()
    )
    for number, (dates, portfolios, size) in enumerate(steps):
        chosen = pd.DatetimeIndex(sorted(dates)).as_unit("ns")
        frame = random_rows(FactorExposures, chosen, tuple(sorted(portfolios)), size, seed=number)
        warehouse.replace(FactorExposures, frame, list(dates), list(portfolios), stamp())
        expected.update(
            {
                (d, p): frame[(frame["date"] == d) & (frame["portfolio"] == p)]
                for d in chosen
                for p in portfolios
            }
        )
        read = warehouse.read(FactorExposures)
        whole = pd.concat([expected[part] for part in sorted(expected)], ignore_index=True)
        pd.testing.assert_frame_equal(read, whole)
    counted = {(row.date, row.portfolio): row.n_rows for row in warehouse.read(Publications).itertuples()}
    assert counted == {(d, p): len(expected.get((d, p), ())) for d in DATES for p in PORTFOLIOS}


def test_date_table_keeps_its_neighbours(warehouse: Warehouse) -> None:
    old, new = random_rows(DailyPrices, seed=1), random_rows(DailyPrices, DATES[[1, 3]], seed=2)
    warehouse.replace(DailyPrices, old, DATES, None, stamp())
    warehouse.replace(DailyPrices, new, DATES[[3, 1]], None, stamp())
    kept = old[old["date"].isin(DATES[[0, 2]])]
    both = pd.concat([kept, new]).sort_values(["date", "symbol"], ignore_index=True)
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), both)


def test_what_a_source_says_once_more_stays_as_it_was_written(url: str, warehouse: Warehouse) -> None:
    """A date that says something else, has one row less, or was changed by hand is written as a whole."""
    rows = random_rows(DailyPrices)
    warehouse.replace(DailyPrices, rows, DATES, None, stamp("first"))
    other = rows.assign(close=rows["close"].mask(rows["date"] == DATES[0], 7.0)).drop(rows.index[-1])
    damaged = f"UPDATE sigmasight.daily_prices SET run_id = 'hand' WHERE date = '{DATES[2]:%Y-%m-%d}'"
    sql(url, damaged)
    warehouse.replace(DailyPrices, other, DATES, None, stamp("again"))
    pd.testing.assert_frame_equal(warehouse.read(DailyPrices), other)
    assert warehouse.differing_partitions(DailyPrices).empty
    assert warehouse.count_published("again") == len(DATES)
    by_date = sql(url, "SELECT DISTINCT date, run_id FROM sigmasight.daily_prices ORDER BY 1")
    assert [run_id for _, run_id in by_date] == ["again", "first", "again", "again"]


def test_an_empty_partition_is_published(warehouse: Warehouse) -> None:
    nothing = random_rows(CorporateActions, per_partition=0)
    assert warehouse.published(CorporateActions, DATES).empty
    assert warehouse.replace(CorporateActions, nothing, DATES[:2], None, stamp()) == 0
    published = warehouse.published(CorporateActions, DATES)
    expected = pd.DataFrame({"date": DATES[:2], "portfolio": pd.Series(["", ""], dtype="str")})
    pd.testing.assert_frame_equal(published, expected)
    warehouse.require_published(CorporateActions, DATES[:2])
    with pytest.raises(UpstreamNotPublished) as caught:
        warehouse.require_published(CorporateActions, DATES)
    assert str(caught.value) == (
        "corporate_actions: 2 of 4 partitions never published (2024-07-03, 2024-12-24); "
        "run `sigmasight backfill --start 2024-07-03 --end 2024-12-24`"
    )
    assert list(caught.value.missing["date"]) == list(DATES[2:])


def test_published_portfolios(warehouse: Warehouse) -> None:
    rows = random_rows(FactorExposures, DATES[1:3], ("a",))
    warehouse.replace(FactorExposures, rows, DATES[1:3], ["a"], stamp("one"))
    warehouse.replace(FactorExposures, rows.iloc[:0], DATES[2:], ["b-1"], stamp("two"))
    everyone = warehouse.published(FactorExposures, (DATES[0], DATES[2]))
    assert list(zip(everyone["date"], everyone["portfolio"], strict=True)) == [
        (DATES[1], "a"), (DATES[2], "a"), (DATES[2], "b-1"),
    ]  # fmt: skip
    assert list(warehouse.published(FactorExposures, DATES, ["b-1"])["date"]) == list(DATES[2:])
    warehouse.require_published(FactorExposures, DATES[2:3], ["b-1", "a"])
    warehouse.require_published(FactorExposures, [], ["zz"])
    with pytest.raises(
        UpstreamNotPublished, match=r"6 of 8 .*\(2019-12-31\|a, 2019-12-31\|c_2, .*, \.\.\.\)"
    ):
        warehouse.require_published(FactorExposures, DATES, ["a", "c_2"])
    assert (warehouse.count_published("one"), warehouse.count_published("two")) == (2, 2)
    warehouse.replace(FactorExposures, rows.iloc[:0], DATES[2:], ["a"], stamp("two"))
    assert (warehouse.count_published("one"), warehouse.count_published("two")) == (1, 4)


def test_latest_views(url: str, warehouse: Warehouse) -> None:
    for name in ("a", "b-1"):
        registered = {"portfolio": name, "cash": 0.0, "source": "test"}
        warehouse.save_portfolio(registered, empty_ledger(), stamp())
    warehouse.replace(FactorExposures, random_rows(FactorExposures), DATES[::-1], PORTFOLIOS, stamp())
    older = random_rows(FactorExposures, DATES[:1], ("a",), seed=3)
    warehouse.replace(FactorExposures, older, DATES[:1], ["a"], stamp())
    later = pd.DatetimeIndex(["2025-01-02"])
    warehouse.replace(FactorExposures, older.iloc[:0], later, ["b-1"], stamp())
    count = "SELECT portfolio, date::text, count(*) FROM sigmasight.factor_exposures_latest GROUP BY 1, 2"
    assert sql(url, count) == [("a", "2024-12-24", 5)]
    warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    days = "SELECT DISTINCT date::text FROM sigmasight.daily_prices_latest"
    assert sql(url, days) == [("2024-12-24",)]
    warehouse.replace(DailyPrices, random_rows(DailyPrices).iloc[:0], later, None, stamp())
    assert sql(url, days) == []
    assert list(warehouse.read(Portfolios)["portfolio"]) == ["a", "b-1"]


def empty_ledger() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in Positions.to_schema().columns})


def test_rows_outside_of_the_partitions_are_refused(warehouse: Warehouse) -> None:
    frame = random_rows(FactorExposures)
    with pytest.raises(
        WarehouseError, match=r"15 rows are outside of the partitions to replace; first: 2019-12-31\|a"
    ):
        warehouse.replace(FactorExposures, frame, DATES[1:], PORTFOLIOS, stamp())
    with pytest.raises(WarehouseError, match=r"first: 2019-12-31\|b-1"):
        warehouse.replace(FactorExposures, frame, DATES, ["a", "c_2"], stamp())
    assert warehouse.read(FactorExposures).empty


@pytest.mark.parametrize(
    ("model", "dates", "portfolios", "message"),
    [
        (DailyPrices, DATES, ["a"], "daily_prices: this table has no portfolios"),
        (FactorExposures, DATES, None, "factor_exposures: name the portfolios"),
        (FactorExposures, DATES, [], "no partition selected"),
        (DailyPrices, [], None, "no partition selected"),
    ],
)
def test_refused_selections(
    warehouse: Warehouse, model: type, dates: list, portfolios: list, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        warehouse.replace(model, random_rows(model, per_partition=0), dates, portfolios, stamp())


def test_a_thousand_portfolios_take_few_locks() -> None:
    every = Rectangle.of(FactorExposures, DATES, [f"p{n}" for n in range(1000)])
    one = Rectangle.of(FactorExposures, DATES, ["p7"])
    assert len(set(every.lock_keys)) == LOCKS_PER_TABLE
    assert set(one.lock_keys) < set(every.lock_keys)
    assert not set(one.lock_keys) & set(Rectangle.of(DailyPrices, DATES, None).lock_keys)


def test_a_second_write_of_the_same_rows_changes_nothing(warehouse: Warehouse) -> None:
    frame = random_rows(FactorExposures)
    for _ in range(2):
        warehouse.replace(FactorExposures, frame, DATES, PORTFOLIOS, stamp())
    pd.testing.assert_frame_equal(warehouse.read(FactorExposures), frame)


def test_dates_in_other_units(warehouse: Warehouse) -> None:
    frame = random_rows(FactorExposures)
    coarse = frame.astype({"date": "datetime64[s]"})
    warehouse.replace(FactorExposures, coarse, [day.date() for day in DATES], PORTFOLIOS, stamp())
    pd.testing.assert_frame_equal(warehouse.read(FactorExposures), frame)
    assert (warehouse.read(Publications)["n_rows"] == 5).all()


def test_threads_share_a_warehouse(warehouse: Warehouse) -> None:
    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(lambda n: len(warehouse.read(Portfolios)), range(100)))
    assert counts == [0] * 100


def test_a_forked_process_opens_its_own_connections(warehouse: Warehouse) -> None:
    assert warehouse.read(Portfolios).empty
    inherited = list(warehouse._database._idle)
    warehouse._database._owner = -1  # what a child finds after a fork
    assert warehouse.read(Portfolios).empty
    assert warehouse._database._inherited == inherited
    assert not {idle for idle, _ in warehouse._database._idle} & {idle for idle, _ in inherited}
    for connection, _ in inherited:
        connection.close()
