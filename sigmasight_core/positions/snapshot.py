"""A portfolio at the close of a date: sums over its positions, its return and its P&L since inception."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of, day_numbers, timestamps
from sigmasight_core.arrays.gaps import gap_texts
from sigmasight_core.arrays.types import Floats, Ints, Texts
from sigmasight_core.conventions import BOUGHT_TYPES, OK
from sigmasight_core.errors import InputError
from sigmasight_core.positions.held import held_positions, is_option
from sigmasight_core.positions.settlement import ends
from sigmasight_core.positions.sums import GREEK_COLUMNS, group_sums, with_greeks

_COUNTS: Final = ("n_positions", "n_long", "n_short", "n_options", "n_priced")
_LEAST_BASE: Final = 0.01
_INCOME: Final = ["dividends", "interest", "fees"]


def portfolio_snapshots(
    *,
    dates: pd.DatetimeIndex,
    portfolio_cash: pd.DataFrame,
    positions: pd.DataFrame,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    settled_pnl: pd.DataFrame,
) -> pd.DataFrame:
    """Totals of every portfolio on every date, also where nothing is held (zeros, total_value = cash).

    No earlier snapshot is needed: ``cumulative_pnl`` = realized P&L of everything that ended before the date
    (`settled_pnl`) + realized and unrealized P&L of the rows of the date + income to date. As long as no
    price is missing for longer than the age limit, ``cumulative_pnl(t) - cumulative_pnl(t-1) = daily_pnl(t)``
    and ``total_value(t) - total_value(t-1) = daily_pnl(t) + external_flow(t)``. So the value at the previous
    close and the day's inflow, which daily_pnl is divided by for the ``daily_return``, are total_value -
    daily_pnl + the day's outflow; NULL where that is less than a cent.

    NaN policy: sums are over the positions that have a value, and the status names the underlyings that are
    left out ('partial: no price for X, Y'); a sum is NULL where none has a value. A position without a
    daily P&L counts in the base of the return at its present value.

    :param portfolio_cash: `tables.PortfolioCash` rows of every portfolio to snapshot on every date.
    :param positions: `tables.Positions` rows (other portfolios are ignored).
    :param position_values: `tables.PositionValues` rows of the dates (others are ignored).
    :param position_greeks: `tables.PositionGreeks` rows of the same.
    :param settled_pnl: from `settlement.settled_pnl`, at least up to the last date.
    :returns: rows in the shape of `tables.PortfolioSnapshots`, ordered by date and portfolio.
    :raises InputError: if a position that is held on a date has no row in `position_values`, one that ended
        before the last date none in `settled_pnl`, or a portfolio no cash on a date.
    """
    days = np.unique(day_numbers(dates))
    names = pd.Index(np.unique(portfolio_cash["portfolio"].to_numpy(dtype=object)), dtype="str")
    account = _accounts(portfolio_cash, days, names)
    n_groups = len(days) * len(names)
    rows, codes = _on_grid(position_values, days, names)
    _check_complete(positions[positions["portfolio"].isin(names)], days, names, len(rows), settled_pnl)
    rows = with_greeks(position_values=rows, position_greeks=position_greeks)
    columns = {**_exposures(rows), **_profits(rows), **_greeks(rows), **_counts(rows)}
    totals = group_sums(codes, n_groups, columns).astype(dict.fromkeys(_COUNTS, "int64"))
    cash, income = _floats(account, "closing"), account[_INCOME].sum(axis=1).to_numpy(dtype=float)
    earlier, group, name = _ended_before(settled_pnl, days, names)
    unsettled = ("no settlement price for", group, name)
    total = totals["net_exposure"].to_numpy() + cash
    daily = totals["price_pnl"].to_numpy() + income
    base = total - np.nan_to_num(daily) + np.maximum(-_floats(account, "external_flow"), 0.0)
    flat = np.where(np.bincount(codes, minlength=n_groups) == 0, 0.0, np.nan)
    snapshots = totals.assign(
        date=timestamps(np.repeat(days, len(names))),
        portfolio=names.take(np.tile(np.arange(len(names)), len(days))),
        total_value=total,
        cash=cash,
        income=income,
        daily_pnl=daily,
        cumulative_pnl=totals["cumulative_pnl"] + earlier + _floats(account, "income_to_date"),
        external_flow=_floats(account, "external_flow"),
        daily_return=np.divide(daily, base, out=flat, where=base >= _LEAST_BASE),
    )
    return _ordered(snapshots.assign(status=_status(snapshots, rows, codes, unsettled, account["status"])))


def _accounts(portfolio_cash: pd.DataFrame, days: Ints, names: pd.Index) -> pd.DataFrame:
    """The rows of `portfolio_cash` by date and portfolio. :raises InputError: where one is missing."""
    inside = np.isin(day_numbers(portfolio_cash["date"]), days)
    rows = portfolio_cash[inside].sort_values(["date", "portfolio"], ignore_index=True)
    if len(rows) != len(days) * len(names):
        raise InputError(
            f"portfolio_cash has {len(rows)} rows for {len(days)} dates and {len(names)} portfolios; "
            "compute portfolio_cash again"
        )
    return rows


def _on_grid(values: pd.DataFrame, days: Ints, names: pd.Index) -> tuple[pd.DataFrame, Ints]:
    """The rows of the asked dates and portfolios, and the number of each one's (date, portfolio)."""
    day, portfolio = day_numbers(values["date"]), codes_of(names, values["portfolio"])
    row = np.minimum(np.searchsorted(days, day), max(len(days) - 1, 0))
    inside = (portfolio >= 0) & np.isin(day, days)
    return values[inside].reset_index(drop=True), (row * len(names) + portfolio)[inside]


