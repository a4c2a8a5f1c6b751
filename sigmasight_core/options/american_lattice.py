"""American options on a binomial lattice: the rare ones whose exercise region has two boundaries.

Broadie and Detemple, American option valuation (Review of Financial Studies, 1996): the Cox-Ross-Rubinstein
lattice with Black-Scholes-Merton values one step before expiry, extrapolated from two sizes (BBSR).
About 1e-4 of the strike; some 100 times slower than the formula.
"""

from typing import Final

import numpy as np

from sigmasight_core.options.black_scholes import Floats, option_price

_STEPS: Final = 128
_ROWS: Final = 256


def lattice_price(
    spot: Floats, strike: Floats, years: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats, call: Floats
) -> Floats:
    """Prices (m,) of American options with years > 0 and volatility > 0; arguments (m,), `call` 1 or 0."""
    inputs = (spot, strike, years, rate, dividend_yield, volatility, call)
    prices = np.empty_like(spot)
    for first in range(0, spot.size, _ROWS):
        block = slice(first, first + _ROWS)
        rows = [array[block] for array in inputs]
        prices[block] = 2 * _on_lattice(rows, 2 * _STEPS) - _on_lattice(rows, _STEPS)
    return np.maximum(prices, np.maximum((2 * call - 1) * (spot - strike), 0.0))


def _on_lattice(inputs: list[Floats], steps: int) -> Floats:
    spot, strike, years, rate, dividend_yield, volatility, call = inputs
    step = years / steps
    up = np.exp(volatility * np.sqrt(step))
    probability = (np.exp((rate - dividend_yield) * step) * up - 1) / (np.square(up) - 1)
    discount = np.exp(-rate * step)
    rise, fall = discount * probability, discount * (1 - probability)
    sign = 2 * call - 1
    moves = np.arange(-(steps - 1), steps)[:, None]
    exercise = sign * (spot * up**moves - strike)
    last = spot * up ** moves[::2]
    values = np.maximum(option_price(last, strike, step, rate, dividend_yield, volatility, call), exercise[::2])
    for level in range(steps - 2, -1, -1):
        values = rise * values[1:] + fall * values[:-1]
        edge = steps - 1 - level
        np.maximum(values, exercise[edge : len(exercise) - edge : 2], out=values)
    return values[0]
