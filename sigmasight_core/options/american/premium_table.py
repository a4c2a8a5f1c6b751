"""Early-exercise premiums in many scenarios: no boundary is solved for a scenario.

The boundary does not depend on the price of the share. So each option gets two smooth functions of volatility
and, if it moves, of the rate: how many standard deviations b = -ln(B) / (sigma sqrt T) the boundary is below
the strike, and the logarithm of the premium at distances y = ln(x / B) / (sigma sqrt T) of the share from
the boundary (x and B as in `boundary`). Both are polynomials that fit exactly at Chebyshev nodes. An American
value is then a European one, a polynomial and an exponential. A table serves one time to expiry.

The axes are the caller's: volatilities and rates of a table have places from -1 to 1, `chebyshev` gives the
places of the nodes.
"""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.options.american.premium import Puts, premiums_at_distances

DISTANCES: Final = 5
FARTHEST: Final = 4.5
"""Standard deviations from the boundary beyond which the premium is below 1e-6 of the strike."""
_SMALLEST_PREMIUM: Final = 1e-14
_OPTIONS: Final = 64
"""Options per pass: the temporaries then stay in the processor's cache."""


def chebyshev(size: int) -> Floats:
    """Places of the nodes of an axis, (size,)."""
    return np.cos(np.pi * (np.arange(size) + 0.5) / size)


def _inverse(nodes: Floats) -> Floats:
    """Matrix from values at the nodes to coefficients of 1, t, t^2, ..."""
    return np.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), dtype=np.float64)


_PLACES: Final = np.cos(np.pi * np.arange(DISTANCES) / (DISTANCES - 1))
_AT_DISTANCES: Final = 0.5 * FARTHEST * (1 + _PLACES)


class PremiumTable(NamedTuple):
    """Polynomials of m options in the places of the rate, of the volatility and of the distance."""

    boundary: Floats
    """Coefficients of b, shape (rate, volatility, m, 1)."""
    premium: Floats
    """Coefficients of ln(premium of puts with strike 1), shape (rate, volatility, distance, m, 1)."""

    def take(self, rows: Ints | Bools) -> "PremiumTable":
        """Some of the options, by place or mask."""
        return PremiumTable(self.boundary[..., rows, :], self.premium[..., rows, :])


def premium_table(
    years: Floats, dividend_yield: Floats, is_call: Bools, rates: Floats, volatilities: Floats
) -> PremiumTable:
    """Tables of options (m,) that have one boundary (`pricing.one_boundary`) at each node.

    :param rates: at the nodes of the rate, (nodes, m). :param volatilities: (nodes, m), likewise.
    """
    shape = (len(rates), len(volatilities), len(years))
    boundary, premium = np.empty(shape), np.empty((*shape[:2], DISTANCES, shape[2]))
    with np.errstate(all="ignore"):
        for first in range(0, len(years), _OPTIONS):
            rows = slice(first, first + _OPTIONS)
            level = rates[:, None, rows]
            inputs = (
                years[rows],
                years[rows],
                np.where(is_call[rows], dividend_yield[rows], level),
                np.where(is_call[rows], level, dividend_yield[rows]),
                volatilities[None, :, rows],
            )
            here = boundary[..., rows].shape
            flat = [np.ascontiguousarray(np.broadcast_to(array, here)).ravel() for array in inputs]
            distance, values = premiums_at_distances(Puts(*flat), _AT_DISTANCES)
            logarithm = np.log(np.maximum(values, _SMALLEST_PREMIUM)).reshape(DISTANCES, *here)
            boundary[..., rows] = _coefficients(distance.reshape(here))
            premium[..., rows] = _coefficients(np.moveaxis(_along(_inverse(_PLACES), logarithm), 0, 2))
    return PremiumTable(boundary[..., None], premium[..., None])


def _coefficients(table: Floats) -> Floats:
    """From values at the nodes of the first two axes, rate and volatility, to coefficients."""
    over_rates = _along(_inverse(chebyshev(len(table))), table)
    by_volatility = np.swapaxes(over_rates, 0, 1)
    return np.swapaxes(_along(_inverse(chebyshev(len(by_volatility))), by_volatility), 0, 1)


def _along(matrix: Floats, values: Floats) -> Floats:
    """matrix x values over the first axis, summed in order: the same bits in any batch."""
    result = np.zeros((len(matrix), *values.shape[1:]))
    for row, weights in zip(result, matrix, strict=True):
        for weight, value in zip(weights, values, strict=True):
            row += weight * value
    return result


def polynomial(coefficients: Floats, *places: Floats) -> Floats:
    """Nested Horner's rule: coefficients (..., m, 1), places (m, scenarios), one for each leading axis."""
    if not places:
        return coefficients
    place, inner = places[0], places[1:]
    total = polynomial(coefficients[-1], *inner) * place
    total += polynomial(coefficients[-2], *inner)
    for coefficient in coefficients[-3::-1]:
        total *= place
        total += polynomial(coefficient, *inner)
    return total


def polynomial_slopes(coefficients: Floats, *places: Floats) -> tuple[Floats, ...]:
    """`polynomial` and its derivative by each place; two coefficients or more on each axis."""
    if not places:
        return (coefficients,)
    place, inner = places[0], places[1:]
    own, *slopes = polynomial_slopes(coefficients[-1], *inner)
    value = own * place
    slopes = [slope * place for slope in slopes]
    for number, coefficient in enumerate(coefficients[-2::-1]):
        more, *new = polynomial_slopes(coefficient, *inner)
        if number:
            own = own * place
            own += value
            value *= place
            for slope in slopes:
                slope *= place
        value += more
        for slope, part in zip(slopes, new, strict=True):
            slope += part
    return (value, own, *slopes)
