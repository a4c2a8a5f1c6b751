"""Charts of one portfolio on one date: rows of the risk tables in, PNG out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sigmasight_core.conventions import IMPLAUSIBLE_SIGMA
from sigmasight_core.report.canvas import BLUE, INK, ORANGE, SKY, finish, money, new_figure, percent, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_NUMBERED: Final = 26
"""Symbols of a heat map up to which each cell shows its number."""


def factor_exposures(exposures: pd.DataFrame, title: str, source: str) -> bytes:
    """Dollars per factor; rates, which are dollars per basis point, on an axis of their own.

    :param exposures: rows of tables.FactorExposures of one portfolio and date. Factors without a number are
        named below the bars.
    """
    known = exposures.dropna(subset="exposure_usd")
    rates = known[known["factor"] == "rates"]
    equity = known[known["factor"] != "rates"]
    equity = equity.sort_values("exposure_usd", key=abs, ascending=False)
    equity = equity.iloc[np.argsort(equity["factor"].to_numpy() != "market", kind="stable")]
    figure = new_figure(9.0, 2.1 + 0.4 * (len(equity) + 2.2 * bool(len(rates))))
    panels = figure.subplots(
        1 + bool(len(rates)), 1, height_ratios=(max(len(equity), 1), 1.2)[: 1 + bool(len(rates))]
    )
    panels = np.atleast_1d(panels)
    colours = [BLUE if factor == "market" else SKY for factor in equity["factor"]]
    _money_bars(panels[0], equity, colours)
    panels[0].set_xlabel("USD of exposure: a move of the factor by 1% makes 1% of it", fontsize=9)
    if len(rates):
        _money_bars(panels[1], rates, [ORANGE])
        panels[1].set_xlabel("USD per basis point of the 10-year yield", fontsize=9)
    lost = exposures.loc[exposures["exposure_usd"].isna(), "factor"].str.replace("_", " ")
    note = f"No number: {', '.join(lost)} (unavailable, not zero). " if len(lost) else ""
    caption = f"{note}Style dollars are long-short and are not added to market dollars. {source}"
    return finish(figure, title, caption)


def _money_bars(axes: Axes, rows: pd.DataFrame, colours: list[str]) -> None:
    values = rows["exposure_usd"].to_numpy(dtype=float)
    names = rows["factor"].str.replace("_", " ").tolist()
    axes.barh(names, values, color=colours, height=0.66)
    for place, (amount, beta) in enumerate(zip(values, rows["beta"], strict=True)):
        of_value = "" if np.isnan(beta) else f"  (beta {beta:.2f})".replace("-", "\N{MINUS SIGN}")
        _label(axes, amount, place, money(amount) + of_value)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.3)
    axes.xaxis.set_major_formatter(lambda amount, _: money(amount))
    plain(axes)


def _label(axes: Axes, x: float, y: float, text: str) -> None:
    side = -1 if x < 0 else 1
    axes.annotate(
        text,
        (x, y),
        xytext=(4 * side, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        ha="right" if x < 0 else "left",
        color=INK,
    )


def shown_scenarios(stress: pd.DataFrame) -> pd.DataFrame:
    """Scenarios with a number, the worst first; `headline` is correlated, for rate shocks direct P&L.

    :param stress: rows of tables.StressResults, without the scenarios that are kept for comparison.
    """
    rows = stress.dropna(subset="direct_pnl")
    headline = rows["correlated_pnl"].where(rows["category"] != "rates", rows["direct_pnl"])
    return rows.assign(headline=headline).sort_values("headline", ignore_index=True)


def stress_scenarios(stress: pd.DataFrame, total_value: float, title: str, source: str) -> bytes:
    """Scenarios sorted by P&L, the direct P&L as a mark, implausible ones hatched.

    :param stress: as in `shown_scenarios`, of one portfolio and date. :param total_value: USD, for the axis
        in percent.
    """
    rows = shown_scenarios(stress)
    figure = new_figure(9.0, 2.0 + 0.3 * len(rows))
    axes = figure.subplots()
    sigma = rows["plausibility_sigma"].to_numpy(dtype=float)
    unlikely = sigma > IMPLAUSIBLE_SIGMA
    names = rows["scenario"].str.replace("_", " ").tolist()
    bars = axes.barh(names, rows["headline"], height=0.66, color=np.where(rows["headline"] < 0, ORANGE, SKY))
    for bar, hatched in zip(bars, unlikely, strict=True):
        bar.set(hatch="////" if hatched else "", edgecolor="white", linewidth=0)
    axes.plot(
        rows["direct_pnl"],
        names,
        "|",
        color=INK,
        markersize=11,
        markeredgewidth=1.6,
        label="direct: only the shocked factors move",
    )
    outermost = np.where(
        rows["headline"] < 0,
        np.minimum(rows["headline"], rows["direct_pnl"]),
        np.maximum(rows["headline"], rows["direct_pnl"]),
    )
    for place, (edge, pnl) in enumerate(zip(outermost, rows["headline"], strict=True)):
        doubt = f"  ({sigma[place]:.1f} sigma)" if unlikely[place] else ""
        _label(axes, edge, place, f"{money(pnl)}{doubt}")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.invert_yaxis()
    axes.margins(x=0.34, y=0.02)
    axes.xaxis.set_major_formatter(lambda amount, _: money(amount))
    axes.set_xlabel("P&L, USD", fontsize=9)
    if total_value > 0:
        scale = (lambda usd: np.asarray(usd) / total_value, lambda part: np.asarray(part) * total_value)
        share = axes.secondary_xaxis("top", functions=scale)
        share.xaxis.set_major_formatter(lambda fraction, _: percent(fraction, 0))
        share.set_xlabel("% of total value", fontsize=9)
        share.tick_params(length=0, labelsize=9)
        share.spines["top"].set_visible(False)
    figure.legend(loc="outside upper right", frameon=False, fontsize=9)
    plain(axes)
    return finish(figure, title, f"{_scenario_note(stress)}{source}")


def _scenario_note(stress: pd.DataFrame) -> str:
    lost = stress.loc[stress["direct_pnl"].isna(), "scenario"].str.replace("_", " ").tolist()
    note = f"Not computed: {', '.join(lost)}. " if lost else ""
    return (
        "Bars: P&L of the most likely state given the shocks (rate shocks: direct). Hatched: shocks that are "
        f"more than {IMPLAUSIBLE_SIGMA:g} sigma away. {note}"
    )


def correlation_heat_map(
    *, correlations: pd.DataFrame, clusters: pd.DataFrame, title: str, source: str
) -> bytes:
    """The sample correlations, each pair once, holdings in the order of their clusters, clusters framed.

    :param correlations: rows of tables.PositionCorrelations. :param clusters: rows of
        tables.CorrelationClusters; holdings outside of them are not in the matrix.
    """
    ordered = clusters.sort_values(["cluster", "symbol"], ignore_index=True)
    symbols = ordered["symbol"].tolist()
    count = len(symbols)
    matrix = np.full((count, count), np.nan)
    place = {symbol: at for at, symbol in enumerate(symbols)}
    inside = correlations[correlations["symbol_1"].isin(symbols) & correlations["symbol_2"].isin(symbols)]
    first, second = (inside[name].map(place).to_numpy(dtype=int) for name in ("symbol_1", "symbol_2"))
    lower = np.maximum(first, second), np.minimum(first, second)
    matrix[lower] = inside["correlation"].to_numpy(dtype=float)

    size = min(max(3.6 + 0.22 * count, 5.0), 16.0)
    figure = new_figure(size + 1.6, size)
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    names = (ordered["symbol"] + np.where(ordered["exposure"] < 0, " (short)", "")).tolist()
    axes.set_xticks(range(count), names, rotation=90, fontsize=8)
    axes.set_yticks(range(count), names, fontsize=8)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if count <= MOST_NUMBERED:
        _numbers(axes, matrix)
    _frames(axes, ordered)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, pad=0.01, aspect=26)
    bar.set_label("correlation of daily log returns", fontsize=8.5)
    bar.ax.tick_params(labelsize=8)
    return finish(figure, title, source)


def _numbers(axes: Axes, matrix: np.ndarray) -> None:
    for i, j in zip(*np.nonzero(~np.isnan(matrix)), strict=True):
        if i != j:
            text = f"{matrix[i, j]:.2f}".replace("0.", ".", 1).replace("-", "\N{MINUS SIGN}")
            axes.text(
                j,
                i,
                text,
                ha="center",
                va="center",
                fontsize=6.5,
                color="white" if abs(matrix[i, j]) > 0.75 else INK,
            )


def _frames(axes: Axes, ordered: pd.DataFrame) -> None:
    """A frame around each cluster of two or more, its name beside the diagonal."""
    # start-up time, as in canvas
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    for _, members in ordered.groupby("cluster"):
        if len(members) > 1:
            start, size = int(members.index[0]), len(members)
            corner = (start - 0.5, start - 0.5)
            axes.add_patch(Rectangle(corner, size, size, fill=False, edgecolor=INK, linewidth=2))
            name = f"{members['cluster'].iloc[0]}  {members['nickname'].iloc[0]}"
            middle = start + (size - 1) / 2
            axes.text(start + size - 0.3, middle, name, fontsize=9, fontweight="bold", va="center", color=INK)
