"""Two-sided p-values of many Student t statistics at once, several times as fast as `scipy.special.stdtr`."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import beta, erfc, factorial, poch, stdtr

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import blocks

TERMS = 8
LEAST_DOF = 30
LARGEST_LOG = 1.0
"""Of log(1 + t^2 / dof). Beyond it p < 1e-7 at 30 and 1e-53 at 250 degrees of freedom: left to `stdtr`."""
_CELLS = 2**16


def two_sided_p_values(t_stat: Floats, dof: Ints) -> Floats:
    """P(|T| >= |t|) for T of Student's distribution, with a relative error below 1e-11.

    With N = dof / 2 - 1/4 and z = N log(1 + t^2 / dof) the probability is the integral over v > z / N of
    exp(-N v) v^(-1/2) (sinh(v / 2) / (v / 2))^(-1/2), scaled to be 1 for z = 0. The last factor is a power
    series in v^2, of which every term is an incomplete gamma function, so that
    p = erfc(sqrt z) + sqrt(z) exp(-z) (a polynomial in z whose coefficients depend on dof).
    A. R. DiDonato, A. H. Morris, "Algorithm 708: significant digit computation of the incomplete beta
    function ratios", ACM TOMS 18 (1992) 360-373, section 9, at b = 1/2.

    :param t_stat: [..., K]; NaN gives NaN, an infinite one 0.
    :param dof: degrees of freedom of each row of `t_stat`, [...], at least 1.
    """
    rows = np.ascontiguousarray(t_stat, dtype=float).reshape(-1, t_stat.shape[-1])
    freedom = np.asarray(dof, dtype=np.intp).ravel()
    found = np.empty_like(rows)
    coefficients = _coefficients(np.arange(freedom.max(initial=0) + 1))
    for part in blocks(np.arange(len(rows)), rows.shape[1], _CELLS):
        here = slice(part[0], part[-1] + 1)
        found[here] = _series(rows[here], freedom[here], coefficients)
    return found.reshape(t_stat.shape)


def _series(t_stat: Floats, dof: Ints, coefficients: Floats) -> Floats:
    n = dof[:, None].astype(float)
    log = np.log1p(t_stat**2 / n)
    z = np.minimum(log, LARGEST_LOG) * (n / 2 - 0.25)
    # Horner's rule, highest power first
    polynomial = np.zeros_like(z)
    for coefficient in coefficients[::-1]:
        polynomial *= z
        polynomial += coefficient[dof][:, None]
    root = np.sqrt(z)
    p = erfc(root) + root * np.exp(-z) * polynomial
    outside = (log > LARGEST_LOG) | (n < LEAST_DOF)
    if outside.any():
        p[outside] = 2 * stdtr(np.broadcast_to(n, p.shape)[outside], -np.abs(t_stat[outside]))
    return p


def _coefficients(dof: NDArray[np.integer]) -> Floats:
    """Coefficients of the polynomial in z, lowest power first, [2 TERMS - 2, dof]."""
    n = np.maximum(dof, LEAST_DOF) / 2 - 0.25
    k = np.arange(TERMS)
    sinh = 0.25**k / factorial(2 * k + 1)
    powers = np.ones(TERMS)
    for i in k[1:]:
        m = k[1 : i + 1]
        powers[i] = np.sum((m / 2 - i) * sinh[m] * powers[i - m]) / i
    terms = (powers * poch(0.5, 2 * k))[:, None] / n ** (2 * k[:, None])
    scale = 1 / (np.sqrt(n) * beta(np.maximum(dof, LEAST_DOF) / 2, 0.5))
    power = np.arange(2 * TERMS - 2)
    reached = 2 * k[None, :] > power[:, None]
    # A product of matrices adds in an order that depends on how many degrees of freedom there are
    total = (reached[:, :, None] * terms).sum(axis=1)
    return scale * total / poch(0.5, power + 1)[:, None]
