"""Coverage of the held symbols, and which sessions the provider could still fill."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.alerts.watched import PortfolioCoverage, SymbolCoverage
from sigmasight_core.arrays.found import found_in
from sigmasight_core.market import coverage
from sigmasight_core.market.plausibility.judge import PRICES
from sigmasight_core.market.plausibility.standing import OUT
from sigmasight_core.options.dividend_yields import unknown_names
from sigmasight_core.positions.held import held_symbols, holdings
from sigmasight_core.tables import DailyPrices, Table, validate
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.partitions.keys import Keys
from sigmasight_dagster.platform import Platform

COLUMNS = ["date", "symbol", "adjusted_close"]
REPORTED = ["date", "symbol", "close", "price_date", "source"]


@dataclass(frozen=True)
class Coverage:
    """History of the held symbols and benchmarks up to the latest published prices.

    :param sessions: the up to 253 sessions that count (of 252 returns), the last one the latest with prices.
    :param lengths: sessions with a price, by symbol, shortest first.
    """

    sessions: pd.DatetimeIndex
    lengths: pd.Series

    @property
    def shares(self) -> dict[int, float]:
        """Share of the held symbols with at least so many sessions, or all that there are."""
        return coverage.shares(self.lengths, len(self.sessions))

    @property
    def short(self) -> pd.Series:
        """Symbols that lack one of the sessions."""
        return self.lengths[self.lengths < len(self.sessions)]


def measure(platform: Platform) -> Coverage | None:
    """Coverage as of the latest published prices; None when there are none."""
    sessions = _sessions(platform)
    if sessions is None:
        return None
    symbols = _held_or_benchmark(platform, sessions[-1])
    prices = platform.warehouse.read(
        DailyPrices, (sessions[0], sessions[-1]), columns=COLUMNS, symbols=list(symbols)
    )
    return Coverage(sessions, coverage.history_lengths(prices, symbols))


def _sessions(platform: Platform) -> pd.DatetimeIndex | None:
    """The sessions that count, up to the latest published prices; None when there are none."""
    published = platform.warehouse.published(DailyPrices)
    if published.empty:
        return None
    latest = published["date"].max()
    first = max(
        calendar.shift_sessions(latest, -max(coverage.THRESHOLDS)),
        session_dates.first_session(platform.settings),
    )
    return calendar.sessions(first, latest)


def watched(platform: Platform) -> tuple[pd.Timestamp, dict[type[Table], pd.DataFrame]] | None:
    """What rules of alerts watch: the date of the latest prices, and rows of SymbolCoverage and
    PortfolioCoverage as of that; None without prices.
    """
    sessions = _sessions(platform)
    if sessions is None:
        return None
    warehouse, latest = platform.warehouse, sessions[-1]
    symbols = _held_or_benchmark(platform, latest)
    columns = [*REPORTED, "adjusted_close"]
    prices = warehouse.read(DailyPrices, (sessions[0], latest), columns=columns, symbols=list(symbols))
    held = holdings(warehouse.positions(), latest)
    lengths = coverage.history_lengths(prices, symbols)
    rows: dict[type[Table], pd.DataFrame] = {
        SymbolCoverage: coverage.recent(prices, symbols, sessions),
        PortfolioCoverage: coverage.by_portfolio(lengths, held, len(sessions)),
    }
    return latest, {model: validate(model, frame.assign(date=latest)) for model, frame in rows.items()}


def by_symbol(platform: Platform) -> pd.DataFrame:
    """`coverage.by_symbol` of held symbols, factors' proxies and benchmarks over every published session."""
    warehouse = platform.warehouse
    published = warehouse.published(DailyPrices)["date"]
    first, latest = published.min(), published.max()
    proxies = [f.proxy for f in platform.factor_model.factors if f.proxy and f.kind != "rates"]
    symbols = _held_or_benchmark(platform, latest).union(pd.Index(proxies, dtype="str"))
    prices = warehouse.read(DailyPrices, (first, latest), columns=REPORTED, symbols=list(symbols))
    return coverage.by_symbol(prices, symbols, calendar.sessions(first, latest))


def _held_or_benchmark(platform: Platform, date: pd.Timestamp) -> pd.Index:
    own = platform.warehouse.portfolios()["benchmark"].dropna().unique()
    return held_symbols(platform.warehouse.positions(), date).union(pd.Index(own, dtype="str"))


def unknown_dividend_names(platform: Platform) -> str:
    """One line on names in the setting dividend_yields that nobody knows; '' if there are none."""
    named = platform.settings.dividend_yields
    if not named:
        return ""
    proxies = [f.proxy for f in platform.factor_model.factors if f.proxy]
    held = platform.warehouse.positions()["underlying"].unique()
    unknown = unknown_names(named, {*proxies, *held, *(platform.market_data.symbols() or ())})
    if not unknown:
        return ""
    return (
        f"dividend_yields names {', '.join(unknown)}: no portfolio holds that and the provider does not list "
        "it, so it changes nothing; correct SIGMASIGHT_DIVIDEND_YIELDS"
    )


def doubtful_prices(platform: Platform, symbols: Sequence[str]) -> pd.DataFrame:
    """Prices that are kept out because they are in doubt, or rejected: latest versions (DoubtfulRows)."""
    known = platform.warehouse.doubts(list(symbols))
    return known[(known["table_name"] == PRICES) & known["state"].isin(OUT)]


def fillable(platform: Platform, found: Coverage) -> Keys:
    """Sessions that lack a price of a short symbol that the provider has: keys of the market's sources.

    Asks the provider. Results that were computed without those prices become stale when they are stored.
    """
    symbols = [str(symbol) for symbol in found.short.index]
    if not symbols:
        return {}
    window = (found.sessions[0], found.sessions[-1])
    stored = platform.warehouse.read(DailyPrices, window, columns=COLUMNS, symbols=symbols).dropna()
    offered = platform.market_data.daily_prices(symbols, *window)[COLUMNS].dropna()
    cells = ["date", "symbol"]
    there = pd.concat([stored[cells], doubtful_prices(platform, symbols)[cells]])
    lacking = ~found_in(offered, there, cells)
    dates = offered.loc[lacking & offered["date"].isin(found.sessions), "date"]
    chosen = keys.of_rectangle(pd.DatetimeIndex(dates))
    sources = [asset.name for asset in RISK_ASSETS if asset.only_fetches]
    return dict.fromkeys(sources, chosen) if chosen else {}
