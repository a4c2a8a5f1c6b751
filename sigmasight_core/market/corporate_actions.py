"""Splits: how many of today's shares one share of an earlier date has become.

A position's quantity is multiplied and its entry price (and an option's strike) divided by the product
of the ratios with ex-date in (entry date, date]. Options follow their underlying by the same rule. For
whole-number splits that is what the OCC does. For the others (3-for-2, reverse splits) the OCC changes
the deliverable instead of the contracts; contracts x 100 x price, and so every value and dollar Greek,
come out the same. Dividends change neither quantity nor price basis: closes are as traded, so the P&L
here is price P&L (`Dividends` says how much of it a dividend took).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import LastKnown, codes_of, day_numbers, take
from sigmasight_core.arrays.types import Floats, Ints


@dataclass(frozen=True)
class Splits:
    """Cumulative split ratios of coded symbols."""

    index: LastKnown
    cumulative: Floats
    unknown: Floats

    @classmethod
    def of(cls, names: pd.Index, corporate_actions: pd.DataFrame) -> "Splits":
        """Splits of the symbols in `names`; the rest, and dividends, are ignored."""
        codes = codes_of(names, corporate_actions["symbol"])
        wanted = (corporate_actions["kind"] == "split").to_numpy() & (codes >= 0)
        codes, days = codes[wanted], day_numbers(corporate_actions["date"])[wanted]
        ratios = corporate_actions["amount"].to_numpy(dtype=float)[wanted]
        order = np.lexsort((days, codes))
        codes, days, ratios = codes[order], days[order], ratios[order]
        groups = pd.DataFrame(
            {"ratio": np.where(np.isnan(ratios), 1.0, ratios), "unknown": np.isnan(ratios) * 1.0}
        )
        cumulative = groups.groupby(codes)["ratio"].cumprod().to_numpy()
        unknown = groups.groupby(codes)["unknown"].cumsum().to_numpy()
        return cls(LastKnown.of(codes, days), cumulative, unknown)

    def ratio(self, codes: Ints, *, after: Ints, until: Ints) -> Floats:
        """Product of the ratios with ex-date in (after, until], elementwise on codes and day numbers.

        1 where there is none (and where `until` is not later than `after`); NaN where the ratio of a split
        in between is not known.
        """
        if not self.cumulative.size:
            return np.ones(np.shape(codes))
        start, end = self.index.find(codes, after), self.index.find(codes, np.maximum(after, until))
        ratio = np.nan_to_num(take(self.cumulative, end), nan=1.0) / np.nan_to_num(
            take(self.cumulative, start), nan=1.0
        )
        missing = np.nan_to_num(take(self.unknown, end)) > np.nan_to_num(take(self.unknown, start))
        return np.where(missing, np.nan, ratio)


@dataclass(frozen=True)
class Dividends:
    """Cash dividends of coded symbols by ex-date."""

    index: LastKnown
    days: Ints
    amounts: Floats
    splits: Splits

    @classmethod
    def of(cls, names: pd.Index, corporate_actions: pd.DataFrame, splits: Splits) -> "Dividends":
        """Dividends of the symbols in `names`; the rest, and splits, are ignored."""
        codes, days = codes_of(names, corporate_actions["symbol"]), day_numbers(corporate_actions["date"])
        wanted = (corporate_actions["kind"] == "dividend").to_numpy()
        amounts = corporate_actions["amount"].to_numpy(dtype=float)
        return cls(LastKnown.of(codes, days, wanted), days, amounts, splits)

    def paid(self, codes: Ints, *, after: Ints, until: Ints, unit: Ints) -> Floats:
        """USD per share of the day `unit` with ex-date in (after, until], elementwise; 0 where there is none.

        NaN where an amount, or the ratio of a split up to `unit`, is not known.
        """
        total, at = np.zeros(np.shape(codes)), until
        while True:
            row = self.index.find(codes, at)
            ex_day = np.where(row >= 0, self.days[row], -1) if self.days.size else row
            found = (row >= 0) & (ex_day > after)
            if not found.any():
                return total
            ratio = self.splits.ratio(codes, after=ex_day, until=unit)
            total += np.where(found, take(self.amounts, row) / ratio, 0.0)
            at = np.where(found, ex_day - 1, after)


def split_factors(*, positions: pd.DataFrame, splits: pd.DataFrame, dates: pd.DatetimeIndex) -> Floats:
    """Cumulative split ratio of every position as of every date: ex-dates in (entry_date, date].

    :param positions: rows in the shape of `tables.Positions`; options follow their `underlying`.
    :param splits: rows in the shape of `tables.CorporateActions`; rows of other kinds are ignored.
    :returns: array dates x positions; 1 before any split (and before entry), NaN where a ratio is NULL.
    """
    names = pd.Index(positions["underlying"].unique())
    codes = np.broadcast_to(codes_of(names, positions["underlying"]), (len(dates), len(positions)))
    entry = np.broadcast_to(day_numbers(positions["entry_date"]), codes.shape)
    until = np.broadcast_to(day_numbers(dates)[:, None], codes.shape)
    return Splits.of(names, splits).ratio(codes, after=entry, until=until)
