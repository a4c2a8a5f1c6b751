"""American options in many scenarios: no boundary is solved for a scenario.

The boundary does not depend on the price of the share. So each option gets a table over volatility and, if
rates move, the rate, of two smooth numbers: how far the boundary is below a closed form, and the logarithm of
the early-exercise premium at distances y = ln(x / B) / (sigma sqrt T) of the share from the boundary (x and B
as in `boundary`). Both are polynomials fitted exactly at Chebyshev nodes. A scenario then costs one European
value and one polynomial. A table serves one time to expiry: scenarios a day later need their own.

Scenarios that a table cannot serve are priced directly: outside its ranges, without time or volatility, in
the rare regimes of negative rates (see `pricing`), and all of an option that is not `smooth`.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.options.american.premium import Puts, premiums_at_distances
from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.options.black_scholes import Floats, as_calls, as_floats, intrinsic_value, option_price

_VOLATILITIES: Final = 5
_RATES: Final = 4
_DISTANCES: Final = 6
_FARTHEST: Final = 4.5
"""Standard deviations from the boundary beyond which the premium is below 1e-6 of the strike."""
_LOWEST_RATE: Final = 0.0005
"""Below it the premium of a put is taken in proportion to the rate."""
_WIDEST_CORNER: Final = 0.25
_NO_DIVIDENDS: Final = 1e-300
_SMALLEST_PREMIUM: Final = 1e-14
_WIDEST_RATES: Final = 0.12
_WIDEST_BENT: Final = 0.02
_WIDEST_LOG_RATES: Final = 2.5
_LARGEST_CARRY: Final = 1.5
"""Limits of (highest - lowest rate) sqrt T / sigma, also where the range contains the yield, of
ln(highest / lowest rate) of puts and of |rate - yield| sqrt T / sigma, with the lowest volatility.
Beyond them the polynomials miss the bend of the boundary where rate and yield are equal: found by trial."""
_NARROWEST: Final = 1e-3
_POINT: Final = 1e-12
_SLACK: Final = 1e-9
_VALUES: Final = 4096
"""Scenario values per pass: the temporaries then stay in the processor's cache."""
_OPTIONS: Final = 64
"""Options per pass when tables are built."""


def _nodes(size: int) -> Floats:
    return np.cos(np.pi * (np.arange(size) + 0.5) / size)


def _inverse(nodes: Floats) -> Floats:
    """Matrix from values at the nodes to coefficients of 1, t, t^2, ..."""
    return np.asarray(np.linalg.inv(np.vander(nodes, increasing=True)), dtype=np.float64)


_DISTANCE_NODES: Final = 0.5 * _FARTHEST * (1 + np.cos(np.pi * np.arange(_DISTANCES) / (_DISTANCES - 1)))
_DISTANCE_MONOMIALS: Final = _inverse(2 * _DISTANCE_NODES / _FARTHEST - 1)


class _Axis(NamedTuple):
    """A range per option (m,) mapped onto (-1, 1)."""

    middle: Floats
    half: Floats

    @classmethod
    def of(cls, low: Floats, high: Floats) -> "_Axis":
        return cls(0.5 * (low + high), np.maximum(0.5 * (high - low), _NARROWEST))

    def nodes(self, size: int) -> Floats:
        """Shape (size, m)."""
        return self.middle + self.half * _nodes(size)[:, None]

    def place(self, values: Floats, options: slice) -> Floats:
        """Values (options, scenarios) on the axis."""
        return (values - self.middle[options, None]) / self.half[options, None]


