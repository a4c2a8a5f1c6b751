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

from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.factors.residuals import residual_directions
from sigmasight_core.risk.book import CELLS, RiskBook

DIAGONAL_WEIGHT: Final = 0.02
"""Weight of independence. At 0.1 a pair of oil companies is 10% less risky than predicted."""


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
