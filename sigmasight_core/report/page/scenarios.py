"""Which scenarios are shown, and by which P&L they are ranked."""

from collections.abc import Iterable

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.document.rows import Row
from sigmasight_core.report.page.parts import number


def scenarios(report: ReportBase) -> list[Row]:
    """Rows of stress_results without those that are kept for comparison alone."""
    return [
        row for row in report.rows("stress_results") if row["scenario"] not in report.comparison_scenarios
    ]


def headline_of(row: Row) -> str:
    """The column that a scenario is ranked by: correlated P&L, of rate shocks the direct one."""
    return "direct_pnl" if row["category"] == "rates" else "correlated_pnl"


def ranked(rows: Iterable[Row]) -> list[Row]:
    """Scenarios with a number, the worst first."""
    found = [row for row in rows if row[headline_of(row)] is not None]
    return sorted(found, key=lambda row: number(row, headline_of(row)))
