"""Closes that leave their level and have not come back: the newest one, a wrong unit, a split not told."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.limits import HISTORY_SESSIONS, LONGEST_RUN, Limits
from sigmasight_core.market.plausibility.series import COMES_BACK, Series, limit_of

NEWEST: Final = 1
"""No later close confirms the jump yet."""
UNIT: Final = 2
"""No later close can: no share moves so far in a session without a cause."""
SPLIT: Final = 3
"""It is as large as a split."""
MOVED: Final = 4
"""Later closes confirm it, but nothing says that the market moved: they may be another company's."""

_CUSTOMARY: Final = np.array([2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 75, 100])
"""n of the splits n:1 and 1:n that a jump without a cause may look like."""
_LEAST_FIT, _FIT_SIGMAS, _LARGEST_FIT = 0.02, 5.0, 0.1
"""How near a jump is to a split: log distance, or daily volatilities within bounds."""
_SPLIT_SIGMAS: Final = 12.0
"""Daily volatilities from which on a jump that fits a split is doubted as one."""
_QUIET: Final = 3.0
"""Shares do halve on bad news, but not on less than so many times the usual volume; not so a split 2:1."""
_STIRRED: Final = 2.5
"""News leave a share so many times wilder than it was; another company's prices are as quiet as before."""
_CROWD: Final = 8.0
"""A day's volume over the usual shows that the market itself moved."""
_LEAST_DAYS: Final = 5


class Levels(NamedTuple):
    """:ivar cause: NEWEST, UNIT, SPLIT, MOVED or 0, by value (n,). :ivar held: log level before.
    :ivar ratio: of the split that it looks like, NaN = none."""

    cause: Ints
    held: Floats
    ratio: Floats


def unconfirmed_levels(series: Series, volume: Floats, known: Bools, limits: Limits) -> Levels:
    """Closes on a level that the one before contradicts, from the jump to the symbol's last close.

    A jump of `jump_factor` (and `jump_sigmas`) is doubted while it is the newest close. The next close
    confirms it on heavy volume, or where the share is wilder since. All that follows is doubted where the
    volume is usual or not known, where the jump is of `level_factor`, or as large as a split n:1 or 1:n. A
    first stretch of at most LONGEST_RUN closes that more closes contradict is what is doubted itself.

    :param series: closes restated for splits that are told, without runs that come back.
    :param volume: shares traded, by value (n,); NaN = not known.
    :param known: values that are believed (n,).
    """
    n = series.level.size
    cause, held, ratio = np.zeros(n, dtype=np.int64), np.full(n, np.nan), np.full(n, np.nan)
    jumps = series.jumps
    far = np.abs(np.nan_to_num(jumps)) >= np.log(limits.jump_factor) - _LARGEST_FIT
    first = np.flatnonzero(far & ~series.accepted(known))
    if not first.size:
        return Levels(cause, held, ratio)
    start, end = _ends(series.code)
    jump, last = jumps[first], end[first]
    sigma = series.volatility(first, last + 1)
    limit = limit_of(sigma, limits.jump_factor, limits.jump_sigmas, limits.level_factor)
    large = np.abs(jump) >= limit
    fit, ratio_like = _split_fit(jump, sigma)
    whole = np.maximum(ratio_like, 1 / ratio_like)
    over = _over_usual(series, volume, first)
    traded = over / np.maximum(np.exp(-jump), 1.0)
    nearly = np.abs(jump) >= np.minimum(limit - _LARGEST_FIT, _SPLIT_SIGMAS * sigma)
    split = nearly & fit & ~(traded >= np.where(whole == 2, _QUIET, _CROWD))
    unit = np.abs(jump) >= np.log(limits.level_factor)
    length, before = last - first + 1, first - start[first]
    moved = large & (before >= _LEAST_DAYS) & ~(over >= _QUIET) & ~_stirred(series, first, sigma, limits)
    shortly = np.minimum(np.minimum(first + LONGEST_RUN - 1, last), np.append(first[1:] - 1, n))
    settled = np.abs(series.level[shortly] - series.level[first]) <= np.abs(jump) / 2
    stays = unit | ((split | moved) & settled)
    head = unit & (before <= LONGEST_RUN) & (before < length)
    until, answered = _answers(series, first, stays & ~head, last)
    kind = np.select(
        [head, stays & split, unit, large & (length == 1), stays], [UNIT, SPLIT, UNIT, NEWEST, MOVED], 0
    )
    kind[answered | (_returns(series, first, start) & ~head)] = 0
    low, high = np.where(head, start[first], first), np.where(head, first - 1, until)
    mine, where = _stretches(kind > 0, low, high)
    cause[where] = kind[mine]
    held[where] = series.level[np.where(head, first, first - 1)][mine]
    ratio[where] = np.where(kind[mine] == SPLIT, ratio_like[mine], np.nan)
    return Levels(cause, held, ratio)


