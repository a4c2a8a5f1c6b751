"""Key figures of a partition: a few numbers that say what is in it, for every partition of a run at once.

A figure takes the rows of a run and returns arrays by label, one element for each partition: a number
(NaN = NULL) or a text ('' = nothing to name).
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from sigmasight_core.report import charts
from sigmasight_dagster.story.rows import PartitionRows

Figures = Mapping[str, npt.NDArray]
Figure = Callable[[PartitionRows], Figures]


def of_row(**labels: str) -> Figure:
    """Columns, by name and label, of a table with one row a partition."""
    return lambda rows: {label: rows.floats(name)[rows.starts] for name, label in labels.items()}


def text_of_row(**labels: str) -> Figure:
    """As `of_row`, of text columns."""
    return lambda rows: {
        label: rows.frame[name].iloc[rows.starts].to_numpy(dtype=object) for name, label in labels.items()
    }


def at(key: str, value: str, **labels: str) -> Figure:
    """`value` of the rows whose `key` is one of the names in `labels`."""

    def figures(rows: PartitionRows) -> Figures:
        keys, values = rows.frame[key], rows.floats(value)
        found = {}
        for name, label in labels.items():
            chosen = (keys == name).to_numpy(dtype=bool)
            found[label] = np.full(len(rows.starts), np.nan)
            found[label][rows.codes[chosen]] = values[chosen]
        return found

    return figures


def total(column: str, label: str) -> Figure:
    """Sum of a column, NULLs left out; NULL where all are."""

    def figures(rows: PartitionRows) -> Figures:
        values = rows.floats(column)
        sums = np.add.reduceat(np.nan_to_num(values), rows.starts)
        known = np.add.reduceat(~np.isnan(values), rows.starts)
        return {label: np.where(known > 0, sums, np.nan)}

    return figures


def known(column: str, label: str) -> Figure:
    """How many rows have a number in a column."""
    return lambda rows: {label: np.add.reduceat(~np.isnan(rows.floats(column)), rows.starts, dtype=float)}


def share(column: str, wanted: str, label: str) -> Figure:
    """Share of the rows that have a text in a column, in percent."""
    return lambda rows: {
        label: 100.0
        * np.add.reduceat((rows.frame[column] == wanted).to_numpy(dtype=float), rows.starts)
        / rows.sizes
    }


def extreme(
    column: str, name: str, label: str, unit: str, *, largest: bool = False, size: bool = False
) -> Figure:
    """The lowest (or largest) value of a column and the name of its row; `size` ranks by |value|."""

    def figures(rows: PartitionRows) -> Figures:
        values = rows.floats(column)
        rank = np.abs(values) if size else values
        rank = np.nan_to_num(-rank if largest or size else rank, nan=np.inf)
        best = np.minimum.reduceat(rank, rows.starts)
        holders = (rank == best[rows.codes]).nonzero()[0]
        first = holders[np.unique(rows.codes[holders], return_index=True)[1]]
        names = rows.frame[name].iloc[first].to_numpy(dtype=object)
        known = np.isfinite(best)
        return {
            label: np.where(known, names, ""),
            f"{label} ({unit})": np.where(known, values[first], np.nan),
        }

    return figures


def worst_scenario(rows: PartitionRows) -> Figures:
    """The scenario of lowest P&L, as the chart of scenarios ranks them."""
    partition = ["date", "portfolio"]
    ranked = charts.shown_scenarios(rows.frame).groupby(partition)[["scenario", "headline"]].first()
    found = ranked.reindex(pd.MultiIndex.from_frame(rows.frame[partition].iloc[rows.starts]))
    return {
        "worst scenario": found["scenario"].fillna("").to_numpy(dtype=object),
        "worst scenario (USD)": found["headline"].to_numpy(dtype=float),
    }
