"""Reading answers: a page as JSON with its marks, or its rows as CSV or Arrow."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from anyio import to_thread

from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.answers.ask import (
    Ask,
    newest_statement,
    page_statement,
    parameters,
    rows_statement,
)
from sigmasight_dagster.warehouse.answers.source import Source
from sigmasight_dagster.warehouse.database import Database


@dataclass(frozen=True)
class Page:
    """What is known of an answer before its rows are written.

    :ivar etag: changes with what is published. :ivar n_rows: of the page; `more`: there are others after it.
    :ivar place: of the last row, where there are more. :ivar rows: JSON objects, separated by commas; none
        where the caller knows the etag, or they were not asked for.
    """

    etag: str
    first_date: str | None
    last_date: str | None
    published_at: str | None
    n_rows: int
    more: bool
    place: tuple[Any, ...]
    rows: str


class AnswerStore:
    """Each read is one statement: whole partitions are seen, or none of them."""

    def __init__(self, pool: Pool, url: str) -> None:
        self._pool, self._arrow = pool, Database(url)

    async def page(
        self, source: Source, ask: Ask, known: Sequence[str] = (), *, with_rows: bool = True
    ) -> Page | None:
        """A page; None when nothing of the dates is published. :param known: etags that the caller has."""
        statement = page_statement(source, ask, with_rows=with_rows)
        row = await self._pool.row(statement, parameters(source, ask, known))
        if row is None or not row[1]:
            return None
        etag, _, first, last, published, n_rows, place, rows = row
        more = n_rows > ask.limit
        return Page(
            etag,
            first,
            last,
            published,
            min(n_rows, ask.limit),
            more,
            tuple(json.loads(place)) if more else (),
            rows or "",
        )

    async def newest(self, source: Source, ask: Ask) -> str | None:
        """The newest date with rows, YYYY-MM-DD; None = there is none, or the source has no dates."""
        if source.view.newest_of is None:
            return None
        row = await self._pool.row(newest_statement(source), parameters(source, ask))
        return row[0].isoformat() if row and row[0] else None

    async def why_none(self, source: Source, ask: Ask) -> str:
        """One line: nothing of these dates is published, and which the newest is."""
        newest = await self.newest(source, ask)
        when = f" on {ask.date}" if ask.date else " between these dates" if ask.first or ask.last else ""
        whose = f" of portfolio {ask.portfolio}" if source.scope == "portfolio" else ""
        there = f"the newest are of {newest}" if newest else "nothing is computed yet"
        return f"no rows{whose} are published{when}: {there}"

    async def csv(self, source: Source, ask: Ask) -> bytes:
        """The page's rows with a head. Texts that a spreadsheet takes for formulas have an apostrophe."""
        statement = rows_statement(source, ask, escape=True)
        return await self._pool.copied(
            f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", parameters(source, ask)
        )

    async def arrow(self, source: Source, ask: Ask) -> bytes:
        """The page's rows as an Arrow IPC stream."""
        statement = await self._pool.written(rows_statement(source, ask), parameters(source, ask))
        return await to_thread.run_sync(self._stream, statement)

    def close(self) -> None:
        self._arrow.close()

    def _stream(self, statement: str) -> bytes:
        rows = self._arrow.query(statement)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return sink.getvalue().to_pybytes()


def on_its_dates(ask: Ask, page: Page) -> Ask:
    """The same rows, whatever is published meanwhile."""
    if ask.first or ask.last or page.last_date is None:
        return ask
    return replace(ask, date=dt.date.fromisoformat(page.last_date))
