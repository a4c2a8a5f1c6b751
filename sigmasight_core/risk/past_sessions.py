"""Today's books over past sessions: which of them lost more than the value at risk known the day before.

A session breaches at a level where fewer than k of its n scenarios are at or below the P&L that came: the
k-th worst scenario is the value at risk. That needs a count, not a sorted list, so that the options of a
book are valued in further scenarios only as long as fewer than k are found. Those that are the worst for the
book with today's volatilities come first: an eighth of all, on average, then decides.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.risk.book import CELLS, RiskBook
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS, SCENARIOS, ReturnPanel, before
from sigmasight_core.risk.historical_simulation import simulated_pnl
from sigmasight_core.risk.revaluation import Options
from sigmasight_core.risk.tails import LEVELS, tail_rank
from sigmasight_core.risk.var_backtest import TESTED_SESSIONS, Breaches

_STEPS: Final = (0, 28, 50, 120, 300)
"""Where the steps begin in which the scenarios of a session are gone through, the worst of today first."""

_BLOCK: Final = 40000
"""Prices at a time: they and what they need stay in the processor's cache."""

_LEAD: Final = SCENARIOS + TESTED_SESSIONS
"""Sessions that the scenarios of all tested sessions are from."""


def past_breaches(book: RiskBook, used: Ints, panel: ReturnPanel) -> Breaches:
    """Test every partition (G) of a book on the 252 sessions up to its date.

    :param used: rows of the book, those that are priced and have a history.
    :param panel: of the book's symbols, 1,008 sessions up to each date.
    """
    count, width = len(book.partitions), len(LEVELS)
    ends = panel.ends(book.dates)[book.partition_date]
    known = _known(book, used, panel)
    ranked = _ranked(book, used, panel)
    options = Options.of(book, used[book.is_option[used]])
    tested = np.zeros((count, TESTED_SESSIONS), dtype=bool)
    breached = np.zeros((count, width, TESTED_SESSIONS), dtype=bool)
    first, last = max(int(ends.min(initial=0)) + 1 - TESTED_SESSIONS, 0), int(ends.max(initial=-1))
    per_session = SCENARIOS * (3 * len(book.symbols) + 2 * count)
    for sessions in blocks(np.arange(first, last + 1, dtype=np.intp), per_session, CELLS):
        groups = np.flatnonzero((ends >= sessions[0]) & (ends < sessions[-1] + TESTED_SESSIONS))
        if not len(groups):
            continue
        chosen = np.isin(book.partition[used], groups)
        mine = options.take(chosen[book.is_option[used]])
        part = _Part(book, used[chosen], mine, groups, sessions, known[groups], ranked[groups])
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


def _ranked(book: RiskBook, used: Ints, panel: ReturnPanel) -> Ints:
    """(G, 756): sessions whose scenarios are the worst for today's book at today's volatilities, first."""
    ends = panel.ends(book.dates)
    ranked = np.zeros((len(book.partitions), _LEAD), dtype=np.intp)
    for days in book.date_blocks(4 * _LEAD, 3 * _LEAD):
        part = book.partitions_of(days)
        rows = used[slice(*np.searchsorted(book.partition[used], [part.start, part.stop]))]
        pnl = simulated_pnl(book, rows, days, part, panel.scenarios(ends[days] + 1, _LEAD)).pnl
        first = ends[book.partition_date[part]] + 1 - _LEAD
        ranked[part] = np.argsort(pnl, axis=1, kind="stable") + first[:, None]
    return ranked


