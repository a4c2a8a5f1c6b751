"""American options one session from now: the European value and a table of the early-exercise premium.

The table (`options.american.premium_table`) is over the factor of the volatility alone: the rate is held and
the time is one session later for every scenario. What the table misses where nothing moves is taken off, so
that without a move and without time the value is the model price of today to the last bit.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.options.american.lattice import Contracts
from sigmasight_core.options.american.premium_table import (
    FARTHEST,
    PremiumTable,
    chebyshev,
    polynomial,
    premium_table,
)
from sigmasight_core.options.american.pricing import american_price, one_boundary, two_boundaries
from sigmasight_core.risk.european_values import EuropeanValues

_NODES: Final = 4
_LEAST, _MOST = 0.96, 2.64
"""Factors of volatility of a table: an EWMA of 0.94 with returns winsorised at 10 moves by .97 to 2.63."""
_MIDDLE: Final = 0.5 * (1 / _LEAST + 1 / _MOST)
_HALF: Final = 0.5 * (1 / _LEAST - 1 / _MOST)
"""Of the axis, which is 1 / factor."""
_PER_DISTANCE: Final = 2 / FARTHEST
_BLOCK: Final = 32768
"""Values per pass."""


@dataclass(frozen=True)
class EarlyExercise:
    """Distinct American options (m) that early exercise makes worth more; every column is (m, 1)."""

    contracts: Contracts
    """Their `years` are those that are left after the session."""
    side: Floats
    """1 for a put, -1 for a call."""
    log_moneyness: Floats
    """ln(spot / strike)"""
    per_move: Floats
    """By which ln(share / strike) is multiplied to be on the axis of distances, without a factor."""
    direct: Bools
    """Without one boundary: priced anew in each scenario (see `options.american.pricing`)."""
    table: PremiumTable
    """Premiums in USD where the price does not move; distances on their axis, from -1 to 1."""
    still: Floats
    """What the table gives where nothing moves."""
    ahead: Floats
    """The model price there."""

    @classmethod
    def of(
        cls,
        spot: Floats,
        strike: Floats,
        years: Floats,
        left: Floats,
        rate: Floats,
        dividend_yield: Floats,
        volatility: Floats,
        is_call: Bools,
    ) -> tuple[Floats, Ints, "EarlyExercise"]:
        """American options (n,), each distinct one worked out once.

        :param years: to expiry today. :param left: after the session.
        :returns: model prices of today, USD per share; the place of each option, -1 where early exercise
            never pays after the session; the options.
        """
        given = (spot, strike, years, left, rate, dividend_yield, volatility, is_call.astype(float))
        rows, kind = distinct_rows(*given)
        now = [column[rows] for column in given]
        price = american_price(*now[:3], *now[4:])
        *_, later, r, q, v, call = now
        direct = two_boundaries(later, r, q, v, call) | ((later > 0) & (v == 0))
        used = direct | one_boundary(later, r, q, v, call)
        place = np.where(used, np.cumsum(used) - 1, -1)
        terms = Contracts(*(column[used] for column in (*now[:2], *now[3:])))
        return price[kind], place[kind], cls._of_distinct(terms, direct[used])

    @classmethod
    def _of_distinct(cls, terms: Contracts, direct: Bools) -> "EarlyExercise":
        calls, factors = terms.call > 0, 1 / (_MIDDLE + _HALF * chebyshev(_NODES))
        table = premium_table(
            terms.years, terms.dividend_yield, calls, terms.rate[None], factors[:, None] * terms.volatility
        )
        table = table._replace(boundary=table.boundary * _PER_DISTANCE)
        table.boundary[0, 0] -= 1
        table.premium[0, 0, 0, :, 0] += np.log(np.where(calls, terms.spot, terms.strike))
        ahead = american_price(*terms)[:, None]
        columns = Contracts(*(column[:, None] for column in terms))
        side = np.where(columns.call > 0, -1.0, 1.0)
        with np.errstate(divide="ignore"):
            per_move = side * _PER_DISTANCE / (columns.volatility * np.sqrt(columns.years))
        early = cls(
            contracts=columns,
            side=side,
            log_moneyness=np.log(columns.spot / columns.strike),
            per_move=per_move,
            direct=direct[:, None],
            table=table,
            still=ahead,
            ahead=ahead,
        )
        every, unmoved, ones = np.arange(len(ahead)), np.zeros(ahead.shape), np.ones(ahead.shape)
        still = EuropeanValues.of(columns).values(every, unmoved, ones, ones)
        early._add_premium(every, still, unmoved, ones)
        return replace(early, still=np.maximum(still, early._on_exercise(every, ones)))

    def values(
        self, which: Ints, european: Floats, log_move: Floats, ratio: Floats, growth: Floats
    ) -> Floats:
        """USD per share (w, N) of some options, from their European values in the same scenarios.

        :param log_move: and `ratio`, `growth` as in `EuropeanValues.values`.
        """
        values = european.copy()
        step = max(1, _BLOCK // max(1, european.shape[1]))
        for first in range(0, len(which), step):
            rows = slice(first, first + step)
            chosen, value, factors = which[rows], values[rows], growth[rows]
            self._add_premium(chosen, value, log_move[rows], factors)
            value -= self.still[chosen]
            value += self.ahead[chosen]
            np.maximum(value, self._on_exercise(chosen, ratio[rows]), out=value)
            direct = self.direct[chosen] | (factors == 0)
            if direct.any():
                value[direct] = self._anew(chosen, ratio[rows], factors, direct)
        return values

    def _add_premium(self, which: Ints, value: Floats, log_move: Floats, growth: Floats) -> None:
        with np.errstate(divide="ignore", invalid="ignore"):
            place = 1 / growth
            distance = log_move + self.log_moneyness[which]
            distance *= self.per_move[which]
            distance *= place
        place -= _MIDDLE
        place *= 1 / _HALF
        _hold(place)
        distance += polynomial(self.table.boundary[0][:, which], place)
        _hold(distance)
        premium = polynomial(self.table.premium[0][:, :, which], place, distance)
        premium += log_move * self.contracts.call[which]
        value += np.exp(premium, out=premium)

    def _on_exercise(self, which: Ints, ratio: Floats) -> Floats:
        gain = self.contracts.strike[which] - self.contracts.spot[which] * ratio
        gain *= self.side[which]
        return np.maximum(gain, 0.0, out=gain)

    def _anew(self, which: Ints, ratio: Floats, growth: Floats, chosen: Bools) -> Floats:
        terms = Contracts(*(column[which] for column in self.contracts))
        moved = terms._replace(spot=terms.spot * ratio, volatility=terms.volatility * growth)
        return american_price(*(array[chosen] for array in np.broadcast_arrays(*moved)))


def _hold(places: Floats) -> None:
    """Keep places on an axis, from -1 to 1."""
    np.maximum(places, -1.0, out=places)
    np.minimum(places, 1.0, out=places)
