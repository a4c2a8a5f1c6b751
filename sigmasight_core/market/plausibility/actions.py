"""Splits and dividends that cannot be: odd ratios, splits without their jump, dividends above the price."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.limits import LONGEST_GAP_DAYS, Limits
from sigmasight_core.market.plausibility.ratios import in_words, is_common, is_stock_dividend
from sigmasight_core.market.plausibility.series import Series

LEAST_CHECKED: Final = 1.4
"""A split smaller than 7:5 (or its reverse) cannot be told from a day's move."""
_NEXT_DAYS: Final = 10
"""Calendar days after an ex-date within which its first close must be."""
_FURTHER: Final = 2.0
"""By which factor a share may move on the ex-date of a split beside it: more, and the ratio is wrong."""
_TELLS: Final = 1.5
"""A stock dividend shows in the close when it is as large as so many daily volatilities."""
SPLIT, DISTRIBUTION, DIVIDEND = "split", "distribution", "dividend"


def jumps_at(series: Series, code: Ints, day: Ints) -> tuple[Floats, Floats, Floats]:
    """Log change of the close over each ex-date, its close before, and the volatility around.

    :returns: three arrays; NaN where no close is near on one of the sides.
    """
    span = np.int64(1) << 32
    place = np.searchsorted(series.code * span + series.day, code * span + day)
    inside = np.flatnonzero((place > 0) & (place < series.code.size))
    at = place[inside]
    both = (series.code[at] == code[inside]) & (series.code[at - 1] == code[inside])
    near = (series.day[at] - day[inside] <= _NEXT_DAYS) & (
        day[inside] - series.day[at - 1] <= LONGEST_GAP_DAYS
    )
    inside, at = inside[both & near], at[both & near]
    jump, before, sigma = (np.full(code.size, np.nan) for _ in range(3))
    jump[inside] = series.level[at] - series.level[at - 1]
    before[inside] = np.exp(series.level[at - 1])
    sigma[inside] = series.volatility(at, at + 1)
    return jump, before, sigma


def judged_splits(*, ratio: Floats, jump: Floats, sigma: Floats, confirmed: Bools) -> pd.DataFrame:
    """What each action that a source calls a split is.

    - A common ratio (`ratios.is_common`) is a split, unless the closes on both sides of its ex-date do not
      show it, or differ from it by more than a share moves in a day: then its kind stays and it is doubtful.
    - A whole percent up to 25 (a stock dividend) is one if the close fell by it: if the change is nearer to
      it than to nothing, and it is not lost in the day's noise.
    - Anything else is a distribution.

    :param ratio: new shares per old share; NaN = not known. :param jump: and `sigma`: as of `jumps_at`.
    :param confirmed: by a user: a split, whatever it looks like.
    :returns: kind, doubtful, reason, one row each.
    """
    size = np.log(ratio)
    with np.errstate(invalid="ignore"):
        shown = np.abs(jump + size) < np.abs(jump)
        checked = np.isfinite(jump) & (np.abs(size) >= np.log(LEAST_CHECKED))
        seen = shown & (np.abs(size) >= _TELLS * sigma)
        agrees = shown & (np.abs(jump + size) < np.log(_FURTHER))
    common, paid = is_common(ratio), is_stock_dividend(ratio)
    split = confirmed | common | (paid & seen) | np.isnan(ratio)
    hidden = common & checked & ~agrees & ~confirmed
    words = [in_words(value) if value == value else "" for value in ratio.tolist()]
    reason = np.full(ratio.size, "", dtype=object)
    named = np.array(words, dtype=object)
    reason[~split] = "ratio " + named[~split] + " is no split's: a spin-off or a stock dividend"
    moved = [f"{change:+.1%}" for change in np.expm1(np.nan_to_num(jump)).tolist()]
    reason[hidden] = (
        "the close moved by " + np.array(moved, dtype=object)[hidden] + ": no " + named[hidden] + " split"
    )
    kind = np.where(split, SPLIT, DISTRIBUTION)
    return pd.DataFrame({"kind": kind, "doubtful": ~split | hidden, "reason": reason})


def by_form(actions: pd.DataFrame) -> pd.DataFrame:
    """Actions, as a source gives them, with splits of an odd ratio as distributions; closes are not asked."""
    ratio = actions["amount"].to_numpy(dtype=float)
    odd = (actions["kind"] == SPLIT).to_numpy() & ~(
        is_common(ratio) | is_stock_dividend(ratio) | np.isnan(ratio)
    )
    return actions.assign(kind=actions["kind"].mask(odd, DISTRIBUTION).astype("str"))


def judged_dividends(*, amount: Floats, jump: Floats, before: Floats, limits: Limits) -> pd.DataFrame:
    """Cash dividends that no share can have paid.

    :param amount: USD a share. :param before: the close before the ex-date (USD). :param jump: log change of
        the close over it, restated for a split of the day.
    :returns: doubtful, reason, one row each.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = amount / before
        negative, all_of_it = amount < 0, share >= 1
        fell = -np.expm1(jump) >= share / 2
        large = (share >= limits.dividend_share) & ~fell & np.isfinite(jump)
    percents = [f"{value:.0%}" for value in np.nan_to_num(share).tolist()]
    named = np.array(percents, dtype=object)
    reason = np.full(amount.size, "", dtype=object)
    reason[large] = named[large] + " of the close before, which did not fall by it"
    reason[all_of_it] = "not less than the close before"
    reason[negative] = "negative"
    return pd.DataFrame({"doubtful": reason != "", "reason": reason})
