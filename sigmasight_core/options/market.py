"""What valuation and Greeks share: closes, volatilities and quotes as of a day, the inputs of option pricing.

An option's price, volatility and rate, in this order: the quote's mid, its last, the model; the volatility
that the quote implies, that of its neighbours in the chain, the underlying's realized one; the Treasury yield
at its expiry, the settings' rate.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, iso_dates, take
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR
from sigmasight_core.market.corporate_actions import Splits
from sigmasight_core.options.dividend_yields import DividendLookup, Expected
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.options.quotes import ContractQuotes
from sigmasight_core.options.risk_free import Rates, RiskFreeRates

SETTLEMENT_SLACK_DAYS: Final = 10
"""A settlement session is at most this far before its expiry: no two NYSE sessions are further apart."""


class OptionTables(NamedTuple):
    """The market tables that price options."""

    realized: pd.DataFrame
    """`tables.RealizedVolatility` rows."""
    quoted: pd.DataFrame
    """`tables.OptionVolatilities` rows."""
    yields: pd.DataFrame
    """`tables.TreasuryYields` rows, from `risk_free.MAX_YIELD_AGE_DAYS` before the others."""
    dividends: pd.DataFrame
    """`tables.DividendYields` rows."""


class Closes(NamedTuple):
    """Last closes as of a day, elementwise."""

    price: Floats
    """As traded, restated to the units of a second day; NaN = none within the age limit."""
    made_on: Ints
    """Day number of the session of the close; -1 = none."""
    row: Ints
    """Row of the prices; -1 = none."""


class OptionInputs(NamedTuple):
    """What prices options as of the session of the underlying's close, elementwise; NaN = not known."""

    underlying: Closes
    volatility: Floats
    volatility_source: Ints
    """Place in `quotes.VOLATILITY_SOURCES`."""
    rates: Rates
    rated_on: Ints
    """Day number for which the rates were asked."""
    dividends: Expected
    quote: Floats
    """Price of the contract's quote, in the units of the close; NaN = none."""
    quote_source: Ints
    """Place in `quotes.PRICE_SOURCES`."""
    quote_doubt: Ints
    """Place in `quotes.DOUBTS`."""


@dataclass(frozen=True)
class Market:
    """Closes and splits of the symbols in `names`, for lookups by (code in names, day number)."""

    names: pd.Index
    max_price_age_days: int
    splits: Splits
    closes: Floats
    days: Ints
    index: LastKnown

    @classmethod
    def of(
        cls,
        names: pd.Index,
        *,
        prices: pd.DataFrame,
        corporate_actions: pd.DataFrame,
        max_price_age_days: int,
    ) -> "Market":
        """Index long frames in the shapes of `tables.DailyPrices` and `tables.CorporateActions`."""
        closes, days = prices["close"].to_numpy(dtype=float), day_numbers(prices["date"])
        index = LastKnown.of(codes_of(names, prices["symbol"]), days, np.isfinite(closes))
        days = day_numbers(prices["price_date"].fillna(prices["date"]))
        return cls(names, max_price_age_days, Splits.of(names, corporate_actions), closes, days, index)

    def close(self, codes: Ints, *, at: Ints, unit: Ints) -> Closes:
        """Last close on or before `at`, at most max_price_age_days old, restated for splits up to `unit`."""
        row = self.index.find(codes, at, self.max_price_age_days)
        made_on = np.where(row >= 0, self.days[row], -1) if self.days.size else row
        ratio = self.splits.ratio(codes, after=made_on, until=unit)
        return Closes(take(self.closes, row) / ratio, made_on, row)


@dataclass(frozen=True)
class OptionMarket:
    """A market with the quotes, volatilities, rates and dividend yields that price options on its symbols."""

    market: Market
    quotes: ContractQuotes
    risk_free: RiskFreeRates
    dividends: DividendLookup
    volatilities: Floats
    index: LastKnown

    @classmethod
    def of(cls, market: Market, tables: OptionTables, parameters: OptionParameters) -> "OptionMarket":
        """Index the tables."""
        levels = tables.realized["annualized_volatility"].to_numpy(dtype=float)
        codes = codes_of(market.names, tables.realized["symbol"])
        index = LastKnown.of(codes, day_numbers(tables.realized["date"]), np.isfinite(levels))
        return cls(
            market,
            ContractQuotes.of(tables.quoted),
            parameters.rates(tables.yields),
            DividendLookup.of(market.names, tables.dividends, parameters),
            levels,
            index,
        )

    def realized(self, codes: Ints, on: Ints) -> Floats:
        """Realized volatility of the underlyings `codes` on exactly the days `on`; NaN = none."""
        return take(self.volatilities, self.index.find(codes, on, max_age=0))


def years_to_expiry(*, expiry: Ints, at: Ints, settlement: Ints) -> Floats:
    """Act/365 time from the close of `at` to the close of `expiry`; 0 from the settlement session on."""
    return np.where(at >= settlement, 0, expiry - at) / DAYS_PER_YEAR


def settlement_days(expiry_dates: "pd.Series[pd.Timestamp]", until: int) -> Ints:
    """Day number of the last session on or before each expiry; FAR_DAY where there is no expiry.

    Settlements after the day `until` are not needed: later expiries come back as they are, so that the
    calendar need not reach them.
    """
    expiry = day_numbers(expiry_dates)
    near = expiry <= until + SETTLEMENT_SLACK_DAYS
    if not near.any():
        return expiry
    first = max(int(expiry[near].min()) - SETTLEMENT_SLACK_DAYS, int(day_numbers(calendar.FIRST_DATE)))
    ends = iso_dates(np.array([first, int(expiry[near].max())]))
    sessions = day_numbers(calendar.sessions(str(ends[0]), str(ends[1])))
    at = np.searchsorted(sessions, expiry, side="right") - 1
    return np.where(near, sessions[np.maximum(at, 0)], expiry)
