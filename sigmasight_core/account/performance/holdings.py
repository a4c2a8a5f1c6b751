"""What benchmarks hold: which weights count on a day, and what their sectors returned."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers
from sigmasight_core.arrays.repeats import repeated
from sigmasight_core.arrays.types import Bools, Floats, Ints

LEAST_KNOWN: Final = 0.95
"""Of the benchmark's weight that has a return; with less the day has none."""


@dataclass(frozen=True)
class Weights:
    """Holdings by the dates of their files.

    :param versions: portfolio and holdings_date of each file's dates, a row each.
    :param first: (versions + 1) row of `holdings` at which each version begins; `holdings` lie by version.
    """

    holdings: pd.DataFrame
    versions: pd.DataFrame
    first: Ints

    @classmethod
    def of(cls, holdings: pd.DataFrame) -> "Weights":
        """:param holdings: rows of `BenchmarkHoldings`."""
        keys = ["portfolio", "holdings_date"]
        ordered = holdings.sort_values([*keys, "symbol"], kind="stable", ignore_index=True)
        version = ordered.groupby(keys, sort=True).ngroup().to_numpy()
        versions = ordered[keys].drop_duplicates(ignore_index=True)
        return cls(ordered, versions, np.searchsorted(version, np.arange(len(versions) + 1)))

    def on(self, days: Ints, names: pd.Index) -> Ints:
        """Version that counts at the close of each day (days, portfolios); -1 = none."""
        code = codes_of(names, self.versions["portfolio"])
        known = LastKnown.of(code, day_numbers(self.versions["holdings_date"]))
        grid = np.broadcast_to(np.arange(len(names)), (len(days), len(names)))
        return known.find(grid, np.broadcast_to(days[:, None], grid.shape))

    def cells(self, version: Ints) -> tuple[Ints, Ints]:
        """Cell (of the flat array of versions) and row of `holdings`, for every holding of every cell."""
        flat = version.ravel()
        count = np.where(flat >= 0, np.diff(self.first)[flat], 0) if len(self.versions) else 0 * flat
        cell, within = repeated(count)
        return cell, (self.first[:-1][flat[cell]] + within if len(cell) else cell)


@dataclass(frozen=True)
class BenchmarkSectors:
    """Each (sessions, portfolios, sectors), and known and part (sessions, portfolios)."""

    weight: Floats
    contribution: Floats
    known: Bools
    """There are weights from before the day, and enough of them have a return."""
    part: Bools
    """Known, though some holdings have no return: the others stand for them."""


def benchmark_sectors(
    weights: Weights,
    *,
    sessions: pd.DatetimeIndex,
    names: pd.Index,
    labels: pd.Index,
    sectors: pd.DataFrame,
    returns: pd.DataFrame,
) -> BenchmarkSectors:
    """Weights at the opening of each session, and what they contributed to the benchmark's return.

    The weights of a date count from its close on until the next date of the file, restored every day: they do
    not drift with prices. Holdings without a return are replaced by the others, if those are LEAST_KNOWN.

    :param labels: names of the sectors. :param sectors: (sessions x symbols) sector of each symbol.
    :param returns: (sessions x symbols) total returns of the day; NaN = none.
    """
    version = weights.on(day_numbers(sessions) - 1, names)
    cell, row = weights.cells(version)
    held = weights.holdings
    symbol = codes_of(returns.columns, held["symbol"])[row]
    day = cell // len(names)
    change: Floats = returns.to_numpy(dtype=float)[day, symbol]
    own = codes_of(labels, held["sector"])[row]
    every = codes_of(labels, pd.Series(sectors.to_numpy(dtype=object).ravel())).reshape(sectors.shape)
    listed = every[day, symbol]
    sector = np.where(held["sector"].to_numpy(dtype=object)[row] == "", listed, own)
    weight = held["weight"].to_numpy(dtype=float)[row]
    usable = np.isfinite(change)
    shape = (*version.shape, len(labels))

    def summed(amounts: Floats) -> Floats:
        found = np.bincount(cell * len(labels) + sector, weights=amounts, minlength=int(np.prod(shape)))
        return found.reshape(shape)

    found = summed(np.where(usable, weight, 0.0))
    contribution = summed(np.where(usable, weight * np.where(usable, change, 0.0), 0.0))
    covered = found.sum(axis=-1)
    known = (version >= 0) & (covered >= LEAST_KNOWN)
    scale = np.where(known, 1.0 / np.where(known, covered, 1.0), 0.0)[:, :, None]
    lacking = np.bincount(cell, weights=~usable, minlength=version.size).reshape(version.shape) > 0
    result = contribution * scale
    known &= result.sum(axis=-1) > -1.0
    return BenchmarkSectors(found * scale, result, known, known & lacking)
