"""Checksums of partitions: the same however they are computed, and kept by everything that writes."""

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sigmasight_core.tables import (
    TABLES,
    CorporateActions,
    DailyPrices,
    FactorExposures,
    Grain,
    PositionValues,
    PriceDifferences,
    SimulatedPnl,
    Table,
    facts,
    grain,
    table_name,
)
from sigmasight_dagster.warehouse import LearnedActions, Warehouse
from sigmasight_dagster.warehouse.layout.schema import stored
from sigmasight_dagster_tests.support.stored_rows import DATES, PORTFOLIOS, random_rows, sql, stamp

PARTITIONED = [model for model in TABLES if grain(model) is not Grain.UNPARTITIONED]
ONE, OTHER = DATES[0], DATES[1]


def store(warehouse: Warehouse, model: type[Table], frame: pd.DataFrame | None = None) -> None:
    portfolios = PORTFOLIOS if grain(model) is Grain.DATE_PORTFOLIO else None
    warehouse.replace(model, random_rows(model) if frame is None else frame, DATES, portfolios, stamp())


def found(warehouse: Warehouse, model: type[Table]) -> list[tuple[pd.Timestamp, str]]:
    rows = warehouse.differing_partitions(model)
    return list(zip(rows["date"], rows["portfolio"], strict=True))


@pytest.fixture(scope="module")
def shared(shared_url: str) -> Iterator[Warehouse]:
    made = Warehouse(shared_url)
    yield made
    made.close()


@pytest.mark.parametrize("model", PARTITIONED, ids=table_name)
def test_every_column_of_every_table_counts(shared: Warehouse, shared_url: str, model: type[Table]) -> None:
    """One cell of each column, each in another partition, is set to another value, or NULL: all are seen."""
    table, by_portfolio = f"sigmasight.{table_name(model)}", grain(model) is Grain.DATE_PORTFOLIO
    element = "[1]" if facts(model).packed else ""
    partitions = list(product(DATES, PORTFOLIOS if by_portfolio else [""]))
    columns = [each for each in model.to_schema().columns.items() if each[0] not in grain(model).value]
    n_changed = 0
    for start in range(0, len(columns), len(partitions)):
        store(shared, model, random_rows(model, per_partition=1))
        assert found(shared, model) == []
        changed = []
        for (date, portfolio), (name, column) in zip(partitions, columns[start:], strict=False):
            here = f"date = '{date:%Y-%m-%d}'" + (f" AND portfolio = '{portfolio}'" if by_portfolio else "")
            value = "NULL" if column.nullable else f"(SELECT max({name}) FROM {table} WHERE NOT ({here}))"
            differs = f"{name}{element} IS DISTINCT FROM {value}"
            row = f"SELECT ctid FROM {stored(model)} WHERE {here} AND {differs} LIMIT 1"
            change = f"UPDATE {stored(model)} SET {name}{element} = {value} WHERE ctid = ({row}) RETURNING 1"
            if sql(shared_url, change):
                changed.append((date, portfolio))
        assert found(shared, model) == changed
        n_changed += len(changed)
    assert n_changed > 0.4 * len(columns)


def test_no_setting_of_the_server_changes_a_checksum(url: str, warehouse: Warehouse) -> None:
    store(warehouse, PositionValues)
    store(warehouse, SimulatedPnl)
    warehouse.close()
    name = sql(url, "SELECT current_database()")[0][0]
    for setting, value in {
        "TimeZone": "Asia/Tokyo",
        "DateStyle": "German",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "-15",
        "bytea_output": "escape",
        "jit_above_cost": "0",
        "max_parallel_workers_per_gather": "0",
    }.items():
        sql(url, f"ALTER DATABASE {name} SET {setting} = '{value}'")
    assert sql(url, "SHOW extra_float_digits") == [("-15",)]
    assert found(warehouse, PositionValues) == found(warehouse, SimulatedPnl) == []


