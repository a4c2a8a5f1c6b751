"""Value at risk and expected shortfall of portfolios by filtered historical simulation.

A linear position gains exposure x (exp(r*) - 1), an option what `revaluation` says. Groups of positions are
simulated in the same pass: an option that is in several groups is valued once.
"""

from typing import Final, NamedTuple

import numpy as np

from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Bools, Floats, Ints, Singles, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS, SCENARIOS, ReturnPanel, Scenarios
from sigmasight_core.risk.groups.tails import (
    NO_GROUPS,
    Grouped,
    GroupRisk,
    Pairs,
    explained_groups,
    tails_of_groups,
)
from sigmasight_core.risk.revaluation import Options
from sigmasight_core.risk.tails import LEVELS, tail_losses

_BLOCK: Final = 40_000
"""Gains of options at a time: they and what they need stay in the processor's cache."""


class SimulatedRisk(NamedTuple):
    """Simulated 1-day P&L of partitions (G), USD."""

    value_at_risk: Floats
    """(G, 2) at 95 and 99%, loss positive."""
    expected_shortfall: Floats
    """(G, 2)"""
    deviation: Floats
    """(G) standard deviation of the simulated P&L."""
    n_obs: Ints
    """(G) scenarios."""
    n_bounded: Ints
    """(G) scenarios in which the move of an underlying is bounded."""
    status: Texts
    """(G)"""
    pnl: Singles
    """(G, 504) P&L of every scenario, oldest first; NaN = no scenario, or the status says why."""
    groups: GroupRisk


def simulated_risk(book: RiskBook, panel: ReturnPanel, pairs: Pairs = NO_GROUPS) -> SimulatedRisk:
    """Simulate every partition of a book over the last 504 sessions.

    A scenario counts where every underlying that is used has a return on its session. A position whose
    underlying has fewer than 252 scenarios of its own is left out and named ('partial: fewer than 252
    scenarios for X'), as is one without price or Greeks; where nothing is left, or fewer than 252 scenarios
    are common to all, the results are NaN ('insufficient: 120 of 252 scenarios'). Nothing held: zeros.

    :param panel: of the book's symbols, over the sessions up to its last date, 756 of them before its first.
    :param pairs: groups of positions, each of one partition, to be simulated too.
    :raises InputError: for a date that is not among the sessions of the panel.
    """
    count, share = len(book.partitions), len(pairs.partition) // max(1, len(book.partitions))
    ends = panel.ends(book.dates)
    losses, deviation = np.zeros((2, count, len(LEVELS))), np.zeros(count)
    n_obs, n_bounded = np.zeros((2, count), dtype=np.intp)
    vectors = np.full((count, SCENARIOS), np.nan, dtype=np.float32)
    own = np.zeros((len(book.dates), len(book.symbols)), dtype=np.intp)
    used = np.zeros(len(book.rows), dtype=bool)
    of_groups = np.full((3, len(pairs.partition)), np.nan)
    no_reason = np.full(len(pairs.partition), "", dtype=object)
    n_group = np.zeros(len(pairs.partition), dtype=np.intp)
    for days in book.date_blocks(4 * SCENARIOS, (2 + 2 * share) * SCENARIOS):
        scenarios = panel.scenarios(ends[days] + 1)
        own[days] = np.isfinite(scenarios.move).sum(axis=2).T
        part = book.partitions_of(days)
        rows = np.arange(*np.searchsorted(book.partition, [part.start, part.stop]))
        rows = rows[book.priced[rows] & (own >= MIN_SCENARIOS)[book.date[rows], book.symbol[rows]]]
        used[rows] = True
        mine, groups = pairs.of(part)
        kept = used[mine.row]
        mine = mine._replace(row=mine.row[kept], group=mine.group[kept])
        pnl, bounded, grouped = simulated_pnl(book, rows, days, part, scenarios, mine)
        losses[:, part], deviation[part] = tail_losses(pnl, LEVELS), _deviation(pnl)
        n_obs[part], n_bounded[part] = np.isfinite(pnl).sum(axis=1), bounded.sum(axis=1)
        with np.errstate(over="ignore"):  # what overflows is NULL, see `simulated_pnl_rows`
            vectors[part] = pnl
        of_groups[:, groups] = tails_of_groups(pnl, grouped, mine.partition - part.start)
        n_group[groups] = np.isfinite(grouped).sum(axis=1)
    return _explained(
        book,
        own[book.date, book.symbol],
        SimulatedRisk(
            value_at_risk=losses[0],
            expected_shortfall=losses[1],
            deviation=deviation,
            n_obs=n_obs,
            n_bounded=n_bounded,
            status=np.full(count, OK, dtype=object),
            pnl=vectors,
            groups=GroupRisk(of_groups[0], of_groups[1], of_groups[2], no_reason),
        ),
        Grouped(pairs, used, n_group),
    )


