"""Adjusted closes that the closes contradict, closes outside of their range, ranges that are none."""

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
        wrong = (step < np.minimum(given, 0.0) - room) | (
            step > np.log1p(limits.untold_dividend) + np.maximum(given, 0.0) + room
        )
    found = [
        _prints(series, printed, between, close, split_level),
        _steps(rest, step, wrong, close, adjusted, split_level),
    ]
    return pd.concat(found, ignore_index=True)


def _prints(
    series: Series, printed: Bools, between: Floats, close: Floats, split_level: Floats
) -> pd.DataFrame:
    row = series.row[printed]
    away = np.abs(np.expm1(series.level[printed] - between[printed]))
    words = [f"{share:.1%} away from its ratio to the close before and after" for share in away.tolist()]
    held = close[row] * np.exp(between[printed] + split_level[row])
    return pd.DataFrame({"row": row, "kind": "adjusted_close", "held_against": held, "reason": words})


def _steps(
    rest: Series, step: Floats, wrong: Bools, close: Floats, adjusted: Floats, split_level: Floats
) -> pd.DataFrame:
    """Steps of the adjustment factor: the adjusted close of that day, or all closes since an untold split."""
    told = np.diff(split_level[rest.row], prepend=0.0) != 0
    split = np.where(wrong & ~told, _untold_split(step), np.nan)
    alone = np.flatnonzero(wrong & np.isnan(split))
    row = rest.row[alone]
    words = [
        f"its return differs by {by:+.1%} from that of the close with splits and dividends"
        for by in np.expm1(step[alone]).tolist()
    ]
    held = adjusted[row] / np.exp(step[alone])
    one = pd.DataFrame({"row": row, "kind": "adjusted_close", "held_against": held, "reason": words})
    at = np.where(np.isnan(split), -1, np.arange(split.size))
    began = np.maximum.accumulate(at)
    since = np.flatnonzero((began >= 0) & (rest.code[began] == rest.code))
    row, ratio = rest.row[since], split[began[since]]
    words = [f"the adjusted close says that a {in_words(each)} split is not told" for each in ratio.tolist()]
    all_since = {"row": row, "kind": "close", "held_against": close[row] * ratio, "reason": words}
    return pd.concat([one, pd.DataFrame(all_since)], ignore_index=True)


def _roughness(adjusted: Floats) -> Floats:
    return np.log1p(2 * _CENT / adjusted)


def _untold_split(step: Floats) -> Floats:
    """Ratio of the split that explains a step of the adjustment factor; NaN = none does."""
    ratio = np.exp(step)
    whole = np.where(ratio >= 1, np.rint(ratio * 2) / 2, 1 / np.maximum(np.rint(1 / ratio), 1))
    fits = (np.abs(np.log(ratio / np.maximum(whole, 1e-9))) <= _SPLIT_FIT) & is_common(whole)
    return np.where(fits & (np.exp(np.abs(step)) >= _LEAST_SPLIT), whole, np.nan)


def out_of_their_ranges(
    *, code: Ints, open_: Floats, high: Floats, low: Floats, close: Floats, known: Bools, limits: Limits
) -> pd.DataFrame:
    """Closes of symbols whose closes are `jump_factor` outside of most ranges, which hold the opens.

    They are of another column, unit or share than the ranges. Where few are, it is the range that is wrong.

    :returns: row, kind ('close'), held_against (the nearer end of the range, USD), reason.
    """
    with np.errstate(invalid="ignore"):
        holds = (low <= open_) & (open_ <= high)
        beyond = holds & ((close > high * limits.jump_factor) | (close < low / limits.jump_factor))
    some = holds & np.isfinite(close)
    counts = [np.bincount(code[chosen], minlength=int(code.max(initial=0)) + 1) for chosen in (beyond, some)]
    most = counts[0] > counts[1] / 2
    row = np.flatnonzero(beyond & most[code] & ~known)
    held = np.clip(close[row], low[row], high[row])
    words = "the closes are outside of the days' ranges: another column, unit or share?"
    return pd.DataFrame({"row": row, "kind": "close", "held_against": held, "reason": words})


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
