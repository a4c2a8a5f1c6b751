"""Positions at the opening of a day, by group: their value and what they earned."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.types import Floats, Ints


@dataclass(frozen=True)
class Opening:
    """Each (sessions, portfolios, groups) in USD; stored and missing (sessions, portfolios)."""

    value: Floats
    """A value that is not known is 0 here."""
    pnl: Floats
    stored: Ints
    """How many positions."""
    missing: Ints
    """Of how many the P&L is NULL."""


def opening(
    values: pd.DataFrame, *, sessions: pd.DatetimeIndex, names: pd.Index, labels: pd.Index
) -> Opening:
    """A position opens with its value at the close before; one that was bought on the day with its cost.

    So a purchase has its weight on the day on which it is paid, as an inflow has.

    :param values: date, portfolio, position_id, group, exposure and daily_pnl (USD); any others are ignored.
    """
    day = sessions.get_indexer(pd.DatetimeIndex(values["date"]))
    book, group = codes_of(names, values["portfolio"]), codes_of(labels, values["group"])
    inside = (day >= 0) & (book >= 0)
    day, book, group = day[inside], book[inside], group[inside]
    position = pd.factorize(values["position_id"][inside])[0]
    exposure, pnl = (
        values[name].to_numpy(dtype=float, na_value=np.nan)[inside] for name in ("exposure", "daily_pnl")
    )
    order = np.lexsort((day, position, book))
    same = np.r_[False, (np.diff(book[order]) == 0) & (np.diff(position[order]) == 0)]
    held = same & np.r_[False, np.diff(day[order]) == 1]
    before = np.full(len(day), np.nan)
    before[order] = np.where(held, np.r_[np.nan, exposure[order][:-1]], np.nan)
    was = np.zeros(len(day), dtype=bool)
    was[order] = held
    cost = np.where(exposure != 0, exposure - pnl, 0.0)
    value = np.where(was, before, cost)
    shape = (len(sessions), len(names), len(labels))
    flat = (day * len(names) + book) * len(labels) + group

    def summed(amounts: Floats) -> Floats:
        found: Floats = np.bincount(flat, weights=amounts, minlength=int(np.prod(shape))).astype(float)
        return found.reshape(shape)

    ones = np.ones(len(day))
    return Opening(
        value=summed(np.nan_to_num(value)),
        pnl=summed(np.nan_to_num(pnl)),
        stored=summed(ones).sum(axis=-1).astype(np.int64),
        missing=summed(np.isnan(pnl).astype(float)).sum(axis=-1).astype(np.int64),
    )
