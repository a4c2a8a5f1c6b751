"""`python -m benchmarks.fuzz --seed 1 --count 10000`: mutate, feed, count; ends with 1 if one is wrong."""

import argparse
import logging
import sys
import time

from benchmarks.fuzz.campaign import run
from benchmarks.fuzz.outcomes import Outcome, table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--show", default="", help="print every input whose mutations contain these words")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    started = time.monotonic()
    results = run(given.seed, given.count)
    for row in results:
        if given.show and given.show in row.mutations:
            print(f"{row.subject}: {row.mutations}: {row.outcome}: {row.detail}")
    print(table(results))
    print(f"seed {given.seed}, {len(results)} inputs in {time.monotonic() - started:.0f} s")
    return int(any(row.outcome is Outcome.WRONG for row in results))


sys.exit(main())
