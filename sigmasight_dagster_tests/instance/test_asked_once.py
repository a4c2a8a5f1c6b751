"""A run's ranges are listed once, as Dagster lists them; outside of a run they are listed anew."""

from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.partitions.partition_key_range import PartitionKeyRange

from sigmasight_dagster.instance import asked_once
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
            first.append("of the caller")
            assert definition.get_partition_keys_in_range(whole) == own
            assert set(definition.get_partition_keys_in_range(part)) == partition_keys(DATES, NAMES[:1])
            assert len(listed) == 4
        definition.get_partition_keys_in_range(whole)
        assert len(listed) == 5
    assert set(own) == partition_keys(DATES, NAMES)
    assert all(isinstance(key, dg.MultiPartitionKey) for key in own)
