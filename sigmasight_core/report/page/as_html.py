"""A report as one HTML file: no script, nothing from the network."""

from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, Template
from markupsafe import Markup

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.page.page import Page, page
from sigmasight_core.report.page.svg import svg

ROOM: Final = __name__.rpartition(".")[0]


def as_html(report: ReportBase, made: Page | None = None) -> str:
    """The page with its charts; whatever users typed is escaped.

    :param made: the report's page, where it is made already.
    """
    found = made or page(report)
    charts = (chart for section in found.sections for chart in section.charts)
    drawn = {chart.name: Markup(svg(chart)) for chart in charts}
    template, style = _template()
    return template.render(page=found, drawn=drawn, style=style)


@cache
def _template() -> tuple[Template, Markup]:
    room = files(ROOM)
    environment = Environment(autoescape=True, trim_blocks=False)
    made = environment.from_string(room.joinpath("template.html").read_text(encoding="utf-8"))
    return made, Markup(room.joinpath("style.css").read_text(encoding="utf-8"))
