"""Positions as arrays, restated to the units of a day, and their prices as of a day."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of, day_numbers
from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.options.cash_dividends import affordable, option_price, option_values
from sigmasight_core.options.dividend_yields import Expected
from sigmasight_core.options.market import Market, OptionInputs, OptionMarket, years_to_expiry
from sigmasight_core.options.quotes import REALIZED, VOLATILITY_SOURCES, Quoted
from sigmasight_core.positions.held import is_american, is_call, is_option

_NO_CONTRACTS: Final = pd.Index([], dtype="str")
_REALIZED: Final = VOLATILITY_SOURCES.index(REALIZED)


@dataclass(frozen=True)
class Book:
    """One element per row (a position on a day); quantity, entry price and strike in units of that day."""

    codes: Ints
    contract: Ints
    """Place in the contracts that have quotes; -1 = has none."""
    day: Ints
    entry_day: Ints
    settlement_day: Ints
    expiry_day: Ints
    is_option: Bools
    is_call: Bools
    is_american: Bools
    quantity: Floats
    multiplier: Floats
    entry_price: Floats
    strike: Floats

    @classmethod
    def of(
        cls,
        rows: pd.DataFrame,
        *,
        day: Ints,
        settlement_day: Ints,
        market: Market,
        contracts: pd.Index = _NO_CONTRACTS,
    ) -> "Book":
        """Restate ledger rows (columns of `tables.Positions`), each to its own `day`.

        :param contracts: option symbols that have quotes, where prices of options are wanted.

        Quantity, entry price and strike are NaN where the ratio of a split since entry is not known.
        """
        codes = codes_of(market.names, rows["underlying"])
        entry_day, options = day_numbers(rows["entry_date"]), is_option(rows)
        contract = np.full(len(rows), -1)
        if len(contracts):
            contract[options] = codes_of(contracts, rows["symbol"][options])
        ratio = market.splits.ratio(codes, after=entry_day, until=day)
        return cls(
            codes,
            contract,
            day,
            entry_day,
            settlement_day,
            day_numbers(rows["expiry_date"]),
            options,
            is_call(rows),
            is_american(rows),
            rows["quantity"].to_numpy(dtype=float) * ratio,
            rows["multiplier"].to_numpy(dtype=float),
            rows["entry_price"].to_numpy(dtype=float) / ratio,
            rows["strike"].to_numpy(dtype=float) / ratio,
        )

    def at_settlement(self, at: Ints) -> Bools:
        """Which rows are options that are settled by the day `at`."""
        return self.is_option & (at >= self.settlement_day)

    def inputs(self, market: OptionMarket, at: Ints) -> OptionInputs:
        """What prices the options as of the day `at`, in units of the book's own day.

        All of it is of the session of the underlying's last close, also where that is carried forward: the
        quote and the implied volatility of the contract, its underlying's realized volatility where it has
        none, the Treasury yield at its expiry. A contract that a split has adjusted between entry and that
        session is no longer the one of its symbol: it has no quote.
        """
        closes = market.market.close(self.codes, at=at, unit=self.day)
        quoted = self._quoted(market, closes.made_on)
        realized = market.realized(self.codes, closes.made_on)
        implied = np.isfinite(quoted.volatility)
        rated_on = np.where(closes.made_on >= 0, closes.made_on, at)
        rates = market.risk_free.at(rated_on, self.expiry_day)
        dividends = self._dividends(market, closes.made_on)
        return OptionInputs(
            closes,
            np.where(implied, quoted.volatility, realized),
            np.where(implied, quoted.volatility_source, _REALIZED * np.isfinite(realized)),
            rates,
            rated_on,
            affordable(dividends, closes.price, self.expiry_day, rated_on, rates.rate),
            quoted.price,
            quoted.price_source,
            quoted.doubt,
        )

    def _dividends(self, market: OptionMarket, on: Ints) -> Expected:
        """Dividends as of the sessions `on`, in units of the book's own day."""
        found = market.dividends.at(self.codes, on)
        ratio = market.market.splits.ratio(self.codes, after=on, until=self.day)
        return found._replace(amount=found.amount / ratio)

    def _quoted(self, market: OptionMarket, on: Ints) -> Quoted:
        """Quotes of the sessions `on`, in units of the book's own day."""
        row, splits = market.quotes.find(self.contract, on), market.market.splits
        found = np.flatnonzero(row >= 0)
        codes, entry, made_on = self.codes[found], self.entry_day[found], on[found]
        # A ratio other than 1 between entry and the quote: the contract was adjusted, the quote is another's
        row[found[splits.ratio(codes, after=entry, until=made_on) != 1]] = -1
        quoted = market.quotes.take(row)
        quoted.price[found] /= splits.ratio(codes, after=made_on, until=self.day[found])
        return quoted

    def values(self, inputs: OptionInputs, at: Ints, rows: Bools) -> Floats:
        """Option prices of the chosen `rows` at the close of `at`; intrinsic values at settlement."""
        return _once(lambda *distinct: (option_price(*distinct),), self._arguments(inputs, at, rows))[0]

    def greeks(self, inputs: OptionInputs, at: Ints, rows: Bools) -> tuple[Floats, ...]:
        """Delta, gamma, theta, vega and rho per share of the chosen `rows` at the close of `at`."""
        _, *greeks = _once(option_values, self._arguments(inputs, at, rows))
        return tuple(greeks)

    def _arguments(self, inputs: OptionInputs, at: Ints, rows: Bools) -> tuple[Any, ...]:
        years = years_to_expiry(expiry=self.expiry_day, at=at, settlement=self.settlement_day)
        # 0 years and 0 volatility give the intrinsic value and its convention for the Greeks
        volatility = np.where(self.at_settlement(at), 0.0, inputs.volatility)
        every = (
            inputs.underlying.price,
            self.strike,
            years,
            inputs.rates.rate,
            inputs.dividends.dividend_yield,
            volatility,
            self.is_call,
            self.is_american,
            *inputs.dividends.cash(at),
        )
        return tuple(values[rows] for values in every)


