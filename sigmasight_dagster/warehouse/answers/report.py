"""The stored report of a portfolio, as the text that it is."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from sigmasight_core.errors import InputError
from sigmasight_core.report.document.sources import models
from sigmasight_core.tables import PortfolioReports, table_name
from sigmasight_dagster.warehouse.access.pool import Pool
from sigmasight_dagster.warehouse.answers.ask import MOMENT
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, named
from sigmasight_dagster.warehouse.sql import literal

AVAILABILITY: Final = "data_availability"


class NoReport(InputError):
    """No report is stored of a portfolio and date."""


class OutdatedReport(InputError):
    """Something that a stored report is made of was computed again since."""


@dataclass(frozen=True)
class Document:
    """A report, or a section of it. `outdated`: something that it is made of was computed again since."""

    etag: str
    date: str
    published_at: str
    outdated: bool
    text: str


async def stored_document(
    pool: Pool, portfolio: str, date: dt.date | None, section: str | None = None
) -> Document | None:
    """The published report of a date, by default the newest; None = there is none."""
    sources = ", ".join(literal(source.table) for source in models())
    text = "r.document" if section is None else f"(r.document::json -> {literal(section)})::text"
    row = await pool.row(
        "SELECT md5(concat_ws('/', p.date, p.run_id, p.computed_at)), p.date::text, "
        f"to_char(p.computed_at AT TIME ZONE 'UTC', '{MOMENT}'), EXISTS (SELECT FROM {PUBLICATIONS} AS q "
        "WHERE q.date = p.date AND q.portfolio IN (p.portfolio, '') AND q.computed_at > r.computed_at "
        f"AND q.table_name IN ({sources})), {text} FROM {PUBLICATIONS} AS p "
        f"JOIN {named(PortfolioReports)} AS r ON r.portfolio = p.portfolio AND r.date = p.date "
        f"WHERE p.table_name = {literal(table_name(PortfolioReports))} AND p.portfolio = %(portfolio)s "
        "AND p.date = coalesce(%(date)s::date, p.date) ORDER BY p.date DESC LIMIT 1",
        {"portfolio": portfolio, "date": date},
    )
    return Document(*row) if row else None


async def current_document(
    pool: Pool, portfolio: str, date: dt.date | None, section: str | None = None
) -> Document:
    """The stored report of a date, by default the newest, or a section of it.

    :raises NoReport: where there is none; OutdatedReport: where it is older than what it is made of.
    """
    found = await stored_document(pool, portfolio, date, section)
    cure = f"make it: sigmasight report {portfolio}"
    if found is None:
        on = f" --date {date}" if date else ""
        raise NoReport(f"no report of portfolio {portfolio} is stored: {cure}{on}")
    if found.outdated:
        said = f"the report of {found.date} is older than what it is made of"
        raise OutdatedReport(f"{said}: {cure} --date {found.date}")
    return found
