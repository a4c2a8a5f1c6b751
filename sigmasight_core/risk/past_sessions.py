"""Today's books over past sessions: which of them lost more than the value at risk known the day before.

A session breaches at a level where fewer than k of its n scenarios are at or below the P&L that came: the
k-th worst scenario is the value at risk. That needs a count, not a sorted list, so that the options of a
book are valued in further scenarios only as long as fewer than k are found: a quarter of them, on average.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sigmasight_core.arrays.windows import Bools, Floats, Ints, blocks
from sigmasight_core.risk.book import CELLS, RiskBook, summed
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS, SCENARIOS, ReturnPanel, Scenarios, before
from sigmasight_core.risk.revaluation import Options
from sigmasight_core.risk.tails import LEVELS, tail_rank
from sigmasight_core.risk.var_backtest import TESTED_SESSIONS, Breaches

_STEPS: Final = 12
"""Steps in which the scenarios of a session are gone through."""


def past_breaches(book: RiskBook, used: Ints, panel: ReturnPanel) -> Breaches:
    """Test every partition (G) of a book on the 252 sessions up to its date.

    :param used: rows of the book, those that are priced and have a history.
    :param panel: of the book's symbols, 1,008 sessions up to each date.
    """
    count, width = len(book.partitions), len(LEVELS)
    ends = panel.ends(book.dates)[book.partition_date]
    known = _known(book, used, panel)
    tested = np.zeros((count, TESTED_SESSIONS), dtype=bool)
    breached = np.zeros((count, width, TESTED_SESSIONS), dtype=bool)
    first, last = max(int(ends.min(initial=0)) + 1 - TESTED_SESSIONS, 0), int(ends.max(initial=-1))
    per_session = SCENARIOS * (3 * len(book.symbols) + 2 * count)
    for sessions in blocks(np.arange(first, last + 1, dtype=np.intp), per_session, CELLS):
        groups = np.flatnonzero((ends >= sessions[0]) & (ends < sessions[-1] + TESTED_SESSIONS))
        if not len(groups):
            continue
        part = _Part(book, used[np.isin(book.partition[used], groups)], groups, sessions, known[groups])
        usable, broken = part.breaches(panel)
        # Place of each session among those that a partition tests; others are not its business.
        place = sessions - ends[groups, None] + TESTED_SESSIONS - 1
        group, session = np.nonzero((place >= 0) & (place < TESTED_SESSIONS))
        where = groups[group], place[group, session]
        tested[where] = usable[group, session]
        breached[where[0], :, where[1]] = broken[group, session]
    return Breaches(tested, breached)


def _known(book: RiskBook, used: Ints, panel: ReturnPanel) -> Bools:
    """(G, T): every underlying that a partition uses has a standardised return on the session."""
    lost = np.isnan(panel.residuals)
    known = np.ones((len(book.partitions), lost.shape[1]), dtype=bool)
    if lost.any():
        ones = np.ones(len(used))
        known = summed(lost.astype(float), book.symbol[used], ones, book.partition[used], len(known)) == 0
    return known


@dataclass(frozen=True)
class _Part:
    """Some partitions (g) on some sessions (s)."""

    book: RiskBook
    rows: Ints
    """Rows of the book that are used."""
    groups: Ints
    sessions: Ints
    known: Bools
    """(g, T)"""

    def breaches(self, panel: ReturnPanel) -> tuple[Bools, Bools]:
        """Whether each session is tested (g, s), and breaches each level (g, s, L)."""
        book, rows, sessions = self.book, self.rows, self.sessions
        group = np.searchsorted(self.groups, book.partition[rows])
        past = before(self.known, sessions, SCENARIOS, False)
        n = past.sum(axis=2)
        usable = self.known[:, sessions] & (n >= MIN_SCENARIOS)
        ranks = tail_rank(n, LEVELS)
        scenarios = panel.scenarios(sessions)
        moves = np.nan_to_num(scenarios.move)
        came = np.nan_to_num(np.expm1(panel.returns[:, sessions]))
        linear = ~book.is_option[rows]
        exposure = book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[rows[linear]]
        shares = book.symbol[rows[linear]], exposure, group[linear], len(self.groups)
        pnl = summed(moves.reshape(len(moves), len(sessions) * SCENARIOS), *shares).reshape(past.shape)
        realized = summed(came, *shares)
        counts = np.count_nonzero((pnl <= realized[:, :, None]) & past, axis=2)
        if not linear.all():
            options = Options.of(book, rows[~linear])
            symbol, own = book.symbol[options.rows], group[~linear]
            gains = options.pnl(np.arange(len(own)), came[symbol], panel.growth[symbol][:, sessions])
            realized += summed(gains, np.arange(len(own)), np.ones(len(own)), own, len(self.groups))
            search = _Search(options, symbol, own, scenarios._replace(move=moves), pnl, realized, past)
            having = np.isin(np.arange(len(self.groups)), own)
            counts[having] = search.counts(usable & having[:, None], ranks.max(axis=2))[having]
        return usable, (counts[:, :, None] < ranks) & usable[:, :, None]


@dataclass(frozen=True)
class _Search:
    """Scenarios at or below what came, of partitions (g) with options (o), until there are enough of them."""

    options: Options
    symbol: Ints
    """(o)"""
    group: Ints
    """(o) in rising order."""
    scenarios: Scenarios
    linear: Floats
    """(g, s, N) P&L of the linear positions in scenarios."""
    realized: Floats
    """(g, s) P&L that came, options included."""
    past: Bools
    """(g, s, N) scenarios that there are."""

    def counts(self, wanted: Bools, needed: Ints) -> Ints:
        """(g, s): exact where it is below `needed`, else at least that; 0 where not wanted."""
        found = np.zeros(wanted.shape, dtype=np.intp)
        for step in range(_STEPS):
            # Every twelfth scenario: calm and wild times are in each step.
            chosen = slice(step, None, _STEPS)
            group, session = np.nonzero(wanted & (found < needed))
            size = np.bincount(self.group, minlength=len(wanted)).max(initial=1) * SCENARIOS // _STEPS
            for tests in blocks(np.arange(len(group), dtype=np.intp), int(size), CELLS // 8):
                g, s = group[tests], session[tests]
                pnl = self.linear[g, s, chosen] + self._options_pnl(g, s, chosen)
                low = (pnl <= self.realized[g, s, None]) & self.past[g, s, chosen]
                found[g, s] += np.count_nonzero(low, axis=1)
        return found

    def _options_pnl(self, group: Ints, session: Ints, chosen: slice) -> Floats:
        """(t, n): sums over the options of each test (t) in the chosen scenarios."""
        starts = np.searchsorted(self.group, group)
        sizes = np.searchsorted(self.group, group, side="right") - starts
        test = np.repeat(np.arange(len(group)), sizes)
        place = np.arange(len(test))
        option = starts[test] + place - (np.cumsum(sizes) - sizes)[test]
        cell = self.symbol[option], session[test], chosen
        gains = self.options.pnl(option, self.scenarios.move[cell], self.scenarios.growth[cell])
        return summed(gains, place, np.ones(len(test)), test, len(group))
