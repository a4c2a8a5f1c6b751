"""Early-exercise boundary of American puts with strike 1, for any number of options at once.

Method: Andersen, Lake and Offengenden, High-performance American option pricing (Journal of Computational
Finance, 2016). The boundary B(tau), tau = time to expiry, is stored as H(tau) = ln(B(tau) / X)^2 at Chebyshev
nodes of sqrt(tau / T) (their section 4.2), X = B(0+) = min(1, r / q). It starts as the QD+ approximation (Li,
Analytical approximations for the critical stock prices of American options, 2010, eq. 19) and is improved
by their fixed-point system A (eqs. 3.11 to 3.13): first a Jacobi-Newton step, then plain steps. Their system
B is not used: in trials with r near 0 it did not settle. A call with strike K on a share at S is a put with
strike S on a share at K, rate and yield exchanged (McDonald and Schroder, 1998), so puts suffice.

The boundary does not depend on the price of the share. Arrays are (node, option); every operation is row by
row and every sum runs in a fixed order, so that an option's boundary is the same bits in any batch.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from sigmasight_core.options.black_scholes import Floats

_NODES: Final = 7
"""Nodes where the boundary is unknown; one more, at tau = 0, has H = 0."""
_LAGS: Final = 8
"""Gauss-Legendre points of the integrals in the fixed-point system."""
_START_STEPS: Final = 4
_NEWTON_STEPS: Final = 1
_PLAIN_STEPS: Final = 1
_ROUNDING: Final = 1e-9
_SMALLEST: Final = 1e-300
_DENSITY_AT_ZERO: Final = 1 / np.sqrt(2 * np.pi)


class Boundary(NamedTuple):
    """Boundaries of m puts with strike 1."""

    start: Floats
    """X = B(0+), shape (m,)."""
    squares: Floats
    """H at the nodes, the longest time first, shape (_NODES, m)."""

    def at_horizon(self) -> Floats:
        """B(T), the price of the share at and below which the put is exercised today, shape (m,)."""
        return self.start * np.exp(-np.sqrt(self.squares[0]))


class _Lag(NamedTuple):
    """What one point of the integrals needs, fixed during the iteration; arrays (_NODES, m)."""

    weights: NDArray[np.float64]
    """Interpolation from the nodes to tau - lag, shape (_NODES, _NODES)."""
    spread: Floats
    drift: Floats
    """(r - q) lag / spread + spread / 2."""
    discount: Floats
    """r exp(-r lag) times the quadrature weight."""
    carry: Floats
    """q exp(-q lag) times the quadrature weight."""


def interpolation(fractions: Floats) -> Floats:
    """Weights (len(fractions), _NODES) that give H at sqrt(tau / T) = fractions (barycentric formula)."""
    nodes = np.cos(np.pi * np.arange(_NODES + 1) / _NODES)
    signs = (-1.0) ** np.arange(_NODES + 1)
    signs[[0, -1]] *= 0.5
    distance = (2 * fractions - 1)[:, None] - nodes
    exact = np.abs(distance) < 1e-14
    weights = np.where(np.any(exact, axis=1, keepdims=True), exact, signs / np.where(exact, 1.0, distance))
    return (weights / weights.sum(axis=1, keepdims=True))[:, :_NODES]


def distances(boundary: Boundary, weights: Floats) -> Floats:
    """ln(X / B) at one interpolated time, shape (m,); `weights` is a row of `interpolation`."""
    return np.sqrt(np.maximum(_combine(weights, boundary.squares), 0.0))


def _combine(weights: Floats, values: Floats) -> Floats:
    """Sum of weights[..., j] values[j] in the order of j: the same bits for any number of options."""
    total = weights[..., :1] * values[0]
    for node in range(1, len(values)):
        total += weights[..., node : node + 1] * values[node]
    return total


_ROOTS: Final = 0.5 * (1 + np.cos(np.pi * np.arange(_NODES) / _NODES))
"""sqrt(tau / T) at the nodes."""
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(_LAGS)
_SHARES: Final = 0.25 * (1 + _ABSCISSAE) ** 2
"""lag / tau: the substitution of the paper's eq. 4.4, which removes the root at lag = 0."""
_SHARE_WEIGHTS: Final = 0.5 * (1 + _ABSCISSAE) * _WEIGHTS
_LAG_INTERPOLATION: Final = [interpolation(_ROOTS * np.sqrt(1 - share)) for share in _SHARES]


def start_level(rate: Floats, dividend_yield: Floats) -> Floats:
    """B(0+): below it the interest on the strike is more than the dividends on the share."""
    positive = dividend_yield > 0
    return np.where(positive, np.minimum(1.0, rate / np.where(positive, dividend_yield, 1.0)), 1.0)


