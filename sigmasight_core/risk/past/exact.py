"""Today's books on past sessions in double precision: what came, and single scenarios."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sigmasight_core.arrays.sums import summed
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.arrays.windows import blocks
from sigmasight_core.risk.book import CELLS, RiskBook
from sigmasight_core.risk.filtered_returns import ReturnPanel
from sigmasight_core.risk.revaluation import Options


class Cells(NamedTuple):
    """Scenarios (c) of tests."""

    group: Ints
    session: Ints
    """Place in the panel."""
    scenario: Ints
    """Place in the panel of the session that it is from."""
    came: Floats
    """P&L of the session, USD."""

    def take(self, which: Ints) -> "Cells":
        """Some of them."""
        return Cells(self.group[which], self.session[which], self.scenario[which], self.came[which])


@dataclass(frozen=True)
class ExactBooks:
    """The books in double precision: what one adds up to depends on nothing else, to the last bit."""

    book: RiskBook
    panel: ReturnPanel
    ends: Ints
    """(G) place of the date in the panel."""
    linear_rows: Ints
    """Rows of the book that are used, in its order."""
    exposure: Floats
    """Of `linear_rows`."""
    option_rows: Ints
    options: Options
    """Of `option_rows`."""

    @classmethod
    def of(cls, book: RiskBook, used: Ints, panel: ReturnPanel) -> "ExactBooks":
        linear, options = used[~book.is_option[used]], used[book.is_option[used]]
        exposure = book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[linear]
        ends = panel.ends(book.dates)[book.partition_date]
        return cls(book, panel, ends, linear, exposure, options, Options.of(book, options))

    def came(self, part: slice, sessions: Ints) -> Floats:
        """(p, s): P&L of some partitions over sessions."""
        book, count = self.book, part.stop - part.start
        moves = np.nan_to_num(self.panel.returns[:, sessions])
        linear, options = self.places(part)
        rows = self.linear_rows[linear]
        shares = book.symbol[rows], self.exposure[linear], book.partition[rows] - part.start
        pnl = summed(np.expm1(moves), *shares, count)
        if options.start < options.stop:
            which = np.arange(options.start, options.stop)
            symbol, group = self.options.symbol[which], book.partition[self.option_rows[which]] - part.start
            gains = self.options.pnl(which, moves[symbol], self.panel.growth[symbol][:, sessions])
            pnl += summed(gains, which - options.start, np.ones(len(which)), group, count)
        return pnl

    def places(self, part: slice) -> tuple[slice, slice]:
        """Of the linear rows and of the options of some partitions."""
        ends = [part.start, part.stop]
        linear = np.searchsorted(self.book.partition[self.linear_rows], ends)
        options = np.searchsorted(self.book.partition[self.option_rows], ends)
        return slice(int(linear[0]), int(linear[1])), slice(int(options[0]), int(options[1]))

    def low(self, cells: Cells) -> Bools:
        """(c): P&L of the scenario is at or below what came."""
        found = np.zeros(len(cells.group), dtype=bool)
        most = int(np.bincount(self.book.partition).max(initial=1))
        for chosen in blocks(np.arange(len(found), dtype=np.intp), most, CELLS // 8):
            part = cells.take(chosen)
            cell, row = each(self.book.partition[self.linear_rows], part.group)
            move = np.expm1(self._moved(part, cell, self.book.symbol[self.linear_rows[row]]))
            pnl = self._summed(move, self.exposure[row], cell, len(chosen))
            cell, row = each(self.book.partition[self.option_rows], part.group)
            symbol = self.options.symbol[row]
            growth = self.panel.growth[symbol, part.scenario[cell]]
            gains = self.options.pnl(row, self._moved(part, cell, symbol)[:, None], growth[:, None])[:, 0]
            found[chosen] = pnl + self._summed(gains, np.ones(len(row)), cell, len(chosen)) <= part.came
        return found

    def _moved(self, cells: Cells, cell: Ints, symbol: Ints) -> Floats:
        return self.panel.log_moves(symbol, cells.session[cell], cells.scenario[cell])

    def _summed(self, values: Floats, weights: Floats, cell: Ints, count: int) -> Floats:
        return summed(values[:, None], np.arange(len(values)), weights, cell, count)[:, 0]


def each(partition: Ints, group: Ints) -> tuple[Ints, Ints]:
    """Every row of a partition (rising) that a cell's group is: places of the cell, and of the row."""
    starts = np.searchsorted(partition, group)
    sizes = np.searchsorted(partition, group, side="right") - starts
    cell = np.repeat(np.arange(len(group)), sizes)
    return cell, starts[cell] + np.arange(len(cell)) - (np.cumsum(sizes) - sizes)[cell]
