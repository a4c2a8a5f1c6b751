"""Isolation of failures: what to launch after a failed run, so that the good partitions are published.

A run publishes a whole rectangle of a table or nothing. After a failure the bad partitions, which the
run names, go alone, and what is left of the rectangle goes again without them. A run that names none is
split by portfolio. The bad ones fail again, and exactly those show as failed.
"""

from dataclasses import replace
from itertools import groupby

import pandas as pd

from sigmasight_dagster.partitions.keys import key, neighbours
from sigmasight_dagster.runs.execute import RunOutcome
from sigmasight_dagster.runs.plan import RangeRun

RETRY_LAYER = "retry"


def retries(outcome: RunOutcome) -> list[RangeRun]:
    """Runs that take the place of a failed one, the good partitions first; none when it cannot be split."""
    run = outcome.run
    every = run.partition_keys
    bad = every & frozenset(outcome.bad_partitions)
    if outcome.lost:
        return []
    if bad and bad != every:
        return [*_rectangles(run, every - bad), *_rectangles(run, bad)]
    if not bad and len(run.portfolios) > 1:
        return [replace(run, layer=RETRY_LAYER, portfolios=(name,)) for name in run.portfolios]
    return []


def _rectangles(run: RangeRun, keys: frozenset[str]) -> list[RangeRun]:
    """Cover some partitions of a run by runs of neighbouring dates x neighbouring portfolios."""
    chosen = [
        tuple(name for name in run.portfolios or ("",) if key(date, name) in keys) for date in run.dates
    ]
    runs = []
    for names, group in groupby(zip(run.dates, chosen, strict=True), key=lambda pair: pair[1]):
        if not names:
            continue
        dates = pd.DatetimeIndex([date for date, _ in group])
        parts = neighbours(names, run.portfolios) if run.portfolios else [()]
        runs += [replace(run, layer=RETRY_LAYER, dates=dates, portfolios=part) for part in parts]
    return runs
