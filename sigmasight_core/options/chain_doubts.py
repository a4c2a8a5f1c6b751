"""Quotes that their chain contradicts: an implied volatility far from those of the strikes beside it."""

from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

BETWEEN: Final = 1.5
"""From its neighbours by so much (ratio of volatilities) between strikes on both sides: it is doubted."""
AT_THE_END: Final = 2.0
"""The same at the end of a chain, where a smile goes on rising."""
CROSSED: Final = 1.1
"""The same of a quote that crosses the one of the next strike: one of the two is wrong."""
_NEAREST: Final = 2
"""Quotes on each side that it is held against."""


def crossed_strikes(chain: Ints, is_call: Bools, strike: Floats, bid: Floats, ask: Floats) -> Bools:
    """Quotes (n) that could be traded against the one of the next strike for a certain gain.

    A call is worth no less than one with a higher strike, a put no less than one with a lower (Merton 1973,
    theorem 4), so that the lesser's bid is at most the other's ask. Both quotes of such a pair are named.

    :param bid: and ask: USD (n); a pair with one that is not positive is not compared.
    """
    crossed = np.zeros(strike.shape, dtype=bool)
    rows = np.flatnonzero((bid > 0) & (ask >= bid) & np.isfinite(strike))
    rows = rows[np.lexsort((strike[rows], is_call[rows], chain[rows]))]
    low, high = rows[:-1], rows[1:]
    pair = (chain[low] == chain[high]) & (is_call[low] == is_call[high]) & (strike[low] < strike[high])
    more, less = np.where(is_call[low], low, high), np.where(is_call[low], high, low)
    found = pair & (bid[less] > ask[more])
    crossed[low[found]] = crossed[high[found]] = True
    return crossed


def far_from_its_chain(chain: Ints, strike: Floats, volatility: Floats, crossed: Bools) -> Bools:
    """Quotes whose volatility is far from the median of the nearest ones of their session and expiry.

    Calls and puts count alike: of one strike they imply one volatility. Two neighbours must agree with one
    another, of three or four all but one, each within BETWEEN of the median.

    :param chain: number of the chain (n). :param strike: USD (n). :param volatility: of each own quote, NaN =
        none (n). :param crossed: of `crossed_strikes` (n): CROSSED is enough for these.
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
    away, spread = np.abs(level[held] - middle), np.abs(others - middle[:, None])
    both = np.isfinite(others[:, _NEAREST - 1]) & np.isfinite(others[:, _NEAREST])
    enough = np.maximum(count - 1, 2)
    beyond = _agree(spread, BETWEEN, enough) & (away > np.log(np.where(both, BETWEEN, AT_THE_END)))
    wrong_one = crossed[rows[held]] & _agree(spread, CROSSED, enough) & (away > np.log(CROSSED))
    far[rows[held]] = beyond | wrong_one
    return far


def _agree(spread: Floats, ratio: float, enough: Ints) -> Bools:
    """Whether enough of the neighbours (n, 4) are within the ratio of their median."""
    return np.asarray((spread <= np.log(ratio)).sum(axis=1) >= enough)
