"""Backtest of the headline value at risk: today's book, valued anew on each of the last 252 sessions.

For each session before today, the book of today is taken over it with what was known at the close before:
its value at risk by the simulation of `historical_simulation`, 504 scenarios with that session's forecast
volatilities, options revalued. The session breaches where the book, revalued with the moves that came, loses
more. Exposures, prices and volatilities of options are today's: the book is held constant in dollars.
"""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import tiled
from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import EWMA_WINDOW, MIN_OBS, MIN_SCENARIOS, SCENARIOS, ReturnPanel
from sigmasight_core.risk.past_sessions import past_breaches
from sigmasight_core.risk.tails import LEVELS
from sigmasight_core.risk.var_backtest import TESTED_SESSIONS, BacktestStatistics, backtest
from sigmasight_core.tables.risk import CONFIDENCES, TRAFFIC_LIGHTS, VERDICTS

HISTORY: Final = EWMA_WINDOW + SCENARIOS + TESTED_SESSIONS
"""Returns that a backtest of 252 sessions reaches back to."""

MIN_TESTED: Final = 100
"""Fewer tested sessions say nothing."""

MIN_HISTORY: Final = MIN_OBS + MIN_SCENARIOS + MIN_TESTED
"""Returns of an underlying below which it is left out."""

SIGNIFICANCE: Final = 0.05
"""Kupiec p-value below which the headline has failed."""


def var_backtests(book: RiskBook, panel: ReturnPanel) -> pd.DataFrame:
    """Rows of `tables.VarBacktests`: every partition of the book x 95 and 99%.

    A session is tested where every underlying that is used has a return and a forecast on it. Underlyings
    with fewer than 372 returns in the last 1,008 sessions are left out and named.

    :param panel: of the book's symbols, 1,008 sessions up to each date.
    :returns: NULL with the reason where nothing is held or fewer than 100 sessions could be tested.
    :raises InputError: for a date that is not among the sessions of the panel.
    """
    enough = _returns_known(panel, panel.ends(book.dates)) >= MIN_HISTORY
    short = book.priced & ~enough[book.date, book.symbol]
    used = np.flatnonzero(book.priced & ~short)
    tests = backtest(past_breaches(book, used, panel), LEVELS)
    lost = book.held() - np.bincount(book.partition[used], minlength=len(book.partitions))
    n_obs = np.where(book.held() > lost, tests.n_obs, 0)
    return _rows(book.partitions, tests, n_obs, _status(book, n_obs, short, lost))


def _returns_known(panel: ReturnPanel, ends: Ints) -> Ints:
    """(D, S): returns in the last 1,008 sessions up to each date."""
    counts = np.pad(np.isfinite(panel.returns).cumsum(axis=1), ((0, 0), (1, 0)))
    return (counts[:, ends + 1] - counts[:, np.maximum(ends + 1 - HISTORY, 0)]).T


def _status(book: RiskBook, n_obs: Ints, short: Bools, lost: Ints) -> Texts:
    held, count = book.held(), len(book.partitions)
    gaps = [
        *book.price_gaps(),
        (f"fewer than {MIN_HISTORY} returns for", book.partition[short], book.rows["underlying"][short]),
    ]
    status = gap_status(gap_texts(gaps, count), held == lost)
    words = n_obs.astype(str).astype(object)
    few = (held > lost) & (n_obs < MIN_TESTED)
    status = np.where(few, "insufficient: " + words + f" of {MIN_TESTED} tested sessions", status)
    return np.where(held == 0, "nothing is held", status)


def _verdicts(tests: BacktestStatistics, null: Bools) -> Ints:
    """(G, L) places in VERDICTS."""
    fails = tests.kupiec < SIGNIFICANCE
    verdict = np.where(fails, np.where(tests.breaches > tests.expected, 1, 2), 0)
    return np.where(null, len(VERDICTS) - 1, verdict)


def _rows(partitions: pd.DataFrame, tests: BacktestStatistics, n_obs: Ints, status: Texts) -> pd.DataFrame:
    size = len(CONFIDENCES)
    row = np.repeat(np.arange(len(partitions)), size)
    null = (n_obs < MIN_TESTED)[row]
    light = np.where(null, len(TRAFFIC_LIGHTS) - 1, tests.zone.ravel())
    verdict = _verdicts(tests, null.reshape(-1, size)).ravel()

    def column(values: Floats) -> Floats:
        return np.where(null, np.nan, values.ravel())

    return (
        partitions.take(row)
        .reset_index(drop=True)
        .assign(
            confidence=tiled(CONFIDENCES, len(partitions)),
            n_obs=n_obs[row],
            breaches=pd.Series(tests.breaches.ravel(), dtype="Int64").mask(null),
            expected_breaches=column(tests.expected),
            kupiec_p_value=column(tests.kupiec),
            independence_p_value=column(tests.independence),
            christoffersen_p_value=column(tests.conditional_coverage),
            traffic_light=pd.array(TRAFFIC_LIGHTS, dtype="str").take(light),
            verdict=pd.array(VERDICTS, dtype="str").take(verdict),
            status=pd.array(status[row], dtype="str"),
        )
    )
