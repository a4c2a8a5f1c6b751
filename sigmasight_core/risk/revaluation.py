"""Options of a book valued anew after one session: moved price and volatility, and the time that passed.

In a scenario the volatility that an option implies moves as the forecast volatility of its underlying did on
that session, ``sigma_{t+1} / sigma_t`` (Barone-Adesi, Giannopoulos and Vosper, 1999, let the volatility of a
filtered scenario go on in the same way); the rate is held. P&L is the difference to the model price of
today's inputs: an option without a move loses its time value of one session.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.positions.held import option_inputs
from sigmasight_core.risk.book import RiskBook


@dataclass(frozen=True)
class Options:
    """Some options of a book (R) one session from now; every column is (R, 1).

    What does not depend on the scenario is worked out once: a scenario then takes half the time of a price
    from scratch.
    """

    symbol: Ints
    """(R) index of the underlying."""
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
    price: Floats
    """Model price of today."""
    units: Floats
    """Signed number of shares."""

    @classmethod
    def of(cls, book: RiskBook, rows: Ints) -> "Options":
        """Of these rows, which are options with everything that a price needs."""
        inputs = option_inputs(book.rows.iloc[rows])
        spot, strike, volatility = (
            inputs[name] for name in ("underlying_price", "strike", "implied_volatility")
        )
        rate, income = inputs["risk_free_rate"], inputs["dividend_yield"]
        calls = book.is_call[rows][:, None]
        years = inputs["days_to_expiry"] / DAYS_PER_YEAR
        step = book.days_to_next[book.date[rows]][:, None] / DAYS_PER_YEAR
        left = np.maximum(years - step, 0.0)
        spot_part, strike_part = spot * np.exp(-income * left), strike * np.exp(-rate * left)
        return cls(
            symbol=book.symbol[rows],
            spot_part=spot_part,
            strike_part=strike_part,
            log_moneyness=np.log(spot_part / strike_part),
            spread=volatility * np.sqrt(left),
            sign=np.where(calls, 1.0, -1.0),
            price=option_price(spot, strike, years, rate, income, volatility, calls),
            units=inputs["quantity"] * book.rows["multiplier"].to_numpy(dtype=float)[rows][:, None],
        )

    def pnl(self, which: Ints, log_move: Floats, growth: Floats) -> Floats:
        """USD (w, N) of some options in scenarios: log moves of the price, factors of volatility (w, N).

        Black-Scholes-Merton as in `options.black_scholes`; without time or volatility left, what exercise at
        the discounted parts gives.
        """
        sign, spread = self.sign[which], self.spread[which] * growth
        spot_part, strike_part = self.spot_part[which] * np.exp(log_move), self.strike_part[which]
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
        value -= self.price[which]
        value *= self.units[which]
        return value
