"""What valuation and Greeks share: closes and volatilities as of a day, and the inputs of option pricing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.as_of import (
    BoolArray,
    FloatArray,
    IntArray,
    LastKnown,
    codes_of,
    day_numbers,
    iso_dates,
    take,
)
from sigmasight_core.conventions import DAYS_PER_YEAR, LINEAR_TYPES
from sigmasight_core.corporate_actions import Splits

SETTLEMENT_SLACK_DAYS: Final = 10
"""A settlement session is at most this far before its expiry: no two NYSE sessions are further apart."""


@dataclass(frozen=True)
class OptionParameters:
    """Rate and dividend yields of option pricing, continuous and per year as fractions, and their sources."""

    risk_free_rate: float
    risk_free_rate_source: str
    dividend_yields: Mapping[str, float]
    default_dividend_yield: float
    dividend_yield_source: str


class Closes(NamedTuple):
    """Last closes as of a day, elementwise."""

    price: FloatArray
    """As traded, restated to the units of a second day; NaN = none within the age limit."""
    made_on: IntArray
    """Day number of the session of the close; -1 = none."""
    row: IntArray
    """Row of the prices; -1 = none."""


class OptionInputs(NamedTuple):
    """Inputs of Black-Scholes-Merton, elementwise; NaN where not known."""

    underlying: Closes
    volatility: FloatArray
    """Realized volatility of the underlying at the session of its close."""
    rate: float
    dividend_yield: FloatArray


@dataclass(frozen=True)
class Market:
    """Closes and splits of the symbols in `names`, for lookups by (code in names, day number)."""

    names: pd.Index
    max_price_age_days: int
    splits: Splits
    closes: FloatArray
    days: IntArray
    index: LastKnown

    @classmethod
    def of(
        cls, names: pd.Index, prices: pd.DataFrame, corporate_actions: pd.DataFrame, max_price_age_days: int
    ) -> "Market":
        """Index long frames in the shapes of `tables.DailyPrices` and `tables.CorporateActions`."""
        closes, days = prices["close"].to_numpy(dtype=float), day_numbers(prices["date"])
        index = LastKnown.of(codes_of(names, prices["symbol"]), days, np.isfinite(closes))
        days = day_numbers(prices["price_date"].fillna(prices["date"]))
        return cls(names, max_price_age_days, Splits.of(names, corporate_actions), closes, days, index)

    def close(self, codes: IntArray, at: IntArray, unit: IntArray) -> Closes:
        """Last close on or before `at`, at most max_price_age_days old, restated for splits up to `unit`."""
        row = self.index.find(codes, at, self.max_price_age_days)
        made_on = np.where(row >= 0, self.days[row], -1) if self.days.size else row
        ratio = self.splits.ratio(codes, made_on, unit)
        return Closes(take(self.closes, row) / ratio, made_on, row)


@dataclass(frozen=True)
class OptionMarket:
    """A market with the volatilities, rate and dividend yields that price options on its symbols."""

    market: Market
    rate: float
    dividend_yields: FloatArray
    volatilities: FloatArray
    index: LastKnown

    @classmethod
    def of(cls, market: Market, volatilities: pd.DataFrame, parameters: OptionParameters) -> "OptionMarket":
        """Index a long frame in the shape of `tables.RealizedVolatility`."""
        levels, default = (
            volatilities["annualized_volatility"].to_numpy(dtype=float),
            parameters.default_dividend_yield,
        )
        codes = codes_of(market.names, volatilities["symbol"])
        index = LastKnown.of(codes, day_numbers(volatilities["date"]), np.isfinite(levels))
        yields = [parameters.dividend_yields.get(name, default) for name in market.names]
        return cls(market, parameters.risk_free_rate, np.array(yields, dtype=float), levels, index)

    def inputs(self, codes: IntArray, at: IntArray, unit: IntArray) -> OptionInputs:
        """Inputs of options on the underlyings `codes` as of the day `at`, in units of the day `unit`.

        A carried-forward close comes with the volatility of its own session: the pair is as of one moment.
        """
        closes = self.market.close(codes, at, unit)
        volatility = take(self.volatilities, self.index.find(codes, closes.made_on, max_age=0))
        return OptionInputs(closes, volatility, self.rate, self.dividend_yields[codes])


def years_to_expiry(expiry: IntArray, at: IntArray, settlement: IntArray) -> FloatArray:
    """Act/365 time from the close of `at` to the close of `expiry`; 0 from the settlement session on."""
    return np.where(at >= settlement, 0, expiry - at) / DAYS_PER_YEAR


def settlement_days(expiry_dates: "pd.Series[pd.Timestamp]", until: int) -> IntArray:
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


def is_option(frame: pd.DataFrame) -> BoolArray:
    """Which rows of positions (or of frames with their position_type) are options."""
    return ~frame["position_type"].isin(LINEAR_TYPES).to_numpy(dtype=bool)
