"""Nearest correlation matrices, in batches.

N. J. Higham, "Computing the nearest correlation matrix - a problem from finance", IMA Journal of
Numerical Analysis 22 (2002) 329-343, algorithm 3.3: alternating projections onto the positive
semi-definite matrices and the matrices of unit diagonal, with Dykstra's correction of the former.
"""

import numpy as np

from sigmasight_core.arrays.types import Floats
from sigmasight_core.errors import InputError

_SMALLEST_EIGENVALUE = -1e-10


def nearest_correlations(
    matrices: Floats, tolerance: float = 1e-9, max_iterations: int = 2_000
) -> tuple[Floats, Floats]:
    """The correlation matrix nearest in the Frobenius norm to each symmetric matrix of a batch.

    :param matrices: [N, S, S], symmetric and finite. Rows and columns that a matrix does not use are
        those of the identity: they stay so and change nothing else.
    :param tolerance: relative change of the iterates at which a matrix is done.
    :param max_iterations: after so many steps the last iterate is taken: a correlation matrix too.
    :returns: matrices [N, S, S], positive semi-definite to -1e-10 with a diagonal of exactly 1, and the
        Frobenius norm [N] of the change; a matrix that already is a correlation matrix comes back as it
        is, with 0.
    :raises InputError: on matrices that are not finite or not symmetric.
    """
    given = np.asarray(matrices, dtype=float)
    if not np.isfinite(given).all():
        raise InputError("nearest correlations: the matrices hold missing values; drop those names first")
    if not np.allclose(given, given.swapaxes(1, 2), rtol=0, atol=1e-8):
        raise InputError("nearest correlations: the matrices are not symmetric")
    repaired = given.copy()
    if not given.size:
        return repaired, np.zeros(given.shape[0])
    diagonal = np.arange(given.shape[1])
    unit = (given[:, diagonal, diagonal] == 1).all(axis=1)
    bad = np.flatnonzero(~unit | (np.linalg.eigvalsh(given)[:, 0] < _SMALLEST_EIGENVALUE))
    repaired[bad] = _alternating_projections(given[bad], tolerance, max_iterations)
    return repaired, np.linalg.norm(repaired - given, axis=(1, 2))


def _alternating_projections(given: Floats, tolerance: float, max_iterations: int) -> Floats:
    diagonal = np.arange(given.shape[1])
    found = given.copy()
    todo = np.arange(given.shape[0])
    y, correction = given.copy(), np.zeros_like(given)
    for _ in range(max_iterations):
        if not todo.size:
            break
        # Higham's algorithm 3.3: R = Y - dS, X = P_S(R), dS = X - R, Y = P_U(X)
        shifted = y - correction
        x = _positive_part(shifted)
        correction = x - shifted
        previous, y = y, x.copy()
        y[:, diagonal, diagonal] = 1.0
        found[todo] = y
        change = np.maximum(_norm(y - previous), _norm(y - x)) / _norm(y)
        going = change > tolerance
        todo, y, correction = todo[going], y[going], correction[going]
    return _unit_diagonal(_positive_part(found))


def _positive_part(matrices: Floats) -> Floats:
    """Projection onto the positive semi-definite matrices: negative eigenvalues become 0."""
    eigenvalues, vectors = np.linalg.eigh(matrices)
    scaled = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))[:, None, :]
    return scaled @ scaled.swapaxes(1, 2)


def _unit_diagonal(matrices: Floats) -> Floats:
    """Rescale to a diagonal of exactly 1, which keeps a matrix positive semi-definite."""
    diagonal = np.arange(matrices.shape[1])
    scale = 1.0 / np.sqrt(matrices[:, diagonal, diagonal])
    found = matrices * scale[:, :, None] * scale[:, None, :]
    found[:, diagonal, diagonal] = 1.0
    return found


def _norm(matrices: Floats) -> Floats:
    return np.linalg.norm(matrices, axis=(1, 2))
