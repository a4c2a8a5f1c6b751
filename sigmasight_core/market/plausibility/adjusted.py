"""Adjusted closes that the closes contradict, closes outside of their day's range, and ranges that are none."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_core.market.plausibility.ratios import in_words, is_common
from sigmasight_core.market.plausibility.series import Series, runs_that_come_back

_CENT: Final = 0.0101
"""Adjusted closes may be rounded to cents."""
_SPLIT_FIT: Final = 0.02
_LEAST_SPLIT: Final = 1.19


def doubtful_adjusted(
    *,
    code: Ints,
    day: Ints,
    close: Floats,
    adjusted: Floats,
    split_level: Floats,
    paid_level: Floats,
    limits: Limits,
) -> pd.DataFrame:
    """Adjusted closes whose return is neither that of the close, nor that with splits and dividends.

    An adjusted return may be the larger by a dividend: by one that is told, or `untold_dividend`. Where it
    differs by a split n:1 that is not told, the close is doubted and not the adjusted close.

    :param split_level: log of the cumulative ratio of the splits told up to the day (n,).
    :param paid_level: log of the cumulative growth by dividends and distributions told up to the day (n,).
    :returns: row, kind ('adjusted_close' or 'close'), held_against (USD), reason.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.log(adjusted) - np.log(close) - split_level
    series = Series.of(code, day, factor, np.isfinite(factor))
    least = 1 + limits.adjusted_tolerance
    printed, between = runs_that_come_back(series, least)
    rough = _roughness(adjusted[series.row])
    with np.errstate(invalid="ignore"):
        printed &= np.abs(series.level - between) > rough
    rest, paid = series.without(printed), paid_level[series.row[~printed]]
    step, given = rest.jumps, np.diff(paid, prepend=np.nan)
    room = np.log1p(limits.adjusted_tolerance) + rough[~printed]
    with np.errstate(invalid="ignore"):
        wrong = (step < -room) | (step > np.log1p(limits.untold_dividend) + np.maximum(given, 0.0) + room)
    row = rest.row[wrong]
    split = _untold_split(step[wrong])
    held = np.where(
        np.isnan(split),
        adjusted[row] / np.exp(step[wrong]),
        close[row] * np.nan_to_num(split, nan=1.0),
    )
    steps = pd.DataFrame({"row": row, "held_against": held})
    steps["kind"] = np.where(np.isnan(split), "adjusted_close", "close")
    steps["reason"] = _words(step[wrong], split)
    row = series.row[printed]
    prints = pd.DataFrame({"row": row, "held_against": close[row] * np.exp(between[printed] + split_level[row])})
    away = np.abs(np.expm1(series.level[printed] - between[printed]))
    said = pd.Series(away).map("{:.1%} away from its ratio to the close before and after".format)
    prints = prints.assign(kind="adjusted_close", reason=said.astype("object").to_numpy())
    return pd.concat([prints, steps], ignore_index=True)


def _roughness(adjusted: Floats) -> Floats:
    return np.log1p(2 * _CENT / adjusted)


def _untold_split(step: Floats) -> Floats:
    """Ratio of the split that explains a step of the adjustment factor; NaN = none does."""
    ratio = np.exp(step)
    whole = np.where(ratio >= 1, np.rint(ratio * 2) / 2, 1 / np.maximum(np.rint(1 / ratio), 1))
    fits = (np.abs(np.log(ratio / np.maximum(whole, 1e-9))) <= _SPLIT_FIT) & is_common(whole)
    return np.where(fits & (np.exp(np.abs(step)) >= _LEAST_SPLIT), whole, np.nan)


def _words(step: Floats, split: Floats) -> "np.ndarray":
    words = [
        f"the adjusted close says that a {in_words(ratio)} split is not told"
        if ratio == ratio
        else f"its return differs by {np.expm1(by):+.1%} from that of the close with splits and dividends"
        for by, ratio in zip(step.tolist(), split.tolist(), strict=True)
    ]
    return np.array(words, dtype=object)


def doubtful_ranges(
    *, open_: Floats, high: Floats, low: Floats, close: Floats, doubted: Bools, limits: Limits
) -> pd.DataFrame:
    """Ranges that do not hold their close, or whose high is below their low; none where the close is doubted.

    :returns: row, held_against (the close, USD), reason.
    """
    room = 1 + limits.range_tolerance
    with np.errstate(invalid="ignore"):
        upside_down = high < low / (1 + 1e-9)
        outside = (close > high * room) | (close < low / room)
        start = (open_ > high * room) | (open_ < low / room)
    row = np.flatnonzero((upside_down | outside | start) & ~doubted)
    reason = np.select(
        [upside_down[row], outside[row]],
        ["the day's high is below its low", "the close is outside of the day's range"],
        "the open is outside of the day's range",
    )
    return pd.DataFrame({"row": row, "held_against": close[row], "reason": reason.astype(object)})
