"""`sigmasight backfill` of a year of portfolios, every asset: one process and several, and how it grows.

Each line is a project and a server of its own: the market history before the range is part of it.
"""

from benchmarks.books import Backfill, books

DATES, PORTFOLIOS, MANY = 252, 20, 100
GOAL = "< 60 s, <= 20 runs, < 2,000 MB"
GOAL_MANY = "< 300 s, < 2,500 MB a process"


def main() -> None:
    alone, together = (_measure(DATES, PORTFOLIOS, processes, GOAL) for processes in (1, 0))
    _ratio("one process / several", alone, together, ">= x 1.5")
    fewer_dates = _measure(DATES // 2, PORTFOLIOS, 0, "")
    fewer_portfolios = _measure(DATES, PORTFOLIOS // 2, 0, "")
    _ratio("twice the dates", together, fewer_dates, "<= x 2")
    _ratio("twice the portfolios", together, fewer_portfolios, "<= x 2")
    alone, together = (_measure(DATES, MANY, processes, GOAL_MANY, of_many=True) for processes in (1, 0))
    _ratio("one process / several", alone, together, ">= x 1.5")


def _measure(
    n_dates: int, n_portfolios: int, processes: int, goal: str, *, of_many: bool = False
) -> Backfill:
    with books(n_portfolios, of_many=of_many) as made:
        done = made.backfill(n_dates, processes)
    held = "50 of 500" if of_many else "30"
    name = f"{n_dates} dates x {n_portfolios} x {held}, {done.processes} proc."
    rate = f"{n_dates * n_portfolios / done.seconds:,.0f} /s"
    facts = f"{done.cpu_seconds:.0f} s CPU, {done.runs} runs, {done.peak_mb:,.0f} MB"
    print(f"{name:<44}{rate:>14}{done.seconds:>12.1f} s{facts:>30}   {goal}", flush=True)
    return done


def _ratio(name: str, more: Backfill, less: Backfill, goal: str) -> None:
    ratio = f"x {more.seconds / less.seconds:.2f}, CPU x {more.cpu_seconds / less.cpu_seconds:.2f}"
    print(f"{name:<44}{less.seconds:>12.1f} s{more.seconds:>12.1f} s{ratio:>30}   {goal}", flush=True)
