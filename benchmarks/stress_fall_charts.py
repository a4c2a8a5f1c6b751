"""Charts of docs/stress_five_falls.md."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sigmasight_core.report.canvas import BLUE, GREY, VERMILLION, finish, new_figure, plain
from sigmasight_core.stress.reality import Window

SOURCE = "503 US names and funds, 2017-2026; every prediction from the 252 returns before"


def names_chart(found: pd.DataFrame, windows: Sequence[Window]) -> bytes:
    """Predicted and realised move of every name, one panel a fall."""
    figure = new_figure(13, 4.2)
    panels = figure.subplots(1, len(windows), sharey=True)
    for axes, window in zip(panels, windows, strict=True):
        rows = found[found["window"] == window.id]
        predicted, realised = 100 * rows["predicted"], 100 * rows["realised"]
        rmse = float(((realised - predicted) ** 2).mean() ** 0.5)
        beyond = (realised > 60).sum()
        axes.plot([-80, 60], [-80, 60], color=GREY, linewidth=1)
        axes.scatter(predicted, realised.clip(upper=60), s=5, color=BLUE, alpha=0.5, linewidths=0)
        axes.set_xlim(-80, 60)
        axes.set_ylim(-85, 62)
        more = f", {beyond} above +60" if beyond else ""
        axes.set_title(f"{window.name}\nrmse {rmse:.1f} points{more}", loc="left", fontsize=9)
        axes.set_xlabel("predicted (%)")
        plain(axes)
    panels[0].set_ylabel("realised (%)")
    return finish(figure, "Five falls, name by name: predicted and realised", f"Grey: met exactly. {SOURCE}")


def beta_chart(found: pd.DataFrame) -> bytes:
    """Market beta of the evening and of the quarter after it."""
    kinds = list(found.groupby("book", sort=False))
    figure = new_figure(12, 4.4)
    panels = figure.subplots(1, len(kinds))
    for axes, (book, rows), color in zip(panels, kinds, (BLUE, BLUE, VERMILLION), strict=True):
        ends = np.quantile(rows[["predicted", "realised"]], [0.0005, 0.9995])
        axes.plot(ends, ends, color=GREY, linewidth=1)
        faint = 0.15 if len(rows) > 500 else 0.7
        axes.scatter(rows["predicted"], rows["realised"], s=5, color=color, alpha=faint, linewidths=0)
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        miss = rows["realised"] - rows["predicted"]
        errors = f"rmse {(miss**2).mean() ** 0.5:.3f}, bias {miss.mean():+.3f}"
        axes.set_title(f"{book}\n{errors}", loc="left", fontsize=9)
        axes.set_xlabel("market beta of the evening")
        plain(axes)
    panels[0].set_ylabel("that of the next 63 sessions")
    return finish(figure, "Portfolio betas against the next quarter's", f"Grey: met exactly. {SOURCE}")
