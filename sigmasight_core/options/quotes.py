"""Prices and volatilities of option contracts from quotes, for lookups by contract and session."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, take
from sigmasight_core.arrays.types import Floats, Ints

NONE: Final = "none"
QUOTE: Final = "quote"
CHAIN_NEIGHBOUR: Final = "chain_neighbour"
REALIZED: Final = "realized"
VOLATILITY_SOURCES: Final = (NONE, REALIZED, CHAIN_NEIGHBOUR, QUOTE)
"""Where the volatility of an option comes from, the worst first; lookups give the places in this tuple."""

QUOTE_MID: Final = "quote mid"
QUOTE_LAST: Final = "quote last"
QUOTE_ASK: Final = "quote ask"
PRICE_SOURCES: Final = (NONE, QUOTE_MID, QUOTE_LAST, QUOTE_ASK)

WIDE: Final = "doubtful: bid and ask of the quote are further apart than its mid is worth"
NO_BID: Final = "no bid: halfway between the intrinsic value and the ask"
FAR: Final = "doubtful: its volatility is far from that of the strikes beside it"
CONTRADICTORY: Final = "doubtful: the ask of the quote is below what the contract is worth at least"
OLD_TRADE: Final = "doubtful: a last trade alone, at less than half or more than twice what its chain implies"
DOUBTS: Final = ("", WIDE, NO_BID, CONTRADICTORY, FAR, OLD_TRADE)
"""What is to be said of the price of a quote; lookups give the places in this tuple."""
WIDE_USD: Final = 0.25
"""A quote is wide if its sides are further apart than this and than their mid (the ask over three times the
bid): the mid may then be wrong by half. Below this width, a few ticks, cheap options are always so."""


class Quoted(NamedTuple):
    """What the quotes of a session say of contracts, elementwise."""

    price: Floats
    """USD per share, as traded; NaN = none."""
    price_source: Ints
    """Place in PRICE_SOURCES."""
    volatility: Floats
    """NaN = none."""
    volatility_source: Ints
    """Place in VOLATILITY_SOURCES."""
    doubt: Ints
    """Place in DOUBTS."""


@dataclass(frozen=True)
class ContractQuotes:
    """Rows of `tables.OptionVolatilities` by contract and day."""

    contracts: pd.Index
    index: LastKnown
    rows: Quoted

    @classmethod
    def of(cls, option_volatilities: pd.DataFrame) -> "ContractQuotes":
        """Index a long frame in the shape of `tables.OptionVolatilities`."""
        frame = option_volatilities
        codes, contracts = pd.factorize(frame["contract"])
        rows = Quoted(
            frame["price"].to_numpy(dtype=float),
            codes_of(pd.Index(PRICE_SOURCES), frame["price_source"]),
            frame["implied_volatility"].to_numpy(dtype=float),
            codes_of(pd.Index(VOLATILITY_SOURCES), frame["implied_vol_source"]),
            np.select(
                [frame["status"].str.endswith(words) for words in DOUBTS[1:]], range(1, len(DOUBTS)), 0
            ),
        )
        return cls(pd.Index(contracts), LastKnown.of(codes, day_numbers(frame["date"])), rows)

    def find(self, contracts: Ints, days: Ints) -> Ints:
        """Row of each contract (its place in `contracts`, -1 = none) on each day; -1 = no quote that day."""
        return self.index.find(contracts, days, max_age=0)

    def take(self, row: Ints) -> Quoted:
        """The rows found; nothing, 'none', where there is none."""
        found = row >= 0
        price_source, volatility_source, doubt = np.zeros((3, *row.shape), np.int64)
        price_source[found] = self.rows.price_source[row[found]]
        volatility_source[found] = self.rows.volatility_source[row[found]]
        doubt[found] = self.rows.doubt[row[found]]
        return Quoted(
            take(self.rows.price, row),
            price_source,
            take(self.rows.volatility, row),
            volatility_source,
            doubt,
        )
