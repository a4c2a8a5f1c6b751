"""Ridge regression of many symbols on the state, batched: the posterior mean under a normal prior.

``beta = (G'G + s2 P^-1)^-1 (G'y + s2 P^-1 beta0)`` with prior mean beta0 and diagonal prior covariance P, and
the posterior covariance ``s2 (G'G + s2 P^-1)^-1`` (Gelman et al., Bayesian Data Analysis, 3rd ed., 2013,
section 14.8; Theil and Goldberger, 1961). s2 is the residual variance of ordinary least squares with
n - K - 1 degrees of freedom. Directions of the state that are multiples of others count as absent in it.

Moments are centred. Arrays are [date, factor, symbol] when dates share one design, else [factor, case].
"""

from dataclasses import dataclass

import numpy as np

from sigmasight_core.arrays.types import Floats
from sigmasight_core.arrays.windows import product

RANK_TOLERANCE = 1e-12
EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True)
class RidgeFit:
    """Fits of one batch; the last axes are those of the moments given."""

    beta: Floats
    std_error: Floats
    residual_sum: Floats
    """Sum of squared residuals at `beta`, without the factor axis."""
    residual_dof: Floats
    """n - rank - 1, of a shape that broadcasts with `residual_sum`."""


def ridge_shared(
    gram: Floats, moments: Floats, total: Floats, n_obs: Floats, prior: tuple[Floats, Floats]
) -> RidgeFit:
    """Symbols without gaps: one design per date, diagonalised once for all symbols.

    :param gram: G'G, [d, K, K].
    :param moments: G'y, [d, K, S].
    :param total: y'y, centred, [d, S].
    :param n_obs: observations, [d].
    :param prior: means and standard deviations, [K] each.
    """
    mean, std = prior
    # In units of the prior deviations, gamma = beta / std, the prior covariance is the identity: one
    # spectrum V diag(lambda) V' of P^1/2 G'G P^1/2 serves every s2, so every symbol of the date
    values, vectors = np.linalg.eigh(gram * std[:, None] * std)
    kept = values > RANK_TOLERANCE * values[:, -1:]
    values = np.where(kept, values, 0.0)
    inverse = np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)[:, :, None]
    dof = (n_obs - kept.sum(axis=1) - 1)[:, None]

    rotate = vectors.swapaxes(1, 2)
    scores = product(rotate * std, moments)
    ols = scores * inverse
    ols_sum = np.maximum(total - np.einsum("dks,dks->ds", scores, ols), EPSILON * total)
    variance = (ols_sum / dof)[:, None, :]
    weight = 1 / (values[:, :, None] + variance)
    # By direction: (score + s2 gamma0) / (lambda + s2)
    shrunk = (scores + variance * (rotate @ (mean / std))[:, :, None]) * weight

    beta = std[:, None] * product(vectors, shrunk)
    std_error = std[:, None] * np.sqrt(variance * product(vectors**2, weight))
    shrunk -= ols
    # The least sum, and what the way from the least-squares point to the posterior mean adds to it
    residual_sum = ols_sum + np.einsum("dk,dks,dks->ds", values, shrunk, shrunk)
    return RidgeFit(beta, std_error, residual_sum, dof)


def ridge_own(
    gram: Floats, moments: Floats, total: Floats, n_obs: Floats, prior: tuple[Floats, Floats]
) -> RidgeFit:
    """Symbols with gaps: every case (date and symbol) has its own design.

    :param gram: G'G of each case, lower triangle filled, [K, K, N].
    :param moments: G'y, [K, N].
    :param total: y'y, centred, [N].
    :param n_obs: observations, [N].
    :param prior: means and standard deviations, [K] each.
    """
    mean, std = prior[0][:, None], prior[1][:, None]
    lower, inverse = _cholesky(gram)
    scores = _solve_lower(lower, inverse, moments)
    dof = n_obs - np.count_nonzero(inverse, axis=0) - 1
    ols_sum = np.maximum(total - np.einsum("kn,kn->n", scores, scores), EPSILON * total)
    variance = ols_sum / dof

    # s2 P^-1, a diagonal: different for each case, so the factor is made anew
    penalty = variance / std**2
    beta, diagonal = _solve_penalised(*_cholesky(gram, penalty), moments + penalty * mean)
    std_error = np.sqrt(variance * diagonal)
    explained = np.einsum("kn,kn->n", beta, moments + penalty * (beta - mean))
    residual_sum = np.maximum(total - explained, EPSILON * total)
    return RidgeFit(beta, std_error, residual_sum, dof)


def _cholesky(matrix: Floats, penalty: Floats | None = None) -> tuple[Floats, Floats]:
    """Factor matrix + diag(penalty): the part below the diagonal [K, K, N], and 1 / diagonal [K, N].

    A column that depends on those before it gets 0 for both: it drops out of every solution. What lies on and
    above the diagonal of the first is undefined.
    """
    lower, inverse = np.empty_like(matrix), np.empty_like(matrix[0])
    for j in range(len(matrix)):
        diagonal = matrix[j, j] if penalty is None else matrix[j, j] + penalty[j]
        pivot = diagonal - np.einsum("kn,kn->n", lower[j, :j], lower[j, :j])
        kept = pivot > RANK_TOLERANCE * diagonal
        inverse[j] = np.where(kept, 1 / np.sqrt(np.where(kept, pivot, 1.0)), 0.0)
        for i in range(j + 1, len(matrix)):
            known = np.einsum("kn,kn->n", lower[i, :j], lower[j, :j])
            np.subtract(matrix[i, j], known, out=known)
            np.multiply(known, inverse[j], out=lower[i, j])
    return lower, inverse


def _solve_lower(lower: Floats, inverse: Floats, right: Floats) -> Floats:
    solution = np.empty_like(right)
    for i in range(len(right)):
        solution[i] = (right[i] - np.einsum("kn,kn->n", lower[i, :i], solution[:i])) * inverse[i]
    return solution


def _solve_penalised(lower: Floats, inverse: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Solution, and the diagonal of the inverse matrix, from the rows of the factor's own inverse."""
    rows = np.empty_like(lower)
    solution, diagonal = np.zeros_like(right), np.zeros_like(right)
    for i in range(len(right)):
        for j in range(i):
            rows[i, j] = -inverse[i] * np.einsum("kn,kn->n", lower[i, j:i], rows[j:i, j])
        rows[i, i] = inverse[i]
        row = rows[i, : i + 1]
        solution[: i + 1] += row * np.einsum("kn,kn->n", row, right[: i + 1])
        diagonal[: i + 1] += row**2
    return solution, diagonal
