"""`sigmasight backfill` of a year x 20 portfolios x 30 positions, every asset, and how it grows.

Each size is a project and a server of its own: the market history before the range is part of it.
"""

from benchmarks.books import Backfill, books

DATES, PORTFOLIOS = 252, 20
GOAL = "< 180 s, <= 20 runs, < 2,000 MB"


def main() -> None:
    halves = [(DATES // 2, PORTFOLIOS), (DATES, PORTFOLIOS // 2)]
    fewer_dates, fewer_portfolios = (_measure(*size, "") for size in halves)
    whole = _measure(DATES, PORTFOLIOS, GOAL)
    _growth("twice the dates", fewer_dates, whole)
    _growth("twice the portfolios", fewer_portfolios, whole)


def _measure(n_dates: int, n_portfolios: int, goal: str) -> Backfill:
    with books(n_portfolios) as made:
        done = made.backfill(n_dates)
    name = f"backfill, {n_dates} dates x {n_portfolios} x 30"
    facts = f"{done.cpu_seconds:.0f} s CPU, {done.runs} runs, {done.peak_mb:,.0f} MB"
    print(f"{name:<44}{'-':>14}{done.seconds:>12.1f} s{facts:>30}   {goal}", flush=True)
    return done


def _growth(name: str, half: Backfill, whole: Backfill) -> None:
    ratio = f"x {whole.seconds / half.seconds:.2f}, CPU x {whole.cpu_seconds / half.cpu_seconds:.2f}"
    print(f"{name:<44}{half.seconds:>12.1f} s{whole.seconds:>12.1f} s{ratio:>30}   <= x 2", flush=True)
