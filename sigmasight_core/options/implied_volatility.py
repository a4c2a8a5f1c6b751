"""Implied volatility of European options: the Black-Scholes-Merton formula inverted, in the wings as well.

The problem is reduced to one function of two numbers (Jaeckel, Let's Be Rational, 2015): by parity to the
out-of-the-money option, with x = |ln(F/D)|, F = S exp(-qT), D = K exp(-rT), s = sigma sqrt T and the time
value divided by sqrt(F D):
b(x, s) = exp(-x/2) N(s/2 - x/s) - exp(x/2) N(-s/2 - x/s), 0 < b < exp(-x/2), inflection at s^2 = 2x.
Below the inflection 1/ln b is matched, above it ln(exp(-x/2) - b): both nearly linear where b itself is
flat, so that Halley's iteration, safeguarded by a bracket, needs a handful of steps everywhere. The scaled
complementary error function keeps both free of underflow.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import erfcx, ndtri

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK

MISSING: Final = "an input is missing"
IMPOSSIBLE: Final = "spot or strike is not positive"
EXPIRED: Final = "the option has expired"
NO_PRICE: Final = "the price is not positive"
BELOW_INTRINSIC: Final = "the price is not above the discounted intrinsic value"
ABOVE_BOUND: Final = "the price is not below the no-arbitrage bound"
NOT_CONVERGED: Final = "the volatility search did not converge"
_STATUSES: Final = np.array(
    [OK, MISSING, IMPOSSIBLE, EXPIRED, NO_PRICE, BELOW_INTRINSIC, ABOVE_BOUND, NOT_CONVERGED], dtype=object
)

_ROUNDING: Final = 8 * np.finfo(float).eps
_MAX_STEPS: Final = 60
_CLOSE: Final = 1e-6
"""Relative length of the last step: Halley's error is of the order of its cube."""
_MAX_TOTAL: Final = 80.0
"""Bound of sigma sqrt T: there exp(-x/2) - b is below the smallest double."""
_SQRT_HALF: Final = np.sqrt(0.5)
_DENSITY_AT_ZERO: Final = 1 / np.sqrt(2 * np.pi)

_Step = Callable[[Floats, Floats, Floats], tuple[Floats, Bools]]


class _Reduced(NamedTuple):
    """The dimensionless problem: moneyness x, time value b, and how far b is below its bound."""

    moneyness: Floats
    value: Floats
    shortfall: Floats
    status: Ints


def implied_volatility(
    price: Any, spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, is_call: Any
) -> tuple[Floats, Texts]:
    """Volatility at which `option_price` returns `price`; arguments broadcast, units as in `black_scholes`.

    :returns: volatilities (annual, as a fraction) and statuses (str), both of the broadcast shape. Where
        the status is not 'ok' it says why in words, and the volatility is NaN.

    A volatility is as exact as its price: about (rounding of the price) / vega.
    """
    floats = [as_floats(value) for value in (price, spot, strike, years, rate, dividend_yield)]
    arrays = np.broadcast_arrays(*floats, as_calls(is_call))
    shape = arrays[0].shape
    flat = [array.ravel() for array in arrays]
    with np.errstate(all="ignore"):
        problem = _reduce(*flat)
        total, status = np.full(problem.status.shape, np.nan), problem.status.copy()
        inflection = np.sqrt(2 * problem.moneyness)
        # Below or above the price at the inflection decides the function that is nearly linear
        low = problem.value < _value_at(problem.moneyness, inflection)
        low &= status == 0
        high = (status == 0) & ~low
        total[low] = _solve_low(problem.moneyness[low], problem.value[low], inflection[low])
        total[high] = _solve_high(problem.moneyness[high], problem.shortfall[high], inflection[high])
        status[(status == 0) & np.isnan(total)] = len(_STATUSES) - 1
        volatility = total / np.sqrt(flat[3])
    return volatility.reshape(shape), _STATUSES[status].reshape(shape)


def quote_price(bid: Any, ask: Any, last: Any) -> tuple[Floats, Texts]:
    """Price of a quote and where it comes from; the arguments broadcast.

    :returns: prices and sources: 'mid' if both sides are positive and not crossed (bid <= ask), else 'last'
        if a positive last trade is there, else 'none' and NaN.
    """
    bids, asks, lasts = np.broadcast_arrays(as_floats(bid), as_floats(ask), as_floats(last))
    two_sided = (bids > 0) & (asks >= bids) & np.isfinite(asks)
    traded = ~two_sided & (lasts > 0) & np.isfinite(lasts)
    price = np.where(two_sided, 0.5 * bids + 0.5 * asks, np.where(traded, lasts, np.nan))
    source = np.array(["none", "last", "mid"], dtype=object)[2 * two_sided + traded]
    return price, source


