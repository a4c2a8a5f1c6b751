"""A seeded market of any symbols, with known true betas: for tests of recovery, benchmarks and offline runs.

The log return of symbol i on session t is::

    r_i = alpha_i + beta_m m + beta_r dy_perp + sum_k beta_k u_k + eps_i

in the state of the factor model (docs/factor_model.md): m the market's log return with stochastic
volatility, dy_perp the change of the 10-year yield in percentage points without the market's part, u_k the
pure components of six styles (`factors`), eps_i Student t noise of its own. The factors' proxies
(SPY, VTV, VUG, MTUM, QUAL, SIZE, USMV) have no noise: s_k = b_k m + c_k dy_perp + u_k. VIX is the expected
volatility of the market over 30 days, no stock. Betas are drawn once for all (`draws`).

Everything follows from the seed and the symbol; sessions are made forward from 2014-01-02. So neither other
symbols nor a later end nor the order of questions changes a number, and no close or adjusted close is ever
restated: `adjusted_close` is a total return index that begins at the first close.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.arrays.columns import coded
from sigmasight_core.arrays.types import Floats
from sigmasight_core.simulated.draws import parameters
from sigmasight_core.simulated.factors import FactorPaths, factor_paths
from sigmasight_core.simulated.paths import Path, paths
from sigmasight_core.simulated.symbols import FACTOR_IDS, Parameters

BLOCK: Final = 256
"""Symbols that are made in one pass: bounds the memory of its arrays."""


class Closes(NamedTuple):
    """Closes of symbols [T, N] on the sessions asked for; NaN where there is no price."""

    sessions: pd.DatetimeIndex
    close: Floats
    adjusted: Floats


class SimulatedMarket:
    """The market of one seed. Paths are kept by symbol, about 50 kB each for twelve years."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._paths: dict[str, Path] = {}

    @property
    def factors(self) -> FactorPaths:
        """Factors of all sessions up to the calendar's end."""
        return _factors(self.seed)

    def parameters(self, symbols: Sequence[str]) -> Parameters:
        """True parameters of symbols."""
        return parameters(self.seed, symbols)

    def true_betas(self, symbols: Sequence[str]) -> pd.DataFrame:
        """Columns symbol, factor, beta: a row for each symbol and standard factor.

        NaN for what is not of the factor model (VIX).
        """
        betas, size = self.parameters(symbols).betas, len(FACTOR_IDS)
        return pd.DataFrame(
            {
                "symbol": coded(list(symbols), np.repeat(np.arange(len(symbols)), size)),
                "factor": coded(FACTOR_IDS, np.tile(np.arange(size), len(symbols))),
                "beta": betas.ravel(),
            }
        )

    def closes(self, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> Closes:
        """Closes on the sessions from start to end; none before 2014-01-02."""
        first, last = self.range(start, end)
        found = self.paths(symbols, last)
        shape = (len(found), last - first)
        close = np.array([path.close[first:last] for path in found]).reshape(shape).T
        adjusted = np.array([path.adjusted[first:last] for path in found]).reshape(shape).T
        return Closes(self.factors.sessions[first:last], close, adjusted)

    def actions(self, symbols: Sequence[str], start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
        """Columns date, symbol, kind, amount: splits and dividends with an ex-date from start to end."""
        first, last = self.range(start, end)
        found = self.paths(symbols, last)
        lists = [(kind, [getattr(path, f"{kind}s") for path in found]) for kind in ("dividend", "split")]
        rows = [
            pd.DataFrame(
                {
                    "at": np.concatenate([np.empty(0, np.intp), *(one.at for one in each)]),
                    "symbol": np.repeat(np.array(symbols, object), [len(one.at) for one in each]),
                    "kind": kind,
                    "amount": np.concatenate([np.empty(0), *(one.amount for one in each)]),
                }
            )
            for kind, each in lists
        ]
        frame = pd.concat(rows, ignore_index=True)
        frame = frame[frame["at"].between(first, last - 1)].sort_values(["at", "symbol", "kind"])
        dates = self.factors.sessions.take(frame.pop("at").to_numpy(dtype=np.intp))
        frame.insert(0, "date", dates)
        return frame.astype({"symbol": "str", "kind": "str"}).reset_index(drop=True)

    def range(self, start: pd.Timestamp, end: pd.Timestamp) -> tuple[int, int]:
        """Positions [first, last) of the sessions from start to end."""
        sessions = self.factors.sessions
        first = int(sessions.searchsorted(pd.Timestamp(start)))
        return first, max(first, int(sessions.searchsorted(pd.Timestamp(end), side="right")))

    def paths(self, symbols: Sequence[str], count: int) -> list[Path]:
        """Paths over at least `count` sessions, in the order of the symbols."""
        missing = sorted({s for s in symbols if s not in self._paths or len(self._paths[s].close) < count})
        length = self._whole_years(count)
        for first in range(0, len(missing), BLOCK):
            block = missing[first : first + BLOCK]
            made = paths(self.seed, self.parameters(block), self.factors, length)
            self._paths.update(zip(block, made, strict=True))
        return [self._paths[symbol] for symbol in symbols]

    def _whole_years(self, count: int) -> int:
        """Sessions up to the end of the year in which session `count` is."""
        sessions = self.factors.sessions
        year = sessions[max(count - 1, 0)].year
        return int(sessions.searchsorted(pd.Timestamp(year + 1, 1, 1)))


@lru_cache(maxsize=4)
def simulated_market(seed: int) -> SimulatedMarket:
    """The market of a seed: one in the process, so that its paths are made once."""
    return SimulatedMarket(seed)


@lru_cache(maxsize=4)
def _factors(seed: int) -> FactorPaths:
    return factor_paths(seed, calendar.previous_session(calendar.LAST_DATE))
