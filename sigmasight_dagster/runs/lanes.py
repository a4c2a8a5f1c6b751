"""Which runs may go side by side: those of different portfolios.

The dates of a portfolio go in order, and market data before portfolios. A lane is the runs of some portfolios
that stand next to each other, for one process; the lanes of a stage go side by side, the stages one after
the other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_dagster.runs.plan import RangeRun

Lane = list[RangeRun]
Stage = list[Lane]

WORTH_A_PROCESS: Final = 20_000
"""Positions x dates of a lane: with about half of it a process takes as long to start as it saves."""
ALIKE: Final = 10
"""A portfolio's own tables take as long as so many positions."""


def one_by_one(runs: Sequence[RangeRun]) -> list[Stage]:
    """All in one lane."""
    return [[list(runs)]]


def side_by_side(
    runs: Sequence[RangeRun],
    processes: int,
    n_positions: Mapping[str, int],
    order: Sequence[str],
    chunk_partitions: int,
) -> list[Stage]:
    """Planned runs in lanes, at most as many as there are processes, and no more than pay.

    :param runs: in the order in which they must go.
    :param n_positions: by portfolio; none of one without any.
    :param order: every portfolio in the order of the dynamic partitions.
    """
    found: list[Stage] = []
    for by_portfolio, group in groupby(runs, key=lambda run: bool(run.portfolios)):
        part = list(group)
        lanes = _lanes(part, processes, n_positions, order, chunk_partitions) if by_portfolio else [part]
        found.append(lanes)
    return found


def told_at_the_end(lane: Lane) -> Lane:
    """Each run that another one of the same portfolios goes on from is marked: that one makes the reports."""
    same = [(*run.table_names, *run.portfolios) for run in lane]
    last = {key: place for place, key in enumerate(same)}
    return [
        replace(run, goes_on=bool(run.portfolios) and place < last[key])
        for place, (run, key) in enumerate(zip(lane, same, strict=True))
    ]


def _lanes(
    runs: Lane, processes: int, n_positions: Mapping[str, int], order: Sequence[str], chunk_partitions: int
) -> Stage:
    there = {name for run in runs for name in run.portfolios}
    dates = pd.Series(0, index=[name for name in order if name in there])
    for run in runs:
        dates[list(run.portfolios)] += len(run.dates)
    work = dates * pd.Series({name: ALIKE + n_positions.get(name, 0) for name in dates.index})
    n_lanes = min(processes, len(work), int(work.sum() / WORTH_A_PROCESS))
    if n_lanes < 2:
        return [runs]
    # Where the middle of a portfolio's work falls, of all work in so many equal parts.
    place = ((work.cumsum() - work / 2) / work.sum() * n_lanes).astype(int)
    groups = [set(names.index) for _, names in place.groupby(place)]
    return [list(_cut(_joined(_of(runs, names)), chunk_partitions)) for names in groups]


def _of(runs: Lane, names: set[str]) -> Iterator[RangeRun]:
    """The runs of some portfolios alone."""
    for run in runs:
        if chosen := tuple(name for name in run.portfolios if name in names):
            yield replace(run, portfolios=chosen)


def _joined(runs: Iterator[RangeRun]) -> Iterator[RangeRun]:
    """As one what follows on each other: of fewer portfolios a run may have more dates."""
    before: RangeRun | None = None
    for run in runs:
        if before is not None and _goes_on(before, run):
            before = replace(before, dates=pd.DatetimeIndex(before.dates.append(run.dates)))
        else:
            if before is not None:
                yield before
            before = run
    if before is not None:
        yield before


def _goes_on(before: RangeRun, run: RangeRun) -> bool:
    last, first = before.dates[-1], run.dates[0]
    return _but_its_dates(run) == _but_its_dates(before) and last < first == calendar.shift_sessions(last, 1)


def _but_its_dates(run: RangeRun) -> tuple[object, ...]:
    return run.layer, run.assets, run.portfolios, run.refetch, run.every_report


def _cut(runs: Iterator[RangeRun], chunk_partitions: int) -> Iterator[RangeRun]:
    """In pieces of nearly the same number of dates: the largest decides how much memory a process takes."""
    for run in runs:
        n_pieces = -(-len(run.dates) // max(chunk_partitions // len(run.portfolios), 1))
        for places in np.array_split(np.arange(len(run.dates)), n_pieces):
            yield replace(run, dates=run.dates[places])
