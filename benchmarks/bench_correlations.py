"""25,200 correlation matrices of 50 x 50 over 90 sessions against `DataFrame.corr`, matrix by matrix.

252 dates x 100 portfolios of 50 names each out of 500: the batches that `portfolio_correlations` works on.
"""

import numpy as np
import pandas as pd

from benchmarks.measure import compare
from sigmasight_core.correlation.pairwise import chunk_length, window_history, window_statistics

DATES, PORTFOLIOS, NAMES, UNIVERSE, WINDOW, MIN_OBS, N_PLAIN = 252, 100, 50, 500, 90, 20, 1_000


def main() -> None:
    rng = np.random.default_rng(9)
    sessions = DATES + WINDOW - 1
    returns = rng.normal(0, 0.01, (sessions, 1)) + rng.normal(0, 0.015, (sessions, UNIVERSE))
    held = np.array([np.sort(rng.choice(UNIVERSE, NAMES, replace=False)) for _ in range(PORTFOLIOS)])
    columns = np.tile(held, (DATES, 1))
    ends = np.repeat(np.arange(WINDOW - 1, sessions), PORTFOLIOS)
    windows = [
        pd.DataFrame(returns[end + 1 - WINDOW : end + 1, names])
        for end, names in zip(ends[:N_PLAIN], columns[:N_PLAIN], strict=True)
    ]

    def plain() -> None:
        for window in windows:
            window.corr(min_periods=MIN_OBS)

    def ours() -> None:
        history, step = window_history(returns, WINDOW, MIN_OBS), chunk_length(NAMES)
        for start in range(0, len(ends), step):
            part = slice(start, start + step)
            window_statistics(history, columns[part], ends[part], MIN_OBS)

    compare("25,200 correlations of 50 x 50, pandas corr", plain, ours, ">= 20", len(ends) / N_PLAIN)
