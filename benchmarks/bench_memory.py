"""Peak memory of one year x 100 portfolios x 30 positions, every asset, through `sigmasight backfill`.

It takes minutes: 25,200 partitions of each portfolio table are computed and stored in a server of its own.
"""

from benchmarks.books import books

DATES, PORTFOLIOS = 252, 100
LIMIT_MB = 2_000


def main() -> None:
    with books(PORTFOLIOS) as made:
        done = made.backfill(DATES)
    name = f"1 year x {PORTFOLIOS} portfolios, peak memory"
    peak = f"{done.peak_mb:,.0f} MB"
    print(f"{name:<44}{'-':>14}{done.seconds:>12.1f} s{peak:>24}   < {LIMIT_MB:,} MB", flush=True)
