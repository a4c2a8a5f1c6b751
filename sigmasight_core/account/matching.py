"""Which opening transaction each closing one closes, and how much of it.

Quantities are cumulated in each group (a symbol of a portfolio, one side): opening number i covers the
interval (O[i-1], O[i]], closing number j (C[j-1], C[j]]. First in, first out means that j closes of i what
the two intervals share, so that a sort finds every match at once.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import LotRule

DUST: Final = 1e-9
"""Share of the larger of two cumulated quantities below which they are the same number."""


class Matches(NamedTuple):
    """Pieces (m) of openings; what is not closed is a piece with closing -1."""

    opening: Ints
    closing: Ints
    quantity: Floats
    """Positive, in the units that were given."""


def first_in_first_out(group: Ints, quantity: Floats, closes: Bools) -> Matches:
    """Match by intervals, all groups at once.

    :param group: of each entry (n), in the order in which they count; -1 = takes no part.
    :param quantity: positive. :param closes: which entries close; the others open.
    :returns: pieces ordered by opening; a closing beyond all openings of its group is left out.
    """
    at = np.flatnonzero((group >= 0) & (quantity > 0))
    frame = pd.DataFrame({"entry": at, "group": group[at], "closes": closes[at], "q": quantity[at]})
    frame["edge"] = frame.groupby(["group", "closes"])["q"].cumsum()
    frame = frame.sort_values(["group", "edge", "closes"], kind="stable", ignore_index=True)
    number = frame["group"].to_numpy()
    first = np.r_[True, number[1:] != number[:-1]] if len(frame) else np.zeros(0, dtype=bool)
    edge, ends = frame["edge"].to_numpy(), frame["closes"].to_numpy()
    width = np.where(first, edge, np.diff(edge, prepend=0.0))
    real = width > DUST * np.maximum(edge, 1.0)
    # the segment that ends at an edge belongs to the opening (closing) whose own edge is the next at or after
    opening = _next_edge(frame["entry"].to_numpy(), ~ends, number)
    closing = _next_edge(frame["entry"].to_numpy(), ends, number)
    kept = real & (opening >= 0)
    found = pd.DataFrame({"opening": opening[kept], "closing": closing[kept], "quantity": width[kept]})
    last = found["closing"].where(found["closing"] >= 0, len(group))
    order = np.lexsort((last, found["opening"]))
    return Matches(*(found[name].to_numpy()[order] for name in found))


def _next_edge(entry: Ints, chosen: Bools, group: Ints) -> Ints:
    """The entry of the next chosen edge at or after each edge of its group; -1 = there is none."""
    place = pd.Series(np.where(chosen, entry, -1), dtype="float64").mask(~chosen)
    return place.groupby(group).bfill().fillna(-1).to_numpy().astype(np.int64)


def by_priority(
    group: Ints, quantity: Floats, closes: Bools, *, price: Floats, wanted: Ints, lot: Ints, rule: LotRule
) -> Matches:
    """Match where what a closing takes depends on what is left: the highest price first, or a named lot.

    In rounds: the first closings of all groups at once, then the second ones, and so on.

    :param group: and `quantity`, `closes`: see `first_in_first_out`.
    :param price: of the openings. :param wanted: lot that a closing names, -1 = none; `lot`: of each opening.
    :returns: see `first_in_first_out`.
    """
    takes_part = (group >= 0) & (quantity > 0)
    opening = np.flatnonzero(takes_part & ~closes)
    closing = np.flatnonzero(takes_part & closes)
    turn = pd.Series(closing).groupby(group[closing]).cumcount().to_numpy()
    key = -price[opening] if rule == "highest" else np.zeros(len(opening))
    opening = opening[np.lexsort((opening, key, group[opening]))]
    left = quantity[opening].astype(float)
    pieces: list[tuple[Ints, Ints, Floats]] = []
    for number in range(int(turn.max(initial=-1)) + 1):
        now = closing[turn == number]
        of_group = np.full(int(group.max(initial=0)) + 1, -1)
        of_group[group[now]] = now
        mine = of_group[group[opening]]
        named = wanted[np.maximum(mine, 0)]
        able = (mine >= 0) & (opening < mine) & (left > 0) & ((named < 0) | (named == lot[opening]))
        candidate = np.flatnonzero(able)
        rest = pd.Series(left[candidate])
        before = (rest.groupby(group[opening[candidate]]).cumsum() - rest).to_numpy()
        taken = np.clip(quantity[mine[candidate]] - before, 0.0, left[candidate])
        taken[taken <= DUST * quantity[opening[candidate]]] = 0.0
        left[candidate] -= taken
        left[left <= DUST * quantity[opening]] = 0.0
        some = taken > 0
        pieces.append((opening[candidate[some]], mine[candidate[some]], taken[some]))
    pieces.append((opening[left > 0], np.full(int((left > 0).sum()), -1), left[left > 0]))
    found, ended, taken = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    order = np.lexsort((np.where(ended < 0, len(group), ended), found))
    return Matches(found[order], ended[order], taken[order])


def excess(group: Ints, quantity: Floats, closes: Bools) -> Floats:
    """How much of each closing is more than was opened before and not yet closed (n); 0 = none.

    What an earlier closing had too much is not counted again: the excess is the rise of the largest shortfall
    so far (Lindley's recursion in closed form).
    """
    part = (group >= 0) & (quantity > 0)
    change = pd.Series(np.where(part, np.where(closes, quantity, -quantity), 0.0))
    short = change.groupby(group).cumsum()
    worst = short.groupby(group).cummax().clip(lower=0.0)
    rise = (worst - worst.groupby(group).shift(fill_value=0.0)).to_numpy()
    size = pd.Series(np.where(part, quantity, 0.0)).groupby(group).cumsum().to_numpy()
    return np.where(part & closes & (rise > DUST * np.maximum(size, 1.0)), rise, 0.0)
