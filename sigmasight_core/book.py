"""Positions as arrays, restated to the units of a day, and their prices as of a day."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.as_of import BoolArray, FloatArray, IntArray, codes_of, day_numbers
from sigmasight_core.option_market import Market, OptionInputs, OptionMarket, is_option, years_to_expiry
from sigmasight_core.options import black_scholes_merton, option_price

OptionGreeks = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class Book:
    """One element per row (a position on a day); quantity, entry price and strike in units of that day."""

    codes: IntArray
    day: IntArray
    entry_day: IntArray
    settlement_day: IntArray
    expiry_day: IntArray
    is_option: BoolArray
    is_call: BoolArray
    quantity: FloatArray
    multiplier: FloatArray
    entry_price: FloatArray
    strike: FloatArray

    @classmethod
    def of(cls, rows: pd.DataFrame, day: IntArray, settlement_day: IntArray, market: Market) -> "Book":
        """Restate ledger rows (columns of `tables.Positions`), each to its own `day`.

        Quantity, entry price and strike are NaN where the ratio of a split since entry is not known.
        """
        codes = codes_of(market.names, rows["underlying"])
        entry_day = day_numbers(rows["entry_date"])
        ratio = market.splits.ratio(codes, entry_day, day)
        return cls(
            codes,
            day,
            entry_day,
            settlement_day,
            day_numbers(rows["expiry_date"]),
            is_option(rows),
            rows["position_type"].str.endswith("C").to_numpy(dtype=bool),
            rows["quantity"].to_numpy(dtype=float) * ratio,
            rows["multiplier"].to_numpy(dtype=float),
            rows["entry_price"].to_numpy(dtype=float) / ratio,
            rows["strike"].to_numpy(dtype=float) / ratio,
        )

    def at_settlement(self, at: IntArray) -> BoolArray:
        """Which rows are options that are settled by the day `at`."""
        return self.is_option & (at >= self.settlement_day)

    def values(self, inputs: OptionInputs, at: IntArray, rows: BoolArray) -> FloatArray:
        """Option prices of the chosen `rows` at the close of `at`; intrinsic values at settlement."""
        return option_price(*self._arguments(inputs, at, rows))

    def greeks(self, inputs: OptionInputs, at: IntArray, rows: BoolArray) -> OptionGreeks:
        """Delta, gamma, theta, vega and rho per share of the chosen `rows` at the close of `at`."""
        return black_scholes_merton(*self._arguments(inputs, at, rows))[1:]

    def _arguments(self, inputs: OptionInputs, at: IntArray, rows: BoolArray) -> tuple[Any, ...]:
        years = years_to_expiry(self.expiry_day, at, self.settlement_day)
        volatility = np.where(self.at_settlement(at), 0.0, inputs.volatility)
        rate = np.full(rows.shape, inputs.rate)
        every = (inputs.underlying.price, self.strike, years, rate, inputs.dividend_yield, volatility)
        return (*(values[rows] for values in every), self.is_call[rows])


class Mark(NamedTuple):
    """Prices of a book as of a day, in units of the book's own day."""

    price: FloatArray
    """Per share; NaN = none."""
    made_on: IntArray
    """Day number of the underlying's close; -1 = none."""
    row: IntArray
    """Row of that close; -1 = none."""


def mark(market: OptionMarket, book: Book, at: IntArray) -> Mark:
    """Last prices on or before `at`: closes, model prices, intrinsic values at settlement.

    An option is priced as of the session of its underlying's last close, which is the price that is then
    carried forward; at settlement by the intrinsic value over that close.
    """
    inputs = market.inputs(book.codes, at, book.day)
    closes = inputs.underlying
    price = closes.price.copy()
    options = book.is_option & (closes.made_on >= 0)
    price[options] = book.values(inputs, np.where(book.at_settlement(at), at, closes.made_on), options)
    return Mark(price, closes.made_on, closes.row)


def starts_at_entry(book: Book, before: Mark, previous: IntArray) -> BoolArray:
    """Whose P&L of the day runs from the entry price: no close since entry up to the day `previous`."""
    return (previous < book.entry_day) | ((before.made_on >= 0) & (before.made_on < book.entry_day))
