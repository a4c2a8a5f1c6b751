"""Numbers of two dates beside each other. Nothing is subtracted: each is a cell of its own date."""

from collections.abc import Iterator, Sequence

from sigmasight_dagster.agents.models import Pair, Row
from sigmasight_dagster.agents.reading import name_of
from sigmasight_dagster.warehouse.answers.source import Source, labels

NO_ROW = "no such row"


def pairs(source: Source, before: Sequence[Row], after: Sequence[Row]) -> Iterator[Pair]:
    """Each number of the rows, by what names a row besides its date; rows of one date alone too."""
    keys = [name for name in source.key if name not in ("date", "rank")]
    keys += ["scenario"] if "rank" in source.key else []
    columns = [
        name
        for name, kind in source.kinds.items()
        if kind in ("float", "exact", "int") and name not in (*keys, *labels(source), "rank")
    ]
    old, new = ({tuple(row[name] for name in keys): row for row in rows} for rows in (before, after))
    for key in dict.fromkeys([*new, *old]):
        was, is_now = old.get(key, {}), new.get(key, {})
        for column in columns:
            yield Pair(
                table=name_of(source),
                item=dict(zip(keys, key, strict=True)),
                column=column,
                before=was.get(column),
                after=is_now.get(column),
                status_before=was.get("status", NO_ROW),
                status_after=is_now.get("status", NO_ROW),
            )
