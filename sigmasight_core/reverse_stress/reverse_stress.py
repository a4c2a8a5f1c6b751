"""Reverse stress: the most likely state of the factors in which a portfolio loses a given share of its value.

Minimise ``x' (252 Sigma)^-1 x`` subject to ``P&L(x) = -L`` (Breuer, Jandacka, Rheinberger and Summer, How to
find plausible, severe and useful stress scenarios, 2009; `most_likely_loss` for the search). The root of the
minimum is the plausibility of the loss in sigmas of a year, as of a scenario in `stress`. P&L is that of
`stress` in the state: linear positions ``exposure (exp(beta'x) - 1)``, options by full revaluation with the
volatility that follows the market of the state and the rate its move of the 10-year yield. The state is an
instantaneous shock; specific risk is not part of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, tiled
from sigmasight_core.arrays.repeats import repeated
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK, SESSIONS_PER_YEAR
from sigmasight_core.positions.held import partition_frame
from sigmasight_core.reverse_stress.loss_surface import LossSurface
from sigmasight_core.reverse_stress.most_likely_loss import MAX_SIGMA, most_likely_losses
from sigmasight_core.stress.book import Book, held_book
from sigmasight_core.stress.options import StressedOptions
from sigmasight_core.stress.rows import missing_by_partition
from sigmasight_core.stress.scenarios import RATES
from sigmasight_core.stress.states import MARKET, StateModel, state_model

LOSS_PERCENTS: Final = (5.0, 10.0, 20.0)
_PLACES: Final = 8
"""The room for a portfolio's positions is a multiple of it, so that BLAS adds them in the same groups
whatever else is in the block."""
_POSITIONS: Final = 65_536
"""Positions per pass: bounds memory; results do not depend on it."""


def reverse_stress(
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    positions: pd.DataFrame,
    betas: pd.DataFrame,
    factor_state: pd.DataFrame,
    factor_covariance: pd.DataFrame,
    total_values: pd.DataFrame,
    partitions: pd.DataFrame,
    loss_percents: Sequence[float] = LOSS_PERCENTS,
) -> pd.DataFrame:
    """Rows of `tables.ReverseStress`: every partition x loss x factor of `factor_state`.

    The search is global in directions and local in detail: of several local optima it finds the best among
    those that lie nearest along some 20 rays.

    :param position_values: this and the other tables as in `stress.stress`.
    :param total_values: date, portfolio and total_value (USD), as in tables.PortfolioSnapshots.
    :param loss_percents: percent of total value, positive.
    :returns: NULL with the reason where total value is not positive, nothing is held, or no state within 40
        sigmas loses so much (a hedged book may not be able to: the status tells the largest loss found). A
        position that lacks a price, Greeks or a beta is left out and named ('partial: no beta for X'). A
        factor that is unavailable has NULL moves.
    :raises InputError: on inputs that do not belong together (see `stress.book.held_book`).
    """
    wanted = partition_frame(partitions)
    model = state_model(
        pd.DatetimeIndex(wanted["date"].unique()),
        factor_state=factor_state,
        factor_covariance=factor_covariance,
    )
    book = held_book(
        partitions=wanted,
        states=model,
        position_values=position_values,
        position_greeks=position_greeks,
        positions=positions,
        betas=betas,
    )
    totals = wanted.merge(total_values, how="left", on=["date", "portfolio"])["total_value"].to_numpy(float)
    percents = np.sort(np.asarray(loss_percents, dtype=float))
    losses = np.where(totals > 0, totals, np.nan)[:, None] * percents / 100.0

    live = np.ones(len(book.rows), dtype=bool)
    live[book.missing["position"].to_numpy(dtype=np.intp)] = False
    date = model.dates.get_indexer(pd.DatetimeIndex(wanted["date"]))
    has_factor = np.asarray(model.available.any(axis=1))[date]
    searched = (totals > 0) & has_factor & (np.bincount(book.partition[live], minlength=len(wanted)) > 0)
    roots = _roots(model)
    moves = np.full((*losses.shape, len(model.factors)), np.nan)
    sigmas, achieved = np.full((2, *losses.shape), np.nan)
    largest = np.full(len(wanted), np.nan)
    for groups, surface in _surfaces(book, model, roots, np.flatnonzero(live), searched, date):
        found = most_likely_losses(surface, losses[groups])
        moves[groups] = np.einsum("gkj,gnj->gnk", surface.roots, found.z)
        sigmas[groups] = np.linalg.norm(found.z, axis=2)
        achieved[groups], largest[groups] = found.pnl, found.largest_loss
    reasons = _reasons(book, totals, losses, has_factor, largest, sigmas)
    return _rows(wanted, model, date, percents, moves, sigmas, achieved, -losses, reasons)


def _roots(model: StateModel) -> Floats:
    """C (D, K, K) with C C' the covariance of a year; identity where a factor is unavailable."""
    identity = np.eye(len(model.factors))
    both = model.available[:, :, None] & model.available[:, None, :]
    year = SESSIONS_PER_YEAR * model.covariance
    return np.asarray(np.linalg.cholesky(np.where(both, year, identity)), dtype=np.float64)


