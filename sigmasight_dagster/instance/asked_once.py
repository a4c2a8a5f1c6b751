"""What Dagster asks of a run's partitions again and again, answered once.

A run asks for the ends of its range hundreds of times whether they exist, and lists every date x portfolio of
it for each asset and output. No partition is removed while one computes (`runs.unfinished`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import dagster as dg


@dataclass(frozen=True)
class Answers:
    """Dynamic partitions that exist, and the keys of ranges by definition and ends."""

    existing: set[tuple[str, str]] = field(default_factory=set)
    ranges: dict[tuple[int, str, str], Sequence[str]] = field(default_factory=dict)


_ANSWERS: ContextVar[Answers | None] = ContextVar("answers", default=None)


@contextmanager
def partitions_stay() -> Iterator[None]:
    """For the time of a run."""
    before = _ANSWERS.set(Answers())
    try:
        yield
    finally:
        _ANSWERS.reset(before)


def answers() -> Answers | None:
    """Those of the run that this process executes; None outside of one."""
    return _ANSWERS.get()


def of_ranges() -> None:
    """Let every run of this process list the partitions of a range once."""
    stock: Any = dg.MultiPartitionsDefinition.get_partition_keys_in_range
    if not hasattr(stock, "__wrapped__"):
        dg.MultiPartitionsDefinition.get_partition_keys_in_range = _once(stock)  # type: ignore[method-assign]


def _once(stock: Callable[..., Sequence[str]]) -> Callable[..., Sequence[str]]:
    @wraps(stock)
    def keys_in_range(self: Any, partition_key_range: Any, *more: Any, **named: Any) -> Sequence[str]:
        known = answers()
        if known is None:
            return stock(self, partition_key_range, *more, **named)
        asked = id(self), partition_key_range.start, partition_key_range.end
        if asked not in known.ranges:
            known.ranges[asked] = stock(self, partition_key_range, *more, **named)
        return list(known.ranges[asked])

    return keys_in_range
