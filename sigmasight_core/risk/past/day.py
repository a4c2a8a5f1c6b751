"""The books of one date on the sessions that they are tested on, in single precision with error bounds."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sigmasight_core.arrays.types import Bools, Floats, Ints, Singles
from sigmasight_core.arrays.windows import BLAS_ONE_THREAD
from sigmasight_core.risk.filtered_returns import SCENARIOS, ReturnPanel
from sigmasight_core.risk.past.curves import LARGEST_SUM, OptionCurves
from sigmasight_core.risk.past.exact import Cells, ExactBooks, each
from sigmasight_core.risk.var_backtest import TESTED_SESSIONS

_DENSE: Final = 0.2
"""Share of weights other than 0 from which a product of dense matrices is the faster one."""

_UNIT: Final = 2.0**-24
"""Relative rounding error of single precision."""


class Moves(NamedTuple):
    """Scenarios of some consecutive sessions (s)."""

    first: int
    stop: int
    move: Singles
    """(s, S, N); 0 where there is none."""
    bounded: tuple[Ints, Ints, Ints]
    """(b) symbols, places of sessions and of scenarios where a move is bounded, by symbol."""
    largest: Floats
    """(S) largest absolute move."""

    @classmethod
    def of(cls, panel: ReturnPanel, sessions: Ints) -> "Moves":
        scenarios = panel.scenarios(sessions)
        with np.errstate(over="ignore"):  # what overflows is unsure
            move = np.nan_to_num(scenarios.move.swapaxes(0, 1)).astype(np.float32, order="C")
        symbol, session, scenario = np.nonzero(scenarios.bounded)
        largest = np.abs(move).max(axis=(0, 2), initial=0.0).astype(float)
        return cls(int(sessions[0]), int(sessions[-1]) + 1, move, (symbol, session, scenario), largest)


class _Shares(NamedTuple):
    """Weights of columns (K) in partitions (p), in units of a scale."""

    net: csr_array | Singles
    """(p, K)"""
    gross: csr_array
    """(p, K) sums of absolute weights."""

    @classmethod
    def of(cls, weights: Floats, group: Ints, column: Ints, scale: Floats, columns: int) -> "_Shares":
        place, shape = (group, column), (len(scale), columns)
        scaled = weights / scale[group]
        net = csr_array((scaled, place), shape=shape).astype(np.float32)
        gross = csr_array((np.abs(scaled), place), shape=shape)
        return cls(net.toarray() if net.nnz > _DENSE * len(scale) * columns else net, gross)

    def rounding(self, largest: Floats) -> Floats:
        """(p): bound of the rounding error of a product with columns (K) that are at most so large."""
        bound = _UNIT * (self.gross.shape[1] + 40) * (self.gross @ largest)
        return np.asarray(bound, dtype=np.float64)


@dataclass(frozen=True)
class Day:
    """The partitions (p) of one date on the sessions (t) that they are tested on, in units of `scale`."""

    panel: ReturnPanel
    part: slice
    sessions: Ints
    """(t) consecutive places in the panel."""
    place: int
    """Of the first of them among the 252."""
    scale: Floats
    """(p) USD."""
    came: Floats
    """(p, t) USD"""
    ranks: Ints
    """(p, t, L)"""
    known: Bools
    """(p, 503 + t) sessions of the scenarios, the oldest of the first session first."""
    symbols: _Shares
    """Exposures to symbols."""
    curves: OptionCurves | None
    contracts: _Shares
    """Shares x size of the contracts of `curves`."""
    error: Singles
    """(p, 503 + t) bound of the error of the gains of options."""

    @classmethod
    def of(cls, exact: ExactBooks, date: int, known: Bools, ranks: Ints) -> "Day":
        """One date of the books.

        :param known: (G, 504 + T), of the sessions of the panel and of 504 before them.
        :param ranks: (G, 252, L), 0 where a session is not tested.
        """
        book, panel = exact.book, exact.panel
        part = book.partitions_of(np.array([date], dtype=np.intp))
        end = int(exact.ends[part.start])
        sessions = np.arange(max(0, end + 1 - TESTED_SESSIONS), end + 1, dtype=np.intp)
        past = np.arange(sessions[0] - SCENARIOS, end, dtype=np.intp)
        place = TESTED_SESSIONS - len(sessions)
        options = exact.places(part)[1]
        which = np.arange(options.start, options.stop)
        curves = OptionCurves.of(exact.options.take(which), panel, sessions, past) if len(which) else None
        symbols, contracts, scale = _weights(exact, part, curves)
        return cls(
            panel=panel,
            part=part,
            sessions=sessions,
            place=place,
            scale=scale,
            came=exact.came(part, sessions),
            ranks=ranks[part, place:],
            known=known[part, sessions[0] : end + SCENARIOS],
            symbols=symbols,
            curves=curves,
            contracts=contracts,
            error=_single(contracts.gross @ curves.error if curves else np.zeros((len(scale), len(past)))),
        )

    def meets(self, sessions: Ints) -> bool:
        """Some of these consecutive sessions are tested."""
        return bool(self.sessions[0] <= sessions[-1] and sessions[0] <= self.sessions[-1])

    def screened(self, moves: Moves, chosen: slice) -> tuple[Ints, Cells]:
        """(p, s) scenarios that are at or below what came for sure, and those to look at.

        :param moves: of consecutive sessions. :param chosen: (s) those of `sessions` that are among them.
        """
        came = (self.came[:, chosen] / self.scale[:, None]).T
        pnl, slack = self._pnl(moves, chosen), self.rounding(moves) + 2 * _UNIT * np.abs(came)
        error, known = _bands(self.error, chosen), _bands(self.known, chosen)
        low = (pnl + error <= _single(came - slack)[:, :, None]) & known
        counts, ranks = _count(low), self.ranks[:, chosen].swapaxes(0, 1)
        tests = np.nonzero((counts[:, :, None] < ranks).any(axis=2))
        # Not "at or below": what is not a number is unsure.
        high = ~(pnl[tests] - error[tests] > _single(came + slack)[tests][:, None]) & known[tests]
        open_ranks = (counts[tests][:, None] < ranks[tests]) & (high.sum(axis=1)[:, None] >= ranks[tests])
        unsure = high & ~low[tests] & open_ranks.any(axis=1)[:, None]
        test, scenario = np.nonzero(unsure)
        session, group = tests[0][test] + chosen.start, tests[1][test]
        return counts.T, Cells(
            group=group + self.part.start,
            session=self.sessions[session],
            scenario=self.sessions[session] - SCENARIOS + scenario,
            came=self.came[group, session],
        )

    def rounding(self, moves: Moves) -> Floats:
        """(p): bound of the rounding error of the P&L."""
        in_contracts = np.full(self.contracts.gross.shape[1], LARGEST_SUM)
        return self.symbols.rounding(moves.largest) + self.contracts.rounding(in_contracts)

    def _pnl(self, moves: Moves, chosen: slice) -> Singles:
        """(s, p, N)"""
        lead = int(self.sessions[chosen.start]) - moves.first
        here = slice(lead, lead + chosen.stop - chosen.start)
        pnl = _product(self.symbols.net, moves.move[here])
        if self.curves:
            pnl += _product(self.contracts.net, self._gains(self.curves, moves, chosen, here))
        return pnl

    def _gains(self, curves: OptionCurves, moves: Moves, chosen: slice, here: slice) -> Singles:
        """(s, C, N) gains of the contracts; moves that are bounded are not those of the curves."""
        gains = _diagonals(curves.on(chosen, SCENARIOS)).swapaxes(0, 1).copy(order="C")
        owner = curves.one_share.symbol
        symbol, session, scenario = moves.bounded
        contract, cell = each(symbol, owner)
        among = (session[cell] >= here.start) & (session[cell] < here.stop)
        contract, cell = contract[among], cell[among]
        place, scenario, symbol = session[cell] - here.start, scenario[cell], owner[contract]
        tested = self.sessions[chosen][place]
        past = tested - SCENARIOS + scenario
        log_move, growth = self.panel.log_moves(symbol, tested, past), self.panel.growth[symbol, past]
        gains[place, contract, scenario] = curves.exactly(contract, log_move, growth)
        return gains


def _weights(exact: ExactBooks, part: slice, curves: OptionCurves | None) -> tuple[_Shares, _Shares, Floats]:
    """Of symbols and of contracts in some partitions, and the scale (p) that they are in units of."""
    book, scale = exact.book, np.zeros(part.stop - part.start)
    linear, options = exact.places(part)
    rows, exposure = exact.linear_rows[linear], exact.exposure[linear]
    group = book.partition[rows] - part.start
    holder = book.partition[exact.option_rows[options]] - part.start
    size, kind = (curves.size, curves.kind) if curves else (np.zeros(0), np.zeros(0, dtype=np.intp))
    worth = exact.options.units[options, 0] * size[kind]
    np.maximum.at(scale, group, np.abs(exposure))
    np.maximum.at(scale, holder, np.abs(worth))
    scale[scale == 0] = 1.0
    symbols = _Shares.of(exposure, group, book.symbol[rows], scale, len(book.symbols))
    return symbols, _Shares.of(worth, holder, kind, scale, len(size)), scale


def _single(values: Floats) -> Singles:
    with np.errstate(over="ignore"):  # infinite is on the same side of everything
        return values.astype(np.float32)


def _product(left: csr_array | Singles, right: Singles) -> Singles:
    """(s, p, N) of (p, K) and (s, K, N), in parts too small for BLAS threads."""
    count = left.shape[0]
    out = np.empty((len(right), count, right.shape[2]), dtype=np.float32)
    if not isinstance(left, np.ndarray):
        for place, one in enumerate(right):
            out[place] = left @ one
        return out
    size = max(1, BLAS_ONE_THREAD // max(1, right[0].size))
    for start in range(0, count, size):
        np.matmul(left[start : start + size], right, out=out[:, start : start + size])
    return out


def _bands(values: NDArray, chosen: slice) -> NDArray:
    """(s, p, N) view: the scenarios of each session, of (p, k) those of all of them."""
    windows = sliding_window_view(values, SCENARIOS, axis=1)
    return windows[:, chosen].swapaxes(0, 1)


def _diagonals(values: NDArray) -> NDArray:
    """(C, s, N) view: of each session its own scenarios, of (C, s, s + N - 1) those of the first on."""
    size, count, width = values.shape
    first, second, third = values.strides
    return as_strided(
        values, (size, count, width - count + 1), (first, second + third, third), writeable=False
    )


def _count(flags: Bools) -> Ints:
    """(s, p): how many of the scenarios (s, p, N) are true; eight at a time, for N below 8 x 256."""
    words = flags.view(np.uint64).sum(axis=2)
    return words[:, :, None].view(np.uint8).sum(axis=2, dtype=np.intp)
