"""European values (Black-Scholes-Merton) of options in scenarios with one time, rate and dividend yield."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.options.american.lattice import Contracts


@dataclass(frozen=True)
class EuropeanValues:
    """What does not depend on the scenario, worked out once; every column is (R, 1).

    A scenario then takes half the time of a price from scratch.
    """

    spot_part: Floats
    """Spot discounted at the dividend yield."""
    strike_part: Floats
    """Strike discounted at the rate."""
    log_moneyness: Floats
    """ln(spot part / strike part)"""
    spread: Floats
    """Volatility x root of the years that are left."""
    sign: Floats
    """1 for a call, -1 for a put."""

    @classmethod
    def of(cls, terms: Contracts) -> "EuropeanValues":
        """Of columns (R, 1)."""
        spot, strike, years, rate, dividend_yield, volatility, call = terms
        spot_part, strike_part = spot * np.exp(-dividend_yield * years), strike * np.exp(-rate * years)
        return cls(
            spot_part=spot_part,
            strike_part=strike_part,
            log_moneyness=np.log(spot_part / strike_part),
            spread=volatility * np.sqrt(years),
            sign=np.where(call > 0, 1.0, -1.0),
        )

    def take(self, rows: Ints | Bools) -> "EuropeanValues":
        """Some of the options, by place or mask."""
        return EuropeanValues(*(column[rows] for column in vars(self).values()))

    def values(self, which: Ints, log_move: Floats, ratio: Floats, growth: Floats) -> Floats:
        """USD per share (w, N) of some options.

        :param log_move: of the price, (w, N). :param ratio: its exponential.
        :param growth: factors of volatility, (w, N).
        :returns: as in `options.black_scholes`; without time or volatility left, what exercise at the
            discounted parts gives.
        """
        sign, spread = self.sign[which], self.spread[which] * growth
        spot_part, strike_part = self.spot_part[which] * ratio, self.strike_part[which]
        dead = spread == 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            d = log_move + self.log_moneyness[which]
            d /= spread
            d += 0.5 * spread
            d *= sign
            value = spot_part * ndtr(d)
            d -= sign * spread
            value -= strike_part * ndtr(d)
        value *= sign
        if dead.any():
            value[dead] = np.maximum(sign * (spot_part - strike_part), 0.0)[dead]
        return np.asarray(value, dtype=np.float64)
