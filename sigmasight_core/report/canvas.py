"""What every chart shares: colours that colour-blind readers tell apart, the canvas, the caption, PNG bytes.

matplotlib is imported when a chart is drawn, and without pyplot: no display, no state between charts.
"""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE: Final = "#0072B2"
SKY: Final = "#56B4E9"
ORANGE: Final = "#E69F00"
VERMILLION: Final = "#D55E00"
GREY: Final = "#999999"
INK: Final = "#222222"
"""Okabe and Ito, Color Universal Design, 2008."""

DPI: Final = 110
CAPTION_CHARACTERS_PER_INCH: Final = 17.5


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    # start-up time: matplotlib takes 2 s, and only who draws needs it
    from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def finish(figure: Figure, title: str, caption: str) -> bytes:
    """Title above, source below; the figure as PNG."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=12.5, fontweight="bold", color=INK)
    width = int(figure.get_figwidth() * CAPTION_CHARACTERS_PER_INCH)
    figure.supxlabel(textwrap.fill(caption, width), x=0.01, ha="left", fontsize=8, color="#555555")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def plain(axes: Axes, *, grid: str = "x") -> None:
    """No frame, a light grid along one axis."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, labelsize=9, colors=INK)
    axes.grid(axis="x" if grid == "x" else "y", color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)


def money(amount: float) -> str:
    """USD, in the unit that keeps three digits: -724k, 1.73M."""
    size = abs(amount)
    for limit, unit, digits in ((1e6, "M", 2), (1e3, "k", 0)):
        if size >= limit:
            return f"{amount / limit:,.{digits}f}{unit}".replace("-", "\N{MINUS SIGN}")
    return f"{amount:,.0f}".replace("-", "\N{MINUS SIGN}")


def percent(fraction: float, digits: int = 1) -> str:
    """A fraction in percent, with a true minus sign."""
    rounded = round(100 * fraction, digits) + 0.0
    return f"{rounded:.{digits}f}%".replace("-", "\N{MINUS SIGN}")
