"""Text of events by template against Dagster's own serialisation; where a template would lie, it refuses."""

import math
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._serdes import serialize_value
from hypothesis import given
from hypothesis import strategies as st

from sigmasight_dagster.instance import event_template
from sigmasight_dagster.instance.copy_rows import line
from sigmasight_dagster.instance.event_template import MetadataText, PartitionEvents, marked

TABLE = dg.TableMetadataValue([dg.TableRecord({"a": 1.5, "b": "x"})], dg.TableSchema([dg.TableColumn("a")]))
VALUES = (
    st.floats().map(dg.FloatMetadataValue)
    | st.integers(-(2**60), 2**60).map(dg.IntMetadataValue)
    | st.text().map(dg.TextMetadataValue)
    | st.text().map(dg.MarkdownMetadataValue)
    | st.just(dg.FloatMetadataValue(None))
    | st.just(TABLE)
)


def by_dagster(metadata: Mapping[str, Any]) -> str:
    """Entries of metadata, from a whole event, as COPY takes them."""
    whole = serialize_value(dg.AssetMaterialization("a", metadata=dict(metadata)))
    entries = whole.partition('"metadata_entries": [')[2].rpartition('], "partition": null')[0]
    return entries.replace("\\", "\\\\")


@given(st.lists(st.dictionaries(st.text(min_size=1), VALUES, max_size=4), max_size=4))
def test_metadata_reads_as_dagster_writes_it(every: list[dict[str, Any]]) -> None:
    text = MetadataText()
    assert [text.of(each) for each in every] == [by_dagster(each) for each in every]


def test_numbers_that_json_does_not_know_are_as_dagster_writes_them() -> None:
    for value in (math.nan, math.inf, -math.inf, 1e300, 5e-324, -0.0, 1e16):
        metadata = {"x": dg.FloatMetadataValue(value)}
        assert MetadataText().of(metadata) == by_dagster(metadata)


def event(key: str, metadata: Mapping[str, Any] | None = None) -> EventLogEntry:
    """A materialization whose text has what a template, or COPY, could take for its own."""
    made = dg.AssetMaterialization("a", "100 % \\ %(id)s\n\\.", metadata=dict(metadata or {}), partition=key)
    kind, data = dg.DagsterEventType.ASSET_MATERIALIZATION.value, StepMaterializationData(made)
    happened = dg.DagsterEvent(kind, "job", event_specific_data=data)
    return EventLogEntry(None, 10, "50 %s", "run", 1.5, dagster_event=happened)


def row_of(entry: EventLogEntry) -> dict[str, Any]:
    return {"event": serialize_value(entry), "partition": entry.get_dagster_event().partition}


def tags_of(entry: EventLogEntry) -> list[dict[str, Any]]:
    made = entry.asset_materialization
    assert made is not None
    names = made.partition.split("|") if made.partition else []
    return [{"key": f"dimension {number}", "value": name} for number, name in enumerate(names)]


METADATA = {"total (%)": dg.FloatMetadataValue(0.1), "says": dg.TextMetadataValue('"\\n" %s\t|')}


@pytest.mark.parametrize(
    "keys", [["2022-12-12", "2022-12-13"], ["2022-12-12|a", "2022-12-12|b-2", "2022-12-13|a"]]
)
@pytest.mark.parametrize("metadata", [{}, METADATA], ids=["planned", "told"])
def test_lines_are_those_of_dagster_s_own_events(keys: list[str], metadata: dict[str, Any]) -> None:
    told = (lambda _: MetadataText().of(metadata)) if metadata else None
    events = PartitionEvents(event(marked(keys[0])), event(keys[-1], metadata), keys, told)
    ids = range(7, 7 + len(keys))
    rows, tags = event_template.lines(events, ids, row_of, tags_of)
    own = [(number, event(key, metadata)) for number, key in zip(ids, keys, strict=True)]
    assert list(rows) == [line([number, *row_of(each).values()]) for number, each in own]
    expected = [line([number, *tag.values()]) for number, each in own for tag in tags_of(each)]
    assert "".join(tags) == "".join(expected)


def test_a_template_that_would_not_give_dagster_s_event_is_refused() -> None:
    keys = ["2022-12-12|a", "2022-12-12|b"]
    other = MetadataText().of({"says": dg.TextMetadataValue("another thing")})
    events = PartitionEvents(event(marked(keys[0])), event(keys[-1], METADATA), keys, lambda _: other)
    with pytest.raises(ValueError, match="does not give the event that Dagster makes of 2022-12-12"):
        event_template.lines(events, range(2), row_of, tags_of)


def test_a_key_that_json_or_copy_would_write_otherwise_is_refused() -> None:
    for name in ("\u00e9", "a\tb", "a\\b", 'a"b'):
        keys = [f"2022-12-12|{name}", "2022-12-13|a"]
        events = PartitionEvents(event(marked(keys[0])), event(keys[-1]), keys)
        with pytest.raises(ValueError, match="plain letters"):
            event_template.lines(events, range(2), row_of, tags_of)
