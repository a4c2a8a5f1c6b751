"""An independent opinion on the betas: a sample of univariate fits made again, one by one, by statsmodels.

This module shares no code with the factor model: returns, windows and regressions are made here a second
time, by pandas and `statsmodels.api.OLS` (Seabold and Perktold, 2010). statsmodels is imported when an audit
runs, and nothing else is computed with it.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.errors import InputError

VALUES: Final = ("univariate_beta", "univariate_std_error", "univariate_p_value")
TOLERANCE: Final = 1e-6
"""Largest relative difference that is rounding: a larger one is a defect."""

EXACT_FIT: Final = 1e-6
"""Of 1 - R2: below it residuals are mostly rounding error, and the beta alone is compared."""
_FLOOR: Final = 1e-6
_SMALLEST_P: Final = 1e-290

Outcome = tuple[float, str, str]


def audit_betas(
    *,
    sample: pd.DataFrame,
    adjusted_close_wide: pd.DataFrame,
    yields_10y: pd.Series,
    proxies: Mapping[str, str | None],
    rates: str | None,
    window: int,
    min_obs: int,
) -> pd.DataFrame:
    """Compare stored univariate betas with those of statsmodels, row by row.

    A factor takes part in a window where it has `min_obs` returns there; sessions on which such a factor or
    the symbol has none are left out, for every factor of the symbol.

    :param sample: rows of `tables.FactorBetas`. Keep it small: a row takes about a millisecond.
    :param adjusted_close_wide: sessions x symbols, NaN = no price: those of the sample and all proxies, from
        `window` sessions before the first date of the sample on.
    :param yields_10y: percent by session.
    :param proxies: symbol of each factor, for `rates` anything; None = unavailable.
    :param rates: id of the factor that is the change of the yield, None = there is none.
    :returns: a frame with the sample's index: `relative_difference`, the largest |ours - theirs| /
        max(|theirs|, floor), `worst`, the column that has it, and `status`: ok, or why the row was not
        audited (difference NaN, worst empty). Floors: for beta and standard error a millionth of the
        standard error at an R2 of 0, for p-values 1e-290. With 1 - R2 below 1e-6 the beta alone is compared.
        A value of ours that is missing, or another number of observations, differs by infinity.
    :raises InputError: if the sample's index has repeats, or the prices lack a symbol or date of it.
    """
    _require(sample, adjusted_close_wide)
    factors, symbols = _moves(adjusted_close_wide, yields_10y, proxies, rates)
    columns = ["relative_difference", "worst", "status"]
    pieces = [pd.DataFrame(columns=columns, index=sample.index[:0])]
    for (date, symbol), rows in sample.groupby(["date", "symbol"]):
        known = factors.loc[:date].tail(window)
        known = known.loc[:, known.notna().sum() >= min_obs].assign(_y=symbols[symbol]).dropna()
        outcomes = [_outcome(row, known) for row in rows.to_dict("records")]
        pieces.append(pd.DataFrame(outcomes, columns=columns, index=rows.index))
    result = pd.concat(pieces).reindex(sample.index)
    return result.astype({"relative_difference": float, "worst": "str", "status": "str"})


def _outcome(row: Mapping[Hashable, Any], known: pd.DataFrame) -> Outcome:
    if not np.isfinite(row["univariate_beta"]) and row["status"] != OK:
        return np.nan, "", f"not audited: {row['status']}"
    return _compare(row, known)


def _require(sample: pd.DataFrame, closes: pd.DataFrame) -> None:
    if not sample.index.is_unique:
        raise InputError("the index of the sample has repeats; reset it")
    absent = sorted({*sample["symbol"].unique()} - {*closes.columns})
    late = sorted({*sample["date"].unique()} - {*closes.index})
    if absent or late:
        what = f"symbol {absent[0]}" if absent else f"date {late[0]:%Y-%m-%d}"
        raise InputError(f"the prices of the audit lack {what} of the sample; read them for the whole sample")


def _moves(
    closes: pd.DataFrame, yields: pd.Series, proxies: Mapping[str, str | None], rates: str | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Moves of the factors, and log returns of the symbols, by session."""
    returns = closes.where(closes > 0).transform("log").diff()
    none = pd.Series(np.nan, index=closes.index)
    moves = {
        name: none if proxy is None else returns.get(proxy, none)
        for name, proxy in proxies.items()
        if name != rates
    }
    if rates is not None and proxies[rates] is not None:
        moves[rates] = yields.reindex(closes.index).diff()
    return pd.DataFrame(moves), returns


def _compare(row: Mapping[Hashable, Any], known: pd.DataFrame) -> Outcome:
    # start-up time: more than a second, for a check on a sample; not statsmodels.api, which imports all of it
    from statsmodels.regression.linear_model import OLS  # noqa: PLC0415
    from statsmodels.tools import add_constant  # noqa: PLC0415

    if row["factor"] not in known.columns or len(known) != row["n_obs"]:
        return np.inf, "n_obs", OK
    x, y = known[row["factor"]].to_numpy(), known["_y"].to_numpy()
    fit = OLS(y, add_constant(x, has_constant="add")).fit()
    theirs = np.array([fit.params[1], fit.bse[1], fit.pvalues[1]])
    ours = np.array([row[name] for name in VALUES], dtype=float)
    scale = _FLOOR * float(np.std(y) / np.std(x)) / np.sqrt(len(y) - 2)
    difference = np.abs(ours - theirs) / np.maximum(np.abs(theirs), [scale, scale, _SMALLEST_P])
    difference[np.isnan(difference)] = np.inf
    compared = difference[: 1 if 1 - fit.rsquared < EXACT_FIT else None]
    return float(compared.max()), VALUES[int(compared.argmax())], OK