def _explained(book: RiskBook, own: Ints, risk: SimulatedRisk, grouped: Grouped) -> SimulatedRisk:
    """Zeros where nothing is held, NaN with the reason where nothing can be said."""
    n_obs = risk.n_obs
    short = book.priced & (own < MIN_SCENARIOS)
    gaps = [
        *book.price_gaps(),
        (
            f"fewer than {MIN_SCENARIOS} scenarios for",
            book.partition[short],
            book.rows["underlying"][short],
        ),
    ]
    held, count = book.held(), len(book.partitions)
    left = held - np.bincount(book.partition[~book.priced | short], minlength=count)
    status = gap_status(gap_texts(gaps, count), left == 0)
    best = np.zeros(count, dtype=np.intp)
    np.maximum.at(best, book.partition[short], own[short])
    few = np.where(left > 0, n_obs, best)
    only_short = (left == 0) & (np.bincount(book.partition[short], minlength=count) == held)
    insufficient = (held > 0) & (few < MIN_SCENARIOS) & ((left > 0) | only_short)
    words = few.astype(str).astype(object)
    status = np.where(insufficient, "insufficient: " + words + f" of {MIN_SCENARIOS} scenarios", status)
    unknown = (held > 0) & (insufficient | (left == 0))
    empty = held == 0
    for values in (risk.value_at_risk, risk.expected_shortfall, risk.deviation, risk.pnl):
        values[empty], values[unknown] = 0.0, np.nan
    return risk._replace(
        n_obs=np.where(empty, 0, np.where(left > 0, n_obs, best)),
        n_bounded=np.where(empty | unknown, 0, risk.n_bounded),
        status=np.where(empty, OK, status),
        groups=explained_groups(book, short, risk.groups, grouped, np.where(unknown, status, "")),
    )


class SimulatedPnl(NamedTuple):
    """P&L of some partitions (d) and groups (g) in scenarios (N), USD."""

    pnl: Floats
    """(d, N), NaN where a scenario lacks a return of an underlying that is used."""
    bounded: Bools
    """(d, N)"""
    groups: Floats
    """(g, N), NaN as of `pnl`."""


def simulated_pnl(
    book: RiskBook, rows: Ints, days: Ints, part: slice, scenarios: Scenarios, pairs: Pairs = NO_GROUPS
) -> SimulatedPnl:
    """P&L of the partitions of some consecutive dates, and of groups of their positions.

    :param rows: those of the partitions' rows that are used, rising. :param days: (d) dates of the book.
    :param part: the partitions of these dates. :param scenarios: (S, d, N) of the sessions after the dates.
    :param pairs: rows among `rows` by group, numbered from the first group on.
    """
    count, width = part.stop - part.start, scenarios.move.shape[2]
    size = count + len(pairs.partition)
    # A partition is one group of rows, before the others: each place in `rows` with what it adds to.
    place = np.concatenate([np.arange(len(rows)), np.searchsorted(rows, pairs.row)])
    group = np.concatenate([book.partition[rows] - part.start, count + pairs.group])
    # Scenarios of a symbol on a date: one row of the arrays below.
    column = book.symbol[rows] * len(days) + book.date[rows] - days[0]
    lost = np.isnan(scenarios.move).reshape(-1, width)
    move = np.where(lost, 0.0, scenarios.move.reshape(-1, width))
    linear = ~book.is_option[rows]
    exposure = np.where(linear, book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[rows], 0.0)
    shares = linear[place]
    pnl = summed(move, column[place[shares]], exposure[place[shares]], group[shares], size)
    growth = scenarios.growth.reshape(-1, width)
    number = linear.cumsum()  # of the options, each place less the linear ones before it
    options = rows[~linear]
    of_option = place[~shares] - number[place[~shares]]
    _add_options(pnl, book, options, of_option, group[~shares], column[~linear], move, growth)

    def touched(flags: Bools) -> Bools:
        if not flags.any():
            return np.zeros((size, width), dtype=bool)
        return summed(flags.astype(float), column[place], np.ones(len(place)), group, size) > 0

    gone = touched(lost)
    pnl[gone] = np.nan
    bounded = touched(scenarios.bounded.reshape(-1, width)) & ~gone
    return SimulatedPnl(pnl[:count], bounded[:count], pnl[count:])


def _add_options(
    pnl: Floats,
    book: RiskBook,
    rows: Ints,
    place: Ints,
    group: Ints,
    column: Ints,
    move: Floats,
    growth: Floats,
) -> None:
    """Add the gains of options to every group that they are in.

    :param rows: (O) of the book, options. :param place: (M) which of them, and `group`: where it is added.
    :param column: (O) rows of `move` and `growth`.
    """
    options = Options.of(book, rows)
    order = np.argsort(place, kind="stable")
    place, group = place[order], group[order]
    step = max(1, _BLOCK // move.shape[1])
    for start in range(0, len(rows), step):
        which = np.arange(start, min(start + step, len(rows)))
        gains = options.pnl(which, np.log1p(move[column[which]]), growth[column[which]])
        # Row by row: an option's place in the blocks does not change the order of the sum.
        added = slice(*np.searchsorted(place, [start, start + len(which)]))
        np.add.at(pnl, group[added], gains[place[added] - start])


@np.errstate(over="ignore")  # what overflows is NULL, see `measures`
def _deviation(pnl: Floats) -> Floats:
    """Standard deviation (n - 1) over the scenarios of each partition; 0 for fewer than two."""
    known = np.isfinite(pnl)
    n = known.sum(axis=1)
    mean = np.where(known, pnl, 0.0).sum(axis=1) / np.maximum(n, 1)
    squares = np.where(known, pnl - mean[:, None], 0.0) ** 2
    return np.sqrt(squares.sum(axis=1) / np.maximum(n - 1, 1))
