"""Options of a book valued anew after one session: moved price and volatility, and the time that passed.

In a scenario the volatility that an option implies moves as the forecast volatility of its underlying did on
that session, ``sigma_{t+1} / sigma_t`` (Barone-Adesi, Giannopoulos and Vosper, 1999, let the volatility of a
filtered scenario go on in the same way); the rate is held. P&L is the difference to the model price of
today's inputs: an option without a move loses its time value of one session.

A European option is valued by Black-Scholes-Merton, an American one by `early_exercise`.
"""

from dataclasses import dataclass

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.options.american.lattice import Contracts
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.positions.held import is_american, option_inputs
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.early_exercise import EarlyExercise
from sigmasight_core.risk.european_values import EuropeanValues


@dataclass(frozen=True)
class Options:
    """Some options of a book (R) one session from now."""

    symbol: Ints
    """(R) index of the underlying."""
    european: EuropeanValues
    """(R)"""
    contract: Ints
    """(R) place of an American option in `early`; -1 = its value is the European one."""
    early: EarlyExercise
    price: Floats
    """(R, 1) model price of today."""
    units: Floats
    """(R, 1) signed number of shares."""

    @classmethod
    def of(cls, book: RiskBook, rows: Ints) -> "Options":
        """Of these rows, which are options with everything that a price needs."""
        held = book.rows.iloc[rows]
        inputs = option_inputs(held)
        names = ("underlying_price", "strike", "risk_free_rate", "dividend_yield", "implied_volatility")
        spot, strike, rate, income, volatility = (inputs[name] for name in names)
        calls = book.is_call[rows][:, None]
        years = inputs["days_to_expiry"] / DAYS_PER_YEAR
        step = book.days_to_next[book.date[rows]][:, None] / DAYS_PER_YEAR
        left = np.maximum(years - step, 0.0)
        price = option_price(spot, strike, years, rate, income, volatility, calls)
        contract, american = np.full(len(rows), -1), is_american(held)
        columns = (spot, strike, years, left, rate, income, volatility, calls)
        found = EarlyExercise.of(*(column[american, 0] for column in columns))
        price[american, 0], contract[american], early = found
        return cls(
            symbol=book.symbol[rows],
            european=EuropeanValues.of(
                Contracts(spot, strike, left, rate, income, volatility, calls.astype(float))
            ),
            contract=contract,
            early=early,
            price=price,
            units=inputs["quantity"] * book.rows["multiplier"].to_numpy(dtype=float)[rows][:, None],
        )

    def take(self, rows: Ints | Bools) -> "Options":
        """Some of the options, by place or mask."""
        return Options(
            symbol=self.symbol[rows],
            european=self.european.take(rows),
            contract=self.contract[rows],
            early=self.early,
            price=self.price[rows],
            units=self.units[rows],
        )

    def pnl(self, which: Ints, log_move: Floats, growth: Floats) -> Floats:
        """USD (w, N) of some options in scenarios: log moves of the price, factors of volatility (w, N)."""
        ratio, contract = np.exp(log_move), self.contract[which]
        value = self.european.values(which, log_move, ratio, growth)
        american = np.flatnonzero(contract >= 0)
        if len(american) == len(which):
            value = self.early.values(contract, value, log_move, ratio, growth)
        elif len(american):
            scenarios = (array[american] for array in (value, log_move, ratio, growth))
            value[american] = self.early.values(contract[american], *scenarios)
        value -= self.price[which]
        value *= self.units[which]
        return value
