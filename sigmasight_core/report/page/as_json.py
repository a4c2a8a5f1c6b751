"""A report as JSON."""

from sigmasight_core.report.document.model import ReportBase


def as_json(report: ReportBase) -> str:
    """The data object itself, as its JSON Schema describes it."""
    return report.model_dump_json(indent=1) + "\n"
