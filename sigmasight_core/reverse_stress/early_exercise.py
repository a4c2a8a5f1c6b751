"""What American options are worth beyond European ones, on a loss surface: quick, with slopes, from tables.

An American value with its Greeks is two hundred times dearer than a European one, and a search asks for
thousands of states. So it goes by a table of the early-exercise premium over the volatility and the rate
(`options.american.premium_table`), linear in the rate (a put's in its logarithm) within a point on either
side and constant beyond.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.american.premium_table import (
    FARTHEST,
    PremiumTable,
    chebyshev,
    polynomial_slopes,
    premium_table,
)
from sigmasight_core.options.american.pricing import one_boundary
from sigmasight_core.stress.options import MAX_VOLATILITY, VOLATILITY_FLOOR_RATIO, StressedOptions

_RATES: Final = 2
_VOLATILITIES: Final = 3
_WIDEST_RATE: Final = 0.01
_LEAST_RATIO: Final = 0.25
_LARGEST_VOLATILITY_RATIO: Final = 4.0
_PER_DISTANCE: Final = 2 / FARTHEST


class Values(NamedTuple):
    """Per share, and its slopes: (N, O) each."""

    price: Floats
    by_log_move: Floats
    by_volatility: Floats
    by_rate: Floats


class States(NamedTuple):
    """Options (O) in states (N): (N, O), or (O) where no state moves it."""

    sign: Floats
    """1 for calls, -1 for puts."""
    strike: Floats
    spot: Floats
    moneyness: Floats
    """ln(spot / strike)"""
    volatility: Floats
    spread: Floats
    """volatility x root of the years left"""
    rate: Floats

    def at(self, rows: Ints) -> "States":
        """Of some of the options."""
        return States(*(values[..., rows] for values in self))


class _Axis(NamedTuple):
    """A range per option (m) that is mapped onto (-1, 1)."""

    middle: Floats
    half: Floats

    @classmethod
    def of(cls, low: Floats, high: Floats) -> "_Axis":
        return cls(0.5 * (low + high), 0.5 * (high - low))

    def nodes(self, size: int) -> Floats:
        """(size, m)"""
        return self.middle + self.half * chebyshev(size)[:, None]

    def place(self, level: Floats, rows: Ints) -> tuple[Floats, Floats]:
        """Places (N, m) of levels, held within the range, and their derivative by the level."""
        half = self.half[rows]
        place = (level - self.middle[rows]) / half
        return np.clip(place, -1.0, 1.0), np.where(np.abs(place) < 1, 1 / half, 0.0)


@dataclass(frozen=True)
class Premiums:
    """Early-exercise premiums of options (O)."""

    kind: Ints
    """(O) place of an option in the tables, which know neither strike nor spot; -1 = no premium."""
    table: PremiumTable
    volatilities: _Axis
    """Of ln(volatility)."""
    rates: _Axis
    """Of ln(rate) for puts, of the rate for calls."""

    @classmethod
    def of(cls, options: StressedOptions) -> "Premiums":
        """Tables of the American ones among them."""
        years = options.days / DAYS_PER_YEAR
        terms = (years, options.rate, options.dividend_yield, options.volatility)
        early = options.is_american & one_boundary(*terms, options.is_call.astype(float))
        # A put at a rate of 0 has no logarithm, nor a premium.
        early &= options.is_call | (options.rate > 0)
        kind = np.full(len(years), -1)
        given = (*terms, options.is_call.astype(float))
        first, kind[early[:, 0]] = distinct_rows(*(column[early] for column in given))
        left, rate, dividend_yield, volatility, call = (column[early][first] for column in given)
        low = np.where(call > 0, rate - _WIDEST_RATE, np.maximum(rate - _WIDEST_RATE, _LEAST_RATIO * rate))
        rates = _Axis.of(*(_rate_level(edge, call) for edge in (low, rate + _WIDEST_RATE)))
        highest = np.maximum(volatility, np.minimum(MAX_VOLATILITY, _LARGEST_VOLATILITY_RATIO * volatility))
        volatilities = _Axis.of(np.log(VOLATILITY_FLOOR_RATIO * volatility), np.log(highest))
        calls, levels = call > 0, rates.nodes(_RATES)
        table = premium_table(
            left,
            dividend_yield,
            calls,
            np.where(calls, levels, np.exp(levels)),
            np.exp(volatilities.nodes(_VOLATILITIES)),
        )
        return cls(kind, table, volatilities, rates)

    def take(self, rows: Ints) -> "Premiums":
        """Of some of the options, by place."""
        return replace(self, kind=self.kind[rows])

    def add(self, values: Values, states: States) -> None:
        """Make European values American, in place."""
        rows = np.flatnonzero(self.kind >= 0)
        if not len(rows):
            return
        premium, on_exercise = self._premium(rows, states.at(rows)), _on_exercise(states.at(rows))
        exercised = values.price[:, rows] + premium.price <= on_exercise.price
        for column, part, exercise in zip(values, premium, on_exercise, strict=True):
            column[:, rows] = np.where(exercised, exercise, column[:, rows] + part)

    def _premium(self, rows: Ints, states: States) -> Values:
        kind, call, side = self.kind[rows], states.sign > 0, -states.sign
        level = states.moneyness * side / states.spread
        at_volatility, by_volatility = self.volatilities.place(np.log(states.volatility), kind)
        by_volatility /= states.volatility
        at_rate, by_rate = self.rates.place(_rate_level(states.rate, call), kind)
        by_rate /= np.where(call | (by_rate == 0), 1.0, states.rate)
        start, start_by_rate, start_by_volatility = polynomial_slopes(
            self.table.boundary[:, :, kind, 0], at_rate, at_volatility
        )
        distance = level + start
        on_axis = np.clip(distance, 0.0, FARTHEST) * _PER_DISTANCE - 1
        log_premium, log_by_rate, log_by_volatility, log_by_distance = polynomial_slopes(
            self.table.premium[:, :, :, kind, 0], at_rate, at_volatility, on_axis
        )
        log_by_distance *= np.where((distance > 0) & (distance < FARTHEST), _PER_DISTANCE, 0.0)
        premium = np.exp(log_premium) * np.where(call, states.spot, states.strike)
        log_by_volatility += log_by_distance * start_by_volatility
        return Values(
            price=premium,
            by_log_move=premium * (log_by_distance * side / states.spread + call),
            by_volatility=premium
            * (log_by_volatility * by_volatility - log_by_distance * level / states.volatility),
            by_rate=premium * (log_by_rate + log_by_distance * start_by_rate) * by_rate,
        )


def _on_exercise(states: States) -> Values:
    nothing = np.zeros(states.spot.shape)
    price = states.sign * (states.spot - states.strike)
    return Values(price, states.sign * states.spot, nothing, nothing)


def _rate_level(rate: Floats, is_call: Floats | Bools) -> Floats:
    return np.where(is_call, rate, np.log(np.maximum(rate, np.finfo(float).tiny)))
