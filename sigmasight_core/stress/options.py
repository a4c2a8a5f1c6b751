"""Options under stress: valued anew at the shocked price, volatility and rate, and the slopes of that value.

American options are priced with early exercise, each shock directly: it moves the rate too, for which a table
would cost as much (`options.american`).

Volatility follows the market's simple move M = exp(m) - 1 and fades with time: with
k = sqrt(30 / max(days, 30)), sigma + 1.25 |M| k when the market falls, sigma x max(0.6, (1 + M)^(-1.3 k))
when it rises, at most 150% (or sigma, if that is higher).
"""

from dataclasses import dataclass, fields
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.american.pricing import american_price
from sigmasight_core.options.black_scholes import OptionValues
from sigmasight_core.options.black_scholes import option_price as european_price
from sigmasight_core.options.pricing import option_price, option_values
from sigmasight_core.positions.held import is_american, option_inputs

MAX_VOLATILITY: Final = 1.5
VOLATILITY_FLOOR_RATIO: Final = 0.6
DOWN_MOVE_SLOPE: Final = 1.25
UP_MOVE_ELASTICITY: Final = 1.3
REFERENCE_DAYS: Final = 30.0
_POINTS: Final = 100.0


class Slopes(NamedTuple):
    """P&L in USD and its derivatives, each (P, N)."""

    pnl: Floats
    by_log_move: Floats
    """By the log move of the underlying."""
    by_market: Floats
    """By the log move of the market, through the volatility alone."""
    by_rate: Floats
    """By the rate, per percentage point."""


@dataclass(frozen=True)
class StressedOptions:
    """Options (P) as columns (P, 1), valued before the shock."""

    spot: Floats
    strike: Floats
    days: Floats
    volatility: Floats
    rate: Floats
    dividend_yield: Floats
    is_call: Bools
    is_american: Bools
    units: Floats
    """quantity x multiplier."""
    base: Floats
    """Model price per share of the inputs unshocked, so that a zero shock gives exactly zero."""

    @classmethod
    def of(cls, rows: pd.DataFrame, is_call: Bools) -> "StressedOptions":
        """From the rows of a `stress.book.Book`."""
        inputs = option_inputs(rows)
        names = ("underlying_price", "strike", "days_to_expiry", "implied_volatility")
        spot, strike, days, volatility = (inputs[name] for name in names)
        rate, dividend_yield, calls = inputs["risk_free_rate"], inputs["dividend_yield"], is_call[:, None]
        american = is_american(rows)[:, None]
        units = inputs["quantity"] * rows["multiplier"].to_numpy(dtype=float)[:, None]
        given = (spot, strike, days / DAYS_PER_YEAR, rate, dividend_yield, volatility, calls)
        base = european_price(*given)
        first, kind = distinct_rows(*(column[american] for column in given))
        base[american] = american_price(*(column[american][first] for column in given))[kind]
        return cls(spot, strike, days, volatility, rate, dividend_yield, calls, american, units, base)

    def take(self, rows: Any) -> "StressedOptions":
        """Some of the options, by mask or position."""
        return StressedOptions(*(getattr(self, field.name)[rows] for field in fields(self)))

    def gains(self, spot: Floats, rate_move: Floats, volatility: Floats) -> Floats:
        """USD per share at the prices `spot` of the underlyings and the given volatilities.

        :param rate_move: percentage points.
        """
        return option_price(*self._arguments(spot, rate_move, volatility)) - self.base

    def values(self, spot: Floats, rate_move: Floats, volatility: Floats) -> OptionValues:
        """Prices and Greeks per share, arguments as of `gains`."""
        return option_values(*self._arguments(spot, rate_move, volatility))

    def pnl_in_state(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Floats:
        """USD after moves (P, N) of the underlyings and of the market, which moves the volatilities."""
        volatility = shocked_volatility(self.volatility, self.days, market_log_move)
        return self.units * self.gains(self.spot * np.exp(log_move), rate_move, volatility) + 0.0

    def slopes(self, log_move: Floats, market_log_move: Floats, rate_move: Floats) -> Slopes:
        """`pnl_in_state` and its derivatives by each of the moves."""
        spot = self.spot * np.exp(log_move)
        volatility, by_market = volatility_with_slope(self.volatility, self.days, market_log_move)
        value = self.values(spot, rate_move, volatility)
        return Slopes(
            pnl=self.units * (value.price - self.base) + 0.0,
            by_log_move=self.units * value.delta * spot,
            by_market=self.units * value.vega * (_POINTS * by_market),
            by_rate=self.units * value.rho,
        )

    def _arguments(self, spot: Floats, rate_move: Floats, volatility: Floats) -> tuple[Any, ...]:
        rate = self.rate + rate_move / _POINTS
        years = self.days / DAYS_PER_YEAR
        terms = (years, rate, self.dividend_yield, volatility, self.is_call, self.is_american)
        return spot, self.strike, *terms


def shocked_volatility(volatility: Any, days_to_expiry: Any, market_log_move: Any) -> Floats:
    """Volatility after a market move (arguments broadcast); unchanged to the last bit without a move."""
    fade = np.sqrt(REFERENCE_DAYS / np.maximum(days_to_expiry, REFERENCE_DAYS))
    fall = np.minimum(market_log_move, 0.0)
    rise = np.maximum(market_log_move, 0.0)
    shocked = np.maximum(np.exp(rise * (-UP_MOVE_ELASTICITY * fade)), VOLATILITY_FLOOR_RATIO)
    shocked *= volatility
    shocked += np.expm1(fall) * (-DOWN_MOVE_SLOPE * fade)
    return np.minimum(shocked, np.maximum(volatility, MAX_VOLATILITY))


def volatility_with_slope(
    volatility: Any, days_to_expiry: Any, market_log_move: Any
) -> tuple[Floats, Floats]:
    """`shocked_volatility`, and its derivative by the market's log move: the fall's where there is none."""
    fade = np.sqrt(REFERENCE_DAYS / np.maximum(days_to_expiry, REFERENCE_DAYS))
    ratio = np.exp(np.maximum(market_log_move, 0.0) * (-UP_MOVE_ELASTICITY * fade))
    fall = np.expm1(np.minimum(market_log_move, 0.0))
    shocked = np.maximum(ratio, VOLATILITY_FLOOR_RATIO)
    shocked *= volatility
    shocked += fall * (-DOWN_MOVE_SLOPE * fade)
    highest = np.maximum(volatility, MAX_VOLATILITY)
    down = np.where(shocked > highest, 0.0, (1 + fall) * (-DOWN_MOVE_SLOPE * fade))
    up = np.where(ratio > VOLATILITY_FLOOR_RATIO, ratio * (-UP_MOVE_ELASTICITY * fade * volatility), 0.0)
    return np.minimum(shocked, highest), np.where(market_log_move > 0, up, down)
