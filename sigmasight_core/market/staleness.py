"""Staleness: when something that a date depends on changed last. Pure: sessions, spans and moments.

A change is a row with `date`, `moment` (an integer > 0, later is greater) and `gap`, its sessions to the
next price of its symbol. A span is a change with `group` (a portfolio's number) and `first` and `last`, the
numbers of the sessions that it concerns, both included; it says nothing when `last` is before `first`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Ints

NONE: Final = -1
ENTRY_SLACK: Final = pd.Timedelta(days=14)
"""Settlements and splits are looked up on sessions since entry; prices may be carried from before it."""


@dataclass(frozen=True)
class Reach:
    """Sessions after a change whose rows depend on it; NONE where there is no such path.

    :param fixed: up to this many sessions after. :param carried: up to this many after the next session with
        a price, until which the changed price is carried. :param always: to the last session.
    """

    fixed: int = NONE
    carried: int = NONE
    always: bool = False

    @property
    def none(self) -> bool:
        return self == Reach()

    def through(self, look_back: int, *, since_entry: bool = False) -> "Reach":
        """The reach of what reads this over a window: sessions before a date, or all since an entry."""
        return Reach(
            self.fixed + look_back if self.fixed != NONE else NONE,
            self.carried + look_back if self.carried != NONE else NONE,
            self.always or (since_entry and not self.none),
        )

    def __or__(self, other: "Reach") -> "Reach":
        return Reach(
            max(self.fixed, other.fixed), max(self.carried, other.carried), self.always or other.always
        )


def spans(changes: pd.DataFrame, reached: Reach, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """The changes with `first` and `last`: the sessions that a reach takes them to."""
    first = sessions.get_indexer(pd.Index(changes["date"]))
    last = np.full(len(changes), -1, dtype=np.int64)
    if reached.fixed != NONE:
        last = np.maximum(last, first + reached.fixed)
    if reached.carried != NONE:
        last = np.maximum(last, first + reached.carried + changes["gap"].to_numpy(dtype=np.int64))
    if reached.always:
        last[:] = len(sessions) - 1
    return changes.assign(first=first, last=last)


def held_spans(
    *,
    changes: pd.DataFrame,
    ledger: pd.DataFrame,
    stock: Reach,
    option: Reach,
    sessions: pd.DatetimeIndex,
) -> list[pd.DataFrame]:
    """Spans of what portfolios held at or after the changes, not before they entered it.

    :param changes: with `symbol`; one of '' concerns every symbol.
    :param ledger: group, underlying, entry_date, end and is_option: who held what from when to when.
    :param stock: and `option`: how far a change goes for a position of that kind.
    """
    named = changes.merge(ledger, left_on="symbol", right_on="underlying")
    whole = changes[changes["symbol"] == ""].merge(ledger, how="cross")
    concerned = pd.concat([named, whole])
    concerned = concerned[concerned["end"] >= concerned["date"]]
    parts = []
    for reached, is_option in ((stock, False), (option, True)):
        chosen = concerned[concerned["is_option"] == is_option]
        limited = spans(chosen, Reach(reached.fixed, reached.carried), sessions)
        entered = sessions.searchsorted(limited["entry_date"].to_numpy(dtype="datetime64[ns]"))
        parts.append(limited.assign(first=np.maximum(limited["first"], entered)))
        if reached.always:
            since = chosen[chosen["entry_date"] - ENTRY_SLACK <= chosen["date"]]
            parts.append(spans(since, Reach(always=True), sessions))
    return parts


def latest_of(parts: Sequence[pd.DataFrame], n_groups: int, n_sessions: int) -> Ints:
    """`latest_change` of spans in several frames."""
    if not parts:
        return np.zeros((n_groups, n_sessions), dtype=np.int64)
    every = pd.concat(parts)
    group, first, last, moment = (
        every[name].to_numpy(dtype=np.int64) for name in ("group", "first", "last", "moment")
    )
    return latest_change(
        group=group, first=first, last=last, moment=moment, n_groups=n_groups, n_sessions=n_sessions
    )


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
