"""Stress against reality of this project: the provider's stocks in equal weights, and the portfolios."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.market import returns
from sigmasight_core.positions.held import is_option
from sigmasight_core.stress.reality import (
    HISTORIC_WINDOWS,
    Reality,
    Window,
    equal_weights,
    linear_weights,
    stress_against_reality,
)
from sigmasight_core.tables import PositionValues
from sigmasight_dagster.platform import Platform


@dataclass(frozen=True)
class RealityCheck:
    """What was compared, and what could not be."""

    reality: Reality
    notes: tuple[str, ...]
    """Sentences on what was left out and why."""
    provider: str
    proxies: dict[str, str | None]
    """Symbol by factor."""


def reality_check(
    platform: Platform,
    date: pd.Timestamp | None = None,
    windows: tuple[Window, ...] = HISTORIC_WINDOWS,
) -> RealityCheck:
    """Compare prediction and outcome for every basket that can be built.

    :param date: of the portfolios' holdings; None = the last date computed of each.
    :raises InputError: when there is neither a stock nor a computed portfolio.
    """
    config = platform.factor_model
    proxies = {factor.id: factor.proxy for factor in config.factors}
    sessions = calendar.sessions(
        calendar.shift_sessions(min(window.start for window in windows), -config.window),
        max(window.end for window in windows),
    )
    stocks, notes = _stocks(platform)
    holdings, lacking = _holdings(platform, date)
    held = linear_weights(holdings)
    symbols = {*stocks, *held["symbol"], *(proxy for proxy in proxies.values() if proxy)}
    closes = _closes(platform, symbols, sessions)
    old = _old_enough(closes, stocks, windows, config)
    if len(old) < len(stocks):
        young = sorted(set(stocks) - set(old))
        notes.append(f"left out of the equal weights, without prices around every window: {', '.join(young)}")
    baskets = [equal_weights(f"equal weight, {len(old)} stocks", old)] if old else []
    weights = pd.concat([*baskets, held], ignore_index=True)
    notes += [*lacking, *_left_out(holdings, held)]
    if weights.empty:
        raise InputError("; ".join([*notes, "import a portfolio and run it"]))
    reality = stress_against_reality(
        config, windows, weights=weights, adjusted_close_wide=closes, yields_10y=_ten_year(platform, sessions)
    )
    return RealityCheck(reality, tuple(notes), platform.market_data.name, proxies)


def _stocks(platform: Platform) -> tuple[list[str], list[str]]:
    if platform.market_data.symbols() is None:
        return [], ["no equal-weight basket: the provider has no list of its symbols"]
    known = platform.market_data.securities(None)
    stocks = known.loc[known["security_type"] == "stock", "symbol"].tolist()
    missing = "no equal-weight basket: the provider calls no symbol a stock (security_type in securities.csv)"
    return stocks, [] if stocks else [missing]


def _old_enough(
    closes: pd.DataFrame, stocks: list[str], windows: tuple[Window, ...], config: FactorModelConfig
) -> list[str]:
    """Stocks with a price on both ends of every window, and enough of them before it."""
    known = closes.reindex(columns=stocks).notna()
    prices = known.to_numpy(dtype=bool)
    usable = np.ones(len(stocks), dtype=bool)
    for window in windows:
        start, end = known.index.get_indexer(pd.DatetimeIndex([window.start, window.end]))
        before = prices[start - config.window : start + 1].sum(axis=0)
        usable &= prices[start] & prices[end] & (before > config.min_obs)
    return known.columns[usable].tolist()


def _holdings(platform: Platform, date: pd.Timestamp | None) -> tuple[pd.DataFrame, list[str]]:
    """Rows of PositionValues of each portfolio's date, and the portfolios without any."""
    warehouse = platform.warehouse
    names = warehouse.portfolios()["portfolio"].tolist()
    if not names:
        return PositionValues.empty(), []
    published = warehouse.published(PositionValues, None if date is None else [date], names)
    last = published.groupby("portfolio", as_index=False)["date"].max()
    day = "any date" if date is None else f"{date:%Y-%m-%d}"
    lacking = [
        f"{name}: its positions were never computed on {day}: sigmasight run {name} --date DATE"
        for name in names
        if name not in set(last["portfolio"])
    ]
    if last.empty:
        return PositionValues.empty(), lacking
    rows = warehouse.read(PositionValues, sorted(last["date"].unique()), names)
    return rows.merge(last, on=["date", "portfolio"]), lacking


def _closes(platform: Platform, symbols: set[str], sessions: pd.DatetimeIndex) -> pd.DataFrame:
    prices = platform.market_data.daily_prices(symbols, sessions[0].date(), sessions[-1].date())
    return returns.to_wide(prices, sessions)


def _ten_year(platform: Platform, sessions: pd.DatetimeIndex) -> pd.Series:
    yields = platform.market_data.treasury_yields(sessions[0].date(), sessions[-1].date())
    return yields[yields["series"] == "10Y"].set_index("date")["yield_percent"]


def _left_out(holdings: pd.DataFrame, weights: pd.DataFrame) -> list[str]:
    held = holdings[holdings["quantity"] != 0]
    options = pd.Series(is_option(held), held.index).groupby(held["portfolio"]).sum()
    notes = [
        f"{name}: {count} option positions are left out: those contracts did not exist then"
        for name, count in options[options > 0].items()
    ]
    without = sorted(set(holdings["portfolio"]) - set(weights["basket"]))
    return notes + [f"{name}: not compared, it holds no linear position" for name in without]
