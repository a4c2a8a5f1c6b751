"""The held positions as arrays, for risk measures over all dates and portfolios at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.calendar import next_sessions
from sigmasight_core.conventions import BOUGHT_TYPES
from sigmasight_core.positions.held import (
    KEY,
    is_call,
    is_option,
    option_inputs,
    partition_frame,
    partition_numbers,
    require,
)

_GREEKS: Final = [
    "underlying_price",
    "strike",
    "days_to_expiry",
    "implied_volatility",
    "risk_free_rate",
    "dividend_yield",
    "delta_exposure",
]
_VALUES: Final = ["symbol", "underlying", "position_type", "multiplier", "quantity", "exposure"]

CELLS: Final = 4_000_000
"""Cells of one block of dates: bounds memory, results do not depend on it."""


@dataclass(frozen=True)
class RiskBook:
    """Positions (R) of partitions (G) on dates (D) with underlyings (S), in the order of the partitions.

    Options on their expiry session are not among them: they are settled at its close and have no risk left.
    """

    partitions: pd.DataFrame
    """(G) distinct date and portfolio, sorted."""
    dates: pd.DatetimeIndex
    symbols: pd.Index
    rows: pd.DataFrame
    """(R) the columns of position_greeks and position_values."""
    partition: Ints
    """(R) row of `partitions`."""
    partition_date: Ints
    """(G) index of the date."""
    days_to_next: Floats
    """(D) calendar days to the next session."""
    symbol: Ints
    """(R) index of the underlying."""
    is_option: Bools
    is_call: Bools
    priced: Bools
    """(R): has everything that a valuation and a delta exposure need."""
    delta_exposure: Floats
    """(R) USD, signed; NaN where not priced."""

    @classmethod
    def of(
        cls, partitions: pd.DataFrame, position_values: pd.DataFrame, position_greeks: pd.DataFrame
    ) -> "RiskBook":
        """Join the inputs of every held position (row of position_greeks).

        :param partitions: date and portfolio of everything wanted, also where nothing is held.
        :raises InputError: on a position outside of `partitions` or without a row in `position_values`.
        """
        wanted = partition_frame(partitions)
        rows, partition = _joined(wanted, position_values, position_greeks)
        dates = pd.DatetimeIndex(wanted["date"].unique())
        partition_date = dates.get_indexer(pd.DatetimeIndex(wanted["date"]))
        symbols = pd.Index(np.sort(rows["underlying"].unique()), dtype="str")
        options = is_option(rows)
        delta = rows["delta_exposure"].to_numpy(dtype=float, na_value=np.nan)
        priced = np.isfinite(delta)
        inputs = option_inputs(rows[options]).values()
        priced[options] &= np.all([np.isfinite(column[:, 0]) for column in inputs], axis=0)
        priced[~options] &= rows["exposure"].notna().to_numpy()[~options]
        return cls(
            partitions=wanted,
            dates=dates,
            symbols=symbols,
            rows=rows,
            partition=partition,
            partition_date=partition_date,
            days_to_next=(next_sessions(dates + pd.Timedelta(days=1)) - dates).days.to_numpy(dtype=float),
            symbol=symbols.get_indexer(pd.Index(rows["underlying"])),
            is_option=options,
            is_call=is_call(rows),
            priced=priced,
            delta_exposure=np.where(priced, delta, np.nan),
        )

    @property
    def date(self) -> Ints:
        """(R) index of the date."""
        return self.partition_date[self.partition]

    def partitions_of(self, days: Ints) -> slice:
        """Partitions of some consecutive dates."""
        return slice(*np.searchsorted(self.partition_date, [days[0], days[-1] + 1]))

    def held(self) -> Ints:
        """(G) number of positions."""
        return np.bincount(self.partition, minlength=len(self.partitions))

    def largest_loss(self) -> Floats:
        """(G): what a book of bought positions can lose, its exposure; infinite where something is sold."""
        count = len(self.partitions)
        exposure = self.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)
        value = np.bincount(self.partition, np.where(self.priced, exposure, 0.0), minlength=count)
        sold = np.bincount(self.partition[~self.rows["position_type"].isin(BOUGHT_TYPES)], minlength=count)
        return np.where(sold > 0, np.inf, value)

    def price_gaps(self) -> list[tuple[str, Ints, "pd.Series[str]"]]:
        """Positions without a price, or Greeks, for `named_gaps.gap_texts`."""
        gaps = []
        for words, which in (("no price for", ~self.is_option), ("no Greeks for", self.is_option)):
            lost = which & ~self.priced
            gaps.append((words, self.partition[lost], self.rows["symbol"][lost]))
        return gaps

    def date_blocks(self, cells_per_symbol: int, cells_per_portfolio: int) -> Iterator[Ints]:
        """Runs of dates that are small enough for arrays of so many cells a symbol and portfolio."""
        portfolios = -(-len(self.partitions) // max(1, len(self.dates)))
        cells = len(self.symbols) * cells_per_symbol + portfolios * cells_per_portfolio
        yield from blocks(np.arange(len(self.dates), dtype=np.intp), cells, CELLS)


def _joined(
    partitions: pd.DataFrame, position_values: pd.DataFrame, position_greeks: pd.DataFrame
) -> tuple[pd.DataFrame, Ints]:
    rows = position_greeks[[*KEY, *_GREEKS]].merge(
        position_values[[*KEY, *_VALUES]], how="left", on=KEY, validate="one_to_one"
    )
    places = partition_numbers(partitions, rows)
    require(rows, "underlying", "has Greeks but no row in position_values; compute both")
    settled = (rows["days_to_expiry"] <= 0).to_numpy(dtype=bool, na_value=False)
    order = np.argsort(places, kind="stable")
    order = order[~settled[order]]
    return rows.iloc[order].reset_index(drop=True), places[order].astype(np.intp)
