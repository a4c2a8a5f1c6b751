"""Stress P&L of positions and portfolios under factor scenarios, for all dates and portfolios in one call.

With the state x of `stress.states` and the betas of a position's underlying, the underlying moves by the
factor exp(beta'x). A linear position gains exposure x (exp(beta'x) - 1): a long can never lose more than
100%, a short can, and there is no cap. An option is valued anew (by Black-Scholes-Merton, an American one
with early exercise) at the shocked price, volatility and rate; its P&L is the difference to the model price
of the same inputs unshocked, so that a zero shock gives exactly zero. An option on its expiry session is
worth its intrinsic value.

The volatility follows the market's move (`stress.options`). The rate moves with the 10-year yield of the
state, as bonds do: by the shock where the scenario shocks the yield, else by what the rest of the state
implies. Where yields are unavailable it does not move.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from sigmasight_core.arrays.distinct import distinct_rows
from sigmasight_core.arrays.types import Floats, Ints
from sigmasight_core.arrays.windows import product
from sigmasight_core.positions.held import OPTION_INPUTS, is_american, option_inputs, partition_frame
from sigmasight_core.stress.book import Book, held_book
from sigmasight_core.stress.impacts import impact_rows
from sigmasight_core.stress.options import StressedOptions, shocked_volatility
from sigmasight_core.stress.rows import portfolio_rows, position_rows
from sigmasight_core.stress.scenarios import Scenario
from sigmasight_core.stress.states import StressStates, stress_states

_BLOCK: Final = 65_536
"""Option values per pass: bounds the memory of the temporaries."""


class PositionPnl(NamedTuple):
    """P&L in USD by position and scenario, each (P, N); NaN where an input is missing."""

    direct: Floats
    correlated: Floats
    spot_only: Floats


class StressOutput(NamedTuple):
    """Long frames in the shapes of tables.StressResults, tables.PositionStress and tables.ScenarioImpacts."""

    results: pd.DataFrame
    positions: pd.DataFrame
    impacts: pd.DataFrame


def stress(
    scenarios: Sequence[Scenario],
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    positions: pd.DataFrame,
    betas: pd.DataFrame,
    factor_state: pd.DataFrame,
    factor_covariance: pd.DataFrame,
    partitions: pd.DataFrame,
) -> StressOutput:
    """Direct, correlated and spot-only P&L of every scenario.

    :param scenarios: from `scenarios.load_scenarios`, ids unique.
    :param position_values: rows of tables.PositionValues. :param position_greeks: rows of
        tables.PositionGreeks: its rows are the positions held. :param positions: the ledger.
    :param betas: rows of tables.FactorBetas of the underlyings. :param factor_state: tables.FactorState.
    :param factor_covariance: tables.FactorCovariance. :param partitions: columns date and portfolio: every
        one of them gets a result for every scenario, zeros where nothing is held.
    :returns: USD, a gain is positive. A position that lacks a price, Greeks or a beta has NULL and the
        reason; its portfolio sums the others and says 'partial: no beta for X'. A scenario that shocks an
        unavailable factor is computed from the others ('partial: growth unavailable'); where none is left
        all is NULL ('unavailable: growth'). `warning` tells of shocks beyond 6 sigma and of correlated
        P&L under rate shocks.
    :raises InputError: on inputs that do not belong together (see `held_book`, `stress_states`).
    """
    wanted = partition_frame(partitions)
    states = stress_states(
        scenarios,
        pd.DatetimeIndex(wanted["date"].unique()),
        factor_state=factor_state,
        factor_covariance=factor_covariance,
    )
    book = held_book(
        partitions=wanted,
        states=states,
        position_values=position_values,
        position_greeks=position_greeks,
        positions=positions,
        betas=betas,
    )
    pnl = position_pnl(book, states)
    results = portfolio_rows(partitions=wanted, book=book, states=states, **pnl._asdict())
    return StressOutput(
        results=results,
        positions=position_rows(book, states, **pnl._asdict()),
        impacts=impact_rows(partitions=wanted, book=book, states=states, direct=pnl.direct, results=results),
    )


def position_pnl(book: Book, states: StressStates) -> PositionPnl:
    """P&L of every position under every scenario."""
    # beta'x of each underlying (D, N, S), then of each position (P, N)
    moves = [
        product(state, book.betas.swapaxes(1, 2))[book.date, :, book.symbol]
        for state in (states.direct, states.correlated)
    ]
    exposure = book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[:, None]
    direct, correlated = (exposure * np.expm1(move) + 0.0 for move in moves)
    pnl = PositionPnl(direct, correlated, direct.copy())
    _revalue_options(book, states, moves[0], moves[1], pnl)
    computed = states.computed[book.date]
    for values in pnl:
        values[~computed] = np.nan
    return pnl


def _revalue_options(
    book: Book, states: StressStates, direct_move: Floats, correlated_move: Floats, pnl: PositionPnl
) -> None:
    """Overwrite the rows of options by full revaluation, block by block."""
    american = is_american(book.rows)
    moves, width = (direct_move, correlated_move), len(states.scenarios)
    units = book.rows["quantity"].to_numpy(float, na_value=np.nan) * book.rows["multiplier"].to_numpy(float)
    for rows in _blocks((book.is_option & ~american).nonzero()[0], width):
        for target, gains in zip(pnl, _gains(book, states, moves, rows), strict=True):
            target[rows] = units[rows, None] * gains + 0.0
    held = american.nonzero()[0]
    first, kind = _contracts(book, held)
    held, kind = held[np.argsort(kind, kind="stable")], np.sort(kind)
    for kinds in _blocks(np.arange(len(first)), width):
        mine = slice(*np.searchsorted(kind, [kinds[0], kinds[-1] + 1]))
        rows, place = held[mine], kind[mine] - kinds[0]
        for target, gains in zip(pnl, _gains(book, states, moves, first[kinds]), strict=True):
            target[rows] = units[rows, None] * gains[place] + 0.0


def _contracts(book: Book, rows: Ints) -> tuple[Ints, Ints]:
    """The first row of each contract on each date, whoever holds it, and the contract of each row."""
    inputs = option_inputs(book.rows.iloc[rows])
    columns = (inputs[name][:, 0] for name in OPTION_INPUTS)
    first, kind = distinct_rows(book.date[rows], book.symbol[rows], book.is_call[rows], *columns)
    return rows[first], kind


def _gains(
    book: Book, states: StressStates, moves: tuple[Floats, Floats], rows: Ints
) -> tuple[Floats, Floats, Floats]:
    """USD per share of options, direct, correlated and spot only, each (rows, N)."""
    block, date = StressedOptions.of(book.rows.iloc[rows], book.is_call[rows]), book.date[rows]
    spots = [block.spot * np.exp(move[rows]) for move in moves]
    states_of = (states.direct, states.correlated)
    rates = [states.rate_move(state)[date] for state in states_of]
    volatilities = [
        shocked_volatility(block.volatility, block.days, states.market_log_move(state)[date])
        for state in states_of
    ]
    return (
        block.gains(spots[0], rates[0], volatilities[0]),
        block.gains(spots[1], rates[1], volatilities[1]),
        block.gains(spots[0], rates[0], block.volatility),
    )


def _blocks(rows: Any, width: int) -> Iterator[Any]:
    """Runs of rows with about `_BLOCK` values in each."""
    step = max(1, _BLOCK // max(width, 1))
    return (rows[start : start + step] for start in range(0, len(rows), step))