def _once(price: Callable[..., tuple[Floats, ...]], arguments: tuple[Any, ...]) -> tuple[Floats, ...]:
    """Outputs of `price`, which is asked once for each distinct row: portfolios hold the same contracts."""
    first, kind = distinct_rows(*arguments)
    return tuple(values[kind] for values in price(*(values[first] for values in arguments)))


class Mark(NamedTuple):
    """Prices of a book as of a day, in units of the book's own day."""

    price: Floats
    """Per share; NaN = none."""
    made_on: Ints
    """Day number of the underlying's close; -1 = none."""
    row: Ints
    """Row of that close; -1 = none."""
    quote_source: Ints
    """Place in `quotes.PRICE_SOURCES`; 0 = not the price of a quote."""
    inputs: OptionInputs
    """What priced the options."""


def mark(market: OptionMarket, book: Book, at: Ints) -> Mark:
    """Last prices on or before `at`: closes, quotes, model prices, intrinsic values at settlement.

    An option is priced as of the session of its underlying's last close, by its quote of that session or
    else by the model, which is the price that is then carried forward; at settlement by the intrinsic value
    over that close.
    """
    inputs = book.inputs(market, at)
    closes, settled = inputs.underlying, book.at_settlement(at)
    quote_source = np.where(settled, 0, inputs.quote_source)
    price = np.where(quote_source > 0, inputs.quote, closes.price)
    modelled = book.is_option & (closes.made_on >= 0) & (quote_source == 0)
    price[modelled] = book.values(inputs, np.where(settled, at, closes.made_on), modelled)
    return Mark(price, closes.made_on, closes.row, quote_source, inputs)


def starts_at_entry(book: Book, before: Mark, previous: Ints) -> Bools:
    """Whose P&L of the day runs from the entry price: no close since entry up to the day `previous`."""
    return (previous < book.entry_day) | ((before.made_on >= 0) & (before.made_on < book.entry_day))
