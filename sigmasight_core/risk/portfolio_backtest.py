"""Hypothetical backtest of portfolios: today's holdings at delta exposure, held constant over the past."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sigmasight_core.arrays.columns import tiled
from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.risk.book import BookBlock, RiskBook
from sigmasight_core.risk.filtered_returns import MIN_OBS, MIN_SCENARIOS, ReturnPanel, trailing
from sigmasight_core.risk.historical_simulation import LEVELS
from sigmasight_core.risk.var_backtest import HISTORY, BacktestStatistics, backtest, rolling_breaches
from sigmasight_core.tables.risk import CONFIDENCES, TRAFFIC_LIGHTS

MIN_TESTED: Final = 100
"""Fewer tested sessions say nothing."""

MIN_HISTORY: Final = MIN_OBS + MIN_SCENARIOS + MIN_TESTED
"""Returns of an underlying below which it is left out."""


def var_backtests(book: RiskBook, panel: ReturnPanel) -> pd.DataFrame:
    """Rows of `tables.VarBacktests`: every partition of the book x 95 and 99%.

    The P&L of a past session is the sum of delta exposure x simple return of the underlying, unknown where
    one of them has no return. The volatility that is filtered is that of this P&L as a whole: the headline
    value at risk, which filters each symbol and revalues options, is tested by its shape and not exactly.
    Underlyings with fewer than 372 returns in the last 1,008 sessions are left out and named.

    :param panel: of the book's symbols, 1,008 sessions up to each date.
    :returns: NULL with the reason where nothing is held or fewer than 100 sessions could be tested.
    :raises InputError: for a date that is not among the sessions of the panel.
    """
    ends = panel.ends(book.dates)
    enough = np.zeros((len(book.dates), len(book.symbols)), dtype=bool)
    pieces = []
    for block in book.date_blocks(3 * HISTORY, 3 * HISTORY):
        returns = trailing(panel.returns, ends[block.days], HISTORY)
        enough[block.days] = np.isfinite(returns).sum(axis=2) >= MIN_HISTORY
        outcome = rolling_breaches(_past_pnl(block, returns, enough[block.days]), LEVELS)
        pieces.append(backtest(outcome, LEVELS))
    tests = BacktestStatistics(*(np.concatenate(column) for column in zip(*pieces, strict=True)))
    short = book.priced & ~enough[book.date, book.symbol]
    lost = np.bincount(book.partition[~book.priced | short], minlength=len(book.partitions))
    n_obs = np.where(book.held() > lost, tests.n_obs, 0)
    return _rows(book.partitions, tests, n_obs, _status(book, n_obs, short, lost))


def _past_pnl(block: BookBlock, returns: Floats, enough: Bools) -> Floats:
    """Hypothetical P&L (g, T) of the block's partitions, NaN where an underlying has no return."""
    book = block.book
    rows = block.rows[book.priced[block.rows]]
    rows = rows[enough[book.date[rows] - block.days[0], book.symbol[rows]]]
    lost = np.isnan(returns) & enough[:, :, None]
    simple = np.where(np.isnan(returns), 0.0, np.expm1(returns))
    pnl = block.by_partition(block.dense(rows, book.delta_exposure[rows]) @ simple)
    if lost.any():
        used = (block.dense(rows, np.ones(len(rows))) > 0).astype(float)
        pnl[block.by_partition(used @ lost.astype(float)) > 0] = np.nan
    return pnl


def _status(book: RiskBook, n_obs: Ints, short: Bools, lost: Ints) -> NDArray[np.object_]:
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


def _rows(
    partitions: pd.DataFrame, tests: BacktestStatistics, n_obs: Ints, status: NDArray[np.object_]
) -> pd.DataFrame:
    size = len(CONFIDENCES)
    row = np.repeat(np.arange(len(partitions)), size)
    null = (n_obs < MIN_TESTED)[row]
    light = np.where(null, len(TRAFFIC_LIGHTS) - 1, tests.zone.ravel())

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
            status=pd.array(status[row], dtype="str"),
        )
    )
