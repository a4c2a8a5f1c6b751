"""Today's books over past sessions: which of them lost more than the value at risk known the day before.

A session breaches at a level where fewer than k of its n scenarios are at or below the P&L that came: the
k-th worst scenario is the value at risk. That needs a count, not a sorted list. The P&L of all scenarios is
worked out in single precision, that of options by `option_curves`, with a bound of its error. A scenario
within the bound of what came is unsure; where those decide, they are valued anew, exactly.
"""

from typing import Final

import numpy as np

from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Bools, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.risk.book import CELLS, RiskBook
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS, SCENARIOS, ReturnPanel
from sigmasight_core.risk.past.curves import NODES
from sigmasight_core.risk.past.day import Day, Moves
from sigmasight_core.risk.past.exact import Cells, ExactBooks
from sigmasight_core.risk.tails import LEVELS, tail_rank
from sigmasight_core.risk.var_backtest import TESTED_SESSIONS, Breaches

_BLOCK: Final = 80_000
"""Scenarios of a date at a time: they and what they need stay in the processor's cache."""


def past_breaches(book: RiskBook, used: Ints, panel: ReturnPanel) -> Breaches:
    """Test every partition (G) of a book on the 252 sessions up to its date.

    :param used: rows of the book, those that are priced and have a history.
    :param panel: of the book's symbols, 1,008 sessions up to each date.
    """
    known = np.pad(_known(book, used, panel), ((0, 0), (SCENARIOS, 0)))
    sessions = panel.ends(book.dates)[book.partition_date][:, None] + np.arange(1 - TESTED_SESSIONS, 1)
    group, there = np.arange(len(known))[:, None], np.maximum(sessions, 0)
    before = np.pad(known.cumsum(axis=1), ((0, 0), (1, 0)))
    n = before[group, there + SCENARIOS] - before[group, there]
    tested = known[group, there + SCENARIOS] & (sessions >= 0) & (n >= MIN_SCENARIOS)
    ranks = np.where(tested[:, :, None], tail_rank(n, LEVELS), 0)
    breached = _counts(ExactBooks.of(book, used, panel), known, ranks)[:, :, None] < ranks
    return Breaches(tested, breached.swapaxes(1, 2))


def _known(book: RiskBook, used: Ints, panel: ReturnPanel) -> Bools:
    """(G, T): every underlying that a partition uses has a standardised return on the session."""
    lost = np.isnan(panel.residuals)
    known = np.ones((len(book.partitions), lost.shape[1]), dtype=bool)
    if lost.any():
        ones = np.ones(len(used))
        known = summed(lost.astype(float), book.symbol[used], ones, book.partition[used], len(known)) == 0
    return known


def _counts(exact: ExactBooks, known: Bools, ranks: Ints) -> Ints:
    """(G, T'): scenarios at or below what came, or a number that is on the same side of every rank.

    :param known: (G, 504 + T), of the sessions of the panel and of 504 before them.
    :param ranks: (G, T', L), 0 where a session is not tested.
    """
    book = exact.book
    counts = np.zeros(ranks.shape[:2], dtype=np.intp)
    a_date = (len(exact.option_rows) // max(1, len(book.dates)) + 1) * NODES * (SCENARIOS + TESTED_SESSIONS)
    for dates in blocks(np.arange(len(book.dates), dtype=np.intp), a_date, 8 * CELLS):
        days = [Day.of(exact, int(date), known, ranks) for date in dates]
        first, last = days[0].sessions[0], days[-1].sessions[-1]
        portfolios = max(len(day.scale) for day in days)
        size = min(_BLOCK // portfolios, CELLS // max(1, len(book.symbols)))
        for sessions in blocks(np.arange(first, last + 1, dtype=np.intp), SCENARIOS, size):
            meeting = [day for day in days if day.meets(sessions)]
            if not meeting:
                continue
            unsure = _screened(counts, meeting, Moves.of(exact.panel, sessions))
            place = unsure.session - exact.ends[unsure.group] + TESTED_SESSIONS - 1
            np.add.at(counts, (unsure.group, place), exact.low(unsure))
    return counts


def _screened(counts: Ints, days: list[Day], moves: Moves) -> Cells:
    """Write the counts of some sessions, without the scenarios that are returned."""
    unsure = []
    for day in days:
        chosen = slice(*np.searchsorted(day.sessions, [moves.first, moves.stop]).tolist())
        low, cells = day.screened(moves, chosen)
        counts[day.part, day.place + chosen.start : day.place + chosen.stop] = low
        unsure.append(cells)
    return Cells(*(np.concatenate(columns) for columns in zip(*unsure, strict=True)))
