"""Quotes that their chain contradicts: an implied volatility far from those of the strikes beside it."""

from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

BETWEEN: Final = 1.5
"""From its neighbours by so much (ratio of volatilities) between strikes on both sides: it is doubted."""
AT_THE_END: Final = 2.0
"""The same at the end of a chain, where a smile goes on rising."""
_NEAREST: Final = 2
"""Quotes on each side that it is held against."""


def far_from_its_chain(chain: Ints, strike: Floats, volatility: Floats) -> Bools:
    """Quotes whose volatility is far from the median of the nearest ones of their session and expiry.

    Calls and puts count alike: of one strike they imply one volatility. Two neighbours must agree with one
    another, of three or four all but one, each within BETWEEN of the median.

    :param chain: number of the chain (n). :param strike: USD (n). :param volatility: of each own quote, NaN =
        none (n).
    :returns: (n); False where fewer than two others are known.
    """
    far = np.zeros(volatility.shape, dtype=bool)
    rows = np.flatnonzero(np.isfinite(volatility) & (volatility > 0) & np.isfinite(strike))
    rows = rows[np.lexsort((strike[rows], chain[rows]))]
    if not len(rows):
        return far
    level, own = np.log(volatility[rows]), chain[rows]
    others = np.full((len(rows), 2 * _NEAREST), np.nan)
    steps = [*range(-_NEAREST, 0), *range(1, _NEAREST + 1)]
    for place, step in enumerate(steps):
        other = np.arange(len(rows)) + step
        inside = (other >= 0) & (other < len(rows))
        inside[inside] &= own[other[inside]] == own[inside]
        others[inside, place] = level[other[inside]]
    count = np.isfinite(others).sum(axis=1)
    held = np.flatnonzero(count >= 2)
    others, count = others[held], count[held]
    middle = np.nanmedian(others, axis=1)
    agree = (np.abs(others - middle[:, None]) <= np.log(BETWEEN)).sum(axis=1) >= np.maximum(count - 1, 2)
    both = np.isfinite(others[:, _NEAREST - 1]) & np.isfinite(others[:, _NEAREST])
    limit = np.log(np.where(both, BETWEEN, AT_THE_END))
    far[rows[held]] = agree & (np.abs(level[held] - middle) > limit)
    return far
