"""American options on a loss surface: quick values with slopes to search by, exact values to end on.

A search asks for thousands of states with slopes; an American value with its Greeks is two hundred times
dearer than a European one. So the search goes by the European value and a table of the early-exercise premium
over the volatility and the rate (`options.american.premium_table`), and the states that it finds are moved
along their rays to where the exact value, that of `stress`, loses what it should.

The table is linear in the rate (a put's in its logarithm) within a point on either side and constant beyond.
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
from sigmasight_core.options.black_scholes import OptionValues, option_price
from sigmasight_core.stress.options import (
    MAX_VOLATILITY,
    VOLATILITY_FLOOR_RATIO,
    Slopes,
    StressedOptions,
    shocked_volatility,
)

_RATES: Final = 2
_VOLATILITIES: Final = 3
_WIDEST_RATE: Final = 0.01
_LEAST_RATIO: Final = 0.25
_LARGEST_VOLATILITY_RATIO: Final = 4.0
_PER_DISTANCE: Final = 2 / FARTHEST
_POINTS: Final = 100.0


class _Axis(NamedTuple):
    """A range per option (m, 1) that is mapped onto (-1, 1)."""

    middle: Floats
    half: Floats

    @classmethod
    def of(cls, low: Floats, high: Floats) -> "_Axis":
        return cls(0.5 * (low + high), 0.5 * (high - low))

    def nodes(self, size: int) -> Floats:
        """(size, m)"""
        return (self.middle + self.half * chebyshev(size)).T

    def place(self, level: Floats, rows: Ints) -> tuple[Floats, Floats]:
        """Places (m, N) of levels, held within the range, and their derivative by the level."""
        half = self.half[rows]
        place = (level - self.middle[rows]) / half
        return np.clip(place, -1.0, 1.0), np.where(np.abs(place) < 1, 1 / half, 0.0)


@dataclass(frozen=True)
class SearchedOptions:
    """Options (O) of a loss surface, some with an early-exercise premium; in place of `StressedOptions`."""

    options: StressedOptions
    european: StressedOptions
    """The same as if they were European, but for the base of those with a premium."""
    kind: Ints
    """(O) place of an option in the tables, which know neither strike nor spot; -1 = without."""
    table: PremiumTable
    volatilities: _Axis
    """Of ln(volatility)."""
    rates: _Axis
    """Of ln(rate) for puts, of the rate for calls."""
    exact: bool
    """P&L is that of `options`, the slopes are the quick ones all the same."""

    @classmethod
    def of(cls, options: StressedOptions) -> "SearchedOptions":
        """With quick values."""
        years = options.days / DAYS_PER_YEAR
        terms = (years, options.rate, options.dividend_yield, options.volatility)
        early = options.is_american & one_boundary(*terms, options.is_call.astype(float))
        # A put at a rate of 0 has no logarithm, nor a premium.
        early &= options.is_call | (options.rate > 0)
        kind = np.full(len(years), -1)
        given = (*terms, options.is_call.astype(float))
        first, kind[early[:, 0]] = distinct_rows(*(column[early] for column in given))
        left, rate, dividend_yield, volatility, call = (column[early][first][:, None] for column in given)
        low = np.where(call > 0, rate - _WIDEST_RATE, np.maximum(rate - _WIDEST_RATE, _LEAST_RATIO * rate))
        rates = _Axis.of(*(_rate_level(edge, call > 0) for edge in (low, rate + _WIDEST_RATE)))
        highest = np.maximum(volatility, np.minimum(MAX_VOLATILITY, _LARGEST_VOLATILITY_RATIO * volatility))
        volatilities = _Axis.of(np.log(VOLATILITY_FLOOR_RATIO * volatility), np.log(highest))
        calls, levels = call[:, 0] > 0, rates.nodes(_RATES)
        table = premium_table(
            left[:, 0],
            dividend_yield[:, 0],
            calls,
            np.where(calls, levels, np.exp(levels)),
            np.exp(volatilities.nodes(_VOLATILITIES)),
        )
        arguments = (options.spot, options.strike, *terms, options.is_call)
        base = option_price(*arguments)
        european = replace(options, is_american=np.zeros_like(early), base=base)
        found = cls(options, european, kind, table, volatilities, rates, exact=False)
        still = np.zeros(base.shape)
        unmoved = found._values(still, options.volatility, still)[1].price
        return replace(found, european=replace(european, base=np.where(early, unmoved, base)))

    def take(self, rows: Bools) -> "SearchedOptions":
        """Some of the options, by mask."""
        parts = self.options.take(rows), self.european.take(rows), self.kind[rows]
        return replace(self, options=parts[0], european=parts[1], kind=parts[2])

    def pnl_in_state(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Floats:
        """As of `StressedOptions`."""
        if self.exact:
            return self.options.pnl_in_state(log_move, market_log_move, rate_move)
        return self.slopes(log_move, market_log_move, rate_move).pnl

    def slopes(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Slopes:
        """As of `StressedOptions`."""
        options = self.european
        volatility = shocked_volatility(options.volatility, options.days, market_log_move)
        spot, value = self._values(log_move, volatility, rate_move)
        slopes = options.slopes_of(value, spot, market_log_move)
        if not self.exact:
            return slopes
        return slopes._replace(pnl=self.options.pnl_in_state(log_move, market_log_move, rate_move))

    def _values(self, log_move: Floats, volatility: Floats, rate_move: Floats) -> tuple[Floats, OptionValues]:
        """Prices (O, N) of the underlyings; quick values and Greeks per share, gamma and theta European."""
        spot = self.european.spot * np.exp(log_move)
        value = self.european.values(spot, rate_move, volatility)
        rows = np.flatnonzero(self.kind >= 0)
        if len(rows):
            self._add_premium(rows, spot[rows], volatility[rows], rate_move[rows], value)
        return spot, value

    def _add_premium(
        self, rows: Ints, spot: Floats, volatility: Floats, rate_move: Floats, value: OptionValues
    ) -> None:
        terms, kind = self.european, self.kind[rows]
        # A search asks for states that leave nothing of a price: their European value, and the sum, is NaN.
        spot = np.maximum(spot, np.finfo(float).tiny)
        call, strike = terms.is_call[rows], terms.strike[rows]
        side, rate = np.where(call, -1.0, 1.0), terms.rate[rows] + rate_move / _POINTS
        spread = volatility * np.sqrt(terms.days[rows] / DAYS_PER_YEAR)
        level = np.log(spot / strike) * side / spread
        at_volatility, by_volatility = self.volatilities.place(np.log(volatility), kind)
        by_volatility /= volatility
        at_rate, by_rate = self.rates.place(_rate_level(rate, call), kind)
        by_rate /= np.where(call | (by_rate == 0), 1.0, rate)
        start, start_by_rate, start_by_volatility = polynomial_slopes(
            self.table.boundary[:, :, kind], at_rate, at_volatility
        )
        distance = level + start
        on_axis = np.clip(distance, 0.0, FARTHEST) * _PER_DISTANCE - 1
        log_premium, log_by_rate, log_by_volatility, log_by_distance = polynomial_slopes(
            self.table.premium[:, :, :, kind], at_rate, at_volatility, on_axis
        )
        log_by_distance *= np.where((distance > 0) & (distance < FARTHEST), _PER_DISTANCE, 0.0)
        premium = np.exp(log_premium) * np.where(call, spot, strike)
        delta = premium * (log_by_distance * side / spread + call) / spot
        log_by_volatility += log_by_distance * start_by_volatility
        vega = premium * (log_by_volatility * by_volatility - log_by_distance * level / volatility)
        rho = premium * (log_by_rate + log_by_distance * start_by_rate) * by_rate
        on_exercise = side * (strike - spot)
        exercised = value.price[rows] + premium <= on_exercise
        for column, part, exercise in (
            (value.price, premium, on_exercise),
            (value.delta, delta, np.broadcast_to(-side, spot.shape)),
            (value.vega, vega / _POINTS, np.zeros(spot.shape)),
            (value.rho, rho / _POINTS, np.zeros(spot.shape)),
        ):
            column[rows] = np.where(exercised, exercise, column[rows] + part)


def _rate_level(rate: Floats, is_call: Bools) -> Floats:
    return np.where(is_call, rate, np.log(np.maximum(rate, np.finfo(float).tiny)))
