"""Value at risk and expected shortfall of portfolios by filtered historical simulation.

The shock is instantaneous: no time passes, and the volatility and rate of options are held. A linear
position gains exposure x (exp(r*) - 1). An option is valued anew by Black-Scholes-Merton at the moved price;
its P&L is the difference to the model price of the same inputs, so that a zero move gives exactly zero.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import DAYS_PER_YEAR, OK
from sigmasight_core.options.black_scholes import option_price
from sigmasight_core.positions.held import option_inputs
from sigmasight_core.risk.book import CELLS, BookBlock, RiskBook
from sigmasight_core.risk.filtered_returns import MIN_SCENARIOS, SCENARIOS, ReturnPanel, tail_losses

LEVELS: Final = (0.95, 0.99)


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
    status: NDArray[np.object_]
    """(G)"""


def simulated_risk(book: RiskBook, panel: ReturnPanel) -> SimulatedRisk:
    """Simulate every partition of a book over the last 504 sessions.

    A scenario counts where every underlying that is used has a return on its session. A position whose
    underlying has fewer than 252 scenarios of its own is left out and named ('partial: fewer than 252
    scenarios for X'), as is one without price or Greeks; where nothing is left, or fewer than 252 scenarios
    are common to all, the results are NaN ('insufficient: 120 of 252 scenarios'). Nothing held: zeros.

    :param panel: of the book's symbols, over the sessions up to its last date, 756 of them before its first.
    :raises InputError: for a date that is not among the sessions of the panel.
    """
    count = len(book.partitions)
    ends = panel.ends(book.dates)
    losses, deviation = np.zeros((2, count, len(LEVELS))), np.zeros(count)
    n_obs, own = np.zeros(count, dtype=np.intp), np.zeros((len(book.dates), len(book.symbols)), dtype=np.intp)
    for block in book.date_blocks(4 * SCENARIOS, 2 * SCENARIOS):
        moves = panel.moves(ends[block.days])
        own[block.days] = np.isfinite(moves).sum(axis=2)
        pnl = _pnl(block, moves, own[block.days] >= MIN_SCENARIOS)
        part = block.partitions
        losses[:, part], deviation[part] = tail_losses(pnl, LEVELS), _deviation(pnl)
        n_obs[part] = np.isfinite(pnl).sum(axis=1)
    return _explained(book, own[book.date, book.symbol], losses, deviation, n_obs)


def _explained(book: RiskBook, own: Ints, losses: Floats, deviation: Floats, n_obs: Ints) -> SimulatedRisk:
    """Zeros where nothing is held, NaN with the reason where nothing can be said."""
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
    for values in (*losses, deviation):
        values[empty], values[unknown] = 0.0, np.nan
    n_obs = np.where(empty, 0, np.where(left > 0, n_obs, best))
    return SimulatedRisk(losses[0], losses[1], deviation, n_obs, np.where(empty, OK, status))


def _pnl(block: BookBlock, moves: Floats, usable: Bools) -> Floats:
    """P&L (g, N) of the block's partitions, NaN where a scenario lacks a return."""
    book = block.book
    rows = block.rows[book.priced[block.rows]]
    rows = rows[usable[book.date[rows] - block.days[0], book.symbol[rows]]]
    lost = np.isnan(moves) & usable[:, :, None]
    moves = np.where(np.isnan(moves), 0.0, moves)
    linear = rows[~book.is_option[rows]]
    exposure = book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[linear]
    pnl = block.by_partition(block.dense(linear, exposure) @ moves)
    _add_options(pnl, block, rows[book.is_option[rows]], moves)
    if lost.any():
        used = (block.dense(rows, np.ones(len(rows))) > 0).astype(float)
        pnl[block.by_partition(used @ lost.astype(float)) > 0] = np.nan
    return pnl


def _add_options(pnl: Floats, block: BookBlock, options: Ints, moves: Floats) -> None:
    book = block.book
    step = max(1, CELLS // (4 * moves.shape[2]))
    for start in range(0, len(options), step):
        rows = options[start : start + step]
        move = moves[book.date[rows] - block.days[0], book.symbol[rows]]
        groups, firsts = np.unique(book.partition[rows], return_index=True)
        pnl[groups - block.partitions.start] += np.add.reduceat(_option_pnl(book, rows, move), firsts, axis=0)


def _option_pnl(book: RiskBook, rows: Ints, move: Floats) -> Any:
    """P&L (r, N) of options by full revaluation at the moved price."""
    inputs = option_inputs(book.rows.iloc[rows])
    spot = inputs["underlying_price"]
    terms = (
        inputs["strike"],
        inputs["days_to_expiry"] / DAYS_PER_YEAR,
        inputs["risk_free_rate"],
        inputs["dividend_yield"],
        inputs["implied_volatility"],
        book.is_call[rows][:, None],
    )
    units = inputs["quantity"] * book.rows["multiplier"].to_numpy(dtype=float)[rows][:, None]
    return units * (option_price(spot * (1.0 + move), *terms) - option_price(spot, *terms))


def _deviation(pnl: Floats) -> Floats:
    """Standard deviation (n - 1) over the scenarios of each partition; 0 for fewer than two."""
    known = np.isfinite(pnl)
    n = known.sum(axis=1)
    mean = np.where(known, pnl, 0.0).sum(axis=1) / np.maximum(n, 1)
    squares = np.where(known, pnl - mean[:, None], 0.0) ** 2
    return np.sqrt(squares.sum(axis=1) / np.maximum(n - 1, 1))
