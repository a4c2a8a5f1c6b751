"""Plots of one partition, as PNG. matplotlib is imported when one is drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.report import charts
from sigmasight_core.report.canvas import BLUE, ORANGE, finish, money, new_figure, plain
from sigmasight_core.tables import (
    CorrelationClusters,
    FactorExposures,
    PortfolioSnapshots,
    PositionCorrelations,
    StressResults,
    Table,
)
from sigmasight_dagster.warehouse import Warehouse

HISTORY_SESSIONS = 252


@dataclass(frozen=True)
class Part:
    """One partition: its rows of every table that the run's asset publishes, and all that is stored."""

    date: pd.Timestamp
    portfolio: str
    rows: Mapping[type[Table], pd.DataFrame]
    warehouse: Warehouse

    @property
    def title(self) -> str:
        return f"{self.portfolio}, {self.date:%Y-%m-%d}"


Plot = Callable[[Part], bytes | None]
"""None where there is nothing to draw."""


def factor_exposures(part: Part) -> bytes | None:
    """Dollars per factor."""
    rows = part.rows[FactorExposures]
    if not rows["exposure_usd"].notna().any():
        return None
    return charts.factor_exposures(rows, f"Factor exposures: {part.title}", "")


def stress_scenarios(part: Part) -> bytes | None:
    """P&L of every scenario."""
    rows = part.rows[StressResults]
    if not rows["direct_pnl"].notna().any():
        return None
    return charts.stress_scenarios(rows, 0.0, f"Stress: {part.title}", "")


def correlation_heat_map(part: Part) -> bytes | None:
    """Correlations of the holdings, in the order of their clusters."""
    clusters = part.rows[CorrelationClusters]
    if len(clusters) < 2:
        return None
    title = f"Correlations: {part.title}"
    return charts.correlation_heat_map(part.rows[PositionCorrelations], clusters, title, "")


def value_history(part: Part) -> bytes | None:
    """Total value and cumulative P&L over the published sessions of a year."""
    rows = _published_snapshots(part).dropna(subset="total_value")
    if len(rows) < 2:
        return None
    figure = new_figure(9.0, 4.4)
    panels = figure.subplots(2, 1, sharex=True)
    shown = (("total_value", "total value", BLUE), ("cumulative_pnl", "P&L since entry", ORANGE))
    for axes, (column, name, colour) in zip(panels, shown, strict=True):
        axes.plot(rows["date"], rows[column], color=colour, linewidth=1.8)
        axes.set_title(f"{name}, USD", loc="left", fontsize=9)
        axes.yaxis.set_major_formatter(lambda amount, _: money(amount))
        plain(axes, grid="y")
    figure.autofmt_xdate()
    caption = f"{len(rows)} published sessions from {rows['date'].iloc[0]:%Y-%m-%d}"
    return finish(figure, f"Value: {part.title}", caption)


def _published_snapshots(part: Part) -> pd.DataFrame:
    window = (calendar.shift_sessions(part.date, 1 - HISTORY_SESSIONS), part.date)
    names = [part.portfolio]
    rows = part.warehouse.read(PortfolioSnapshots, window, names, ["date", "total_value", "cumulative_pnl"])
    published = part.warehouse.published(PortfolioSnapshots, window, names)
    return rows[rows["date"].isin(published["date"])]
