"""American options: values and Greeks with early exercise, for any number of options in one call.

Price = European value (`black_scholes`) + early-exercise premium (`premium`). Arguments, units, limits
and the NaN policy are those of `black_scholes`; an option's figures are the same bits in any batch. Where
early exercise never pays (a put with rate <= 0 <= yield, a call with yield <= 0 <= rate) the value is the
European one. Where a share's yield and the rate are both negative and the exercise region has two boundaries
(a put with yield < rate < 0, a call with rate < yield < 0) values come from a lattice (`lattice`).

Greeks: delta and gamma by differentiating the formula, theta from the Black-Scholes-Merton equation, vega and
rho by central differences of the premium with its boundary solved again. Where the option should be
exercised today its value is what exercise pays, delta is 1 or -1 and every other Greek is 0.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.american.lattice import Contracts, lattice_price, lattice_values
from sigmasight_core.options.american.premium import as_puts, premium_integral, premium_of, premium_value
from sigmasight_core.options.black_scholes import (
    Floats,
    OptionValues,
    as_calls,
    as_floats,
    black_scholes_merton,
    option_price,
)

_Bools = NDArray[np.bool_]

_BLOCK: Final = 1024
_RELATIVE_BUMP: Final = 1e-3
_RATE_BUMP: Final = 1e-4
_SPOT, _STRIKE, _YEARS, _RATE, _YIELD, _VOLATILITY, _CALL = range(7)


def american_price(
    spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, volatility: Any, is_call: Any
) -> Floats:
    """Price of American options, USD per share; the arguments broadcast.

    :returns: at least the intrinsic value and the European one; NaN where an input is missing or impossible.
    """
    return _in_blocks(_prices, 1, (spot, strike, years, rate, dividend_yield, volatility), is_call)[0]


def american_values(
    spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, volatility: Any, is_call: Any
) -> OptionValues:
    """Price and Greeks of American options, as `OptionValues`; the price is `american_price`'s."""
    arguments = (spot, strike, years, rate, dividend_yield, volatility)
    return OptionValues(*_in_blocks(_values, len(OptionValues._fields), arguments, is_call))


def one_boundary(
    years: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats, call: Floats
) -> _Bools:
    """Where early exercise can pay and its region has one boundary."""
    interest, dividends = _as_put(rate, dividend_yield, call)
    return (years > 0) & (volatility > 0) & ((interest > 0) | ((interest == 0) & (dividends < 0)))


def two_boundaries(
    years: Floats, rate: Floats, dividend_yield: Floats, volatility: Floats, call: Floats
) -> _Bools:
    """Where the exercise region lies between two boundaries: rate and yield negative, in the wrong order."""
    interest, dividends = _as_put(rate, dividend_yield, call)
    return (years > 0) & (volatility > 0) & (dividends < interest) & (interest < 0)


def _as_put(rate: Floats, dividend_yield: Floats, call: Floats) -> tuple[Floats, Floats]:
    return np.where(call > 0, dividend_yield, rate), np.where(call > 0, rate, dividend_yield)


def _in_blocks(
    fill: Callable[[list[Floats]], tuple[Floats, ...]],
    n_outputs: int,
    arguments: tuple[Any, ...],
    is_call: Any,
) -> tuple[Floats, ...]:
    """Run `fill` over cache-sized runs of the broadcast, flattened arguments."""
    arrays = np.broadcast_arrays(*map(as_floats, arguments), as_calls(is_call))
    shape, flat = arrays[0].shape, [np.ascontiguousarray(array).ravel() for array in arrays]
    outputs = [np.empty(flat[0].shape) for _ in range(n_outputs)]
    with np.errstate(all="ignore"):
        for first in range(0, flat[0].size, _BLOCK):
            block = slice(first, first + _BLOCK)
            for output, values in zip(outputs, fill([array[block] for array in flat]), strict=True):
                output[block] = values
    return tuple(output.reshape(shape) for output in outputs)


def _possible(inputs: list[Floats]) -> _Bools:
    return np.isfinite(sum(inputs[1:], inputs[0])) & (inputs[_SPOT] > 0) & (inputs[_STRIKE] > 0)


def _intrinsic(inputs: list[Floats]) -> Floats:
    return np.maximum((2 * inputs[_CALL] - 1) * (inputs[_SPOT] - inputs[_STRIKE]), 0.0)


def _prices(inputs: list[Floats]) -> tuple[Floats, ...]:
    price = option_price(*inputs)
    possible = _possible(inputs)
    rows = np.flatnonzero(possible & one_boundary(*inputs[_YEARS:]))
    if rows.size:
        live = _take(inputs, rows)
        puts, scale = as_puts(*live)
        premium, exercised = premium_value(puts)
        price[rows] = np.where(exercised, _intrinsic(live), price[rows] + scale * premium)
    _settle(inputs, possible, price)
    return (np.maximum(price, _intrinsic(inputs)),)


