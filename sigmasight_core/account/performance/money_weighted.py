"""Money-weighted returns of many periods at once: the rate at which the flows grow to the final value."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Floats, Ints

MAX_STEPS: Final = 60
_TERMS: Final = 100_000
_STEP: Final = 2.0
_SETTLED: Final = 1e-12
_EXACT: Final = 1e-9


class Flows(NamedTuple):
    """Dated flows, those of one series together and in order; positive = paid in (USD)."""

    day: Ints
    amount: Floats


class Periods(NamedTuple):
    """Periods (n): the values at both ends, and the flows between."""

    first_day: Ints
    last_day: Ints
    opening: Floats
    closing: Floats
    first_flow: Ints
    """Place in the flows of the first one after `first_day`; `end_flow` is one beyond the last."""
    end_flow: Ints


def money_weighted(periods: Periods, flows: Flows) -> Floats:
    """Return of each period (n), not annualised: (1 + XIRR) ** (days / 365) - 1.

    R solves opening (1 + R) + sum of F(i) (1 + R) ** u(i) = closing, u the share of the period that is left
    when the flow comes. Newton's steps in log(1 + R), which are bounded, from the Modified Dietz return. For
    flows of both signs there may be several roots: it is the one near Modified Dietz.

    :returns: NaN where nothing was invested, the closing value is not positive, or no root is found.
    """
    result = np.full(len(periods.opening), np.nan)
    if not len(result):
        return result
    counts = np.maximum(periods.end_flow - periods.first_flow, 0)
    edges = np.searchsorted(np.cumsum(counts + 1), np.arange(0, (counts + 1).sum(), _TERMS))
    for start, end in zip(edges, [*edges[1:], len(result)], strict=True):
        rows = np.arange(start, end)
        result[rows] = _solved(Periods._make(column[rows] for column in periods), flows)
    return result


def _solved(periods: Periods, flows: Flows) -> Floats:
    total, weighted = _sums(periods, flows, np.zeros(len(periods.opening)))
    dietz = np.divide(periods.closing - total, weighted, out=np.full(len(total), np.nan), where=weighted > 0)
    possible = (periods.opening >= 0) & (periods.closing > 0) & (dietz > -1)
    rate = np.where(possible, np.log1p(np.where(possible, dietz, 0.0)), np.nan)
    rows = np.flatnonzero(possible)
    for _ in range(MAX_STEPS):
        if not len(rows):
            break
        few = Periods._make(column[rows] for column in periods)
        value, slope = _sums(few, flows, rate[rows])
        gap = few.closing - value
        step = np.divide(gap, slope, out=np.zeros(len(rows)), where=np.abs(slope) > 0)
        step = np.clip(step, -_STEP, _STEP)
        rate[rows] += step
        settled = np.abs(step) <= _SETTLED * np.maximum(np.abs(rate[rows]), 1.0)
        wrong = settled & (np.abs(gap) > _EXACT * np.maximum(np.abs(few.closing), 1.0))
        rate[rows[wrong]] = np.nan
        rows = rows[~settled]
    rate[rows] = np.nan
    return np.expm1(rate)


def _sums(periods: Periods, flows: Flows, rate: Floats) -> tuple[Floats, Floats]:
    """Opening value and flows (n) grown at the rate, log(1 + R), to the end, and the derivative by it."""
    counts = np.maximum(periods.end_flow - periods.first_flow, 0)
    grown = periods.opening * np.exp(rate)
    slope = grown.copy()
    some = np.flatnonzero(counts)
    if not len(some):
        return grown, slope
    counts = counts[some]
    ends = np.cumsum(counts)
    place = np.arange(ends[-1]) + np.repeat(periods.first_flow[some] - (ends - counts), counts)
    days = (periods.last_day - periods.first_day)[some].astype(float)
    # share of the period that is left = a - b x day of the flow; a period of no days is all left
    per_day = np.divide(1.0, days, out=np.zeros(len(some)), where=days > 0)
    whole = np.where(days > 0, periods.last_day[some] * per_day, 1.0)
    left = np.repeat(whole, counts) - np.repeat(per_day, counts) * flows.day[place]
    growth = flows.amount[place] * np.exp(np.repeat(rate[some], counts) * left)
    grown[some] += np.add.reduceat(growth, ends - counts)
    slope[some] += np.add.reduceat(growth * left, ends - counts)
    return grown, slope
