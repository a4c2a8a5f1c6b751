"""Factor exposures: dollars of a position or portfolio per unit move of each factor of the state.

``exposure_usd = delta_exposure x beta``: market dollars are additive and signed, style dollars are long-short
and never added to them. Rates are the P&L of +1 basis point: ``delta_exposure x beta / 100``, with beta per
percentage point.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.columns import coded, tiled
from sigmasight_core.arrays.gaps import gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError

RATES: Final = "rates"
BASIS_POINTS: Final = 100.0
"""Basis points in one percentage point."""

POSITION: Final = ["date", "portfolio", "position_id"]
PORTFOLIO: Final = ["date", "portfolio"]


def position_factor_exposures(
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    betas: pd.DataFrame,
    factor_ids: Sequence[str],
    rates: str = RATES,
    source: str = "factor_betas",
) -> pd.DataFrame:
    """Rows of `tables.PositionFactorExposures`: every row of `position_greeks` x every factor.

    :param position_values: rows of `tables.PositionValues`, for the underlyings.
    :param position_greeks: rows of `tables.PositionGreeks`, for the delta exposures in USD, signed.
    :param betas: rows of `tables.FactorBetas`.
    :param rates: id of the factor whose betas are per percentage point.
    :param source: table that the betas are from, for the status.
    :returns: beta of the underlying and USD, for rates USD per basis point. NULL with the reason where the
        underlying has no beta (exposure and beta) or the position no delta exposure (exposure).
    :raises InputError: for a position with Greeks but no row in `position_values`.
    """
    count, size = len(position_greeks), len(factor_ids)
    held = underlyings(position_values, position_greeks)
    beta, beta_reason, reasons = _betas_of(held, betas, factor_ids, source)
    delta = position_greeks["delta_exposure"].to_numpy(dtype=float)[:, None]
    per_unit = np.where(np.array(factor_ids) == rates, 1 / BASIS_POINTS, 1.0)
    exposure = delta * beta * per_unit

    greeks_reason, greeks_reasons = pd.factorize(position_greeks["status"])
    no_delta = len(reasons) + greeks_reason[:, None]
    code = np.where(np.isnan(exposure) & ~np.isnan(beta), no_delta, beta_reason)
    code = np.where(np.isfinite(exposure), 0, code)
    labels = [*reasons, *(f"no delta exposure: {reason}" for reason in greeks_reasons)]
    rows = np.repeat(np.arange(count), size)
    keys = position_greeks[POSITION].take(rows).reset_index(drop=True)
    return keys.assign(
        factor=tiled(factor_ids, count),
        beta=beta.ravel(),
        exposure_usd=exposure.ravel(),
        status=coded(labels, code.ravel()),
    )


def underlyings(position_values: pd.DataFrame, position_greeks: pd.DataFrame) -> pd.DataFrame:
    """Date and underlying of every row of `position_greeks`, in its order."""
    known = position_values[[*POSITION, "underlying"]]
    found = position_greeks[POSITION].merge(known, on=POSITION, how="left", validate="many_to_one")
    missing = found["underlying"].isna()
    if missing.any():
        first = found[missing].iloc[0]
        raise InputError(
            f"position {first['position_id']} of {first['portfolio']} on {first['date']:%Y-%m-%d} has Greeks "
            "but no row in position_values; compute both from the same positions"
        )
    return found[["date", "underlying"]]


def _betas_of(
    positions: pd.DataFrame, betas: pd.DataFrame, factor_ids: Sequence[str], source: str
) -> tuple[Floats, Ints, list[str]]:
    """Betas [N, K] of positions, codes [N, K] of why one is missing, and what the codes mean (0 = ok)."""
    dates = pd.Index(betas["date"].unique())
    symbols = pd.Index(betas["symbol"].unique())
    shape = (len(dates) + 1, len(symbols) + 1, len(factor_ids))
    factor = pd.Index(factor_ids).get_indexer(pd.Index(betas["factor"]))
    used = factor >= 0
    cell = (dates.get_indexer(betas["date"])[used], symbols.get_indexer(betas["symbol"])[used], factor[used])
    why, labels = pd.factorize(betas["status"])

    # One date and one symbol more than there are: place -1 looks up NaN, code 1, 'no beta'
    value, code = np.full(shape, np.nan), np.ones(shape, dtype=np.intp)
    value[cell] = betas["beta"].to_numpy(dtype=float)[used]
    code[cell] = 2 + why[used]
    place = (dates.get_indexer(positions["date"]), symbols.get_indexer(positions["underlying"]))
    reasons = [OK, f"no beta: the underlying is not in {source}", *(_no_beta(label) for label in labels)]
    return value[place], code[place], reasons


def _no_beta(reason: str) -> str:
    return reason if reason.startswith("unavailable") else f"no beta: {reason}"


def factor_exposures(
    *,
    position_exposures: pd.DataFrame,
    total_values: pd.DataFrame,
    factor_ids: Sequence[str],
    std_errors: Floats,
    rates: str = RATES,
) -> pd.DataFrame:
    """Rows of `tables.FactorExposures`: every row of `total_values` x every factor.

    ``beta = exposure_usd / total_value``, for rates ``100 x exposure_usd / total_value``: the unit of
    factor_betas.beta. A portfolio without positions has exposure 0.

    :param position_exposures: rows of `tables.PositionFactorExposures`.
    :param total_values: date, portfolio (together unique) and total_value in USD, NaN = unknown.
    :param std_errors: of the sums of delta exposure x beta, rows of `total_values` x factors
        (`portfolio_errors.exposure_std_errors`), USD.
    :param rates: id of the factor whose betas are per percentage point.
    :returns: sums over the positions that have an exposure. Status 'partial: ...' names those that have none;
        where none has one, the exposure is NULL with the reason. Beta is NULL where total_value is missing
        or not positive.
    :raises InputError: for positions of a (date, portfolio) that `total_values` lacks.
    """
    sums = sums_over_positions(
        position_exposures=position_exposures, portfolios=total_values, factor_ids=factor_ids
    )
    total = np.repeat(total_values["total_value"].to_numpy(dtype=float), len(factor_ids))
    usable = total > 0
    scale = np.tile(np.where(np.array(factor_ids) == rates, BASIS_POINTS, 1.0), len(total_values))
    exposure = sums["exposure_usd"].to_numpy()
    beta = np.where(usable, exposure * scale / np.where(usable, total, 1.0), np.nan)
    error = np.where(np.isfinite(beta), std_errors.ravel() / np.where(usable, total, 1.0), np.nan)
    no_beta = np.where(np.isnan(total), "no beta: no total value", "no beta: total value is not positive")
    status = sums["status"].to_numpy(dtype=object)
    lacking = np.where(status == OK, "", status + "; ") + no_beta.astype(object)
    sums = sums.assign(
        beta=beta, std_error=error, status=pd.array(np.where(usable, status, lacking), dtype="str")
    )
    return sums[[*PORTFOLIO, "factor", "beta", "std_error", "exposure_usd", "n_positions", "status"]]


def sums_over_positions(
    *, position_exposures: pd.DataFrame, portfolios: pd.DataFrame, factor_ids: Sequence[str]
) -> pd.DataFrame:
    """Sums of the positions' exposures: every row of `portfolios` x every factor.

    :param position_exposures: rows of `tables.PositionFactorExposures`.
    :param portfolios: date and portfolio, together unique.
    :returns: date, portfolio, factor, exposure_usd, n_positions, status, as in `factor_exposures`.
    :raises InputError: for positions of a (date, portfolio) that `portfolios` lacks.
    """
    size = len(factor_ids)
    group, factor = _places(position_exposures, portfolios, factor_ids)
    cell = group * size + factor
    values = position_exposures["exposure_usd"].to_numpy(dtype=float)
    known = np.isfinite(values)
    cells = len(portfolios) * size
    n_used = np.bincount(cell[known], minlength=cells)
    n_all = np.bincount(cell, minlength=cells)
    exposure = np.bincount(cell[known], weights=values[known], minlength=cells).astype(float)
    exposure[(n_used == 0) & (n_all > 0)] = np.nan
    keys = portfolios[PORTFOLIO].take(np.repeat(np.arange(len(portfolios)), size)).reset_index(drop=True)
    return keys.assign(
        factor=tiled(factor_ids, len(portfolios)),
        exposure_usd=exposure,
        n_positions=n_used,
        status=_sum_status(position_exposures, cell, known, np.isnan(exposure)),
    )


def _places(
    position_exposures: pd.DataFrame, portfolios: pd.DataFrame, factor_ids: Sequence[str]
) -> tuple[Ints, Ints]:
    """Row of `portfolios` and number of the factor of every position's exposure."""
    wanted = pd.MultiIndex.from_frame(portfolios[PORTFOLIO])
    group = wanted.get_indexer(pd.MultiIndex.from_frame(position_exposures[PORTFOLIO]))
    factor = pd.Index(factor_ids).get_indexer(pd.Index(position_exposures["factor"]))
    for code, column, source in (
        (group, "portfolio", "the portfolios asked for"),
        (factor, "factor", "factor_ids"),
    ):
        if (code < 0).any():
            row = position_exposures[code < 0].iloc[0]
            raise InputError(
                f"{column} {row[column]} of position_factor_exposures on {row['date']:%Y-%m-%d} is not in "
                f"{source}; compute both for the same dates and portfolios"
            )
    return group, factor


def _sum_status(rows: pd.DataFrame, cell: Ints, known: Bools, empty: Bools) -> "pd.Series[str]":
    """What the sum of every (portfolio, factor) lacks."""
    lacking = rows[~known]
    held = cell[~known]
    unavailable = lacking["status"].str.startswith("unavailable").to_numpy(dtype=bool)
    no_beta = lacking["beta"].isna().to_numpy() & ~unavailable
    symbols = lacking["position_id"].str.split("@", n=1).str[0]
    text = np.full(len(empty), "", dtype=object)
    text[held[unavailable]] = lacking["status"].to_numpy(dtype=object)[unavailable]
    no_delta = ~no_beta & ~unavailable
    gaps = (("no beta for", no_beta), ("no delta exposure for", no_delta))
    named = gap_texts([(words, held[which], symbols[which]) for words, which in gaps], len(empty))
    text += np.where((text != "") & (named != ""), "; ", "") + named
    partial = (text != "") & ~empty
    text[partial] = "partial: " + text[partial]
    text[text == ""] = OK
    return pd.Series(text, dtype="str")
