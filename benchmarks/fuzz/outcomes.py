"""What came of a mutated input."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

FACTOR: Final = 2.0
"""A published value that is off by more, with status ok, is wrong."""


class Outcome(StrEnum):
    """Of one input."""

    RIGHT = "right"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    WRONG = "WRONG"


class Result(NamedTuple):
    """Of one input: its subject (prices, quotes, portfolio), what was done to it, what came of it and why."""

    subject: str
    mutations: str
    outcome: Outcome
    detail: str


def off(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Where a value is off by more than FACTOR, or has another sign; a missing one is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = found / true
    known = np.isfinite(found) & np.isfinite(true) & (true != 0)
    return known & ~((ratio <= FACTOR) & (ratio >= 1 / FACTOR))


def table(results: Iterable[Result]) -> str:
    """Counts by subject and mutation, the wrong ones last with an example of each class."""
    rows = list(results)
    lines = []
    for subject in sorted({row.subject for row in rows}):
        own = [row for row in rows if row.subject == subject]
        counts = Counter(row.outcome for row in own)
        words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome)
        lines.append(f"{subject}: {len(own)} inputs: {words}")
    wrong: dict[tuple[str, str], list[Result]] = {}
    for row in rows:
        if row.outcome is Outcome.WRONG:
            wrong.setdefault((row.subject, row.mutations), []).append(row)
    for (subject, mutations), found in sorted(wrong.items(), key=lambda item: -len(item[1])):
        lines.append(f"  WRONG {len(found):>4} x {subject}: {mutations}: {found[0].detail}")
    return "\n".join(lines)
