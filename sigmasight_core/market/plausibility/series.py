"""Values of many symbols in one array, by symbol and time: neighbours, volatility, values that come back."""

from dataclasses import dataclass

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.limits import HISTORY_SESSIONS, LONGEST_GAP_DAYS, LONGEST_RUN

_AFTER = 20
_NEAR = 6
_AROUND = 10
_LEAST_RETURNS = 5
_NORMAL = 1.4826
"""Standard deviation over the median absolute deviation of a normal distribution."""
COMES_BACK = 0.35
"""Largest distance between the two sides of a run over that of the run from them."""


@dataclass(frozen=True)
class Series:
    """Known values in the order of symbol and day.

    :ivar code: symbol of each (n,); `day`: its day number; `level`: natural logarithm of the value.
    :ivar row: place in the frame that it came from.
    """

    code: Ints
    day: Ints
    level: Floats
    row: Ints

    @classmethod
    def of(cls, code: Ints, day: Ints, level: Floats, wanted: Bools) -> "Series":
        """Of the wanted rows of a frame with finite levels."""
        row = np.flatnonzero(wanted & np.isfinite(level))
        row = row[np.lexsort((day[row], code[row]))]
        return cls(code[row], day[row], level[row], row)

    def without(self, gone: Bools) -> "Series":
        """What is left when some places are taken out."""
        return Series(self.code[~gone], self.day[~gone], self.level[~gone], self.row[~gone])

    @property
    def jumps(self) -> Floats:
        """Change from the value before (n,); NaN for a symbol's first, and after a gap."""
        found = np.full(self.level.size, np.nan)
        joined = (np.diff(self.code) == 0) & (np.diff(self.day) <= LONGEST_GAP_DAYS)
        found[1:][joined] = np.diff(self.level)[joined]
        return found

    def accepted(self, known: Bools) -> Bools:
        """Values whose jump from the one before is accepted (n,): known ones, and returns from such."""
        back = np.zeros(known.size, dtype=bool)
        if known.size > 2:
            out = np.abs(self.jumps[1:-1])
            apart = np.abs(self.level[2:] - self.level[:-2])
            back[2:] = known[1:-1] & (self.code[2:] == self.code[:-2]) & (apart <= COMES_BACK * out)
        return known | back

    def together(self, place: Ints, other: Ints) -> Bools:
        """Whether two places are of one symbol, and near enough for LONGEST_RUN sessions between."""
        inside = (place >= 0) & (other < self.code.size)
        place, other = np.where(inside, place, 0), np.where(inside, other, 0)
        near = self.day[other] - self.day[place] <= LONGEST_GAP_DAYS
        return inside & (self.code[place] == self.code[other]) & near

    def volatility(self, first: Ints, after: Ints) -> Floats:
        """Daily volatility of the symbol around runs that begin at `first` and are over at `after`.

        From medians of absolute changes, which a few wild ones do not move: over the HISTORY_SESSIONS before
        and a month after, or over the days next to the run where these were wilder. 0 = too few to tell.
        """
        every = self._median(first, after, HISTORY_SESSIONS, _AFTER)
        near = self._median(first, after, _NEAR, _NEAR)
        return _NORMAL * np.fmax(np.fmax(every, near), 0.0)

    def volatility_after(self, place: Ints) -> Floats:
        """Daily volatility of the symbol in the month after each place, as of `volatility`; 0 = too few."""
        return _NORMAL * self._median(place, place, 0, _AFTER)

    def _median(self, first: Ints, after: Ints, before: int, later: int) -> Floats:
        past = first[:, None] - np.arange(1, before + 1)
        future = after[:, None] + np.arange(1, later + 1)
        at = np.concatenate([past, future], axis=1)
        inside = (at >= 0) & (at < self.code.size)
        at = np.where(inside, at, 0)
        same = inside & (self.code[at] == self.code[first][:, None])
        changes = np.where(same, np.abs(self.jumps[at]), np.nan)
        enough = np.isfinite(changes).sum(axis=1) >= _LEAST_RETURNS
        found = np.full(first.size, np.nan)
        if enough.any():
            found[enough] = np.nanmedian(changes[enough], axis=1)
        return np.where(enough, found, 0.0)


def limit_of(volatility: Floats, least: float, sigmas: float, certain: float) -> Floats:
    """Log distance from which on a value is doubted: of both thresholds the larger, never above `certain`."""
    return np.minimum(np.maximum(np.log(least), sigmas * volatility), np.log(certain))


def runs_that_come_back(
    series: Series, least: float, sigmas: float = 0.0, certain: float = np.inf, known: Bools | None = None
) -> tuple[Bools, Floats]:
    """Values that leave the level of their neighbours on both sides for at most LONGEST_RUN sessions.

    Each value of such a run is at least the limit away from both neighbours of the run, which are near to
    each other.

    :param least: factor. :param sigmas: daily volatilities; 0 = do not ask.
    :param known: values that are believed (n,): no run begins at one or holds one.
    :returns: which values (n,), and the level between the two neighbours (n,), NaN for the others.
    """
    flagged, held = np.zeros(series.level.size, dtype=bool), np.full(series.level.size, np.nan)
    believed = np.zeros(series.level.size, dtype=bool) if known is None else known
    leaves = np.abs(np.nan_to_num(series.jumps)) >= np.log(least)
    first = np.flatnonzero(leaves & ~series.accepted(believed))
    for length in range(1, LONGEST_RUN + 1):
        left, right = first - 1, first + length
        whole = series.together(left, right)
        begins, left, right = first[whole], left[whole], right[whole]
        inside = begins[:, None] + np.arange(length)
        away = np.abs(series.level[inside][..., None] - series.level[np.stack([left, right], 1)][:, None, :])
        distance = away.min(axis=(1, 2))
        limit = np.log(least) * np.ones(begins.size)
        if sigmas:
            limit = limit_of(series.volatility(begins, right), least, sigmas, certain)
        apart = np.abs(series.level[right] - series.level[left])
        taken = (flagged | believed)[inside].any(axis=1)
        found = (distance >= limit) & (apart <= COMES_BACK * distance) & ~taken
        found[found] = _is_odd(series, begins[found], right[found], left[found])
        flagged[inside[found]] = True
        held[inside[found]] = ((series.level[left] + series.level[right]) / 2)[found, None]
    return flagged, held


def _is_odd(series: Series, first: Ints, after: Ints, left: Ints) -> Bools:
    """Whether it is the runs that are away from the level of the weeks around, and not their neighbours."""
    at = np.concatenate(
        [first[:, None] - np.arange(1, _AROUND + 1), after[:, None] + np.arange(_AROUND)], axis=1
    )
    inside = (at >= 0) & (at < series.code.size)
    at = np.where(inside, at, 0)
    same = inside & (series.code[at] == series.code[first][:, None])
    around = np.nanmedian(np.where(same, series.level[at], np.nan), axis=1) if first.size else np.empty(0)
    return np.abs(series.level[first] - around) > np.abs(series.level[left] - around)
