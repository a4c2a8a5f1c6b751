"""Black-Scholes-Merton values and Greeks of European options, for any number of options in one call.

Sources: Black and Scholes (1973, eq. 13), Merton (1973, eq. 38, continuous dividend yield); Greeks as in
Hull, Options, Futures, and Other Derivatives, ch. 19. With F = S exp(-qT), D = K exp(-rT),
d1 = ln(F/D) / (sigma sqrt T) + sigma sqrt T / 2, d2 = d1 - sigma sqrt T and s = +1 (call) or -1 (put):
price = s F N(s d1) - s D N(s d2).

Arguments broadcast against each other. Conventions: `years` is calendar days / 365; rates and yields are
continuous, as fractions per year; volatility is annual, as a fraction; `is_call` is true for a call.
Outputs are per share, for a long option. Missing, infinite or impossible inputs (price or strike not
positive, negative volatility) give NaN, never a warning.

The limits: an expired option (T <= 0) is worth max(s (S - K), 0), one without volatility max(s (F - D), 0);
delta is then s in the money and 0 otherwise, the other Greeks are 0.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Floats
from sigmasight_core.conventions import DAYS_PER_YEAR

_BLOCK: Final = 8192
"""Options per pass: the two dozen temporaries of a pass then stay in the processor's cache."""

_DENSITY_AT_ZERO: Final = 1 / np.sqrt(2 * np.pi)


class OptionValues(NamedTuple):
    """Value and Greeks per share, each of the broadcast shape of the arguments."""

    price: Floats
    delta: Floats
    """USD per USD of the underlying."""
    gamma: Floats
    """Delta per USD of the underlying."""
    theta: Floats
    """USD per calendar day that passes (year / 365)."""
    vega: Floats
    """USD per volatility point (0.01)."""
    rho: Floats
    """USD per percentage point of the rate (0.01)."""


def black_scholes_merton(
    spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, volatility: Any, is_call: Any
) -> OptionValues:
    """Price and Greeks of European options (see the module for units, limits and the NaN policy).

    :param spot: price of the underlying, USD; all arguments are scalars, arrays or Series that broadcast.
    """
    arguments = (spot, strike, years, rate, dividend_yield, volatility)
    return OptionValues(*_in_blocks(_fill_greeks, len(OptionValues._fields), arguments, is_call))


def option_price(
    spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, volatility: Any, is_call: Any
) -> Floats:
    """Price alone, equal to `black_scholes_merton(...).price` to the last bit and faster."""
    return _in_blocks(_fill_price, 1, (spot, strike, years, rate, dividend_yield, volatility), is_call)[0]


def intrinsic_value(spot: Any, strike: Any, is_call: Any) -> Floats:
    """Value on exercise, max(S - K, 0) for a call and max(K - S, 0) for a put; NaN for a missing input."""
    return np.maximum(_sign(is_call) * (as_floats(spot) - as_floats(strike)), 0.0)


def _sign(is_call: Any) -> Floats:
    return 2.0 * as_calls(is_call) - 1.0


def _in_blocks(fill: Any, n_outputs: int, arguments: tuple[Any, ...], is_call: Any) -> tuple[Floats, ...]:
    """Run `fill(inputs, outputs)` over cache-sized runs of the broadcast arguments."""
    inputs = [*map(as_floats, arguments), _sign(is_call)]
    operands: list[Any] = [*inputs, *[None] * n_outputs]
    op_flags: list[Any] = [*[["readonly"]] * len(inputs), *[["writeonly", "allocate"]] * n_outputs]
    blocks: Any = np.nditer(
        operands,
        flags=["external_loop", "buffered", "zerosize_ok"],
        op_flags=op_flags,
        op_dtypes=[np.float64] * len(operands),
        order="C",
        buffersize=_BLOCK,
    )
    with blocks, np.errstate(all="ignore"):
        if blocks.itersize:
            for block in blocks:
                fill(block[: len(inputs)], block[len(inputs) :])
        return tuple(np.asarray(result) for result in blocks.operands[len(inputs) :])


def _fill_price(inputs: tuple[Floats, ...], outputs: tuple[Floats, ...]) -> None:
    spot, strike, years, rate, dividend_yield, volatility, sign = inputs
    spread = np.sqrt(years)
    spread *= volatility
    spot_part = np.exp(-dividend_yield * years)
    spot_part *= spot
    strike_part = np.exp(-rate * years)
    strike_part *= strike
    d1 = _d1(spot_part, strike_part, spread)
    spot_part *= _signed_probability(d1, sign)
    d1 -= spread
    strike_part *= _signed_probability(d1, sign)
    np.maximum(spot_part - strike_part, 0.0, out=outputs[0])
    _settle(inputs, outputs, spread)


def _fill_greeks(inputs: tuple[Floats, ...], outputs: tuple[Floats, ...]) -> None:
    spot, strike, years, rate, dividend_yield, volatility, sign = inputs
    price, delta, gamma, theta, vega, rho = outputs
    root = np.sqrt(years)
    spread = root * volatility
    carry = np.exp(-dividend_yield * years)
    spot_part = carry * spot
    strike_part = np.exp(-rate * years)
    strike_part *= strike
    d1 = _d1(spot_part, strike_part, spread)

    density = np.square(d1)
    density *= -0.5
    np.exp(density, out=density)
    density *= _DENSITY_AT_ZERO
    np.multiply(density, carry, out=gamma)
    np.multiply(gamma, spot, out=density)  # S exp(-qT) n(d1)
    gamma /= spot
    gamma /= spread

    probability = _signed_probability(d1, sign)
    np.multiply(carry, probability, out=delta)
    spot_part *= probability
    d1 -= spread
    strike_part *= _signed_probability(d1, sign)
    np.maximum(spot_part - strike_part, 0.0, out=price)

    np.multiply(density, root, out=vega)
    vega *= 0.01
    np.multiply(strike_part, years, out=rho)
    rho *= 0.01
    density *= volatility
    density /= root
    density *= -0.5
    spot_part *= dividend_yield
    strike_part *= rate
    density += spot_part
    density -= strike_part
    np.multiply(density, 1 / DAYS_PER_YEAR, out=theta)
    _settle(inputs, outputs, spread)


def _d1(spot_part: Floats, strike_part: Floats, spread: Floats) -> Floats:
    d1 = spot_part / strike_part
    np.log(d1, out=d1)
    d1 /= spread
    d1 += 0.5 * spread
    return d1


def _signed_probability(d: Floats, sign: Floats) -> Floats:
    probability = d * sign
    ndtr(probability, out=probability)
    probability *= sign
    return probability


def _settle(inputs: tuple[Floats, ...], outputs: tuple[Floats, ...], spread: Floats) -> None:
    """Overwrite what the formula cannot give: the limits T <= 0 and sigma = 0, and impossible inputs."""
    spot, strike, years, rate, dividend_yield, volatility, sign = inputs
    finite = np.isfinite(spot + strike + years + rate + dividend_yield + volatility + sign)
    if finite.all() and spot.min() > 0 and strike.min() > 0 and spread.min() > 0:
        return
    possible = finite & (spot > 0) & (strike > 0) & (volatility >= 0)
    left = np.maximum(years, 0.0)
    limit = possible & ~((spread > 0) & (years > 0))
    excess = sign * (spot * np.exp(-dividend_yield * left) - strike * np.exp(-rate * left))
    limits = [np.maximum(excess, 0.0), np.where(excess > 0, sign, 0.0)]
    for number, output in enumerate(outputs):
        output[limit] = limits[number][limit] if number < len(limits) else 0.0
        output[~possible] = np.nan