def test_values_that_two_rows_exchange_are_seen(url: str, warehouse: Warehouse) -> None:
    store(warehouse, DailyPrices)
    day = f"date = '{ONE:%Y-%m-%d}'"
    first, second = sql(url, f"SELECT symbol FROM sigmasight.daily_prices WHERE {day} LIMIT 2")
    sql(url, f"UPDATE sigmasight.daily_prices SET close = 1 WHERE {day} AND symbol = $${first[0]}$$")
    sql(url, f"UPDATE sigmasight.daily_prices SET close = 2 WHERE {day} AND symbol = $${second[0]}$$")
    warehouse.accept_partitions(DailyPrices, warehouse.differing_partitions(DailyPrices), stamp())
    assert found(warehouse, DailyPrices) == []
    pair = f"symbol IN ($${first[0]}$$, $${second[0]}$$)"
    sql(url, f"UPDATE sigmasight.daily_prices SET close = 3 - close WHERE {day} AND {pair}")
    assert found(warehouse, DailyPrices) == [(ONE, "")]


def test_a_new_column_without_values_and_another_order_change_nothing(url: str, warehouse: Warehouse) -> None:
    store(warehouse, PriceDifferences)
    nullable = "relative_difference"
    sql(url, f"UPDATE sigmasight.price_differences SET {nullable} = NULL")
    warehouse.accept_partitions(PriceDifferences, warehouse.differing_partitions(PriceDifferences), stamp())
    sql(
        url,
        "DROP VIEW sigmasight.price_differences_latest",
        f"ALTER TABLE sigmasight.price_differences DROP COLUMN {nullable}",
        "ALTER TABLE sigmasight.price_differences ADD COLUMN of_later text",
    )
    warehouse.migrate()
    assert found(warehouse, PriceDifferences) == []


subsets = st.tuples(
    st.sets(st.sampled_from(list(DATES)), min_size=1),
    st.sets(st.sampled_from(PORTFOLIOS), min_size=1),
    st.integers(0, 3),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(subsets, min_size=1, max_size=4))
def test_whatever_is_replaced(warehouse: Warehouse, steps: list) -> None:
    for number, (dates, names, size) in enumerate(steps):
        chosen = pd.DatetimeIndex(sorted(dates)).as_unit("ns")
        frame = random_rows(FactorExposures, chosen, tuple(sorted(names)), size, seed=number)
        warehouse.replace(FactorExposures, frame, list(dates), list(names), stamp(f"run {number}"))
    assert found(warehouse, FactorExposures) == []


def test_actions_that_are_added_later_belong_to_their_partitions(url: str, warehouse: Warehouse) -> None:
    """What was changed by hand before is no part of it, and is seen as before."""
    rows = pd.DataFrame(
        {"date": DATES, "symbol": "AAA", "kind": "dividend", "amount": 1.0, "source": "test", "status": "ok"}
    )
    store(warehouse, CorporateActions, rows)
    sql(url, f"UPDATE sigmasight.corporate_actions SET amount = 7 WHERE date = '{OTHER:%Y-%m-%d}'")
    learned = LearnedActions(
        dates=DATES[-1:],
        fetched=None,
        asked=["BBB"],
        first=ONE,
        rows=rows.assign(symbol="BBB"),
        coverage=pd.DataFrame(
            {
                "symbol": ["BBB"],
                "first_asked_date": [ONE],
                "first_known_date": [ONE],
                "last_known_date": [DATES[-1]],
                "source": ["test"],
            }
        ),
        news=rows.iloc[:0][["date", "symbol"]],
        first_date=ONE,
    )
    assert warehouse.learn_actions(learned, stamp()) == len(DATES)
    assert found(warehouse, CorporateActions) == [(OTHER, "")]
    differing = warehouse.differing_partitions(CorporateActions)
    assert differing[["n_rows", "n_found"]].to_numpy().tolist() == [[2, 2]]


def test_retention_takes_both(warehouse: Warehouse) -> None:
    store(warehouse, PositionValues)
    warehouse.retire(DATES[2])
    assert found(warehouse, PositionValues) == []
    assert sorted(warehouse.published(PositionValues)["date"].unique()) == list(np.array(DATES[2:]))
