"""What the factors leave of returns, and how it moves together: two oil companies share more than a market.

For each date the returns of a symbol over the window are projected off the factors (with an intercept); the
residuals, scaled to length one, are its direction e_i, so that e_i'e_j is the residual correlation of two
symbols. With specific volatilities s_i and net exposures d_i the specific variance of a portfolio is
``0.98 |sum d_i s_i e_i|^2 + 0.02 sum d_i^2 s_i^2``: the correlation matrix of the sample, positive
semi-definite as it is, shrunk a little to independence (Ledoit and Wolf, Honey, I shrunk the sample
covariance matrix, 2004; here by a fixed weight, for a book is given and not sought). It is never formed.

No sectors are needed: with independent residuals the predicted risk of a pair of oil companies was 1.6
times the real one, that of four drug makers 12% too small (docs/var.md).
"""

from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks, pad_windows, trailing_windows
from sigmasight_core.risk.book import CELLS, RiskBook, summed

DIAGONAL_WEIGHT: Final = 0.02
"""Weight of independence. At 0.1 a pair of oil companies is 10% less risky than predicted."""

MIN_OVERLAP: Final = 60
"""Returns without which residuals count as independent, as the least of a beta."""

_NO_RESIDUAL: Final = 1e-6
"""A proxy of a factor is explained by it: what is left is rounding."""
_SAME_FACTOR: Final = 1e-10


def specific_pull(
    book: RiskBook, delta: Floats, specific: Floats, returns: Floats, factors: Floats, ends: Ints, window: int
) -> Floats:
    """Covariance (R) of each position's specific return with the specific P&L of its portfolio, per session.

    :param delta: (R) delta exposures, USD, 0 = not used. :param specific: (R) volatility per session.
    :param returns: (S, T) log returns of the book's symbols. :param factors: (T, K) of the factors; a column
        without values is an unavailable factor.
    :param ends: (D) places of the dates among the sessions. :param window: sessions.
    """
    pull = np.zeros(len(delta))
    pair = book.partition * len(book.symbols) + book.symbol
    found, group = np.unique(pair, return_inverse=True)
    # Lots of one underlying are one exposure: their own variance is that of the sum.
    net = np.bincount(group, delta * specific, minlength=len(found))[group]
    per_date = window * (3 * len(book.symbols) + len(book.rows) // max(1, len(book.dates)))
    for days in blocks(np.arange(len(ends), dtype=np.intp), per_date, CELLS):
        directions = residual_directions(returns, factors, ends[days], window).reshape(-1, window)
        rows = np.arange(*np.searchsorted(book.date, [days[0], days[-1] + 1]))
        column = (book.date[rows] - days[0]) * len(book.symbols) + book.symbol[rows]
        first, count = (book.partition[rows[0]], np.ptp(book.partition[rows]) + 1) if len(rows) else (0, 0)
        own = book.partition[rows] - first
        together = summed(directions, column, (delta * specific)[rows], own, int(count))
        direction = directions[column]
        shared = (direction * together[own]).sum(axis=1)
        weight = np.where(direction.any(axis=1), DIAGONAL_WEIGHT, 1.0)
        pull[rows] = specific[rows] * ((1.0 - weight) * shared + weight * net[rows])
    return pull


def residual_directions(returns: Floats, factors: Floats, ends: Ints, window: int) -> Floats:
    """Unit residuals (d, S, W) of windows that end at `ends`, 0 on sessions without a return.

    A session without a value of a factor that is available counts for no symbol; a symbol with gaps is
    projected as if its missing returns were its mean. All zeros for fewer than 60 returns, and where the
    factors explain everything.
    """
    values = _windows(factors, ends, window)
    available = np.any(np.isfinite(values), axis=2, keepdims=True)
    seen = np.all(np.isfinite(values) | ~available, axis=1, keepdims=True)
    basis = _orthonormal(values, available & seen)
    moves = _windows(returns.T, ends, window)
    known: Bools = np.isfinite(moves) & seen
    rest = _centred(moves, known)
    length = np.sqrt((rest**2).sum(axis=2))
    # Factor by factor: sums along the window are in the same order whatever else is computed.
    for axis in basis.swapaxes(0, 1):
        rest -= (rest * axis[:, None]).sum(axis=2)[:, :, None] * axis[:, None]
    rest[~known] = 0.0
    left = np.sqrt((rest**2).sum(axis=2))
    usable = (known.sum(axis=2) >= MIN_OVERLAP) & (left > _NO_RESIDUAL * length)
    return rest * np.divide(1.0, left, out=np.zeros(left.shape), where=usable)[:, :, None]


def _windows(values: Floats, ends: Ints, window: int) -> Floats:
    """(d, C, W) of values (T, C)."""
    found = trailing_windows(pad_windows(values, window, np.nan), ends, window)
    return np.ascontiguousarray(found.swapaxes(1, 2))


def _centred(values: Floats, known: Bools) -> Floats:
    """Less their mean over what is known; 0 elsewhere."""
    values = np.where(known, values, 0.0)
    mean = values.sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    return np.where(known, values - mean[:, :, None], 0.0)


def _orthonormal(values: Floats, known: Bools) -> Floats:
    """Orthonormal axes (d, K, W) of the factors, by Gram and Schmidt, twice; 0 for one that adds nothing."""
    axes = _centred(values, known)
    for place in range(axes.shape[1]):
        axis = axes[:, place]
        size = np.sqrt((axis**2).sum(axis=1))
        for _ in range(2):
            for earlier in range(place):
                other = axes[:, earlier]
                axis -= (axis * other).sum(axis=1)[:, None] * other
        left = np.sqrt((axis**2).sum(axis=1))
        scale = np.divide(1.0, left, out=np.zeros(left.shape), where=left > _SAME_FACTOR * size)
        axis *= scale[:, None]
    return axes
