"""Measures of diversification of a batch of books: arrays [N, P], P slots padded to the widest book."""

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.correlation.nearest_psd import nearest_correlations

_NO_VARIANCE = 1e-12


def drop_undefined(correlation: Floats, present: Bools, size: Floats) -> Bools:
    """Slots that are left when no pair is undefined: the one with the most undefined pairs goes first.

    :param correlation: [N, P, P], NaN = undefined; so is a series whose correlation with itself is NaN.
    :param present: [N, P], False for slots that a book does not use.
    :param size: [N, P]; of equally undefined slots the smallest goes, then the last one.
    :returns: [N, P] slots to keep.
    """
    keep = present.copy()
    undefined = np.isnan(correlation) & present[:, :, None] & present[:, None, :]
    books = np.flatnonzero(undefined.any(axis=(1, 2)))
    undefined = undefined[books]
    count = undefined.sum(axis=2)
    while books.size:
        candidate = count == count.max(axis=1, keepdims=True)
        last_first = np.where(candidate, size[books], np.inf)[:, ::-1]
        worst = size.shape[1] - 1 - last_first.argmin(axis=1)
        row = np.arange(books.size)
        keep[books, worst] = False
        count -= undefined[row, :, worst]
        count[row, worst] = 0
        undefined[row, worst, :] = undefined[row, :, worst] = False
        going = count.any(axis=1)
        books, undefined, count = books[going], undefined[going], count[going]
    return keep


def repair(correlation: Floats, n_obs: NDArray[np.integer], keep: Bools) -> tuple[Floats, Floats]:
    """The kept correlations made positive semi-definite (Higham 2002), slots not kept as in the identity.

    Only books whose pairs have different samples can need it: correlations of one common sample are
    positive semi-definite.

    :returns: matrices [N, P, P] and the Frobenius norm [N] of the repair.
    """
    slots = np.arange(keep.shape[1])
    pairs = keep[:, :, None] & keep[:, None, :]
    repaired = np.where(pairs, correlation, 0.0)
    repaired[:, slots, slots] = 1.0
    most = np.where(pairs, n_obs, 0).max(axis=(1, 2))
    mixed = np.flatnonzero((pairs & (n_obs != most[:, None, None])).any(axis=(1, 2)))
    adjustment = np.zeros(keep.shape[0])
    if mixed.size:
        repaired[mixed], adjustment[mixed] = nearest_correlations(repaired[mixed])
    return repaired, adjustment


def average_correlation(correlation: Floats, keep: Bools) -> Floats:
    """Mean off-diagonal correlation [N] of the kept slots; NaN with fewer than 2."""
    slots = np.arange(keep.shape[1])
    pairs = keep[:, :, None] & keep[:, None, :]
    pairs[:, slots, slots] = False
    n = keep.sum(axis=1)
    total = np.where(pairs, correlation, 0.0).sum(axis=(1, 2))
    return total / np.where(n > 1, n * (n - 1.0), np.nan)


def effective_positions(weight: Floats) -> Floats:
    """1 / sum(w^2) [N], w = share of gross exposure [N, P] (the inverse Herfindahl index)."""
    squares = (weight * weight).sum(axis=1)
    return 1.0 / np.where(squares > 0, squares, np.nan)


def effective_bets(
    weight: Floats, volatility: Floats, correlation: Floats, keep: Bools, shrinkage: float
) -> Floats:
    """(sum |w| sigma)^2 / (w' Sigma w) [N]: the square of Choueifaty's diversification ratio.

    `Sigma` is the covariance of the correlations shrunk to their mean: (1 - k) C + k (constant
    correlation). For signed weights the ratio counts hedges as diversification. Y. Choueifaty,
    T. Froidure, J. Reynier, "Properties of the most diversified portfolio", Journal of Investment
    Strategies 2 (2013) 49-70; target of O. Ledoit and M. Wolf, "Honey, I shrunk the sample covariance
    matrix" (2004).

    :param weight: [N, P] signed share of gross exposure; `volatility`: [N, P]; 0 is taken where not kept.
    :param correlation: [N, P, P] of `repair`.
    :returns: [N]; NaN where the book has no variance (nothing held, or a perfect hedge).
    """
    risk = np.where(keep, weight * volatility, 0.0)
    squares = (risk * risk).sum(axis=1)
    constant = np.nan_to_num(average_correlation(correlation, keep))
    sample = np.einsum("np,np->n", (correlation @ risk[:, :, None])[:, :, 0], risk)
    # w' (constant correlation) w = sum r^2 + c ((sum r)^2 - sum r^2), with r = w sigma
    target = squares + constant * (risk.sum(axis=1) ** 2 - squares)
    variance = (1.0 - shrinkage) * sample + shrinkage * target
    undiversified = np.abs(risk).sum(axis=1) ** 2
    return undiversified / np.where(variance > _NO_VARIANCE * undiversified, variance, np.nan)