def _surfaces(
    book: Book, model: StateModel, roots: Floats, live: Ints, searched: Bools, date: Ints
) -> Iterator[tuple[Ints, LossSurface]]:
    """Numbers of some searched partitions and their loss surface: blocks of portfolios of similar size."""
    live = live[searched[book.partition[live]]]
    live = live[np.argsort(book.partition[live], kind="stable")]
    groups, first, count = np.unique(book.partition[live], return_index=True, return_counts=True)
    order = np.argsort(count, kind="stable")
    market, rates = (_row(model, roots, factor) for factor in (MARKET, RATES))
    for chosen in _blocks(order, count):
        size = count[chosen]
        number, slot = repeated(size)
        rows = live[first[chosen][number] + slot]
        exposure = np.zeros((len(chosen), -(-int(size.max()) // _PLACES) * _PLACES))
        exposure[number, slot] = np.where(
            book.is_option[rows], 0.0, book.rows["exposure"].to_numpy(dtype=float, na_value=np.nan)[rows]
        )
        sensitivity = np.zeros((*exposure.shape, len(model.factors)))
        days, symbols = book.date[rows], book.symbol[rows]
        sensitivity[number, slot] = np.einsum("pk,pkj->pj", book.betas[days, symbols], roots[days])
        option = np.flatnonzero(book.is_option[rows])
        days = date[groups[chosen]]
        yield (
            groups[chosen],
            LossSurface(
                exposure=exposure,
                sensitivity=sensitivity,
                options=StressedOptions.of(book.rows.iloc[rows[option]], book.is_call[rows[option]]),
                option_group=number[option],
                option_slot=slot[option],
                roots=roots[days],
                market=market[days],
                rates=rates[days],
            ),
        )


def _blocks(order: Ints, count: Ints) -> Iterator[Ints]:
    """Runs of `order` (by rising count) with about `_POSITIONS` positions in each."""
    block = np.cumsum(count[order]) // _POSITIONS
    yield from np.split(order, np.flatnonzero(np.diff(block)) + 1) if len(order) else ()


def _row(model: StateModel, roots: Floats, factor: str) -> Floats:
    """Whole move of a factor (D, K) by the whitened state; 0 where it is unavailable."""
    if factor not in model.factors:
        return np.zeros(roots.shape[:2])
    place = model.factors.index(factor)
    move = np.einsum("dk,dkj->dj", model.loadings[:, place], roots)
    return np.where(model.available[:, [place]], move, 0.0)


def _reasons(
    book: Book, totals: Floats, losses: Floats, has_factor: Bools, largest: Floats, sigmas: Floats
) -> Texts:
    """(G, N): ok, 'partial: ...', or why there is no state."""
    count = len(totals)
    lacking = missing_by_partition(book.missing, count)
    held = np.bincount(book.partition, minlength=count)
    lost = np.bincount(book.missing["partition"].to_numpy(dtype=np.intp), minlength=count)
    words = np.where(lacking == "", OK, "partial: " + lacking)
    words = np.where((lost == held) & (lacking != ""), "unavailable: " + lacking, words)
    for holds, reason in (
        (held == 0, "unavailable: nothing is held"),
        (~has_factor, "unavailable: no factor is available"),
        (~(totals > 0), "unavailable: total value is not positive"),
        (np.isnan(totals), "unavailable: no total value"),
    ):
        words = np.where(holds, reason, words)
    percent = 100.0 * largest / np.where(totals > 0, totals, np.nan)
    found = np.char.mod("%.1f", percent).astype(object)
    short = (
        f"unavailable: not reached within {MAX_SIGMA:.0f} sigmas; the largest loss found is " + found + "%"
    )
    short = np.where(lacking == "", short, short + "; " + lacking)
    unreached = np.isnan(sigmas) & ~np.isnan(largest)[:, None]
    reachable = largest[:, None] >= losses
    failed = np.where(reachable, "unavailable: the search for the state did not converge", short[:, None])
    return np.where(unreached, failed, words[:, None])


def _rows(
    wanted: pd.DataFrame,
    model: StateModel,
    date: Ints,
    percents: Floats,
    moves: Floats,
    sigmas: Floats,
    achieved: Floats,
    target: Floats,
    reasons: Texts,
) -> pd.DataFrame:
    count, levels, size = moves.shape
    available = np.broadcast_to(model.available[date][:, None], moves.shape)
    whole = np.einsum("gkj,gnj->gnk", model.loadings[date], moves)
    distinct, code = np.unique(reasons.astype(str), return_inverse=True)
    code = np.broadcast_to(code.reshape(count, levels, 1), moves.shape)
    lost = len(distinct) + np.broadcast_to(np.arange(size), moves.shape)
    labels = [*distinct, *(f"unavailable: {factor}" for factor in model.factors)]
    row = np.repeat(np.arange(count), levels * size)

    def spread(values: Any) -> Floats:
        return np.repeat(values.ravel(), size)

    return pd.DataFrame(
        {
            "date": wanted["date"].array.take(row),
            "portfolio": wanted["portfolio"].array.take(row),
            "loss_percent": np.tile(np.repeat(percents, size), count),
            "factor": tiled(model.factors, count * levels),
            "unit": tiled(
                ["percentage points" if factor == RATES else "log return" for factor in model.factors],
                count * levels,
            ),
            "state_move": np.where(available, moves, np.nan).ravel() + 0.0,
            "factor_move": np.where(available, whole, np.nan).ravel() + 0.0,
            "plausibility_sigma": spread(sigmas),
            "target_pnl": spread(target),
            "achieved_pnl": spread(achieved),
            "status": coded(labels, np.where(available | np.isnan(moves), code, lost).ravel()),
        }
    )
