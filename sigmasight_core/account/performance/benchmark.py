"""A portfolio beside its benchmark: beta, active return, tracking error, correlation, up and down capture."""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import SESSIONS_PER_YEAR

MIN_COMMON: Final = 20
"""Days with both returns below which nothing is said."""
_NO_VARIATION: Final = 1e-15
"""Sum of squares below which returns do not vary."""


class AgainstBenchmark(NamedTuple):
    """Each (dates, portfolios), over the days of the last 252 on which both have a return; NaN = under 20."""

    beta: Floats
    """Covariance with the benchmark / its variance."""
    correlation: Floats
    active_return: Floats
    """Compounded return less that of the benchmark over the same days, not annualised."""
    tracking_error: Floats
    """Standard deviation (n - 1) of the daily differences x sqrt(252)."""
    up_capture: Floats
    """Annualised return on days on which the benchmark rises / that of the benchmark on them."""
    down_capture: Floats
    """The same on days on which it falls."""
    n_obs: Ints


def against_benchmark(returns: Floats, *, benchmark: Floats, rows: Ints) -> AgainstBenchmark:
    """Measures of windows of 252 sessions that end on some dates.

    Sharpe, Asset allocation: management style and performance measurement, 1992 (tracking error as the
    deviation of differences); captures by Morningstar's definition on daily returns.

    :param returns: (T, P) simple daily returns, NaN = none. :param benchmark: (T, P), of each one's own.
    :param rows: (d) of the dates.
    """
    known = np.isfinite(returns) & np.isfinite(benchmark)
    a, b = np.where(known, returns, 0.0), np.where(known, benchmark, 0.0)
    dead = a <= -1.0
    log_a, log_b = np.log1p(np.where(dead, 0.0, a)), np.log1p(b)

    def over(values: Floats) -> Floats:
        """Sums over the windows, from cumulated ones: 252 numbers of a size lose no digits that matter."""
        summed = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
        return summed[rows + 1] - summed[np.maximum(rows + 1 - SESSIONS_PER_YEAR, 0)]

    n = over(known.astype(float))
    enough, alive = n >= MIN_COMMON, over(dead.astype(float)) == 0
    sum_a, sum_b, count = over(a), over(b), np.maximum(n, 1.0)
    covariance = over(a * b) - sum_a * sum_b / count
    own, other = (np.maximum(over(x * x) - total**2 / count, 0.0) for x, total in ((a, sum_a), (b, sum_b)))
    difference = over((a - b) ** 2) - (sum_a - sum_b) ** 2 / count

    def capture(chosen: Bools) -> Floats:
        days = np.maximum(over(chosen.astype(float)), 1.0)
        logs = (over(np.where(chosen, log, 0.0)) for log in (log_a, log_b))
        mine, theirs = (np.expm1(log * SESSIONS_PER_YEAR / days) for log in logs)
        return _ratio(mine, theirs, enough & alive & (over(chosen.astype(float)) > 0))

    active = np.expm1(over(log_a)) - np.expm1(over(log_b))
    deviation = np.sqrt(np.maximum(difference, 0.0) / np.maximum(n - 1, 1.0) * SESSIONS_PER_YEAR)
    return AgainstBenchmark(
        _ratio(covariance, other, enough & (other > _NO_VARIATION)),
        _ratio(covariance, np.sqrt(own * other), enough & (np.minimum(own, other) > _NO_VARIATION)),
        np.where(enough & alive, active, np.nan),
        np.where(enough, deviation, np.nan),
        capture(known & (b > 0)),
        capture(known & (b < 0)),
        n.astype(np.int64),
    )


def _ratio(numerator: Floats, denominator: Floats, usable: Bools) -> Floats:
    some = usable & (np.abs(denominator) > 0)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=some)
