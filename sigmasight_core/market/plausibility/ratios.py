"""Ratios of splits: which are a split's by their form, which a stock dividend's, which neither's.

A board decides on whole numbers: 4:1, 3:2, 1:10. A source that has no place for a spin-off writes it as a
split by the fall of the price, 1253:1000, and an account that believes it multiplies shares which nobody got.
"""

from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats

LARGEST_TERM: Final = 10
"""m and n of a split m:n that is not n:1 or 1:n."""
LARGEST_WHOLE: Final = 5000
LARGEST_PERCENT: Final = 25
ROUNDING: Final = 5e-5
"""Relative: sources write 4:3 as 1.3333 or 1.33333."""
_COARSE: Final = 0.002
"""0.33 and 0.125 of a reverse split 1:n are written with two or three digits."""

_TERMS: Final = np.arange(1, LARGEST_TERM + 1)
_SMALL: Final = np.unique(_TERMS[:, None] / _TERMS)


def is_common(ratio: Floats) -> Bools:
    """Whether a ratio is that of a split: n:1, 1:n, or m:n with both terms up to LARGEST_TERM; not 1."""
    known = np.nan_to_num(np.asarray(ratio, dtype=float), nan=-1.0)
    up = np.where(known > 0, np.maximum(known, 1 / np.where(known > 0, known, 1.0)), 0.0)
    whole = np.rint(up)
    tolerance = np.where(known < 1, np.minimum(_COARSE, ROUNDING + 0.0005 * up), ROUNDING)
    wholly = (whole >= 2) & (whole <= LARGEST_WHOLE) & (np.abs(up / np.maximum(whole, 1) - 1) <= tolerance)
    near = _SMALL[np.minimum(np.searchsorted(_SMALL, known * (1 - ROUNDING)), _SMALL.size - 1)]
    small = (np.abs(known / near - 1) <= ROUNDING) & (np.abs(near - 1) > ROUNDING)
    return wholly | small


def is_stock_dividend(ratio: Floats) -> Bools:
    """Whether a ratio is that of a stock dividend of a whole percent, 1.01 to 1.25, and no common split's."""
    percent = (np.nan_to_num(np.asarray(ratio, dtype=float)) - 1) * 100
    whole = np.rint(percent)
    near = np.abs(percent - whole) <= 100 * ROUNDING
    return (whole >= 1) & (whole <= LARGEST_PERCENT) & near & ~is_common(ratio)


def in_words(ratio: float) -> str:
    """4:1, 3:2, 1:10, or 1253:1000."""
    value = np.array([ratio])
    if is_common(value)[0]:
        for term in range(1, LARGEST_TERM + 1):
            other = ratio * term
            if abs(other / max(round(other), 1) - 1) <= ROUNDING:
                return f"{round(other)}:{term}"
        return f"1:{round(1 / ratio)}"
    return f"{ratio * 1000:.6g}:1000"
