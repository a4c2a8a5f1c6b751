"""The view of complete dates. It asks which tables there are: every module of the core is imported for it."""

from typing import Final

from sigmasight_core.tables import (
    TABLES,
    Grain,
    Kind,
    PortfolioReports,
    Publications,
    facts,
    grain,
    table_name,
)
from sigmasight_dagster.warehouse.layout.view import PUBLICATIONS, REGISTRY, View
from sigmasight_dagster.warehouse.sql import literal


def daily_tables(by: Grain) -> list[str]:
    """Tables that are published on every date, by name: of portfolios, or of dates alone.

    Reports are none: they are documents of the other tables, and made when they are asked for.
    """
    return [
        table_name(model)
        for model in TABLES
        if grain(model) is by
        and facts(model).kind in (Kind.SOURCE, Kind.RESULT)
        and not facts(model).weekly
        and model is not PortfolioReports
    ]


def _complete_dates() -> View:
    of_portfolios, of_dates = (daily_tables(by) for by in (Grain.DATE_PORTFOLIO, Grain.DATE))
    names, markets = (", ".join(map(literal, tables)) for tables in (of_portfolios, of_dates))
    market = (
        f"SELECT q.date FROM {PUBLICATIONS} AS q WHERE q.portfolio = '' AND q.table_name IN ({markets}) "
        f"GROUP BY q.date HAVING count(*) = {len(of_dates)}"
    )
    return View(
        "complete_dates",
        "Dates of portfolios of which every table is published; weekly ones (correlations) do not count",
        None,
        {"p": Publications},
        {"portfolio": "p.portfolio", "date": "p.date", "published_at": "max(p.computed_at)"},
        f"{PUBLICATIONS} AS p JOIN {REGISTRY} AS r ON r.portfolio = p.portfolio "
        f"WHERE p.table_name IN ({names}) AND p.date IN ({market}) "
        f"GROUP BY p.portfolio, p.date HAVING count(*) = {len(of_portfolios)}",
        {"published_at": "When the last of the portfolio's tables was published (UTC)"},
    )


COMPLETE_DATES: Final = _complete_dates()
