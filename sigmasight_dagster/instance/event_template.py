"""Events of partitions as text: Dagster serialises one of an asset, the others differ in a few places.

What belongs here: the one event with marks where others differ, the lines of COPY that come of it, and the
text of metadata. Which event it is, and who stores it, is not known here.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from typing import Any, Final

import dagster as dg
from dagster._core.events.log import EventLogEntry
from dagster._serdes import serialize_value

from sigmasight_dagster.instance.copy_rows import line
from sigmasight_dagster.partitions.keys import SEPARATOR

Metadata = Mapping[str, dg.MetadataValue]

_MARK: Final = "0f8e2a7c-mark-"
"""In no name, key or text of ours; digits and letters alone, so that nothing escapes it."""
_ID: Final = f"{_MARK}id"
_NO_METADATA, _METADATA = '"metadata_entries": []', '"metadata_entries": [%(metadata)s]'
_SAMPLES: Final[Mapping[type, Any]] = {
    dg.FloatMetadataValue: 0.1234567890625,
    dg.IntMetadataValue: 9_081_726_354,
    dg.TextMetadataValue: f"{_MARK}text",
}
"""Kinds of metadata of one simple value, which stands in their text as it does by itself."""


@dataclass(frozen=True)
class PartitionEvents:
    """Events of an asset's partitions that differ in the partition and in metadata alone.

    :param marked: made by Dagster of the key that `marked` gives, without metadata.
    :param last: made by Dagster of the last key.
    :param keys: in the order in which they are stored.
    :param metadata: text of a key's, as `MetadataText` gives it; None of events without any.
    """

    marked: EventLogEntry
    last: EventLogEntry
    keys: Sequence[str]
    metadata: Callable[[str], str] | None = None


def marked(key: str) -> str:
    """A key of marks, of as many dimensions, and of the same type, as a real one."""
    if isinstance(key, dg.MultiPartitionKey):
        return dg.MultiPartitionKey({name: f"{_MARK}{name}" for name in key.keys_by_dimension})
    return SEPARATOR.join(f"{_MARK}{place}" for place, _ in enumerate(_parts(key)))


def lines(
    events: PartitionEvents,
    ids: Sequence[int],
    row_of: Callable[[EventLogEntry], Mapping[str, Any]],
    tags_of: Callable[[EventLogEntry], Sequence[Mapping[str, Any]]],
) -> tuple[Iterator[str], Iterator[str]]:
    """Lines of COPY of the events, and of their tags.

    :param row_of: the columns of an event without its id, which comes first.
    :param tags_of: the rows of an event's tags without the event's id, which comes first.
    :raises ValueError: when the template does not give of the last partition what Dagster made of it.
    """
    marks = _parts(events.marked.get_dagster_event().partition or "")
    event = _template({"id": _ID, **row_of(events.marked)}, marks)
    tags = "".join(_template({"event_id": _ID, **row}, marks) for row in tags_of(events.marked))
    metadata = events.metadata
    if metadata:
        event = event.replace(_NO_METADATA, _METADATA)
    if "\\" in json.dumps(list(events.keys)):
        raise ValueError("a partition's key has to be of plain letters, which read alike in JSON and COPY")
    names = ["id", *(str(place) for place, _ in enumerate(marks))]

    def places(number: int, key: str) -> dict[str, Any]:
        return dict(zip(names, (number, *key.split(SEPARATOR)), strict=True))

    def told(number: int, key: str) -> dict[str, Any]:
        found = places(number, key)
        if metadata:
            found["metadata"] = metadata(key)
        return found

    if event % told(ids[-1], events.keys[-1]) != line([ids[-1], *row_of(events.last).values()]):
        raise ValueError(f"the template does not give the event that Dagster makes of {events.keys[-1]}")
    return (
        (event % told(*each) for each in zip(ids, events.keys, strict=True)),
        (tags % places(*each) for each in zip(ids, events.keys, strict=True)),
    )


def _parts(key: str) -> list[str]:
    return key.split(SEPARATOR)


def _template(row: Mapping[str, Any], marks: Sequence[str]) -> str:
    """A line of COPY with places for the id and for each dimension of the key."""
    text = line(row.values()).replace("%", "%%").replace(_ID, "%(id)s")
    for place, mark in enumerate(marks):
        text = text.replace(mark, f"%({place})s")
    return text


@dataclass
class MetadataText:
    """Metadata of many partitions, under few labels, as it stands in serialised events, escaped for COPY."""

    _around: dict[tuple[str, type], tuple[str, str]] = field(default_factory=dict)

    def of(self, metadata: Metadata) -> str:
        entries = ", ".join(self._entry(label, value) for label, value in metadata.items())
        return entries.replace("\\", "\\\\")

    def _entry(self, label: str, value: Any) -> str:
        kind = type(value)
        if kind not in _SAMPLES:
            return _entries({label: value})
        around = self._around.get((label, kind))
        if around is None:
            sample = _SAMPLES[kind]
            head, tail = _entries({label: kind(sample)}).split(json.dumps(sample))
            around = self._around[label, kind] = head, tail
        return _WRITERS.get(type(value.value), json.dumps)(value.value).join(around)


def _float(value: float) -> str:
    return float.__repr__(value) if math.isfinite(value) else json.dumps(value)


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    float: _float,
    int: int.__repr__,
    str: encode_basestring_ascii,
}
"""`json.dumps` of one simple value, without what it asks itself before: a quarter of its time."""

_BARE: Final = serialize_value(dg.AssetMaterialization("a"))


def _entries(metadata: Metadata) -> str:
    """The entries of metadata as Dagster serialises them."""
    head, tail = _BARE.split(_NO_METADATA)
    whole = serialize_value(dg.AssetMaterialization("a", metadata=dict(metadata)))
    opening = _NO_METADATA.removesuffix("]")
    return whole.removeprefix(head + opening).removesuffix("]" + tail)