@dataclass(frozen=True)
class _Part:
    """Some partitions (g) on some sessions (s)."""

    book: RiskBook
    rows: Ints
    """Rows of the book that are used."""
    options: Options
    """Those of them that are options."""
    groups: Ints
    sessions: Ints
    known: Bools
    """(g, T)"""
    ranked: Ints
    """(g, 756)"""

    def breaches(self, panel: ReturnPanel) -> tuple[Bools, Bools]:
        """Whether each session is tested (g, s), and breaches each level (g, s, L)."""
        book, rows, sessions = self.book, self.rows, self.sessions
        group = np.searchsorted(self.groups, book.partition[rows])
        past = before(self.known, sessions, SCENARIOS, False)
        n = past.sum(axis=2)
        usable = self.known[:, sessions] & (n >= MIN_SCENARIOS)
        ranks = tail_rank(n, LEVELS)
        moves = np.nan_to_num(panel.scenarios(sessions).move)
        came = np.nan_to_num(panel.returns[:, sessions])
        linear = ~book.is_option[rows]
        exposure = book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[rows[linear]]
        shares = book.symbol[rows[linear]], exposure, group[linear], len(self.groups)
        pnl = summed(moves.reshape(len(moves), len(sessions) * SCENARIOS), *shares).reshape(past.shape)
        realized = summed(np.expm1(came), *shares)
        # Scenarios of a book with options are counted by the search alone.
        having = np.isin(np.arange(len(self.groups)), group[~linear])
        bare = slice(None) if not having.any() else np.flatnonzero(~having)
        counts = np.zeros(n.shape, dtype=np.intp)
        counts[bare] = np.count_nonzero((pnl[bare] <= realized[bare, :, None]) & past[bare], axis=2)
        if having.any():
            options = self.options
            own, place = group[~linear], np.arange(len(options.symbol))
            gains = options.pnl(place, came[options.symbol], panel.growth[options.symbol][:, sessions])
            realized += summed(gains, place, np.ones(len(own)), own, len(self.groups))
            search = _Search(panel, sessions, options, own, pnl, realized, past, self._columns())
            counts[having] = search.counts(usable & having[:, None], ranks.max(axis=2))[having]
        return usable, (counts[:, :, None] < ranks) & usable[:, :, None]

    def _columns(self) -> Ints:
        """(g, c): the ranked sessions that are scenarios of one of the sessions, as k of the first."""
        oldest = self.sessions[0] - SCENARIOS
        inside = (self.ranked >= oldest) & (self.ranked < self.sessions[-1])
        # -1 is before the first scenario, so that it does not count.
        columns = np.full((len(inside), SCENARIOS + len(self.sessions) - 1), -1, dtype=np.intp)
        columns[np.arange(columns.shape[1]) < inside.sum(axis=1)[:, None]] = self.ranked[inside] - oldest
        return columns


@dataclass(frozen=True)
class _Search:
    """Scenarios at or below what came, of partitions (g) with options (o), until there are enough of them."""

    panel: ReturnPanel
    sessions: Ints
    options: Options
    group: Ints
    """(o) in rising order."""
    linear: Floats
    """(g, s, N) P&L of the linear positions in scenarios."""
    realized: Floats
    """(g, s) P&L that came, options included."""
    past: Bools
    """(g, s, N) scenarios that there are."""
    columns: Ints
    """(g, c) scenarios of the first session in the order to look at them; those of session s are s less."""

    def counts(self, wanted: Bools, needed: Ints) -> Ints:
        """(g, s): exact where it is below `needed`, else at least that; 0 where not wanted."""
        found = np.zeros(wanted.shape, dtype=np.intp)
        most = int(np.bincount(self.group, minlength=len(wanted)).max(initial=1))
        width = self.columns.shape[1]
        for start, stop in zip(_STEPS, (*_STEPS[1:], width), strict=True):
            group, session = np.nonzero(wanted & (found < needed))
            for tests in blocks(np.arange(len(group), dtype=np.intp), most * (stop - start), _BLOCK):
                g, s = group[tests], session[tests]
                k = self.columns[g, start:stop] - s[:, None]
                inside = (k >= 0) & (k < SCENARIOS)
                k[~inside] = 0
                cell = g[:, None], s[:, None], k
                pnl = self.linear[cell] + self._options_pnl(g, s, k)
                low = (pnl <= self.realized[g, s, None]) & self.past[cell] & inside
                found[g, s] += np.count_nonzero(low, axis=1)
        return found

    def _options_pnl(self, group: Ints, session: Ints, chosen: Ints) -> Floats:
        """(t, n): sums over the options of each test (t) in the chosen scenarios (t, n)."""
        starts = np.searchsorted(self.group, group)
        sizes = np.searchsorted(self.group, group, side="right") - starts
        test = np.repeat(np.arange(len(group)), sizes)
        place = np.arange(len(test))
        option = starts[test] + place - (np.cumsum(sizes) - sizes)[test]
        panel, symbol = self.panel, self.options.symbol[option]
        tested = self.sessions[session[test]]
        cell = (symbol * panel.returns.shape[1] + tested - SCENARIOS)[:, None] + chosen[test]
        # As in `ReturnPanel.scenarios`, of the chosen ones alone.
        move = panel.residuals.take(cell, mode="clip")
        move *= panel.volatility[symbol, tested, None]
        largest = panel.largest[symbol, tested, None]
        np.clip(move, -largest, largest, out=move)
        gains = self.options.pnl(option, move, panel.growth.take(cell, mode="clip"))
        return summed(gains, place, np.ones(len(test)), test, len(group))
