"""A page: head, then every section in the order in which it is read: risk and return first, lists last."""

from dataclasses import dataclass
from typing import Final

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.page import lists, risk, summary
from sigmasight_core.report.page.parts import Section

SECTIONS: Final = (
    summary.summary,
    summary.value,
    summary.exposures,
    risk.factors,
    risk.contributions,
    risk.stress,
    risk.backtest,
    risk.greeks,
    risk.correlations,
    lists.pnl,
    lists.returns,
    lists.benchmark,
    lists.positions,
    lists.availability,
)


@dataclass(frozen=True)
class Page:
    """A report as people read it."""

    title: str
    head: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]


def page(report: ReportBase) -> Page:
    """The page of a report."""
    about = report.metadata
    head = (
        ("portfolio", about.portfolio),
        ("date", about.report_date),
        ("anchor date", about.anchor_date),
        ("data as known at", about.data_known_at or "not known"),
        ("made at", about.generated_at or "not known"),
        ("code version", about.code_version),
        ("report version", report.version),
    )
    title = f"{about.portfolio}, {about.report_date}"
    return Page(title, head, tuple(section(report) for section in SECTIONS))
