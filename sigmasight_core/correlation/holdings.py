"""Significant holdings of every (date, portfolio): positions netted by underlying, small ones left out.

Everything is coded as integers: a book is a (date, portfolio), a symbol its place in sorted order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.positions.held import is_option

FilterMode = Literal["value_only", "weight_only", "both", "either"]

_KEYS = ["date", "portfolio", "position_id"]
_COLUMNS = [*_KEYS, "underlying", "position_type", "exposure", "sector", "tags"]


@dataclass(frozen=True)
class Holdings:
    """Significant holdings, ordered by book and symbol, and the positions that they are made of.

    Book `b` is the date `b // len(portfolios)` and the portfolio `b % len(portfolios)`.
    """

    dates: pd.DatetimeIndex
    portfolios: pd.Index
    symbols: pd.Index
    book: Ints
    symbol: Ints
    exposure: Floats
    positions: pd.DataFrame
    """Every position of these holdings: `holding` (its row number), `sector`, `tags`."""
    n_unknown: Ints
    """Underlyings of each book that have a position without an exposure: they cannot be judged."""

    @property
    def n_books(self) -> int:
        return len(self.dates) * len(self.portfolios)


def significant_holdings(
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    dates: pd.DatetimeIndex,
    portfolios: Sequence[str],
    filter_mode: FilterMode,
    min_exposure_usd: float,
    min_weight: float,
) -> Holdings:
    """Net exposure of each underlying, options at `delta_exposure`, where it is large enough to matter.

    :param position_values, position_greeks: rows of those tables; what is of other dates or portfolios,
        or closed (quantity 0), is left out.
    :param min_weight: least share of the book's gross exposure, the sum of |net exposure|.
    :returns: holdings of every book; books without any have no rows. An underlying whose exposure is
        unknown (NaN) or exactly 0 is no holding.
    """
    days = pd.DatetimeIndex(dates).as_unit("ns").unique().sort_values()
    names = pd.Index(sorted(set(portfolios)), dtype="str")
    held = _held(position_values, days, names)
    exposure = _delta_exposure(held, position_greeks)
    symbols = pd.Index(held["underlying"].unique(), dtype="str").sort_values()
    symbol = symbols.get_indexer(pd.Index(held["underlying"]))
    key = held["book"].to_numpy() * max(len(symbols), 1) + symbol
    keys, first, holding = np.unique(key, return_index=True, return_inverse=True)
    net = np.bincount(holding, weights=exposure, minlength=len(keys))
    book = held["book"].to_numpy()[first]

    n_books = len(days) * len(names)
    size = np.abs(np.nan_to_num(net))
    gross = np.bincount(book, weights=size, minlength=n_books)
    large, heavy = size >= min_exposure_usd, size >= min_weight * gross[book]
    chosen = {"value_only": large, "weight_only": heavy, "both": large & heavy, "either": large | heavy}
    keep = chosen[filter_mode] & (size > 0)
    number = np.cumsum(keep) - 1
    kept = keep[holding]
    return Holdings(
        dates=days,
        portfolios=names,
        symbols=symbols,
        book=book[keep],
        symbol=symbol[first][keep],
        exposure=net[keep],
        positions=pd.DataFrame(
            {
                "holding": number[holding[kept]],
                "sector": held["sector"].array[kept],
                "tags": held["tags"].array[kept],
            }
        ),
        n_unknown=np.bincount(book[np.isnan(net)], minlength=n_books),
    )


def _held(position_values: pd.DataFrame, days: pd.DatetimeIndex, names: pd.Index) -> pd.DataFrame:
    """Rows of the asked books that are held at the close, with their `book`."""
    day = days.get_indexer(pd.DatetimeIndex(position_values["date"]).as_unit("ns"))
    name = names.get_indexer(pd.Index(position_values["portfolio"]))
    open_ = (position_values["quantity"] != 0).to_numpy()
    rows = (day >= 0) & (name >= 0) & open_
    return position_values.loc[rows, _COLUMNS].assign(book=(day * len(names) + name)[rows])


def _delta_exposure(held: pd.DataFrame, position_greeks: pd.DataFrame) -> Floats:
    """Signed exposure of each position, an option's at delta; NaN where it is not known."""
    exposure = held["exposure"].to_numpy(dtype=float, copy=True)
    option = is_option(held)
    if option.any():
        wanted = held.loc[option, _KEYS]
        of_options = position_greeks["position_id"].isin(wanted["position_id"].unique())
        greeks = position_greeks.loc[of_options, [*_KEYS, "delta_exposure"]]
        found = wanted.merge(greeks, on=_KEYS, how="left", validate="one_to_one")
        exposure[option] = found["delta_exposure"].to_numpy(dtype=float)
    return exposure
