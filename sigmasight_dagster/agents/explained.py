"""One number, explained: its meaning, its lineage, its stored value with status and standard error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sigmasight_core.tables import table_name
from sigmasight_dagster.agents.meaning import DICTIONARY, lineage, made_by, meaning
from sigmasight_dagster.agents.models import Cell, Number, Row
from sigmasight_dagster.agents.reading import NothingPublished, Question, fetched, name_of
from sigmasight_dagster.warehouse.answers.source import Source, labels
from sigmasight_dagster.warehouse.answers.store import AnswerStore

MOST_CELLS: Final = 20


async def explained(
    answers: AnswerStore, source: Source, column: str, key: Mapping[str, str], asked: Question
) -> Number:
    """:param key: texts of key columns that choose the rows; {} = every row.

    :raises InputError: on a column that there is not; NothingPublished: where there is no such row.
    """
    means = meaning(source, column)
    texts = {part: (text,) for part, text in key.items() if part in labels(source)}
    shown = dict.fromkeys([*source.key, column, means.error_column or column, *key])
    shown |= {name: None for name in ("status",) if name in source.kinds}
    page, rows = await fetched(answers, source, replace(asked, filters=texts, columns=tuple(shown)))
    chosen = [row for row in rows if all(_same(row[part], text) for part, text in key.items())]
    if not chosen:
        raise NothingPublished(
            f"{name_of(source)} has no row of {dict(key)}; its key: {', '.join(source.key)}"
        )
    computed_by, documentation = made_by(means.cell_of[0]) if means.cell_of else ("", DICTIONARY)
    return Number(
        table=name_of(source),
        column=column,
        cell_of=f"{table_name(means.cell_of[0])}.{means.cell_of[1]}" if means.cell_of else None,
        definition=means.definition,
        unit=means.unit,
        computed_by=computed_by,
        documentation=documentation,
        lineage=lineage(*means.cell_of) if means.cell_of else [],
        error_column=means.error_column,
        as_of_date=page.last_date,
        published_at=page.published_at,
        more=page.more or len(chosen) > MOST_CELLS,
        cells=[_cell(source, row, column, means.error_column) for row in chosen[:MOST_CELLS]],
    )


def _same(value: object, text: str) -> bool:
    """Whether a cell of a key is what a caller wrote: numbers by value, 5 as 5.0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(text) == value
        except ValueError:
            return False
    return str(value) == text


def _cell(source: Source, row: Row, column: str, error: str | None) -> Cell:
    return Cell(
        key={name: row[name] for name in source.key},
        value=row[column],
        status=row.get("status"),
        error=row[error] if error else None,
    )
