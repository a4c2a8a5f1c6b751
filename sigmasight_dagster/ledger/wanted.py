"""Runs that a look into the inbox asks for: those of many files together, not a process for each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from sigmasight_dagster.partitions.keys import neighbours
from sigmasight_dagster.runs.plan import RangeRun


@dataclass(frozen=True)
class Wanted:
    """A run to request: the key keeps Dagster from launching it twice."""

    run: RangeRun
    run_key: str


def together(wanted: Iterable[Wanted], order: Sequence[str], most: int) -> list[Wanted]:
    """The same runs, those of the same assets and dates as one where their portfolios are neighbours.

    :param wanted: of portfolios, each of one; others stay.
    :param order: every portfolio in the order of the dynamic partitions. :param most: portfolios of a run.
    """
    market: list[Wanted] = []
    alike: dict[Any, dict[str, Wanted]] = defaultdict(dict)
    for item in wanted:
        if item.run.portfolios:
            (name,) = item.run.portfolios
            alike[item.run.assets, tuple(item.run.dates)][name] = item
        else:
            market.append(item)
    return market + [
        _joined([of_name[name] for name in names], names)
        for of_name in alike.values()
        for names in neighbours(list(of_name), order, most)
    ]


def _joined(items: Sequence[Wanted], names: tuple[str, ...]) -> Wanted:
    first = items[0]
    if len(items) == 1:
        return first
    digest = sha256("\n".join(item.run_key for item in items).encode()).hexdigest()[:16]
    return Wanted(replace(first.run, portfolios=names), f"{first.run_key} and {len(items) - 1} more:{digest}")
