"""Closes that cannot be what a share was worth: prints, wrong levels, volumes in the place of prices."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.levels import MOVED, NEWEST, SPLIT, UNIT, Levels, unconfirmed_levels
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_core.market.plausibility.ratios import in_words
from sigmasight_core.market.plausibility.series import Series, runs_that_come_back

_SAME: Final = 1e-9
_FAR: Final = float(np.log(3.0))
_UNITS: Final = {10.0: "a decimal point", 100.0: "cents or pence for dollars or pounds", 1000.0: "thousands"}
_UNIT_FIT: Final = 0.25


@dataclass(frozen=True)
class Bars:
    """Rows of daily prices as arrays (n,), in any order.

    :ivar code: symbol; `day`: its day number; `close`: USD as traded, `volume`: shares, NaN = not known.
    :ivar split_level: log of the cumulative ratio of the splits told up to the day.
    :ivar known: rows that a user or another source has confirmed.
    """

    code: Ints
    day: Ints
    close: Floats
    volume: Floats
    split_level: Floats
    known: Bools


def doubtful_closes(bars: Bars, limits: Limits) -> pd.DataFrame:
    """Closes that their neighbours in time contradict.

    :returns: row (place in `bars`), held_against (USD), reason; each row once.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log(np.where(bars.close > 0, bars.close, np.nan)) + bars.split_level
    series = Series.of(bars.code, bars.day, level, ~np.isnan(level))
    known = bars.known[series.row]
    printed, between = runs_that_come_back(
        series, limits.print_factor, limits.print_sigmas, limits.print_certain, known
    )
    rest = series.without(printed)
    levels = unconfirmed_levels(rest, bars.volume[rest.row], known[~printed], limits)
    found = [
        _volumes(series, bars, known),
        _prints(series.row[printed], between[printed], bars),
        _on_levels(rest.row, levels, bars),
    ]
    return pd.concat(found, ignore_index=True).drop_duplicates("row", ignore_index=True)


def _rows(row: Ints, held: Floats, reason: "pd.Series[str]") -> pd.DataFrame:
    return pd.DataFrame({"row": row, "held_against": held, "reason": reason.to_numpy(dtype=object)})


def _prints(row: Ints, between: Floats, bars: Bars) -> pd.DataFrame:
    held = np.exp(between - bars.split_level[row])
    words = _times(bars.close[row] / held) + " the closes before and after, and comes back"
    return _rows(row, held, words + _unit(bars.close[row] / held))


def _on_levels(row: Ints, levels: Levels, bars: Bars) -> pd.DataFrame:
    chosen = levels.cause > 0
    row, cause, ratio = row[chosen], levels.cause[chosen], levels.ratio[chosen]
    held = np.exp(levels.held[chosen] - bars.split_level[row])
    times = _times(bars.close[row] / held)
    splits = pd.Series(ratio).map(lambda value: "" if np.isnan(value) else in_words(value)).astype("object")
    reason = pd.Series("", index=times.index, dtype="object")
    reason[cause == NEWEST] = times + " the close before; no later close confirms it yet"
    reason[cause == UNIT] = times + " the level beside it, without a split" + _unit(bars.close[row] / held)
    reason[cause == SPLIT] = times + " the level before: looks like a " + splits + " split that is not told"
    reason[cause == MOVED] = times + " the level before, and no heavy volume of that day says why"
    return _rows(row, held, reason)


def _volumes(series: Series, bars: Bars, known: Bools) -> pd.DataFrame:
    """Closes that equal their volume, far from the symbol's closes that do not."""
    close, volume = bars.close[series.row], bars.volume[series.row]
    with np.errstate(invalid="ignore"):
        same = np.abs(close / volume - 1) <= _SAME
    other = (
        pd.Series(np.where(same, np.nan, series.level)).groupby(series.code).transform("median").to_numpy()
    )
    far = np.isnan(other) | (np.abs(series.level - other) >= _FAR)
    found = same & far & ~known & (volume > 1)
    row = series.row[found]
    held = np.exp(other[found] - bars.split_level[row])
    return _rows(row, held, pd.Series("equals the volume of its day", index=range(row.size), dtype="object"))


def _times(factor: Floats) -> "pd.Series[str]":
    """'100 times', or '1/100 of'."""
    up = pd.Series(factor).map("{:.3g} times".format)
    down = pd.Series(1 / factor).map("1/{:.3g} of".format)
    return up.where(pd.Series(factor) >= 1, down).astype("object")


def _unit(factor: Floats) -> "pd.Series[str]":
    """What a factor near a power of ten may come from."""
    away = np.abs(np.log(factor))
    words = pd.Series("", index=range(factor.size), dtype="object")
    for unit, cause in _UNITS.items():
        words[np.abs(away - np.log(unit)) <= _UNIT_FIT] = f" ({cause}?)"
    return words
