"""Staleness: when something that a date depends on changed last. Pure: sessions, spans and moments."""

from typing import Any

import numpy as np

from sigmasight_core.arrays.types import Ints


def latest_change(
    *, group: Ints, first: Ints, last: Ints, moment: Ints, n_groups: int, n_sessions: int
) -> Ints:
    """Latest moment among the spans that cover each session of each group, (n_groups, n_sessions); 0 = none.

    Span i says that group[i] changed at moment[i] > 0 on sessions first[i] to last[i], both included and
    clipped to the sessions; one whose last is before its first says nothing. O((spans + cells) log cells):
    each span is covered by two of a power of two's length, which are halved down to single sessions.
    """
    start, end = np.maximum(first, 0), np.minimum(last, n_sessions - 1)
    real = start <= end
    group, start, end, moment = group[real], start[real], end[real], moment[real]
    level = np.floor(np.log2(end - start + 1)).astype(np.int64)
    size = np.left_shift(1, level)
    found = np.zeros((n_groups, n_sessions), dtype=np.int64)
    for exponent in range(int(level.max(initial=0)), -1, -1):
        chosen = level == exponent
        for place in (start, end - size + 1):
            np.maximum.at(found, (group[chosen], place[chosen]), moment[chosen])
        if exponent:
            found = _halve(found, 1 << (exponent - 1))
    return found


def _halve(spans: Ints, half: int) -> Ints:
    """Spans of twice `half` sessions that begin at each session, as spans of `half` sessions."""
    halves = spans.copy()
    np.maximum(halves[:, half:], spans[:, :-half], out=halves[:, half:])
    return halves


def sessions_to_next(known: Ints, names: Any, at: Ints, name: Any, limit: int) -> Ints:
    """Sessions from each (name, at) to the next known one of the same name, at most `limit`; `limit` if none.

    :param known: session numbers of `names`, in any order.
    """
    span = np.int64(1) << 32
    codes, uniques = _codes(names, name)
    keys = np.unique(codes * span + known)
    wanted = uniques * span + at
    place = np.searchsorted(keys, wanted, side="right")
    following = np.append(keys, np.iinfo(np.int64).max)[place]
    return np.where(following // span == uniques, np.minimum(following - wanted, limit), limit)


def _codes(names: Any, others: Any) -> tuple[Ints, Ints]:
    _, codes = np.unique(
        np.concatenate([np.asarray(names, str), np.asarray(others, str)]), return_inverse=True
    )
    return codes[: len(names)].astype(np.int64), codes[len(names) :].astype(np.int64)
