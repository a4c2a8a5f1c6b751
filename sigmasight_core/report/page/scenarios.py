"""Which scenarios are shown, and by which P&L they are ranked."""

from collections.abc import Iterable

from sigmasight_core.report.document.changes import compared_only
from sigmasight_core.report.document.rows import Row
from sigmasight_core.report.page.parts import number


def headline_of(row: Row) -> str:
    """The column that a scenario is ranked by: correlated P&L, of rate shocks the direct one."""
    return "direct_pnl" if row["category"] == "rates" else "correlated_pnl"


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Scenarios with a number, the worst first; those kept for comparison are left out."""
    found = [row for row in rows if not compared_only(row["scenario"]) and row[headline_of(row)] is not None]
    return sorted(found, key=lambda row: number(row, headline_of(row)))