class ScenarioGrid(NamedTuple):
    """Tables of m options; build them with `scenario_grid`."""

    strike: Floats
    years: Floats
    dividend_yield: Floats
    call: Floats
    volatilities: _Axis
    """Of ln(volatility)."""
    rates: _Axis
    """Of ln(rate) for puts, of the rate for calls."""
    boundary: Floats
    """Coefficients of -ln(B) / (sigma sqrt T) less the closed form, shape (rate, volatility, m)."""
    smooth: NDArray[np.bool_]
    """Where the table is used, (m,); the other options are priced directly."""
    premium: Floats
    """Coefficients of ln(premium), shape (rate, volatility, distance, m)."""

    def prices(self, spot: Any, rate: Any, volatility: Any) -> Floats:
        """Prices (m, scenarios), USD per share.

        :param spot: (m, scenarios) or what broadcasts to it; so are the rate and the volatility.
        """
        spots, rates, volatilities = np.broadcast_arrays(*map(as_floats, (spot, rate, volatility)))
        prices = np.empty((len(self.strike), spots.shape[1]))
        n_options = max(1, _VALUES // max(1, spots.shape[1]))
        with np.errstate(all="ignore"):
            for first in range(0, len(prices), n_options):
                rows = slice(first, first + n_options)
                prices[rows] = self._prices(rows, spots[rows], rates[rows], volatilities[rows])
        return prices

    def _prices(self, rows: slice, spot: Floats, rate: Floats, volatility: Floats) -> Floats:
        strike, years, dividend_yield, call = (
            array[rows, None] for array in (self.strike, self.years, self.dividend_yield, self.call)
        )
        is_call = call > 0
        prices = option_price(spot, strike, years, rate, dividend_yield, volatility, is_call)
        interest = np.where(is_call, dividend_yield, rate)
        dividends = np.where(is_call, rate, dividend_yield)
        place = self.volatilities.place(np.log(volatility), rows)
        rate_place = self.rates.place(self._rate_level(rate, is_call), rows)
        far = ~(np.maximum(np.abs(place), np.abs(rate_place)) <= 1 + _SLACK)
        scale = np.where(is_call, spot, strike)
        share = np.where(is_call, strike, spot) / scale
        spread = volatility * np.sqrt(years)
        floor = np.where(is_call, 0.0, _LOWEST_RATE)
        reference = _reference(np.maximum(interest, floor), dividends, spread)
        distance = (
            np.log(share) / spread + reference + _polynomial(self.boundary[..., rows], rate_place, place)
        )
        on_axis = np.clip(distance, 0.0, _FARTHEST) * (2 / _FARTHEST) - 1
        premium = scale * np.exp(_polynomial(self.premium[..., rows], rate_place, place, on_axis))
        premium *= np.minimum(1.0, interest / np.where(floor > 0, floor, interest))
        value = np.where(spot * 0 + interest > 0, prices + premium, prices)
        value = np.maximum(value, intrinsic_value(spot, strike, is_call))
        direct = (
            ((interest > 0) & (far | ~self.smooth[rows, None]))
            | ((interest <= 0) & (dividends < 0))
            | ~(spread > 0)
        )
        if direct.any():
            arrays = np.broadcast_arrays(spot, strike, years, rate, dividend_yield, volatility, call)
            picked = [array[direct] for array in arrays]
            value[direct] = american_price(*picked)
        return value

    @staticmethod
    def _rate_level(rate: Floats, is_call: "np.ndarray[Any, np.dtype[np.bool_]]") -> Floats:
        return np.where(is_call, rate, np.log(np.maximum(rate, _LOWEST_RATE)))


def _reference(interest: Floats, dividends: Floats, spread: Floats) -> Floats:
    """-ln(X) / spread with its corner at r = q rounded, as in the boundary itself."""
    width = spread / np.sqrt(1 + np.square(spread / _WIDEST_CORNER))
    level = np.log(np.maximum(dividends, _NO_DIVIDENDS) / interest)
    return np.logaddexp(0.0, level / width) * width / spread


def _polynomial(coefficients: Floats, *places: Floats) -> Floats:
    """Nested Horner's rule; coefficients (..., options), places (options, scenarios)."""
    if not places:
        return coefficients[:, None]
    total = _polynomial(coefficients[-1], *places[1:])
    for coefficient in coefficients[-2::-1]:
        total = total * places[0]
        total += _polynomial(coefficient, *places[1:])
    return total


def scenario_grid(
    strike: Any, years: Any, dividend_yield: Any, is_call: Any, rate: Any, volatility_range: Any
) -> ScenarioGrid:
    """Tables of options (m,) for volatilities and rates within ranges.

    :param rate: a number or (m,): the rate that does not move; or the tuple (lowest, highest) of such, which
        costs four times as much.
    :param volatility_range: (lowest, highest), each a number or (m,).
    """
    edges = rate if isinstance(rate, tuple) else (rate, rate)
    arrays = np.broadcast_arrays(
        *map(as_floats, (strike, years, dividend_yield, *edges, *volatility_range)), as_calls(is_call)
    )
    flat = [np.ascontiguousarray(np.atleast_1d(array)) for array in arrays]
    strikes, times, yields, low_rate, high_rate, low, high, call = flat
    n_rates = _RATES if isinstance(rate, tuple) else 1
    with np.errstate(all="ignore"):
        levels = [ScenarioGrid._rate_level(edge, call > 0) for edge in (low_rate, high_rate)]
        rates, volatilities = _Axis.of(*levels), _Axis.of(np.log(low), np.log(high))
        if n_rates == 1:  # no other rate is on the axis
            rates = _Axis(levels[0], np.full_like(levels[0], _POINT))
        boundary = np.empty((n_rates, _VOLATILITIES, len(call)))
        premium = np.empty((n_rates, _VOLATILITIES, _DISTANCES, len(call)))
        for first in range(0, len(call), _OPTIONS):
            rows = slice(first, first + _OPTIONS)
            axes = [_Axis(axis.middle[rows], axis.half[rows]) for axis in (rates, volatilities)]
            parts = _tabulate(times[rows], yields[rows], call[rows] > 0, axes[0], axes[1], n_rates)
            boundary[..., rows], premium[..., rows] = parts
        root = np.sqrt(times) / low
        carry = np.maximum(np.abs(low_rate - yields), np.abs(high_rate - yields)) * root
        bent = (low_rate < yields) & (yields < high_rate)
        widest = np.where(bent, _WIDEST_BENT, _WIDEST_RATES)
        smooth = ((high_rate - low_rate) * root <= widest) & (carry <= _LARGEST_CARRY)
        smooth &= (call > 0) | (2 * rates.half <= _WIDEST_LOG_RATES)
    return ScenarioGrid(strikes, times, yields, call, volatilities, rates, boundary, smooth, premium)


def _tabulate(
    years: Floats, dividend_yield: Floats, is_call: Any, rates: _Axis, volatilities: _Axis, n_rates: int
) -> tuple[Floats, Floats]:
    shape = (n_rates, _VOLATILITIES, len(years))
    level = rates.nodes(n_rates)[:, None]
    rate = np.where(is_call, level, np.exp(level))
    interest = np.where(is_call, dividend_yield, rate)
    dividends = np.where(is_call, rate, dividend_yield)
    # A call without dividends is never exercised: any positive rate will do, the result is not used.
    interest = np.where(interest > 0, interest, _LOWEST_RATE)
    volatility = np.exp(volatilities.nodes(_VOLATILITIES))
    inputs = [
        np.ascontiguousarray(np.broadcast_to(array, shape)).ravel()
        for array in (years, years, interest, dividends, volatility)
    ]
    distance, premium = premiums_at_distances(Puts(*inputs), _DISTANCE_NODES)
    distance -= _reference(inputs[2], inputs[3], inputs[4] * np.sqrt(inputs[0]))
    logarithm = np.log(np.maximum(premium, _SMALLEST_PREMIUM)).reshape(_DISTANCES, *shape)
    table = np.moveaxis(_along(_DISTANCE_MONOMIALS, logarithm), 0, 2)
    return _to_monomials(distance.reshape(shape)), _to_monomials(table)


def _to_monomials(table: Floats) -> Floats:
    """From values at the nodes of the first two axes, rate and volatility, to coefficients."""
    over_rates = _along(_inverse(_nodes(len(table))), table)
    return np.swapaxes(_along(_inverse(_nodes(_VOLATILITIES)), np.swapaxes(over_rates, 0, 1)), 0, 1)


def _along(matrix: Floats, values: Floats) -> Floats:
    """matrix x values over the first axis, summed in order: the same bits in any batch."""
    result = np.zeros((len(matrix), *values.shape[1:]))
    for row, weights in zip(result, matrix, strict=True):
        for weight, value in zip(weights, values, strict=True):
            row += weight * value
    return result