def _check_complete(
    positions: pd.DataFrame, days: Ints, names: pd.Index, found: int, settled: pd.DataFrame
) -> None:
    dates = timestamps(days)
    expected = len(held_positions(positions, dates))
    if expected != found:
        raise InputError(
            f"position_values has {found} rows and the ledger {expected}; compute position_values again"
        )
    if not len(dates):
        return
    ended = int((ends(positions, dates[-1])[0] < days[-1]).sum())
    known = int((settled["portfolio"].isin(names) & (settled["date"] < dates[-1])).sum())
    if ended != known:
        raise InputError(f"settled_pnl has {known} ended positions and the ledger {ended}; compute it again")


def _floats(rows: pd.DataFrame, name: str) -> Floats:
    return rows[name].to_numpy(dtype=float)


def _exposures(rows: pd.DataFrame) -> dict[str, Floats]:
    exposure, options = _floats(rows, "exposure"), is_option(rows)
    shares = np.abs(_floats(rows, "quantity")) * _floats(rows, "multiplier")
    return {
        "gross_exposure": np.abs(exposure),
        "net_exposure": exposure,
        "long_exposure": np.maximum(exposure, 0.0),
        "short_exposure": np.minimum(exposure, 0.0),
        "options_exposure": np.where(options, exposure, 0.0),
        "stock_exposure": np.where(options, 0.0, exposure),
        "notional": np.where(options, shares * _floats(rows, "underlying_price"), np.abs(exposure)),
        "delta_adjusted_exposure": np.abs(_floats(rows, "delta_exposure")),
    }


def _profits(rows: pd.DataFrame) -> dict[str, Floats]:
    """P&L of the positions: of the day, and since entry."""
    return {
        "price_pnl": _floats(rows, "daily_pnl"),
        "cumulative_pnl": _floats(rows, "unrealized_pnl") + _floats(rows, "realized_pnl"),
    }


def _greeks(rows: pd.DataFrame) -> dict[str, Floats]:
    sums = {name.replace("position_", "portfolio_"): _floats(rows, name) for name in GREEK_COLUMNS}
    return {**sums, "delta_usd": _floats(rows, "delta_exposure")}


def _counts(rows: pd.DataFrame) -> dict[str, Floats]:
    held, long = rows["held"].to_numpy(dtype=bool), rows["position_type"].isin(BOUGHT_TYPES).to_numpy()
    which = (
        held,
        held & long,
        held & ~long,
        held & is_option(rows),
        held & ~rows["exposure"].isna().to_numpy(),
    )
    return {name: mask.astype(float) for name, mask in zip(_COUNTS, which, strict=True)}


def _ended_before(settled: pd.DataFrame, days: Ints, names: pd.Index) -> tuple[Floats, Ints, Texts]:
    """P&L of the positions that ended before each (date, portfolio), and group and name of those without."""
    portfolio, day = codes_of(names, settled["portfolio"]), day_numbers(settled["date"])
    first = np.searchsorted(days, day, side="right")
    inside = (portfolio >= 0) & (first < len(days))
    pnl = _floats(settled, "pnl")
    known = inside & ~np.isnan(pnl)
    shape = (len(days), len(names))
    steps = np.bincount(
        first[known] * len(names) + portfolio[known], weights=pnl[known], minlength=shape[0] * shape[1]
    )
    unknown = np.flatnonzero(inside & np.isnan(pnl))
    on, which = np.nonzero(np.arange(len(days))[:, None] >= first[unknown])
    names_of = settled["underlying"].to_numpy(dtype=object)[unknown][which]
    # by the day of the end, then summed over the days: a position that has ended counts ever after
    return steps.reshape(shape).cumsum(axis=0).ravel(), on * len(names) + portfolio[unknown][which], names_of


def _status(
    snapshots: pd.DataFrame,
    rows: pd.DataFrame,
    codes: Ints,
    unsettled: tuple[str, Ints, Texts],
    of_cash: "pd.Series[str]",
) -> "pd.api.extensions.ExtensionArray":
    names, held = rows["underlying"].to_numpy(dtype=object), rows["held"].to_numpy(dtype=bool)
    unpriced, none = rows["exposure"].isna().to_numpy(), rows["price"].isna().to_numpy()
    gaps = [
        (words, codes[lacking], names[lacking])
        for words, lacking in (
            ("no price for", unpriced & none),
            ("no quantity for", unpriced & ~none),
            ("no daily P&L for", rows["daily_pnl"].isna().to_numpy() & ~unpriced),
            ("no Greeks for", held & rows["delta_exposure"].isna().to_numpy() & ~unpriced),
        )
    ]
    status = gap_texts([*gaps, unsettled], len(snapshots))
    partial = (status != "") & (snapshots["net_exposure"].notna().to_numpy())
    status[partial] = "partial: " + status[partial]
    bare = (snapshots["daily_return"].isna() & snapshots["daily_pnl"].notna()).to_numpy()
    status[bare] += (
        np.where(status[bare] == "", "", "; ") + "no daily return: previous total value is not positive"
    )
    lacking = (of_cash != OK).to_numpy() & (status == "")
    status[lacking] = of_cash.to_numpy(dtype=object)[lacking]
    status[status == ""] = OK
    return pd.array(status, dtype="str")


def _ordered(snapshots: pd.DataFrame) -> pd.DataFrame:
    first = ["date", "portfolio", "total_value", "cash"]
    return snapshots[[*first, *(name for name in snapshots.columns if name not in first)]]
