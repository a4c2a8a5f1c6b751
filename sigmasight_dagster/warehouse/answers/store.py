"""Reading answers: a page as JSON with its marks, or its rows as CSV or Arrow."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
from anyio import to_thread
from psycopg.rows import TupleRow

from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.access.users import User
from sigmasight_dagster.warehouse.answers.ask import (
    Ask,
    newest_statement,
    page_statement,
    parameters,
    rows_statement,
    shape,
)
from sigmasight_dagster.warehouse.answers.source import Source
from sigmasight_dagster.warehouse.database import Database

_MOST_STATEMENTS: Final = 2000


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

    def __init__(self, pool: Pool, url: str, *, read_only: bool = False) -> None:
        self._pool, self._arrow = pool, Database(url, read_only=read_only)
        self._statements: dict[tuple[Any, ...], str] = {}

    async def page(
        self, source: Source, ask: Ask, known: Sequence[str] = (), *, with_rows: bool = True
    ) -> Page | None:
        """A page; None when nothing of the dates is published. :param known: etags that the caller has."""
        statement = self._statement(source, ask, with_rows=with_rows, by_caller=False)
        return _page(ask, await self._row(ask, statement, parameters(source, ask, known)))

    async def page_for(
        self,
        session: tuple[str, str],
        source: Source,
        ask: Ask,
        known: Sequence[str] = (),
        *,
        with_rows: bool = True,
    ) -> tuple[User | None, Page | None]:
        """Who asks and their page, in one statement.

        :param session: address and login of an access token. :returns: no user where the login has ended; no
            page where nothing of the dates is published, or the portfolio is none of theirs.
        """
        statement = self._statement(source, ask, with_rows=with_rows, by_caller=True)
        email, family = session
        given = {**parameters(source, ask, known), "email": email, "family": family}
        row = await self._row(ask, statement, given)
        if row is None or row[-1] is None:
            return None, None
        name, role, portfolios = json.loads(row[-1])
        return User(name, role, tuple(portfolios)), _page(ask, row[:-1])

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

    async def _row(self, ask: Ask, statement: str, given: dict[str, Any]) -> TupleRow | None:
        """A history is planned for its dates: a plan for any of them took ten times as long."""
        return await self._pool.row(statement, given, keep_plan=not (ask.first or ask.last))

    def _statement(self, source: Source, ask: Ask, *, with_rows: bool, by_caller: bool) -> str:
        key = (source, shape(ask), with_rows, by_caller)
        if found := self._statements.get(key):
            return found
        made = page_statement(source, ask, with_rows=with_rows, by_caller=by_caller)
        if len(self._statements) >= _MOST_STATEMENTS:
            self._statements.clear()
        self._statements[key] = made
        return made

    def _stream(self, statement: str) -> bytes:
        rows = self._arrow.query(statement)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return sink.getvalue().to_pybytes()


def _page(ask: Ask, row: Sequence[Any] | None) -> Page | None:
    if row is None or not row[1]:
        return None
    etag, _, first, last, published, n_rows, place, rows = row
    more = n_rows > ask.limit
    at = tuple(json.loads(place)) if more else ()
    return Page(etag, first, last, published, min(n_rows, ask.limit), more, at, rows or "")


def on_its_dates(ask: Ask, page: Page) -> Ask:
    """The same rows, whatever is published meanwhile."""
    if ask.first or ask.last or page.last_date is None:
        return ask
    return replace(ask, date=dt.date.fromisoformat(page.last_date))
