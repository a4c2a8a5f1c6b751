"""Charts of stress against reality: frames of `reality.Reality` in, PNG out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sigmasight_core.report.canvas import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    SKY,
    VERMILLION,
    finish,
    new_figure,
    percent,
    plain,
)
from sigmasight_core.stress.reality import SPECIFIC

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BAND: Final = 2.0
"""Half width of the band around a prediction, in specific sigmas."""


def period(row: pd.Series) -> str:
    """'2018-09-20 to 2018-12-24'."""
    return f"{row['start']:%Y-%m-%d} to {row['end']:%Y-%m-%d}"


def predicted_against_realised(results: pd.DataFrame, source: str) -> bytes:
    """Realised, predicted with its band, and the original method on a scale of its own.

    :param results: `Reality.results`; rows without numbers are left out.
    """
    rows = results.dropna(subset="predicted").reset_index(drop=True)
    window = rows["window"].ne(rows["window"].shift()).cumsum()
    y = rows.index.to_numpy() + 0.9 * (window.to_numpy() - 1)
    figure = new_figure(9.6, 1.7 + 0.34 * (y.max(initial=1) + 1))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2.1, 1))
    _ours(left, rows, y)
    _original(right, rows, y)
    left.set_yticks(y, rows["basket"])
    for _, group in rows.groupby(window):
        first = group.iloc[0]
        left.text(
            0,
            y[group.index[0]] - 0.75,
            period(first),
            fontsize=9.5,
            fontweight="bold",
            color=INK,
            transform=left.get_yaxis_transform(),
        )
    left.set_ylim(y.max(initial=1) + 0.6, -1.3)
    caption = (
        "Realised: buy and hold. This method: the factors' moves of the window, betas of the 252 sessions "
        f"before it; the line is \N{PLUS-MINUS SIGN}{BAND:g} standard deviations of specific risk, as if "
        f"independent by symbol. Original: one-factor betas, summed. {source}"
    )
    return finish(figure, "Stress against reality: predicted and realised P&L of historic windows", caption)


def _ours(axes: Axes, rows: pd.DataFrame, y: np.ndarray) -> None:
    predicted, realised = 100 * rows["predicted"], 100 * rows["realised"]
    axes.errorbar(
        predicted,
        y,
        xerr=100 * BAND * rows["specific_sigma"],
        fmt="none",
        ecolor=SKY,
        elinewidth=5,
        alpha=0.55,
    )
    axes.plot(predicted, y, "D", color=BLUE, markersize=6.5, label="this method")
    axes.plot(realised, y, "o", color=INK, markersize=6.5, label="realised")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("P&L, % of gross exposure", fontsize=9)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9)
    plain(axes)


def _original(axes: Axes, rows: pd.DataFrame, y: np.ndarray) -> None:
    lowest = 110 * min([-1.0, *rows["original"]])
    axes.axvspan(lowest, -100, color=VERMILLION, alpha=0.12, linewidth=0)
    axes.plot(100 * rows["original"], y, "X", color=VERMILLION, markersize=7.5, label="original method")
    axes.plot(100 * rows["realised"], y, "o", color=INK, markersize=5)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.text(-102, -0.75, "a loss of more than 100%", ha="right", fontsize=8, color=VERMILLION)
    axes.set_xlim(lowest, 8)
    axes.set_xlabel("P&L, % (another scale)", fontsize=9)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), frameon=False, fontsize=9)
    plain(axes)


def contribution_waterfall(
    *, contributions: pd.DataFrame, results: pd.DataFrame, basket: str, source: str
) -> bytes:
    """From zero over the factors to the prediction, and over the specific part to what happened.

    :param contributions: `Reality.contributions`. :param results: `Reality.results`, for the order and dates
        of the windows; windows without numbers are left out.
    """
    chosen = results[results["basket"] == basket].dropna(subset="predicted")
    figure = new_figure(9.6, 4.4)
    panels = np.atleast_1d(figure.subplots(1, max(len(chosen), 1), sharex=True, sharey=True))
    for axes, (_, result) in zip(panels, chosen.iterrows(), strict=False):
        parts = contributions[
            (contributions["basket"] == basket) & (contributions["window"] == result["window"])
        ]
        _waterfall(axes, parts.dropna(subset="contribution"), result)
    panels[0].invert_yaxis()
    low, high = panels[0].get_xlim()
    panels[0].set_xlim(low - 0.24 * (high - low), high)
    caption = (
        "Styles are what is left of them beyond the market. Factors add up to the prediction; specific is "
        f"what none of them explains. {source}"
    )
    return finish(figure, f"What made the P&L of the basket '{basket}'", caption)


def _waterfall(axes: Axes, parts: pd.DataFrame, result: pd.Series) -> None:
    factors = parts[parts["factor"] != SPECIFIC]
    steps = 100 * factors["contribution"].to_numpy()
    ends = np.cumsum(steps)
    predicted, realised = 100 * result["predicted"], 100 * result["realised"]
    names = [*factors["factor"].str.replace("_", " "), "predicted", "specific", "realised"]
    widths = np.array([*steps, predicted, realised - predicted, realised])
    starts = np.array([*(ends - steps), 0.0, predicted, 0.0])
    style = [BLUE if name == "market" else SKY for name in names[:-3]]
    axes.barh(names, widths, left=starts, color=[*style, GREY, ORANGE, INK], height=0.68)
    low = np.minimum(starts, starts + widths)
    for place, (edge, width) in enumerate(zip(low, widths, strict=True)):
        axes.annotate(
            percent(width / 100),
            (edge, place),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_title(period(result), fontsize=9.5, loc="left", color=INK)
    axes.set_xlabel("P&L, % of gross exposure", fontsize=9)
    plain(axes)
