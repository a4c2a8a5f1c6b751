"""Early-exercise premium of American puts with strike 1 over the European value, and its slopes.

Formula (Kim 1990; Jacka 1991; Carr, Jarrow and Myneni 1992), x the share, B the boundary:
premium = integral over 0 < u < T of r e^(-ru) N(-d-(u, x / B(T - u))) - q x e^(-qu) N(-d+(u, x / B(T - u))).
The integral is taken by Gauss-Legendre in z with u / T = 1 - (1 - z^4)^2: smooth at both ends, and dense
where the integrand bends when x is near B(T).
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from sigmasight_core.options.american.boundary import (
    Boundary,
    distances,
    interpolation,
    normal_density,
    solve_boundary,
)
from sigmasight_core.options.black_scholes import Floats


class Puts(NamedTuple):
    """Puts with strike 1, arrays (m,): price of the share, years, rate, dividend yield, volatility."""

    share: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    volatility: Floats


class Premium(NamedTuple):
    """Premium over the European put and its derivatives by the share, each (m,)."""

    value: Floats
    slope: Floats
    curvature: Floats
    exercised: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
    """Where the put is exercised today: the premium is then that of the value on exercise, its slopes too."""


class _Point(NamedTuple):
    share_of_time: float
    weight: float
    interpolation: Floats


class Quadrature(NamedTuple):
    """Points of the integral over u / T."""

    points: list[_Point]

    @classmethod
    def of(cls, size: int, power: int) -> "Quadrature":
        """Gauss-Legendre in z, u / T = 1 - (1 - z^power)^2."""
        abscissae, weights = np.polynomial.legendre.leggauss(size)
        z = 0.5 * (1 + abscissae)
        root = 1 - z**power
        weights = weights * power * z ** (power - 1) * root
        rows = interpolation(root)
        return cls(
            [_Point(float(1 - t * t), float(w), row) for t, w, row in zip(root, weights, rows, strict=True)]
        )


QUADRATURE: Final = Quadrature.of(24, 4)
COARSE: Final = Quadrature.of(14, 3)
"""For tables that are interpolated."""


def as_puts(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    volatility: Floats,
    call: Floats,
) -> tuple[Puts, Floats]:
    """Options as puts with strike 1, and the USD that one of them stands for.

    A call on S with strike K is a put on K with strike S, rate and yield exchanged (McDonald and Schroder,
    1998).
    """
    is_call = call > 0
    scale = np.where(is_call, spot, strike)
    share = np.where(is_call, strike, spot) / scale
    puts = Puts(
        share,
        years,
        np.where(is_call, dividend_yield, rate),
        np.where(is_call, rate, dividend_yield),
        volatility,
    )
    return puts, scale


def european_put(puts: Puts) -> Floats:
    """European values of the puts, (m,)."""
    discount, carry = np.exp(-puts.rate * puts.years), np.exp(-puts.dividend_yield * puts.years) * puts.share
    spread = puts.volatility * np.sqrt(puts.years)
    plus = np.log(carry / discount) / spread + 0.5 * spread
    return np.maximum(discount * ndtr(spread - plus) - carry * ndtr(-plus), 0.0)


def premium_of(puts: Puts) -> Premium:
    """Premium, slope and curvature of puts that have one boundary (see `solve_boundary`)."""
    boundary = solve_boundary(puts.years, puts.rate, puts.dividend_yield, puts.volatility)
    value, slope, curvature = _integrate_slopes(puts, boundary, QUADRATURE)
    on_exercise = 1 - puts.share - european_put(puts)
    exercised = puts.share <= boundary.at_horizon()
    return Premium(_bounded(value, on_exercise, exercised), slope, curvature, exercised)


def premium_value(puts: Puts) -> tuple[Floats, "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"]:
    """`premium_of(puts)`'s value and exercised, to the last bit and faster."""
    boundary = solve_boundary(puts.years, puts.rate, puts.dividend_yield, puts.volatility)
    value = integrate(puts, boundary, QUADRATURE)
    exercised = puts.share <= boundary.at_horizon()
    return _bounded(value, 1 - puts.share - european_put(puts), exercised), exercised


