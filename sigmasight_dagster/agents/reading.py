"""Reading for the tools: the same sources and statements as the API's, with caps that fit an agent."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sigmasight_core.errors import InputError
from sigmasight_core.tables import TABLES, Kind, facts, table_name
from sigmasight_dagster.agents.models import Row, Rows
from sigmasight_dagster.session_dates import parse_date
from sigmasight_dagster.warehouse.answers import market
from sigmasight_dagster.warehouse.answers import portfolio as of
from sigmasight_dagster.warehouse.answers.ask import Ask
from sigmasight_dagster.warehouse.answers.source import Source, table
from sigmasight_dagster.warehouse.answers.store import AnswerStore, Page

MOST_ROWS: Final = 200
MOST_TEXT: Final = 120_000
"""Bytes of the rows of one answer: about 40,000 tokens of digits and names."""
EVERY_ROW: Final = 2_000
"""Rows that are read where a tool chooses among them itself."""


class NothingPublished(InputError):
    """There are no rows of what was asked for."""


@dataclass(frozen=True)
class Question:
    """Which rows of a source. :param columns: () = every one; filters: any of the texts, by text column."""

    portfolio: str = ""
    date: dt.date | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    limit: int = MOST_ROWS

    @property
    def ask(self) -> Ask:
        given = {name: texts for name, texts in self.filters.items() if texts}
        return Ask(self.limit, self.portfolio, self.date, self.first, self.last, given, columns=self.columns)


def day(text: str | None) -> dt.date | None:
    """:raises InputError: when the text is not YYYY-MM-DD."""
    return parse_date(text).date() if text else None


@cache
def sources() -> dict[str, Source]:
    """What can be read, by name: the views of the API, and every published table of results and data."""
    wanted = (Kind.RESULT, Kind.SOURCE, Kind.CONFIGURED)
    models = [model for model in TABLES if facts(model).kind in wanted and not facts(model).private]
    tables = {table_name(model): table(model) for model in models}
    declared = [one for one in (*vars(of).values(), *vars(market).values()) if isinstance(one, Source)]
    return tables | {one.view.name: one for one in declared if name_of(one) not in tables}


def name_of(source: Source) -> str:
    """The name of a source in `sources`: of its table, or of the view."""
    return source.view.name.rpartition(".")[2].strip('"')


async def read(answers: AnswerStore, source: Source, question: Question) -> Rows:
    """:raises NothingPublished: where there are no rows; InputError: where they are too much text."""
    page, rows = await fetched(answers, source, question)
    if len(page.rows) > MOST_TEXT:
        raise InputError(
            f"{name_of(source)}: {page.n_rows} rows are {len(page.rows):,} bytes of text: "
            "ask for fewer rows, columns or dates"
        )
    kinds = source.kinds
    shown = question.columns or tuple(kinds)
    return Rows(
        table=name_of(source),
        as_of_date=page.last_date,
        published_at=page.published_at,
        n_rows=page.n_rows,
        more=page.more,
        text_columns=[name for name in shown if kinds[name] == "text"],
        rows=rows,
    )


async def fetched(answers: AnswerStore, source: Source, question: Question) -> tuple[Page, list[Row]]:
    """:raises NothingPublished: where there are no rows; InputError: on a column that there is not."""
    unknown = [name for name in (*question.columns, *question.filters) if name not in source.kinds]
    if unknown:
        raise InputError(
            f"{name_of(source)} has no column {unknown[0][:80]}; it has {', '.join(source.kinds)}"
        )
    page = await answers.page(source, question.ask)
    if page is None:
        raise NothingPublished(await answers.why_none(source, question.ask))
    rows: list[dict[str, Any]] = json.loads(f"[{page.rows}]")
    return page, rows
