"""Implied volatility of American options: `american_price` inverted for any number of options in one call.

The European implied volatility is too high where early exercise is worth something and exact where it is not:
it is the upper end of the bracket and the first guess. Then secant steps on sqrt(price - lowest price),
nearly straight where the price leaves the value on exercise, with bisection when a step leaves the bracket or
the bracket shrinks too slowly.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Floats
from sigmasight_core.options.american.pricing import american_price, one_boundary, two_boundaries
from sigmasight_core.options.implied_volatility import (
    ABOVE_BOUND,
    EXPIRED,
    IMPOSSIBLE,
    MISSING,
    NO_PRICE,
    NOT_CONVERGED,
    OK,
    implied_volatility,
)

BELOW_EXERCISE: Final = "the price is not above the value on exercise"
STATUSES: Final = np.array(
    [OK, MISSING, IMPOSSIBLE, EXPIRED, NO_PRICE, BELOW_EXERCISE, ABOVE_BOUND, NOT_CONVERGED], dtype=object
)
_ROUNDING: Final = 8 * np.finfo(float).eps
_HIGHEST: Final = 10.0
"""Where the European formula gives no upper end, the search ends at 1,000%."""
_MAX_STEPS: Final = 60
_CLOSE: Final = 1e-7
"""Relative length of the last step: the error of a secant step is far smaller."""

PriceAt = Callable[[NDArray[np.intp], Floats], Floats]


class _Search(NamedTuple):
    """The state of m searches, arrays (m,): the bracket, and the last two points with their misses."""

    low: Floats
    high: Floats
    before: Floats
    miss_before: Floats
    at: Floats
    width: Floats
    """Width of the bracket two steps ago."""


def american_implied_volatility(
    price: Any, spot: Any, strike: Any, years: Any, rate: Any, dividend_yield: Any, is_call: Any
) -> tuple[Floats, NDArray[np.object_]]:
    """Volatility at which `american_price` returns `price`; the arguments broadcast, units as in `options`.

    :returns: volatilities (annual, as a fraction) and statuses (str), both of the broadcast shape. Where the
        status is not 'ok' it says why in words, and the volatility is NaN. A price that is not above what
        exercise pays (or what waiting pays without volatility) has none: below it the price is the same for
        every low volatility.
    """
    floats = [as_floats(value) for value in (price, spot, strike, years, rate, dividend_yield)]
    arrays = np.broadcast_arrays(*floats, as_calls(is_call))
    shape = arrays[0].shape
    flat = [np.ascontiguousarray(array).ravel() for array in arrays]
    target, contract = flat[0], flat[1:]
    with np.errstate(all="ignore"):
        floor = american_price(*[*contract[:-1], 0.0, contract[-1] > 0])
        status = refusals(target, contract, floor)
        volatility, european_status = implied_volatility(*[target, *contract[:-1], contract[-1] > 0])
        volatility = np.where((status == 0) & (european_status == OK), volatility, np.nan)
        early = _can_pay(contract)
        status[(status == 0) & ~early & np.isnan(volatility)] = len(STATUSES) - 1
        rows = np.flatnonzero((status == 0) & early)
        if rows.size:

            def price_at(picked: NDArray[np.intp], volatilities: Floats) -> Floats:
                parts = [array[rows[picked]] for array in contract]
                return american_price(*[*parts[:-1], volatilities, parts[-1] > 0])

            volatility[rows] = invert(price_at, target[rows], floor[rows], volatility[rows])
            status[rows[np.isnan(volatility[rows])]] = len(STATUSES) - 1
    return volatility.reshape(shape), STATUSES[status].reshape(shape)


def _can_pay(contract: list[Floats]) -> NDArray[np.bool_]:
    _, _, years, rate, dividend_yield, call = contract
    some = np.ones_like(years)
    return one_boundary(years, rate, dividend_yield, some, call) | two_boundaries(
        years, rate, dividend_yield, some, call
    )


def refusals(target: Floats, contract: Sequence[Floats], floor: Floats) -> NDArray[np.int64]:
    """Place in STATUSES of what speaks against each price, 0 = nothing.

    :param contract: spot, strike, years, rate, dividend yield, (anything,) call.
    :param floor: the value without volatility.
    """
    spot, strike, years, rate, dividend_yield, call = *contract[:5], contract[-1]
    bound = np.where(
        call > 0,
        spot * np.maximum(1.0, np.exp(-dividend_yield * years)),
        strike * np.maximum(1.0, np.exp(-rate * years)),
    )
    reasons = [
        ~np.isfinite(target + spot + strike + years + rate + dividend_yield + call),
        (spot <= 0) | (strike <= 0),
        years <= 0,
        target <= 0,
        target - floor <= np.where(floor > 0, _ROUNDING * target, 0.0),
        target >= bound,
    ]
    return np.select(reasons, range(1, len(reasons) + 1), default=0)


def invert(price_at: PriceAt, target: Floats, floor: Floats, european: Floats) -> Floats:
    """Volatilities (m,) at which `price_at` gives `target`; NaN where the search fails.

    :param price_at: prices of the rows (n,) of the m at volatilities (n,).
    :param european: upper ends of the brackets, where the price is at least `target`; NaN = none known.
    """
    goal = np.sqrt(target - floor)
    high = np.where(np.isnan(european), _HIGHEST, european)
    rows = np.arange(len(target))
    miss = _miss(price_at, rows, high, goal, floor)
    # The European value is a lower bound of the American one, so that a miss below zero is rounding there.
    solution = np.where((miss <= 0) & ~np.isnan(european), european, np.nan)
    rows = np.flatnonzero(miss > 0)
    high, miss = high[rows], miss[rows]
    low = np.zeros_like(high)
    state = _Search(low, high, low, -goal[rows], high, 2 * high)
    for _ in range(_MAX_STEPS):
        if not rows.size:
            break
        state, done = _step(state, miss)
        solution[rows[done]] = state.at[done]
        rows = rows[~done]
        state = _Search(*(array[~done] for array in state))
        miss = _miss(price_at, rows, state.at, goal, floor)
    return solution


def _miss(
    price_at: PriceAt, rows: NDArray[np.intp], volatility: Floats, goal: Floats, floor: Floats
) -> Floats:
    """NaN prices, of a lattice whose volatility is too small for its drift, count as too low."""
    excess = np.nan_to_num(price_at(rows, volatility) - floor[rows], nan=0.0)
    return np.sqrt(np.maximum(excess, 0.0)) - goal[rows]


def _step(state: _Search, miss: Floats) -> tuple[_Search, NDArray[np.bool_]]:
    """Narrow the bracket by the miss at `state.at`; the next point, or the result where it is done."""
    low = np.where(miss < 0, state.at, state.low)
    high = np.where(miss < 0, state.high, state.at)
    secant = state.at - miss * (state.at - state.before) / (miss - state.miss_before)
    width = high - low
    inside = (secant > low) & (secant < high) & (width < 0.9 * state.width)
    # Next to the end of the bracket a step of rounding's size may fall outside: the search is over there.
    done = (np.abs(secant - state.at) <= _CLOSE * state.at) | (miss == 0) | (width <= _CLOSE * _CLOSE * high)
    moved = np.where(inside, secant, 0.5 * (low + high))
    end = np.where(np.isfinite(secant), np.clip(secant, low, high), state.at)
    return _Search(low, high, state.at, miss, np.where(done, end, moved), width), done