def _reduce(
    price: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    call: Floats,
) -> _Reduced:
    spot_part = spot * np.exp(-dividend_yield * years)
    strike_part = strike * np.exp(-rate * years)
    intrinsic = np.maximum((2 * call - 1) * (spot_part - strike_part), 0.0)
    time_value = price - intrinsic
    bound = np.minimum(spot_part, strike_part)
    scale = np.sqrt(spot_part) * np.sqrt(strike_part)
    reasons = [
        ~np.isfinite(price + spot + strike + years + rate + dividend_yield + call),
        (spot <= 0) | (strike <= 0),
        years <= 0,
        price <= 0,
        time_value <= np.where(intrinsic > 0, _ROUNDING * price, 0.0),
        time_value >= bound,
    ]
    return _Reduced(
        moneyness=np.abs(np.log(spot_part / strike_part)),
        value=time_value / scale,
        shortfall=(bound - time_value) / scale,
        status=np.select(reasons, range(1, len(reasons) + 1), default=0),
    )


def _value_at(moneyness: Floats, total: Floats) -> Floats:
    """b(x, s) for s^2 <= 2x; 0 where x = s = 0."""
    depth = np.divide(moneyness, total, out=np.zeros_like(total), where=total > 0)
    near, far = _scaled_tails(depth, 0.5 * total)
    return 0.5 * np.exp(-0.5 * (depth**2 + 0.25 * total**2)) * (near - far)


def _scaled_tails(depth: Floats, half: Floats) -> tuple[Floats, Floats]:
    """exp(z^2 / 2) x 2 N(-z) for z = |x/s - s/2| and z = x/s + s/2."""
    return erfcx(_SQRT_HALF * np.abs(depth - half)), erfcx(_SQRT_HALF * (depth + half))


def _solve_low(moneyness: Floats, value: Floats, inflection: Floats) -> Floats:
    target = np.log(value)
    # For small s, ln b is about -x^2 / (2 s^2): solved for s
    start = np.minimum(inflection, moneyness / np.sqrt(-2 * target))
    return _solve(_low_step, moneyness, target, start, np.zeros_like(start), inflection)


def _low_step(moneyness: Floats, target: Floats, total: Floats) -> tuple[Floats, Bools]:
    """Halley's step for 1/ln b = 1/target, and whether `total` is too small."""
    depth, half = moneyness / total, 0.5 * total
    near, far = _scaled_tails(depth, half)
    difference = 0.5 * (near - far)
    log_value = np.log(difference) - 0.5 * (depth**2 + half**2)
    slope = _DENSITY_AT_ZERO / difference
    newton = (target - log_value) * log_value / (target * slope)
    curvature = depth**2 / total - 0.25 * total - slope - 2 * slope / log_value
    return _halley(newton, curvature), log_value < target


def _solve_high(moneyness: Floats, shortfall: Floats, inflection: Floats) -> Floats:
    target = np.log(shortfall)
    at_the_money = -2 * ndtri(np.minimum(0.5 * shortfall * np.exp(0.5 * moneyness), 0.5))
    start = np.maximum(inflection, np.clip(at_the_money, np.finfo(float).tiny, _MAX_TOTAL))
    return _solve(_high_step, moneyness, target, start, inflection, np.full_like(start, _MAX_TOTAL))


def _high_step(moneyness: Floats, target: Floats, total: Floats) -> tuple[Floats, Bools]:
    """Halley's step for ln(exp(-x/2) - b) = target, and whether `total` is too small."""
    depth, half = moneyness / total, 0.5 * total
    near, far = _scaled_tails(depth, half)
    mean = 0.5 * (near + far)
    log_shortfall = np.log(mean) - 0.5 * (depth**2 + half**2)
    slope = _DENSITY_AT_ZERO / mean
    newton = (log_shortfall - target) / slope
    return _halley(newton, depth**2 / total - 0.25 * total + slope), log_shortfall > target


def _halley(newton: Floats, curvature: Floats) -> Floats:
    """Halley's step from Newton's and f''/f', kept within a factor of two of Newton's."""
    return newton / np.clip(1 + 0.5 * newton * curvature, 0.5, 2.0)


def _solve(
    step: _Step, moneyness: Floats, target: Floats, start: Floats, lower: Floats, upper: Floats
) -> Floats:
    """Iterate all problems (n,) at once, dropping those that are solved; NaN where the search fails."""
    solution = np.full(start.shape, np.nan)
    rows = np.arange(len(start))
    total = start
    for _ in range(_MAX_STEPS):
        if not len(rows):
            break
        move, too_small = step(moneyness, target, total)
        # The sign of the miss moves one end of the bracket; a step that leaves it is replaced by its middle
        lower = np.where(too_small, total, lower)
        upper = np.where(too_small, upper, total)
        moved = total + move
        done = np.abs(move) <= _CLOSE * total
        solution[rows[done]] = moved[done]
        inside = (moved > lower) & (moved < upper)
        total = np.where(inside, moved, 0.5 * (lower + upper))
        left = ~done
        rows, moneyness, target = rows[left], moneyness[left], target[left]
        total, lower, upper = total[left], lower[left], upper[left]
    return solution
