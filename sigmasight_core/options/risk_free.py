"""The risk-free rate of an option: the Treasury yield interpolated at its expiry, continuously compounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, iso_dates, text_column
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR

MATURITIES: Final[Mapping[str, float]] = {"3M": 0.25, "2Y": 2.0, "10Y": 10.0, "30Y": 30.0}
"""Years of each series of `tables.TreasuryYields`."""

MAX_YIELD_AGE_DAYS: Final = 7
"""Yields are carried over holidays of the bond market for at most so many calendar days."""

EXTRAPOLATION_DAYS: Final = 31
"""So many calendar days outside of a day's maturities its nearest yield still counts as known there."""

NO_YIELDS: Final = -1
_YEARS: Final = np.array(list(MATURITIES.values()))


class Rates(NamedTuple):
    """Risk-free rates, elementwise."""

    rate: Floats
    """Continuous, as a fraction per year."""
    yields_day: Ints
    """Day number of the yields; NO_YIELDS = the fallback."""
    extrapolated: Ints
    """Place in `MATURITIES` of the yield that was extrapolated from; -1 = the expiry is among those known."""


@dataclass(frozen=True)
class RiskFreeRates:
    """Yield curves by day, and what stands for them where there are none.

    :param percent: yields (D, 4) at `MATURITIES`, semi-annual bond-equivalent; none is missing.
    :param first_known: and `last_known`: places (D,) in `MATURITIES` of a day's first and last own yield.
    """

    fallback: float
    fallback_source: str
    percent: Floats
    first_known: Ints
    last_known: Ints
    days: Ints
    index: LastKnown

    @classmethod
    def of(cls, yields: pd.DataFrame, fallback: float, fallback_source: str) -> "RiskFreeRates":
        """Index a long frame in the shape of `tables.TreasuryYields`; a NULL yield is one that is not there.

        :param fallback: continuous rate of days without any yield within `MAX_YIELD_AGE_DAYS` before them.
        """
        percent = yields["yield_percent"].to_numpy(dtype=float, na_value=np.nan)
        known = np.isfinite(percent)
        days, row = np.unique(day_numbers(yields["date"])[known], return_inverse=True)
        curves = np.full((len(days), len(_YEARS)), np.nan)
        curves[row.ravel(), codes_of(pd.Index(MATURITIES), yields["series"])[known]] = percent[known]
        index = LastKnown.of(np.zeros(len(days), dtype=np.int64), days)
        own = np.isfinite(curves)
        last = len(_YEARS) - 1 - own[:, ::-1].argmax(axis=1)
        return cls(fallback, fallback_source, _without_gaps(curves), own.argmax(axis=1), last, days, index)

    def at(self, day: Ints, expiry_day: Ints) -> Rates:
        """Rates from each day to each expiry (day numbers, elementwise), by the last yields on or before it.

        Linear in maturity (Act/365) between the series that the day has, flat outside of them. By more than
        `EXTRAPOLATION_DAYS`, and not outside of all `MATURITIES`, that counts as extrapolated.
        """
        row = self.index.find(np.zeros(np.shape(day), dtype=np.int64), day, MAX_YIELD_AGE_DAYS)
        known = row >= 0
        rate, yields_day = np.full(row.shape, self.fallback), np.full(row.shape, NO_YIELDS)
        term = (expiry_day - day)[known] / DAYS_PER_YEAR
        years = np.clip(term, _YEARS[0], _YEARS[-1])
        right = np.maximum(np.searchsorted(_YEARS, years), 1)
        share = (years - _YEARS[right - 1]) / (_YEARS[right] - _YEARS[right - 1])
        curve = row[known]
        below, above = self.percent[curve, right - 1], self.percent[curve, right]
        rate[known] = continuous_rate(below + share * (above - below))
        yields_day[known] = self.days[curve]
        extrapolated = np.full(row.shape, -1)
        extrapolated[known] = self._extrapolated(curve, term)
        return Rates(rate, yields_day, extrapolated)

    def _extrapolated(self, curve: Ints, years: Floats) -> Ints:
        """Place of the yield that each maturity is extrapolated from, -1 where it is not."""
        slack = EXTRAPOLATION_DAYS / DAYS_PER_YEAR
        first, last = self.first_known[curve], self.last_known[curve]
        below = (first > 0) & (years < _YEARS[first] - slack)
        above = (last < len(_YEARS) - 1) & (years > _YEARS[last] + slack)
        return np.where(below, first, np.where(above, last, -1))

    def sources(self, rates: Rates, day: Ints, applies: Bools, otherwise: str) -> Any:
        """A text a row: 'treasury', 'treasury: yields of 2024-01-12' if carried, or the fallback's source.

        Where it is extrapolated: 'treasury: extrapolated from 10Y', also after the day of carried yields.

        :param day: on which the rates were asked for. :param applies: rows without have `otherwise`.
        """
        carried = (rates.yields_day != NO_YIELDS) & (rates.yields_day != day)
        days, of_day = np.unique(rates.yields_day[carried & applies], return_inverse=True)
        whose = ("treasury", *("treasury: yields of " + iso_dates(days)))
        texts = [otherwise, self.fallback_source, *whose]
        texts += [
            f"{text}{',' if place else ':'} extrapolated from {name}"
            for name in MATURITIES
            for place, text in enumerate(whose)
        ]
        code = np.where(rates.yields_day == NO_YIELDS, 1, 2)
        code[carried & applies] = 3 + of_day
        code += len(whose) * (1 + rates.extrapolated) * (rates.yields_day != NO_YIELDS)
        return text_column(texts, np.where(applies, code, 0))


def continuous_rate(percent: Any) -> Floats:
    """Continuous rate, as a fraction, of a bond-equivalent (semi-annual) yield in percent."""
    return 2 * np.log1p(np.asarray(percent, dtype=float) / 200)


def _without_gaps(curves: Floats) -> Floats:
    """Missing yields put on the line through their neighbours: the curve is the one without them."""
    known, places = np.isfinite(curves), np.arange(curves.shape[1])
    left = np.maximum.accumulate(np.where(known, places, -1), axis=1)
    right = np.minimum.accumulate(np.where(known, places, len(places))[:, ::-1], axis=1)[:, ::-1]
    left, right = np.where(left < 0, right, left), np.where(right == len(places), left, right)
    days = np.arange(len(curves))[:, None]
    width = _YEARS[right] - _YEARS[left]
    share = np.divide(_YEARS - _YEARS[left], width, out=np.zeros(curves.shape), where=width > 0)
    return np.where(known, curves, curves[days, left] * (1 - share) + curves[days, right] * share)
