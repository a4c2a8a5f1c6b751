"""What stress needs of the positions: terms, values and betas side by side, and why something is missing."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.positions.held import (
    KEY,
    OPTION_INPUTS,
    held_rows,
    is_call,
    is_option,
    option_inputs,
    require,
)
from sigmasight_core.stress.states import StateModel, StressStates


@dataclass(frozen=True)
class Book:
    """Held positions (P) of all dates and portfolios, in the order of position_greeks."""

    rows: pd.DataFrame
    """(P) joined columns of position_greeks, position_values and the ledger."""
    partition: Ints
    """(P) row of `partitions`."""
    date: Ints
    """(P) index of the date in the states."""
    symbol: Ints
    """(P) index of the underlying in `betas`."""
    betas: Floats
    """(D, S, K): 0 for factors unavailable on the date, NaN where the symbol has no beta."""
    is_option: Bools
    """(P)"""
    is_call: Bools
    """(P)"""
    missing: pd.DataFrame
    """Positions that cannot be stressed: `position` (row), `partition`, `what`, `name`, `reason`."""


def held_book(
    *,
    partitions: pd.DataFrame,
    states: StressStates | StateModel,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    positions: pd.DataFrame,
    betas: pd.DataFrame,
) -> Book:
    """Join the inputs of every held position (row of position_greeks).

    The terms of a position (underlying, type, multiplier) come from the ledger, its quantity and exposure
    on the date from position_values.

    :raises InputError: on a held position outside `partitions`, without values or not in the ledger.
    """
    rows = _joined(partitions, position_values, position_greeks, positions)
    underlyings = pd.Index(rows["underlying"].unique())
    date = codes_of(states.dates, rows["date"])
    symbol = codes_of(underlyings, rows["underlying"])
    beta_array, beta_reason = _beta_arrays(betas, states, underlyings)
    book = Book(
        rows=rows,
        partition=rows["partition"].to_numpy(),
        date=date,
        symbol=symbol,
        betas=beta_array,
        is_option=is_option(rows),
        is_call=is_call(rows),
        missing=pd.DataFrame(),
    )
    return replace(book, missing=_missing(book, beta_reason))


def _joined(
    partitions: pd.DataFrame,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    positions: pd.DataFrame,
) -> pd.DataFrame:
    rows = held_rows(
        partitions=partitions,
        position_values=position_values[[*KEY, "symbol", "quantity", "exposure", "status"]],
        position_greeks=position_greeks[[*KEY, *OPTION_INPUTS, "delta_exposure", "status"]],
    )
    terms = positions[["portfolio", "position_id", "underlying", "position_type", "multiplier"]]
    rows = rows.merge(terms, how="left", on=["portfolio", "position_id"], validate="many_to_one")
    require(rows, "underlying", "is not in the ledger; import the portfolio and compute its values again")
    return rows


def _beta_arrays(
    betas: pd.DataFrame, states: StressStates | StateModel, underlyings: pd.Index
) -> tuple[Floats, Texts]:
    """Betas (D, S, K), and per (D, S) the status of a row whose beta is NULL ('' if there is no row)."""
    d = codes_of(states.dates, betas["date"])
    s = codes_of(underlyings, betas["symbol"])
    f = codes_of(pd.Index(states.factors), betas["factor"])
    known = (d >= 0) & (s >= 0) & (f >= 0)
    d, s, f = d[known], s[known], f[known]
    shape = (len(states.dates), len(underlyings), len(states.factors))
    array = np.full(shape, np.nan)
    array[d, s, f] = betas["beta"].to_numpy(dtype=float, na_value=np.nan)[known]
    reasons = np.full(shape[:2], "", dtype=object)
    null = np.isnan(array[d, s, f]) & states.available[d, f]
    reasons[d[null], s[null]] = betas["status"].to_numpy(dtype=object)[known][null]
    return np.where(states.available[:, None, :], array, 0.0), reasons


def _missing(book: Book, beta_reason: Texts) -> pd.DataFrame:
    """One row per position that cannot be stressed, with the first reason that applies."""
    rows, option = book.rows, book.is_option
    no_greeks = np.zeros(len(rows), dtype=bool)
    inputs = option_inputs(rows[option])
    no_greeks[option] = np.any([np.isnan(column[:, 0]) for column in inputs.values()], axis=0)
    no_price = ~option & rows["exposure"].isna().to_numpy()
    incomplete = np.asarray(np.isnan(book.betas).any(axis=2))
    no_beta = incomplete[book.date, book.symbol] & ~no_greeks & ~no_price
    parts = (
        ("price", no_price, rows["symbol"], rows["status_values"]),
        ("Greeks", no_greeks, rows["symbol"], rows["status_greeks"]),
        (
            "beta",
            no_beta,
            rows["underlying"],
            pd.Series(beta_reason[book.date, book.symbol], index=rows.index),
        ),
    )
    frames = [
        pd.DataFrame(
            {
                "position": flag.nonzero()[0],
                "partition": book.partition[flag],
                "what": what,
                "name": names[flag].to_numpy(dtype=object),
                "reason": reasons[flag].to_numpy(dtype=object),
            }
        )
        for what, flag, names, reasons in parts
    ]
    missing = pd.concat(frames, ignore_index=True)
    text = "no " + missing["what"] + " for " + missing["name"].astype("str")
    detail = missing["reason"].astype("str")
    return missing.assign(reason=text.where(detail.isin(["", OK]), text + ": " + detail))
