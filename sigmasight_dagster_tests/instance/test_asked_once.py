"""What Dagster asks of partitions: ranges of a run are listed once, keys that exist are found as it does."""

from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.partition_key_range import PartitionKeyRange

from sigmasight_dagster.instance import asked_once
from sigmasight_dagster.instance.pages import status
from sigmasight_dagster_tests.support.house import DATES, NAMES, House, partition_keys


def test_a_range_is_listed_once_a_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    definition: Any = house.portfolio_dates
    whole = PartitionKeyRange(f"{DATES[0]:%Y-%m-%d}|{NAMES[0]}", f"{DATES[-1]:%Y-%m-%d}|{NAMES[-1]}")
    part = PartitionKeyRange(whole.start, f"{DATES[-1]:%Y-%m-%d}|{NAMES[0]}")
    stock = dg.TimeWindowPartitionsDefinition.get_partition_keys_in_range
    listed = []

    def keys_in_range(self: Any, *asked: Any, **named: Any) -> Any:
        listed.append(asked)
        return stock(self, *asked, **named)

    monkeypatch.setattr(dg.TimeWindowPartitionsDefinition, "get_partition_keys_in_range", keys_in_range)
    with dg.partition_loading_context(dynamic_partitions_store=house.instance):
        own = definition.get_partition_keys_in_range(whole)
        assert definition.get_partition_keys_in_range(whole) == own
        assert len(listed) == 2
        with asked_once.partitions_stay():
            first = definition.get_partition_keys_in_range(whole)
            assert first == own
            assert [key.keys_by_dimension for key in first] == [key.keys_by_dimension for key in own]
            assert all(isinstance(key, dg.MultiPartitionKey) for key in first)
            first.append("of the caller")
            assert definition.get_partition_keys_in_range(whole) == own
            assert set(definition.get_partition_keys_in_range(part)) == partition_keys(DATES, NAMES[:1])
            assert len(listed) == 4
        definition.get_partition_keys_in_range(whole)
        assert len(listed) == 5
    assert set(own) == partition_keys(DATES, NAMES)
    assert all(isinstance(key, dg.MultiPartitionKey) for key in own)


def test_pages_find_the_keys_that_exist_as_dagster_does(house: House) -> None:
    for definition, good in (
        (house.portfolio_dates, partition_keys(DATES, NAMES)),
        (house.portfolio_dates.get_partitions_def_for_dimension("date"), partition_keys(DATES)),
    ):
        day = f"{DATES[0]:%Y-%m-%d}"
        bad = {
            f"{day}|nobody",
            f"2022-11-19|{NAMES[0]}",
            "2022-11-19",
            f"{day}|{NAMES[0]}|x",
            "no date",
            "|",
            "",
        }
        with dg.partition_loading_context(dynamic_partitions_store=house.instance):
            for keys in (good | bad, bad, set()):
                found = status.valid_keys(definition, set(keys))
                assert found == status._stock(definition, set(keys))
                assert found == good & keys
