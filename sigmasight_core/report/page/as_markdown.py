"""A report as Markdown."""

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.markdown import bullets
from sigmasight_core.report.page.page import Page, page
from sigmasight_core.report.page.parts import TEXT, Section, Table

_ESCAPED = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "\n": " ", "\r": " "})


def as_markdown(report: ReportBase, made: Page | None = None) -> str:
    """The page in Markdown; charts are in the HTML, their data are tables here.

    :param made: the report's page, where it is made already.
    """
    found = made or page(report)
    parts = [f"# Portfolio report: {_escaped(found.title)}"]
    parts.append(bullets(f"{name}: {_escaped(text)}" for name, text in found.head))
    for section in found.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    parts = [f"## {_escaped(section.title)}"]
    if section.sentences:
        parts.append(bullets(_escaped(sentence) for sentence in section.sentences))
    for chart in section.charts:
        parts += [*_table(chart.data), _escaped(chart.caption)]
    for found in section.tables:
        parts += _table(found)
    return parts


def _table(found: Table) -> list[str]:
    if not found.rows:
        return [f"### {_escaped(found.caption)}", "None."]
    heads = [_escaped(column.heading) for column in found.columns]
    rule = ["---" if column.how == TEXT else "---:" for column in found.columns]
    rows = [[_escaped(cell.text) for cell in row] for row in found.rows]
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]
    reasons = [f"n/a: {_escaped('; '.join(found.reasons))}"] if found.reasons else []
    return [f"### {_escaped(found.caption)}", "\n".join(lines), *reasons]


def _escaped(text: str) -> str:
    return text.translate(_ESCAPED)
