"""Residuals of symbols off the factors as unit vectors: their products are residual correlations."""

from typing import Final

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import pad_windows, trailing_windows

MIN_OVERLAP: Final = 60
"""Returns without which residuals count as independent, as the least of a beta."""

_NO_RESIDUAL: Final = 1e-6
"""A proxy of a factor is explained by it: what is left is rounding."""
_SAME_FACTOR: Final = 1e-10


def residual_directions(returns: Floats, factors: Floats, ends: Ints, window: int) -> Floats:
    """Unit residuals (d, S, W) of windows that end at `ends`, 0 on sessions without a return.

    A session without a value of a factor that is available counts for no symbol; a symbol with gaps is
    projected as if its missing returns were its mean. All zeros for fewer than 60 returns, and where the
    factors explain everything.
    """
    values = _windows(factors, ends, window)
    available = np.isfinite(values).sum(axis=2, keepdims=True) >= MIN_OVERLAP
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
