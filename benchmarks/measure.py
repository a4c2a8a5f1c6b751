"""Times two ways of doing the same thing, alternately, and prints their ratio with its spread."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sigmasight_dagster.server.embedded import EmbeddedPostgres


@contextmanager
def own_server() -> Iterator[tuple[Path, EmbeddedPostgres]]:
    """A state directory and its running server, both gone at the end."""
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        server = EmbeddedPostgres(Path(folder), None)
        server.start()
        try:
            yield Path(folder), server
        finally:
            server.stop()


def seconds(function: Callable[[], object]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def compare(
    name: str,
    plain: Callable[[], object],
    ours: Callable[[], object],
    goal: str,
    plain_scale: float = 1.0,
    repeats: int = 3,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Run plain and ours in turn; `plain_scale` is how much more work ours does than the plain sample.

    `before` is run, untimed, before each pair.
    """
    ours()
    pairs = []
    for _ in range(repeats):
        before()
        pairs.append((seconds(plain) * plain_scale, seconds(ours)))
    report(name, pairs, goal)


def report(name: str, pairs: Sequence[tuple[float, float]], goal: str) -> None:
    """Print the medians of (plain, ours) seconds, the ratio and its spread."""
    repeats = len(pairs)
    ratios = sorted(slow / fast for slow, fast in pairs)
    plain_seconds = sorted(slow for slow, _ in pairs)[repeats // 2]
    our_seconds = sorted(fast for _, fast in pairs)[repeats // 2]
    digits = 0 if ratios[0] >= 10 else 1
    middle, low, high = (f"{ratios[i]:,.{digits}f}" for i in (repeats // 2, 0, -1))
    spread = f"{middle} ({low}..{high})"
    print(f"{name:<44}{plain_seconds:>12.2f} s{our_seconds:>12.3f} s{spread:>24}   {goal}", flush=True)


def limit(name: str, ours: Callable[[], object], goal: str, repeats: int = 3) -> None:
    """Time something that has a limit in seconds rather than a plain way."""
    times = sorted(seconds(ours) for _ in range(repeats))
    spread = f"({times[0]:.2f}..{times[-1]:.2f})"
    print(f"{name:<44}{'-':>14}{times[repeats // 2]:>12.2f} s{spread:>24}   {goal}", flush=True)


def rates(name: str, plain: Sequence[float], ours: Sequence[float], goal: str) -> None:
    """Print the medians of how many a second, and the spread of ours."""
    middle = [f"{sorted(found)[len(found) // 2]:,.0f} /s" for found in (plain, ours)]
    spread = f"({min(ours):,.0f}..{max(ours):,.0f})"
    print(f"{name:<44}{middle[0]:>14}{middle[1]:>14}{spread:>24}   {goal}", flush=True)


def multiple(
    name: str, unit: Callable[[], object], ours: Callable[[], object], goal: str, repeats: int = 7
) -> None:
    """Print the medians of a unit and of ours, run in turn, and how many units ours takes."""
    ours()
    pairs = [(seconds(unit), seconds(ours)) for _ in range(repeats)]
    units, times = (sorted(pair[place] for pair in pairs)[repeats // 2] for place in (0, 1))
    found = sorted(long / short for short, long in pairs)
    spread = f"x {found[repeats // 2]:.1f} ({found[0]:.1f}..{found[-1]:.1f})"
    print(f"{name:<44}{units:>12.3f} s{times:>12.2f} s{spread:>24}   {goal}", flush=True)