def _stirred(series: Series, first: Ints, sigma: Floats, limits: Limits) -> Bools:
    """Jumps after which the share is so much wilder than before that they are no longer extreme for it."""
    after = series.volatility_after(first)
    return (after >= _STIRRED * sigma) & (np.abs(series.jumps[first]) < limits.jump_sigmas * after)


def _returns(series: Series, first: Ints, start: Ints) -> Bools:
    """Jumps that bring back a level of the sessions before: of a spike that is believed."""
    earlier = first[:, None] - np.arange(2, LONGEST_RUN + 2)
    there = earlier >= start[first][:, None]
    away = np.abs(series.level[np.where(there, earlier, 0)] - series.level[first][:, None])
    near = away <= COMES_BACK * np.abs(series.level[first] - series.level[first - 1])[:, None]
    return np.asarray((near & there).any(axis=1))


def _answers(series: Series, first: Ints, stays: Bools, last: Ints) -> tuple[Ints, Bools]:
    """Up to where each jump holds: to the last close, or to the jump that brings the old level back.

    :returns: place of the last close of each jump's level, and which jumps answer one before.
    """
    until, answers = last.copy(), np.zeros(first.size, dtype=bool)
    here, there = np.flatnonzero(stays)[:-1], np.flatnonzero(stays)[1:]
    same = series.code[first[here]] == series.code[first[there]]
    jump = np.abs(series.level[first[here]] - series.level[first[here] - 1])
    back = np.abs(series.level[first[there]] - series.level[first[here] - 1]) <= COMES_BACK * jump
    returns = same & back
    # In a chain of jumps to and fro every other one is an answer
    place = np.arange(returns.size)
    chain = place - np.maximum.accumulate(np.where(returns, -1, place)) - 1
    paired = returns & (chain % 2 == 0)
    until[here[paired]] = first[there[paired]] - 1
    answers[there[paired]] = True
    return until, answers


def _over_usual(series: Series, volume: Floats, at: Ints) -> Floats:
    """Volume over the median of the symbol's up to HISTORY_SESSIONS days before; NaN = not known."""
    past = at[:, None] - np.arange(1, HISTORY_SESSIONS + 1)
    same = (past >= 0) & (series.code[past] == series.code[at][:, None])
    before = np.where(same, volume[past], np.nan)
    enough = np.isfinite(before).sum(axis=1) >= _LEAST_DAYS
    usual = np.full(at.size, np.nan)
    if enough.any():
        usual[enough] = np.nanmedian(before[enough], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        over = volume[at] / usual
    return np.where(np.isfinite(over), over, np.nan)


def _ends(code: Ints) -> tuple[Ints, Ints]:
    """First and last place of the symbol of each value."""
    return np.searchsorted(code, code, side="left"), np.searchsorted(code, code, side="right") - 1


def _split_fit(jump: Floats, sigma: Floats) -> tuple[Bools, Floats]:
    """Whether jumps are near those of a split n:1 or 1:n, and its ratio."""
    whole = _CUSTOMARY[np.abs(np.abs(jump)[:, None] - np.log(_CUSTOMARY)).argmin(axis=1)]
    near = np.clip(_FIT_SIGMAS * sigma, _LEAST_FIT, _LARGEST_FIT)
    return np.abs(np.abs(jump) - np.log(whole)) <= near, np.where(jump < 0, whole, 1 / whole)


def _stretches(chosen: Bools, low: Ints, high: Ints) -> tuple[Ints, Ints]:
    """Chosen jumps, each with every place from `low` to `high`, in order: of two jumps the later holds."""
    jumps = np.flatnonzero(chosen)
    size = high[jumps] - low[jumps] + 1
    begin = np.repeat(low[jumps] - (np.cumsum(size) - size), size)
    return np.repeat(jumps, size), begin + np.arange(size.sum())
