"""Closes that leave their level and have not come back: the newest one, a wrong unit, a split not told."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.market.plausibility.limits import HISTORY_SESSIONS, LONGEST_RUN, Limits
from sigmasight_core.market.plausibility.series import Series, limit_of

NEWEST: Final = 1
"""No later close confirms the jump yet."""
UNIT: Final = 2
"""No later close can: no share moves so far in a session without a cause."""
SPLIT: Final = 3
"""It is as large as a split."""

_WHOLE: Final = np.arange(2, 51)
_LEAST_FIT, _FIT_SIGMAS, _LARGEST_FIT = 0.02, 1.5, 0.06
"""How near a jump is to a split: log distance, or daily volatilities within bounds. To 2:1 and 1:2 it must be
_LEAST_FIT near: shares do halve on bad news."""
_CROWD: Final = 8.0
"""A day's volume over the usual shows that the market itself moved."""
_LEAST_DAYS: Final = 5


class Levels(NamedTuple):
    """:ivar cause: NEWEST, UNIT, SPLIT or 0, by value (n,). :ivar held: log level before. :ivar ratio: of the
    split that it looks like, NaN = none."""

    cause: Ints
    held: Floats
    ratio: Floats


def unconfirmed_levels(series: Series, volume: Floats, known: Bools, limits: Limits) -> Levels:
    """Closes on a level that the one before contradicts, from the jump to the symbol's last close.

    A jump of `jump_factor` (and `jump_sigmas`) is doubted while it is the newest close. The next close
    confirms it, unless it is of `level_factor` or as large as a split n:1 or 1:n: then all that follows is
    doubted. A first stretch of at most LONGEST_RUN closes that more closes contradict is what is doubted
    itself.

    :param series: closes restated for splits that are told, without runs that come back.
    :param volume: shares traded, by value (n,); NaN = not known.
    :param known: values that are believed (n,).
    """
    n = series.level.size
    cause, held, ratio = np.zeros(n, dtype=np.int64), np.full(n, np.nan), np.full(n, np.nan)
    jumps = series.jumps
    far = np.abs(np.nan_to_num(jumps)) >= np.log(limits.jump_factor)
    first = np.flatnonzero(far & ~series.accepted(known))
    if not first.size:
        return Levels(cause, held, ratio)
    start, end = _ends(series.code)
    jump, last = jumps[first], end[first]
    sigma = series.volatility(first, last + 1)
    limit = limit_of(sigma, limits.jump_factor, limits.jump_sigmas, limits.level_factor)
    large = np.abs(jump) >= limit
    fit, whole = _split_fit(jump, sigma)
    traded = _over_usual(series, volume, first) / np.maximum(np.exp(-jump), 1.0) >= _CROWD
    split = large & fit & ~traded
    unit = np.abs(jump) >= np.log(limits.level_factor)
    length, before = last - first + 1, first - start[first]
    stays = np.abs(series.level[last] - series.level[first]) <= np.abs(jump) / 2
    head = unit & (before <= LONGEST_RUN) & (before < length)
    kind = np.select(
        [head, split & stays, unit & stays, large & (length == 1)], [UNIT, SPLIT, UNIT, NEWEST], 0
    )
    mine, where = _stretches(first, kind, head, start, end)
    cause[where] = kind[mine]
    held[where] = np.where(head[mine], series.level[first[mine]], series.level[first[mine] - 1])
    ratio[where] = np.where(kind[mine] == SPLIT, whole[mine], np.nan)
    return Levels(cause, held, ratio)


def _over_usual(series: Series, volume: Floats, at: Ints) -> Floats:
    """Volume over the median of the symbol's up to HISTORY_SESSIONS days before; 0 = not known."""
    past = at[:, None] - np.arange(1, HISTORY_SESSIONS + 1)
    same = (past >= 0) & (series.code[past] == series.code[at][:, None])
    before = np.where(same, volume[past], np.nan)
    enough = np.isfinite(before).sum(axis=1) >= _LEAST_DAYS
    usual = np.full(at.size, np.nan)
    if enough.any():
        usual[enough] = np.nanmedian(before[enough], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(volume[at] / usual, nan=0.0, posinf=0.0)


def _ends(code: Ints) -> tuple[Ints, Ints]:
    """First and last place of the symbol of each value."""
    return np.searchsorted(code, code, side="left"), np.searchsorted(code, code, side="right") - 1


def _split_fit(jump: Floats, sigma: Floats) -> tuple[Bools, Floats]:
    """Whether jumps are near those of a split n:1 or 1:n, and its ratio."""
    whole = _WHOLE[np.abs(np.abs(jump)[:, None] - np.log(_WHOLE)).argmin(axis=1)]
    near = np.where(whole > 2, np.clip(_FIT_SIGMAS * sigma, _LEAST_FIT, _LARGEST_FIT), _LEAST_FIT)
    return np.abs(np.abs(jump) - np.log(whole)) <= near, np.where(jump < 0, whole, 1 / whole)


def _stretches(first: Ints, kind: Ints, head: Bools, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Doubted jumps, each with the values that it makes doubtful, in order: of two jumps the later holds."""
    chosen = np.flatnonzero(kind > 0)
    low = np.where(head[chosen], start[first[chosen]], first[chosen])
    high = np.where(head[chosen], first[chosen] - 1, end[first[chosen]])
    size = high - low + 1
    mine = np.repeat(chosen, size)
    where = np.repeat(low, size) + np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    return mine, where
