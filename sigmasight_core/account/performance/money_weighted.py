"""Money-weighted returns of many periods at once: the rate at which the flows grow to the final value."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints

MAX_STEPS: Final = 60
_TERMS: Final = 100_000
_STEP: Final = 2.0
_SETTLED: Final = 1e-12
_EXACT: Final = 1e-9
_BEND: Final = 0.5
"""By which share the slope may change along Newton's step for Halley's to be taken."""


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
    when the flow comes. Halley's steps in log(1 + R), which are bounded, from the Modified Dietz return. For
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


class _Terms(NamedTuple):
    """What grows in each period (n): its opening value first, then its flows."""

    n_terms: Ints
    """Of each period, (n)."""
    amount: Floats
    """(terms)."""
    left: Floats
    """Share of the period that is left, (terms)."""

    @classmethod
    def of(cls, periods: Periods, flows: Flows) -> "_Terms":
        count = np.maximum(periods.end_flow - periods.first_flow, 0) + 1
        start = np.cumsum(count) - count
        place = np.arange(count.sum()) + np.repeat(periods.first_flow - 1 - start, count)
        place[start] = 0
        days = (periods.last_day - periods.first_day).astype(float)
        # share that is left = a - b x day of the flow; a period of no days is all left
        per_day = np.divide(1.0, days, out=np.zeros(len(days)), where=days > 0)
        whole = np.where(days > 0, periods.last_day * per_day, 1.0)
        if len(flows.day):
            amount, left = flows.amount[place], np.repeat(whole, count)
            left -= np.repeat(per_day, count) * flows.day[place]
        else:
            amount, left = np.empty(place.shape), np.empty(place.shape)
        amount[start], left[start] = periods.opening, 1.0
        return cls(count, amount, left)

    def of_rows(self, kept: Bools) -> "_Terms":
        terms = np.repeat(kept, self.n_terms)
        return _Terms(self.n_terms[kept], self.amount[terms], self.left[terms])

    def sums(self, rate: Floats | None) -> tuple[Floats, Floats, Floats]:
        """The terms (n) grown at the rate, log(1 + R), to the end; its first and second derivative by it."""
        start = np.cumsum(self.n_terms) - self.n_terms
        grown = (
            self.amount if rate is None else np.exp(np.repeat(rate, self.n_terms) * self.left) * self.amount
        )
        sums = [np.add.reduceat(grown, start)]
        for _ in range(2):
            grown = grown * self.left
            sums.append(np.add.reduceat(grown, start))
        return sums[0], sums[1], sums[2]


def _solved(periods: Periods, flows: Flows) -> Floats:
    terms = _Terms.of(periods, flows)
    total, weighted, _ = terms.sums(None)
    gain = periods.closing - total
    dietz = np.divide(gain, weighted, out=np.full(len(gain), np.nan), where=weighted > 0)
    possible = (periods.opening >= 0) & (periods.closing > 0) & (dietz > -1)
    rate = np.where(possible, np.log1p(np.where(possible, dietz, 0.0)), np.nan)
    rows, kept = np.flatnonzero(possible), possible
    start = np.cumsum(terms.n_terms) - terms.n_terms
    most = np.add.reduceat(np.abs(terms.amount), start)
    for _ in range(MAX_STEPS):
        if not kept.all():
            terms = terms.of_rows(kept)
        if not len(rows):
            break
        closing = periods.closing[rows]
        step, gap, error = _step(
            closing, terms.sums(rate[rows]), most[rows] * np.exp(np.maximum(rate[rows], 0))
        )
        rate[rows] += step
        settled = error <= _SETTLED * np.maximum(np.abs(rate[rows]), 1.0)
        wrong = settled & (np.abs(gap) > _EXACT * np.maximum(np.abs(closing), 1.0))
        rate[rows[wrong]] = np.nan
        kept = ~settled
        rows = rows[kept]
    rate[rows] = np.nan
    return np.expm1(rate)


def _step(
    closing: Floats, sums: tuple[Floats, Floats, Floats], largest: Floats
) -> tuple[Floats, Floats, Floats]:
    """Halley's step of each rate, or Newton's where the curve bends too much for it.

    :param largest: no derivative is larger.
    :returns: the step, the gap that it leaves by the first two derivatives, and a bound on the error of the
        rate after it: the step itself, after Halley's its cube by the third derivative.
    """
    value, slope, curvature = sums
    gap = closing - value
    some = np.abs(slope) > 0
    newton = np.divide(gap, slope, out=np.zeros(len(gap)), where=some)
    bend = np.divide(0.5 * curvature * newton, slope, out=np.zeros(len(gap)), where=some)
    halley = np.abs(bend) < _BEND
    step = np.clip(np.where(halley, newton / (1 + np.where(halley, bend, 0.0)), newton), -_STEP, _STEP)
    ratio = np.divide(largest, np.abs(slope), out=np.zeros(len(gap)), where=some)
    size = np.abs(step)
    error = np.where(halley, np.minimum(size, size**3 * np.square(ratio)), size)
    return step, gap - slope * step - 0.5 * curvature * np.square(step), error
