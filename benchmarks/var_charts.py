"""Charts of docs/var.md."""

import numpy as np
import pandas as pd

from sigmasight_core.report.canvas import BLUE, GREY, VERMILLION, finish, new_figure, plain

SOURCE = "503 US names and funds, 2019-2025, 1,760 sessions; every forecast from data before its session"


def breach_chart(table: pd.DataFrame) -> bytes:
    """Breaches over those expected, at both levels, with what Kupiec's test accepts at 5%."""
    figure = new_figure(10, 7.5)
    panels = figure.subplots(1, 2, sharey=True)
    place = np.arange(len(table))[::-1]
    for axes, level, low, high in ((panels[0], 95, 70.5, 106.5), (panels[1], 99, 9.5, 26.5)):
        passes = table[f"Kupiec p {level}"] > 0.05
        axes.axvspan(low, high, color=GREY, alpha=0.2)
        axes.axvline(table["sessions"].mean() * (1 - level / 100), color=GREY)
        axes.scatter(table[f"breaches {level}"], place, color=np.where(passes, BLUE, VERMILLION))
        axes.set_title(f"breaches of {level}%", loc="left", fontsize=10)
        plain(axes)
    panels[0].set_yticks(place, table["book"])
    caption = f"Grey: what Kupiec's test accepts at 5%; orange: outside. {SOURCE}"
    return finish(figure, "Value at risk, fifteen linear books and nine of options", caption)


def specific_chart(table: pd.DataFrame) -> bytes:
    """Realised over predicted volatility."""
    figure = new_figure(8, 4)
    axes = figure.subplots()
    place = np.arange(len(table))[::-1]
    axes.axvspan(0.9, 1.1, color=GREY, alpha=0.2)
    axes.axvline(1.0, color=GREY)
    axes.scatter(table["realised / predicted"], place, color=BLUE)
    axes.set_yticks(place, table["book"])
    axes.set_xlim(0.5, 1.3)
    plain(axes)
    return finish(figure, "Realised over predicted volatility (parametric, factors and specific)", SOURCE)