def premium_integral(puts: Puts) -> Floats:
    """The premium, (m,), by its formula on both sides of the boundary: smooth where `premium_value` steps.

    The formula holds below the boundary as well: there it is what exercise pays above the European value.
    """
    return integrate(
        puts, solve_boundary(puts.years, puts.rate, puts.dividend_yield, puts.volatility), QUADRATURE
    )


def _bounded(
    value: Floats, on_exercise: Floats, exercised: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]"
) -> Floats:
    return np.where(exercised, on_exercise, np.maximum(np.maximum(value, on_exercise), 0.0))


def integrate(puts: Puts, boundary: Boundary, quadrature: Quadrature) -> Floats:
    """The integral of the premium, (m,)."""
    level, drift = _prepare(puts, boundary)
    value = np.zeros_like(puts.share)
    for point in quadrature.points:
        discount, carry, plus, spread = _integrand(puts, boundary, point, level, drift)
        value += discount * ndtr(spread - plus) - carry * ndtr(-plus)
    return value


def _integrate_slopes(
    puts: Puts, boundary: Boundary, quadrature: Quadrature
) -> tuple[Floats, Floats, Floats]:
    """The integral and its first two derivatives by the share: each term of the sum differentiated."""
    level, drift = _prepare(puts, boundary)
    value, slope, curvature = (np.zeros_like(puts.share) for _ in range(3))
    for point in quadrature.points:
        discount, carry, plus, spread = _integrand(puts, boundary, point, level, drift)
        minus = plus - spread
        tail = carry * ndtr(-plus)
        value += discount * ndtr(spread - plus) - tail
        strike_density = discount * normal_density(minus) / spread
        share_density = carry * normal_density(plus) / spread
        slope += share_density - strike_density - tail
        curvature += strike_density * (1 + minus / spread) + share_density * (1 - plus / spread)
    return value, slope / puts.share, curvature / np.square(puts.share)


def _prepare(puts: Puts, boundary: Boundary) -> tuple[Floats, Floats]:
    drift = (puts.rate - puts.dividend_yield) / puts.volatility + 0.5 * puts.volatility
    return np.log(puts.share / boundary.start), drift


def _integrand(
    puts: Puts, boundary: Boundary, point: _Point, level: Floats, drift: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """r exp(-ru) du, q x exp(-qu) du, d+ and sigma sqrt u at one point."""
    lag = point.share_of_time * puts.years
    root = np.sqrt(lag)
    spread = puts.volatility * root
    plus = (level + distances(boundary, point.interpolation)) / spread + drift * root
    width = point.weight * puts.years
    discount = puts.rate * np.exp(-puts.rate * lag) * width
    carry = puts.dividend_yield * np.exp(-puts.dividend_yield * lag) * width * puts.share
    return discount, carry, plus, spread


def premiums_at_distances(puts: Puts, distances_: Floats) -> tuple[Floats, Floats]:
    """Where the boundaries lie, and premiums at shares that many standard deviations above them.

    :param puts: their `share` is not used.
    :returns: ln(X / B(T)) / (sigma sqrt T), shape (m,), and premiums, shape (len(distances_), m).
    """
    boundary = solve_boundary(puts.years, puts.rate, puts.dividend_yield, puts.volatility)
    spread = puts.volatility * np.sqrt(puts.years)
    at_horizon = boundary.at_horizon()
    shares = at_horizon * np.exp(distances_[:, None] * spread)
    premiums = np.zeros_like(shares)
    level, drift = _prepare(puts._replace(share=at_horizon), boundary)
    for point in COARSE.points:
        discount, carry, plus, lag_spread = _integrand(puts, boundary, point, level, drift)
        carry = carry / puts.share
        for premium, share, distance in zip(premiums, shares, distances_, strict=True):
            above = plus + distance * spread / lag_spread
            premium += discount * ndtr(lag_spread - above) - carry * share * ndtr(-above)
    return -np.log(at_horizon) / spread, premiums
