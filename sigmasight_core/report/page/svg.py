"""Charts as inline SVG: text stays text, and colours are CSS variables, so that one serves every theme."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, Final, Literal

from sigmasight_core.report.page.parts import Bars, Chart, Lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAIN, LOSS, INK, FAINT = "#010101", "#020202", "#030303", "#040404"
VARIABLES: Final = {MAIN: "--gain", LOSS: "--loss", INK: "--ink", FAINT: "--faint"}
"""CSS variable by the colour that stands for it in the drawing."""
WIDTH: Final = 4.6
"""Inches: at 390 pixels the text has its own size, at 1280 two charts stand side by side."""
FONT: Final = 10.5
MOST_TICKS: Final = 4
SMALL, LARGE = 0.080, 0.097
"""Inches of a small letter, and of a capital or digit."""

_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_GROUP_ID = re.compile(r'<g id="[^"]*"')
_FONT = re.compile(r" font-family: [^;]*;")
_TURNED = re.compile(r' transform="rotate\(-?0 [^"]*"')
_ID = re.compile(r'(id="|url\(#|href="#)')


def svg(chart: Chart) -> str:
    """The drawing as an `<svg>` element, named by its title for who cannot see it."""
    # start-up time, as in canvas
    import matplotlib  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": chart.name,
        "font.size": FONT,
        "font.family": "sans-serif",
        "text.color": INK,
        "axes.edgecolor": FAINT,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(WIDTH, _height(chart)))
        figure.patch.set_alpha(0.0)
        axes = figure.subplots()
        axes.patch.set_alpha(0.0)
        if isinstance(chart.drawn, Bars):
            _bars(axes, chart.drawn, chart.unit)
        else:
            _lines(axes, chart.drawn, chart.unit)
        _margins(figure, chart.drawn)
        return _inline(figure, chart)


def _height(chart: Chart) -> float:
    if isinstance(chart.drawn, Lines):
        return 2.3
    return 0.65 + 0.24 * len(chart.drawn.labels)


def _margins(figure: Figure, drawn: Bars | Lines) -> None:
    """Room for the labels, by their length: measuring them takes longer than drawing all of the rest."""
    width, height = figure.get_size_inches()
    labels = [_short(label) for label in drawn.labels] if isinstance(drawn, Bars) else ["1,000.0M"]
    left = 0.12 + max(map(_inches, labels), default=0.0)
    below = 0.48 if isinstance(drawn, Bars) else 0.34
    figure.subplots_adjust(
        left=left / width, right=1 - 0.16 / width, bottom=below / height, top=1 - 0.06 / height
    )


def _inches(label: str) -> float:
    return sum(SMALL if sign.islower() or sign in " _." else LARGE for sign in label)


def _bars(axes: Axes, bars: Bars, unit: str) -> None:
    places = range(len(bars.labels))
    colours = [LOSS if value < 0 else MAIN for value in bars.values]
    axes.barh(places, bars.values, height=0.62, color=colours)
    if bars.errors is not None:
        axes.errorbar(
            bars.values,
            places,
            xerr=bars.errors,
            fmt="none",
            color=INK,
            ecolor=INK,
            elinewidth=1.0,
            capsize=2.5,
        )
    if bars.marks is not None:
        axes.plot(bars.marks, places, "|", color=INK, markersize=9, markeredgewidth=1.4)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [_short(label) for label in bars.labels])
    axes.set_ylim(len(bars.labels) - 0.4, -0.6)
    axes.locator_params(axis="x", nbins=MOST_TICKS)
    axes.xaxis.set_major_formatter(lambda number, _: _tick(number, unit))
    _plain(axes, "x", unit)


def _lines(axes: Axes, lines: Lines, unit: str) -> None:
    count = len(lines.dates)
    for values in lines.series.values():
        axes.plot(range(count), values, color=MAIN, linewidth=1.6, marker="o" if count < 8 else "")
    step = max((count - 1) // (MOST_TICKS - 1), 1)
    ticks = list(range(0, count, step))
    axes.set_xticks(ticks, [lines.dates[place] for place in ticks])
    axes.locator_params(axis="y", nbins=MOST_TICKS + 1)
    axes.yaxis.set_major_formatter(lambda number, _: _tick(number, unit))
    axes.margins(x=0.08)
    axes.tick_params(axis="x", pad=9)
    _plain(axes, "y", "")


def _plain(axes: Axes, grid: Literal["x", "y"], label: str) -> None:
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.grid(axis=grid, color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    if label:
        axes.set_xlabel(label, color=INK)


def _short(label: str) -> str:
    return label if len(label) <= 24 else f"{label[:23]}\N{HORIZONTAL ELLIPSIS}"


def _tick(number: float, unit: str) -> str:
    if unit == "percent":
        text = f"{100 * number:.3g}%"
    elif unit == "USD":
        size = abs(number)
        limit, letter = next(((limit, name) for limit, name in _UNITS if size >= limit), (1.0, ""))
        text = f"{number / limit:.4g}{letter}"
    else:
        text = f"{number:.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


_UNITS: Final = ((1e9, "bn"), (1e6, "M"), (1e3, "k"))


def _inline(figure: Figure, chart: Chart) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    text = _METADATA.sub("", _HEAD.sub("", buffer.getvalue()))
    for needless in (_STYLE, _FONT, _TURNED):
        text = needless.sub("", text)
    text = _GROUP_ID.sub("<g", text)
    text = _ID.sub(lambda found: f"{found.group(1)}{chart.name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    opening, rest = text.split(">", 1)
    opening = re.sub(r' (?:width|height|version)="[^"]*"', "", opening)
    return f'{opening} role="img" aria-labelledby="{chart.name}-title" class="chart">{rest}'.strip()