def _premium(inputs: list[Floats]) -> Floats:
    """Early-exercise premium by its smooth formula, USD; 0 where there is none, as past its regime."""
    live = one_boundary(*inputs[_YEARS:])
    if not live.all():
        premium = np.zeros_like(inputs[_SPOT])
        if live.any():
            premium[live] = _premium(_take(inputs, np.flatnonzero(live)))
        return premium
    puts, scale = as_puts(*inputs)
    return scale * premium_integral(puts)


def _take(inputs: list[Floats], rows: NDArray[np.intp]) -> list[Floats]:
    return [array[rows] for array in inputs]


def _values(inputs: list[Floats]) -> tuple[Floats, ...]:
    outputs = [np.array(values) for values in black_scholes_merton(*inputs)]
    possible = _possible(inputs)
    rows = np.flatnonzero(possible & one_boundary(*inputs[_YEARS:]))
    if rows.size:
        _add_premium(_take(inputs, rows), outputs, rows)
    _settle(inputs, possible, outputs[0])
    rows = np.flatnonzero(possible & two_boundaries(*inputs[_YEARS:]))
    if rows.size:
        for output, values in zip(
            outputs[1:], lattice_values(Contracts(*_take(inputs, rows)))[1:], strict=True
        ):
            output[rows] = values
    still = possible & (inputs[_YEARS] > 0) & (inputs[_VOLATILITY] == 0)
    outputs[1][still & (outputs[0] > 0)] = (2 * inputs[_CALL] - 1)[still & (outputs[0] > 0)]
    outputs[0] = np.maximum(outputs[0], _intrinsic(inputs))
    return tuple(outputs)


def _add_premium(inputs: list[Floats], outputs: list[Floats], rows: NDArray[np.intp]) -> None:
    """Add the premium's share of price and Greeks to the European ones, in place."""
    puts, scale = as_puts(*inputs)
    premium = premium_of(puts)
    call, spot, volatility = inputs[_CALL] > 0, inputs[_SPOT], inputs[_VOLATILITY]
    value = scale * premium.value
    delta = np.where(call, premium.value - puts.share * premium.slope, premium.slope)
    gamma = np.where(call, np.square(puts.share), 1.0) * premium.curvature / scale
    drift = (inputs[_RATE] - inputs[_YIELD]) * spot
    theta = inputs[_RATE] * value - drift * delta - 0.5 * np.square(volatility * spot) * gamma
    vega = _slope(inputs, _VOLATILITY, _RELATIVE_BUMP * volatility)
    rho = _slope(inputs, _RATE, np.full_like(spot, _RATE_BUMP))
    parts = (value, delta, gamma, theta / DAYS_PER_YEAR, vega / 100, rho / 100)
    on_exercise = (_intrinsic(inputs), 2 * inputs[_CALL] - 1, *[np.zeros_like(spot)] * 4)
    for output, part, exercise in zip(outputs, parts, on_exercise, strict=True):
        output[rows] = np.where(premium.exercised, exercise, output[rows] + part)
    low, high = np.where(call, 0.0, -1.0), np.where(call, 1.0, 0.0)
    outputs[1][rows] = np.clip(outputs[1][rows], low, high)
    outputs[4][rows] = np.maximum(outputs[4][rows], 0.0)


def _slope(inputs: list[Floats], argument: int, bump: Floats) -> Floats:
    """Central difference of the premium by one argument; by its formula on both sides of the boundary.

    At the boundary the price itself steps by some 1e-5 of the strike, to the intrinsic value: over a bump
    that is a vega of a quarter of its natural size for a put deep in the money a day before expiry.
    """
    up, down = list(inputs), list(inputs)
    up[argument] = inputs[argument] + bump
    down[argument] = inputs[argument] - bump
    return (_premium(up) - _premium(down)) / (2 * bump)


def _settle(inputs: list[Floats], possible: _Bools, price: Floats) -> None:
    """Overwrite the prices that have no single boundary: no volatility, and two boundaries."""
    rows = np.flatnonzero(possible & (inputs[_YEARS] > 0) & (inputs[_VOLATILITY] == 0))
    price[rows] = _without_volatility(_take(inputs, rows))
    rows = np.flatnonzero(possible & two_boundaries(*inputs[_YEARS:]))
    if rows.size:
        price[rows] = lattice_price(Contracts(*_take(inputs, rows)))


def _without_volatility(inputs: list[Floats]) -> Floats:
    """The best time to exercise when the share is certain to grow at r - q: today, at expiry or where
    the interest on the strike equals the dividends on the share."""
    spot, strike, years, rate, dividend_yield, _, call = inputs
    turn = np.log(dividend_yield * spot / (rate * strike)) / (dividend_yield - rate)
    best = np.zeros_like(spot)
    for time in (np.zeros_like(years), years, np.clip(np.where(np.isfinite(turn), turn, 0.0), 0.0, years)):
        value = (2 * call - 1) * (spot * np.exp(-dividend_yield * time) - strike * np.exp(-rate * time))
        best = np.maximum(best, value)
    return best
