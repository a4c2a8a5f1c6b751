"""Options of a book valued anew after one session: moved price and volatility, and the time that passed.

In a scenario the volatility that an option implies moves as the forecast volatility of its underlying did on
that session, ``sigma_{t+1} / sigma_t`` (Barone-Adesi, Giannopoulos and Vosper, 1999, let the volatility of a
filtered scenario go on in the same way); the rate is held. P&L is the difference to the model price of
today's inputs: an option without a move loses its time value of one session.
"""

from dataclasses import dataclass

import numpy as np

from sigmasight_core.arrays.windows import Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.stress.book import option_inputs


@dataclass(frozen=True)
class Options:
    """Some options of a book (R); every column is (R, 1)."""

    rows: Ints
    """(R) rows of the book."""
    spot: Floats
    volatility: Floats
    fixed: tuple[Floats, Floats, Floats, Floats, Floats]
    """Strike, years to expiry, rate, dividend yield, 1 for a call."""
    price: Floats
    """Model price of today."""
    step: Floats
    """Years to the next session."""
    units: Floats
    """Signed number of shares."""

    @classmethod
    def of(cls, book: RiskBook, rows: Ints) -> "Options":
        """Of these rows, which are options with everything that a price needs."""
        inputs = option_inputs(book.rows.iloc[rows])
        spot, volatility = inputs["underlying_price"], inputs["implied_volatility"]
        years = inputs["days_to_expiry"] / DAYS_PER_YEAR
        strike, rate, income = inputs["strike"], inputs["risk_free_rate"], inputs["dividend_yield"]
        calls = book.is_call[rows][:, None]
        return cls(
            rows=rows,
            spot=spot,
            volatility=volatility,
            fixed=(strike, years, rate, income, calls.astype(float)),
            price=option_price(spot, strike, years, rate, income, volatility, calls),
            step=book.days_to_next[book.date[rows]][:, None] / DAYS_PER_YEAR,
            units=inputs["quantity"] * book.rows["multiplier"].to_numpy(dtype=float)[rows][:, None],
        )

    def pnl(self, which: Ints, move: Floats, growth: Floats) -> Floats:
        """USD (w, N) of some options in scenarios: moves of the price, factors of volatility (w, N)."""
        strike, years, rate, income, calls = (column[which] for column in self.fixed)
        value = option_price(
            self.spot[which] * (1.0 + move),
            strike,
            np.maximum(years - self.step[which], 0.0),
            rate,
            income,
            self.volatility[which] * growth,
            calls > 0,
        )
        value -= self.price[which]
        value *= self.units[which]
        return value
