"""Active share: how far the weights of a portfolio are from those of its benchmark."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.holdings import Weights
from sigmasight_core.account.performance.portfolio_returns import panel
from sigmasight_core.account.performance.returns import LEAST_BASE
from sigmasight_core.arrays.as_of import codes_of, day_numbers
from sigmasight_core.arrays.gaps import tell
from sigmasight_core.conventions import OK
from sigmasight_core.tables.account.attribution import ActiveShare

NO_HOLDINGS: Final = "no active share: no holdings of the benchmark are given"
NOT_YET: Final = "no active share: the first holdings of the benchmark are of a later date"
NO_VALUE: Final = "no active share: the portfolio has no positive total value"


def active_share(
    *,
    dates: pd.DatetimeIndex,
    names: pd.Index,
    portfolio_returns: pd.DataFrame,
    position_values: pd.DataFrame,
    holdings: pd.DataFrame,
) -> pd.DataFrame:
    """Half the sum of |w_p - w_b| (Cremers and Petajisto 2009, Review of Financial Studies 22(9), eq. 1).

    Weights of the portfolio are net exposure by underlying over total value, an option's exposure its market
    value; what is left of 1 is cash, in which the benchmark has none. Without short positions and debt it is
    between 0 and 1; with them it may be more.

    :param portfolio_returns: date, portfolio and total_value (USD).
    :param position_values: date, portfolio, underlying and exposure (USD).
    :param holdings: rows of `BenchmarkHoldings`.
    :returns: rows of `ActiveShare`, one for each date and portfolio.
    """
    weights = Weights.of(holdings)
    version = weights.on(day_numbers(dates), names)
    cell, row = weights.cells(version)
    held = weights.holdings
    total = panel(portfolio_returns, "total_value", dates, names)
    usable = total >= LEAST_BASE
    day = dates.get_indexer(pd.DatetimeIndex(position_values["date"]))
    book = codes_of(names, position_values["portfolio"])
    inside = (day >= 0) & (book >= 0)
    place = day[inside] * len(names) + book[inside]
    exposure = position_values["exposure"].to_numpy(dtype=float, na_value=np.nan)[inside]
    share = np.nan_to_num(exposure) / np.where(usable, total, 1.0).ravel()[place]
    signed = pd.DataFrame(
        {
            "cell": np.concatenate([place, cell]),
            "symbol": np.concatenate(
                [
                    position_values["underlying"].to_numpy(dtype=object)[inside],
                    held["symbol"].to_numpy(dtype=object)[row],
                ]
            ),
            "active": np.concatenate([share, -held["weight"].to_numpy(dtype=float)[row]]),
        }
    )
    sums = signed.groupby(["cell", "symbol"], sort=True)["active"].sum()
    of_cell = sums.index.get_level_values("cell").to_numpy(dtype=np.int64)
    cash = np.bincount(of_cell, weights=sums, minlength=total.size)
    distance = np.bincount(of_cell, weights=sums.abs(), minlength=total.size)
    count = np.bincount(cell, minlength=total.size)
    unpriced = np.bincount(place, weights=np.isnan(exposure), minlength=total.size).astype(np.int64)
    flat = version.ravel()
    ever = np.isin(names, held["portfolio"])
    status = np.full(total.size, OK, dtype=object)
    tell(status, unpriced, "partial: ", " positions have no price")
    status[~usable.ravel()] = NO_VALUE
    status[flat < 0] = NOT_YET
    status[~np.tile(ever, len(dates))] = NO_HOLDINGS
    known = usable.ravel() & (flat >= 0)
    as_of = pd.DatetimeIndex(weights.versions["holdings_date"]).append(pd.DatetimeIndex([pd.NaT]))
    rows = pd.DataFrame(
        {
            "date": np.repeat(dates, len(names)),
            "portfolio": np.tile(names.to_numpy(dtype=object), len(dates)),
            "active_share": np.where(known, (distance + np.abs(cash)) / 2, np.nan),
            "n_holdings": count,
            "holdings_date": as_of[flat],
            "status": status,
        }
    )
    return rows[list(ActiveShare.to_schema().columns)].astype({"portfolio": "str", "status": "str"})
