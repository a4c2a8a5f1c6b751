"""Options on a loss surface: quick values with slopes to search by, exact values to end on.

A search asks for thousands of states with slopes. Black and Scholes' value needs the logarithm of the price,
which the state is given in, and of the Greeks only the three by which the state moves a value. American
options have a premium from a table besides (`early_exercise`). The states that are found are moved along
their rays to where the exact value, that of `stress`, loses what it should.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.reverse_stress.early_exercise import Premiums, States, Values
from sigmasight_core.stress.options import Slopes, StressedOptions, volatility_with_slope

_POINTS: Final = 100.0
_LEAST_SPREAD: Final = 1e-100
"""In place of no time or no volatility: the value is then what exercise gives, its slopes by them 0."""
_DENSITY_AT_ZERO: Final = 1 / np.sqrt(2 * np.pi)


class _Terms(NamedTuple):
    """Rows (O)."""

    moneyness: Floats
    """ln(spot / strike)"""
    spot: Floats
    strike: Floats
    days: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats
    sign: Floats
    """1 for calls, -1 for puts."""
    units: Floats
    base: Floats
    """The quick value without a shock, so that a zero shock gives exactly zero."""


@dataclass(frozen=True)
class QuickOptions:
    """Options (O) to search by; in place of `StressedOptions`."""

    stressed: StressedOptions
    """Of which these are some."""
    rows: Ints
    """(O): which."""
    columns: Floats
    """The `_Terms` (10, O)."""
    premiums: Premiums
    exact: bool = False
    """P&L is that of `stressed`, the slopes are the quick ones all the same."""

    @classmethod
    def of(cls, options: StressedOptions) -> "QuickOptions":
        """With quick values."""
        unmoved = np.zeros((1, len(options.base)))
        terms = _Terms(
            moneyness=np.log(options.spot / options.strike)[:, 0],
            spot=options.spot[:, 0],
            strike=options.strike[:, 0],
            days=options.days[:, 0],
            volatility=options.volatility[:, 0],
            rate=options.rate[:, 0],
            dividend_yield=options.dividend_yield[:, 0],
            sign=np.where(options.is_call, 1.0, -1.0)[:, 0],
            units=options.units[:, 0],
            base=unmoved[0],
        )
        found = cls(options, np.arange(unmoved.size), np.stack(terms), Premiums.of(options))
        base = found._values(unmoved, terms.volatility[None], unmoved).price[0]
        return replace(found, columns=np.stack(terms._replace(base=base)))

    def take(self, rows: Ints) -> "QuickOptions":
        """Some of the options, by place, some more than once."""
        premiums = self.premiums.take(rows)
        return replace(self, rows=self.rows[rows], columns=self.columns[:, rows], premiums=premiums)

    def pnl_in_state(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Floats:
        """As of `StressedOptions`."""
        if self.exact:
            return self.stressed.take(self.rows).pnl_in_state(log_move, market_log_move, rate_move)
        return self.slopes(log_move, market_log_move, rate_move).pnl

    def slopes(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Slopes:
        """As of `StressedOptions`."""
        terms = _Terms(*self.columns)
        # States first, options last: what is of an option alone then runs along with the others in memory
        moves, market, rates = (np.ascontiguousarray(a.T) for a in (log_move, market_log_move, rate_move))
        volatility, by_market = volatility_with_slope(terms.volatility, terms.days, market)
        value = self._values(moves, volatility, rates)
        found = Slopes(
            pnl=(terms.units * (value.price - terms.base) + 0.0).T,
            by_log_move=(terms.units * value.by_log_move).T,
            by_market=(terms.units * value.by_volatility * by_market).T,
            by_rate=(terms.units / _POINTS * value.by_rate).T,
        )
        if not self.exact:
            return found
        return found._replace(pnl=self.pnl_in_state(log_move, market_log_move, rate_move))

    def _values(self, log_move: Floats, volatility: Floats, rate_move: Floats) -> Values:
        """In states (N, O): those of `options.black_scholes`, in its names, with premiums."""
        terms = _Terms(*self.columns)
        # Far out a price is nothing, or beyond all bounds: NaN, and no warning
        with np.errstate(all="ignore"):
            years = terms.days / DAYS_PER_YEAR
            root = np.sqrt(years)
            spread = np.maximum(volatility * root, _LEAST_SPREAD)
            rate = terms.rate + rate_move / _POINTS
            moneyness = terms.moneyness + log_move
            spot = terms.spot * np.exp(log_move)
            spot_part = np.exp(-terms.dividend_yield * years) * spot
            strike_part = np.exp(-years * rate) * terms.strike
            d1 = (moneyness + (rate - terms.dividend_yield) * years) / spread + 0.5 * spread
            density = np.exp(-0.5 * d1 * d1) * _DENSITY_AT_ZERO
            vega = spot_part * density * root
            spot_part *= terms.sign * ndtr(terms.sign * d1)
            strike_part *= terms.sign * ndtr(terms.sign * (d1 - spread))
            price = np.maximum(spot_part - strike_part, 0.0)
            price[~((spot > 0) & (spot < np.inf))] = np.nan
            values = Values(price, spot_part, vega, strike_part * years)
            self.premiums.add(
                values, States(terms.sign, terms.strike, spot, moneyness, volatility, spread, rate)
            )
        return values
