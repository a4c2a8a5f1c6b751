"""What a caller asks of a source, and the statement that answers it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sigmasight_core.tables import Grain, Table, grain, table_name
from sigmasight_dagster.warehouse.access.stamps import code_version
from sigmasight_dagster.warehouse.access.users import SESSION_USER
from sigmasight_dagster.warehouse.answers.source import Source
from sigmasight_dagster.warehouse.layout.schema import columns
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, named
from sigmasight_dagster.warehouse.sql import literal, quoted, where

MOMENT: Final = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'
CASTS: Final = {"text": "text", "float": "double precision", "exact": "double precision", "int": "bigint"}
CASTS |= {"bool": "boolean", "date": "date", "timestamp": "timestamptz"}  # type: ignore[misc]
_CALLER: Final = f"caller AS MATERIALIZED ({SESSION_USER}), "
_WHO: Final = ", (SELECT json_build_array(c.email, c.role, c.portfolios)::text FROM caller AS c)"
_SEEN: Final = " AND EXISTS (SELECT FROM caller AS c WHERE %(of)s = ANY(c.portfolios))"


@dataclass(frozen=True)
class Ask:
    """Which rows of a source, in which order, from where on.

    :param date: one date; None with neither `first` nor `last` = the newest published one.
    :param filters: any of these texts, by column. :param flags: those of the source's switches that are set.
    :param columns: () = every one. :param sort: a column, with '-' before it = descending; '' = the key.
    :param after: place of the last row of the page before: cells of `order`.
    """

    limit: int
    portfolio: str = ""
    date: dt.date | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    sort: str = ""
    after: tuple[Any, ...] = ()


def shape(ask: Ask) -> tuple[Any, ...]:
    """What of a question its statement is made from: the same for the same, whatever the values."""
    history = ask.first is not None or ask.last is not None
    nulls = tuple(cell is None for cell in ask.after)
    return (
        *(ask.limit, ask.date is None, history, nulls),
        *(tuple(ask.filters), ask.flags, ask.columns, ask.sort),
    )


def order(source: Source, ask: Ask) -> tuple[str, ...]:
    """Columns that the rows are ordered by: the one asked for, then the key."""
    asked = ask.sort.removeprefix("-")
    return (*((asked,) if asked else ()), *(name for name in source.key if name != asked))


def parameters(source: Source, ask: Ask, known: Sequence[str] = ()) -> dict[str, Any]:
    """Values of the statements below. :param known: ETags of answers that the caller has."""
    values = {
        "portfolio": ask.portfolio,
        "of": ask.portfolio if source.scope == "portfolio" else "",
        "date": ask.date,
        "first": ask.first,
        "last": ask.last,
        "version": code_version(),
        "known": list(known),
    }
    values |= {f"filter_{name}": list(texts) for name, texts in ask.filters.items()}
    return values | {f"after_{place}": value for place, value in enumerate(ask.after)}


def page_statement(source: Source, ask: Ask, *, with_rows: bool = True, by_caller: bool = False) -> str:
    """One row: etag, number of dates, the first, the last, published_at, n_rows, place of the last, rows.

    Rows are JSON objects, at most `limit`; n_rows is one more where there are others. There are none where
    the caller has the etag already.

    :param by_caller: a last column has the user of `email` and `family` (`UserStore.with_session`) as a JSON
        array; a portfolio that they may not see has no dates.
    """
    places = ", ".join(f"w.{quoted(name)}" for name in order(source, ask))
    line = "row_to_json(x)::text" if with_rows else "''"
    page = (
        f"SELECT {line} AS line, json_build_array({places})::text AS place, row_number() OVER () AS n "
        f"FROM ({_ordered(source, ask, ask.limit + 1)}) AS w "
        f"CROSS JOIN LATERAL (SELECT {_shown(source, ask, 'w')}) AS x"
    )
    body = (
        f"SELECT count(*) AS n_rows, max(place) FILTER (WHERE n = {ask.limit:d}) AS place, "
        f"string_agg(line, E',\\n' ORDER BY n) FILTER (WHERE n <= {ask.limit:d}) AS rows FROM page "
        "WHERE NOT s.etag = ANY(%(known)s::text[])"
    )
    return (
        f"WITH {_CALLER if by_caller else ''}{_days(source, ask, by_caller=by_caller)}, "
        f"stamp AS ({_stamp(source)}), page AS ({page}) "
        f"SELECT s.etag, s.n_dates, s.first_date, s.last_date, s.published_at, b.n_rows, b.place, b.rows"
        f"{_WHO if by_caller else ''} FROM stamp AS s CROSS JOIN LATERAL ({body}) AS b"
    )


def rows_statement(source: Source, ask: Ask, *, escape: bool = False) -> str:
    """The rows alone. :param escape: texts that a spreadsheet would take for formulas get an apostrophe."""
    ordered = _ordered(source, ask, ask.limit)
    return f"WITH {_days(source, ask)} SELECT {_shown(source, ask, 'w', escape=escape)} FROM ({ordered}) AS w"


def newest_statement(source: Source) -> str:
    """The newest published date."""
    model = source.view.newest_of
    assert model is not None, "only sources with dates have a newest one"
    return f"SELECT max(p.date) FROM {PUBLICATIONS} AS p {_published_with_rows(model)}"


def _days(source: Source, ask: Ask, *, by_caller: bool = False) -> str:
    """The dates that are asked for, of those that are published with rows."""
    model = source.view.newest_of
    if model is None:
        return "days AS (SELECT ''::text AS portfolio, NULL::date AS date)"
    newest = "ORDER BY p.date DESC LIMIT 1"
    begin = f"SELECT p.portfolio, p.date FROM {PUBLICATIONS} AS p {_published_with_rows(model)}"
    begin += _SEEN if by_caller and source.scope == "portfolio" else ""
    if ask.first or ask.last:
        chosen = f"{begin} AND p.date BETWEEN coalesce(%(first)s::date, '-infinity') AND " + (
            "coalesce(%(last)s::date, 'infinity')"
        )
    elif ask.date and source.on_or_before:
        chosen = f"{begin} AND p.date <= %(date)s::date {newest}"
    elif ask.date:
        chosen = f"{begin} AND p.date = %(date)s::date"
    else:
        chosen = f"{begin} {newest}"
    return f"days AS MATERIALIZED ({chosen})"


def _published_with_rows(model: type[Table]) -> str:
    return f"WHERE p.table_name = {literal(table_name(model))} AND p.portfolio = %(of)s AND p.n_rows > 0"


def _stamp(source: Source) -> str:
    """What changes whenever the rows may have changed, and from when to when they are."""
    dated = [model for model in source.models if grain(model) is not Grain.UNPARTITIONED]
    names = ", ".join(literal(table_name(model)) for model in dated) or "NULL"
    publications = (
        "SELECT string_agg(concat_ws('/', p.table_name, p.date, p.run_id, p.computed_at), ',' "
        "ORDER BY p.table_name, p.portfolio, p.date) AS ids, max(p.computed_at) AS at FROM days AS d "
        f"JOIN {PUBLICATIONS} AS p ON p.date = d.date AND p.portfolio IN (d.portfolio, '') "
        f"WHERE p.table_name IN ({names})"
    )
    others = [_edited(model) for model in source.models if grain(model) is Grain.UNPARTITIONED]
    parts = ", ".join(["%(version)s::text", "ids", *others])
    return (
        f"SELECT md5(concat_ws('|', {parts})) AS etag, n_dates, first_date, last_date, "
        f"to_char(at AT TIME ZONE 'UTC', '{MOMENT}') AS published_at FROM ({publications}) AS i CROSS JOIN "
        "(SELECT count(*) AS n_dates, min(date)::text AS first_date, max(date)::text AS last_date "
        "FROM days) AS n"
    )


def _edited(model: type[Table]) -> str:
    """Of a table without dates: how many rows there are, and when the newest was written."""
    of = where(["u.portfolio = %(portfolio)s"] if "portfolio" in columns(model) else [])
    return f"(SELECT concat(count(*), '/', max(u.computed_at)) FROM {named(model)} AS u{of})"


def _ordered(source: Source, ask: Ask, limit: int) -> str:
    rows = source.view.select("SELECT portfolio, date FROM days" if source.view.newest_of else None)
    conditions = [source.always] if source.always else []
    conditions += [text for flag, text in source.switches.items() if flag not in ask.flags]
    conditions += [f"v.{quoted(name)} = ANY(%(filter_{name})s::text[])" for name in ask.filters]
    conditions += [_after(source, ask)] if ask.after else []
    asked = ask.sort.removeprefix("-")
    down = " DESC" if ask.sort.startswith("-") else ""
    by = [f"v.{quoted(name)}{down if name == asked else ''} NULLS LAST" for name in order(source, ask)]
    return (
        f"SELECT v.* FROM ({rows.replace('%', '%%')}) AS v{where(conditions)} ORDER BY {', '.join(by)} "
        f"LIMIT {limit:d}"
    )


def _after(source: Source, ask: Ask) -> str:
    """Condition: the row comes after the place, in the order with NULLs last."""
    names = order(source, ask)
    cells = [f"%(after_{place})s::{CASTS[source.kinds[name]]}" for place, name in enumerate(names)]
    asked = len(names) > len(source.key) or bool(ask.sort)
    if not asked:
        return f"({_columns(names)}) > ({', '.join(cells)})"
    first, rest = names[0], names[1:]
    tail = f"({_columns(rest)}) > ({', '.join(cells[1:])})" if rest else "false"
    column = f"v.{quoted(first)}"
    if ask.after[0] is None:
        return f"({column} IS NULL AND {tail})"
    beyond = "<" if ask.sort.startswith("-") else ">"
    return f"({column} {beyond} {cells[0]} OR {column} IS NULL OR ({column} = {cells[0]} AND {tail}))"


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f"v.{quoted(name)}" for name in names)


def _shown(source: Source, ask: Ask, alias: str, *, escape: bool = False) -> str:
    names = ask.columns or tuple(source.view.columns)
    return ", ".join(
        f"{_cell(source.kinds[n], f'{alias}.{quoted(n)}', escape)} AS {quoted(n)}" for n in names
    )


def _cell(kind: str, column: str, escape: bool) -> str:
    if kind == "exact":
        return f"CAST({column} AS double precision)"
    if kind == "timestamp":
        return f"to_char({column} AT TIME ZONE 'UTC', '{MOMENT}')"
    if kind == "text" and escape:
        formula = f"left({column}, 1) = ANY('{{=,+,-,@}}') OR left({column}, 1) IN (E'\\t', E'\\r')"
        return f"CASE WHEN {formula} THEN '''' || {column} ELSE {column} END"
    return column