def solve_boundary(years: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats) -> Boundary:
    """Boundaries of m puts with strike 1; arguments (m,), contiguous.

    The caller has seen to it that years > 0, volatility > 0 and that there is one boundary: rate > 0, or
    rate = 0 and dividend_yield < 0.
    """
    start = start_level(rate, dividend_yield)
    tau = _ROOTS[:, None] ** 2 * years
    ln_start = np.log(start)
    distance = ln_start - np.log(_qd_plus(tau, rate, dividend_yield, volatility, start))
    lags = [_lag(number, tau, rate, dividend_yield, volatility) for number in range(_LAGS)]
    spread = volatility * np.sqrt(tau)
    drift = (rate - dividend_yield) * tau / spread + 0.5 * spread
    discount, carry = np.exp(-rate * tau), np.exp(-dividend_yield * tau)
    own = _Lag(_LAG_INTERPOLATION[0], spread, drift, discount, carry)
    for step in range(_NEWTON_STEPS + _PLAIN_STEPS):
        distance = _improve(distance, ln_start, own, lags, newton=step < _NEWTON_STEPS)
    return Boundary(start, np.square(distance))


def _lag(number: int, tau: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats) -> _Lag:
    lag = _SHARES[number] * tau
    weight = _SHARE_WEIGHTS[number] * tau
    spread = volatility * np.sqrt(lag)
    drift = (rate - dividend_yield) * lag / spread + 0.5 * spread
    discount = rate * np.exp(-rate * lag) * weight
    carry = dividend_yield * np.exp(-dividend_yield * lag) * weight
    return _Lag(_LAG_INTERPOLATION[number], spread, drift, discount, carry)


def _improve(distance: Floats, ln_start: Floats, own: _Lag, lags: list[_Lag], newton: bool) -> Floats:
    """One step of B = exp(-(r - q) tau) N(B) / D(B), in distance = ln(X / B)."""
    level = ln_start - distance
    plus = level / own.spread + own.drift
    minus = plus - own.spread
    strike_density = own.discount * normal_density(minus) / own.spread
    share_density = own.carry * normal_density(plus) / own.spread
    upper, lower = strike_density, share_density + own.carry * ndtr(plus)
    if newton:
        upper_slope = -strike_density * minus / own.spread
        lower_slope = share_density - share_density * plus / own.spread
    squares = np.square(distance)
    for lag in lags:
        earlier = np.sqrt(np.maximum(_combine(lag.weights, squares), 0.0))
        plus = (earlier - distance) / lag.spread + lag.drift
        minus = plus - lag.spread
        strike_density = lag.discount * normal_density(minus) / lag.spread
        share_density = lag.carry * normal_density(plus) / lag.spread
        upper = upper + strike_density
        lower = lower + share_density + lag.carry * ndtr(plus)
        if newton:
            upper_slope = upper_slope - strike_density * minus / lag.spread
            lower_slope = lower_slope + share_density - share_density * plus / lag.spread
    target = np.log(upper / lower)
    if newton:
        slope = np.minimum(upper_slope / upper - lower_slope / lower, 0.0)
        target = level - (target - level) / (slope - 1)
    moved = np.maximum(ln_start - target, 0.0)
    return np.where(np.isfinite(moved), moved, distance)


def normal_density(z: Floats) -> Floats:
    """Density of the standard normal distribution."""
    density = np.square(z)
    density *= -0.5
    np.exp(density, out=density)
    density *= _DENSITY_AT_ZERO
    return density


def _qd_plus(tau: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats, start: Floats) -> Floats:
    """QD+ boundary: S (1 - e^-qt N(-d+)) - beta (1 - S - p) + alpha theta = 0, Newton within a bracket.

    p and theta are the European put and its slope in calendar time.
    """
    variance = np.square(volatility)
    spread = volatility * np.sqrt(tau)
    discount, carry = np.exp(-rate * tau), np.exp(-dividend_yield * tau)
    earned = -np.expm1(-rate * tau)
    hazard = np.where(earned > 1e-9, rate / np.where(earned > 1e-9, earned, 1.0), 1 / tau)
    tilt = 2 * (rate - dividend_yield) / variance - 1
    root = np.sqrt(np.square(tilt) + 8 * hazard / variance)
    alpha = -2 / (variance * root)
    beta = alpha * discount * (hazard - 2 * np.square(hazard) / (variance * np.square(root))) + 0.5 * (
        tilt + root
    )
    ceiling = np.broadcast_to(start, tau.shape)
    low, high = np.zeros_like(tau), ceiling
    share = ceiling * np.exp(-np.minimum(spread, 0.5))
    forward = np.log(carry / discount) / spread + 0.5 * spread
    for _ in range(_START_STEPS):
        plus = np.log(share) / spread + forward
        minus = plus - spread
        tail, density = carry * ndtr(-plus), carry * normal_density(plus)
        strike_part = discount * ndtr(-minus)
        theta = rate * strike_part - share * (dividend_yield * tail + 0.5 * variance / spread * density)
        charm = -dividend_yield * tail - density * ((rate - dividend_yield) / spread - 0.5 * minus / tau)
        value = share * (1 - tail) - beta * (1 - share - strike_part + share * tail) + alpha * theta
        slope = (1 - tail) * (1 + beta) + density / spread + alpha * charm
        low = np.where(value < 0, share, low)
        high = np.where(value < 0, high, share)
        moved = share - value / slope
        kept = ((moved > low) & (moved < high)) | (np.abs(moved - share) <= _ROUNDING * share)
        share = np.where(kept, moved, 0.5 * (low + high))
    return np.maximum(share, _SMALLEST)
