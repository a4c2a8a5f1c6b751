"""Contributions of one period, the plain way: a reference for those of all periods at once."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.contributions import CASH
from sigmasight_core.account.performance.linking import log_ratio
from sigmasight_core.account.performance.returns import LEAST_BASE
from sigmasight_core.arrays.types import Floats


def carino_factors(returns: Floats) -> Floats:
    """Weight of each day's contribution in that of the period: k(t) / K.

    k = log(1 + r) / r of the day, K of the whole period; 1 in the limit of no return. Then the weighted daily
    contributions sum to the compounded return (Carino, Combining attribution effects over time, 1999, Journal
    of Performance Measurement 3(4)).

    :param returns: (T) daily returns; a day without one counts as none (0). All must be above -1.
    """
    known = np.where(np.isfinite(returns), returns, 0.0)
    total = np.expm1(np.log1p(known).sum())
    return log_ratio(known) / log_ratio(np.array(total))


def contributions(*, account: pd.DataFrame, parts: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Contribution of each item to the time-weighted return of the period of each portfolio.

    :param account: portfolio, date, base (value at the previous close + inflow), daily_return and daily_pnl,
        the days of the period; a day whose base is below a cent has no return and contributes nothing.
    :param parts: portfolio, date, `by`, pnl (USD), summing to daily_pnl; what is missing is 'cash'.
    :param by: columns of `parts` to sum by, such as symbol, sector.
    :returns: portfolio, `by`, pnl and contribution (fraction), largest first in each portfolio.
    :raises ValueError: for a period with ruin: nothing can be linked over it.
    """
    if (account["daily_return"] <= -1.0).any():
        raise ValueError("a period in which the value fell to zero has no linked contributions")
    known = account[account["daily_return"].notna() & (account["base"] >= LEAST_BASE)]
    factor = known.groupby("portfolio")["daily_return"].transform(
        lambda r: carino_factors(r.to_numpy(dtype=float))
    )
    weights = known[["portfolio", "date", "base"]].assign(factor=factor)
    keys, names = ["portfolio", "date"], list(by)
    rest = account[[*keys, "daily_pnl"]].merge(
        parts.groupby(keys, as_index=False)["pnl"].sum(), on=keys, how="left"
    )
    left = rest[keys].assign(pnl=rest["daily_pnl"] - rest["pnl"].fillna(0.0), **dict.fromkeys(names, CASH))
    rows = pd.concat([parts[[*keys, *names, "pnl"]], left], ignore_index=True).merge(weights, on=keys)
    rows["contribution"] = rows["pnl"] / rows["base"] * rows["factor"]
    summed = rows.groupby(["portfolio", *names], as_index=False)[["pnl", "contribution"]].sum()
    order = summed["contribution"].abs()
    return (
        summed.assign(_order=-order)
        .sort_values(["portfolio", "_order"], ignore_index=True)
        .drop(columns="_order")
    )
