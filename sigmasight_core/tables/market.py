"""Market tables: what providers deliver, and what follows from prices alone. One row a date and symbol."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, Facts, Kind, key, label, value

SECURITY_TYPES: Final = ("stock", "etf", "mutual_fund", "index", "option", "private", "unknown")


class DailyPrices(DateTable):
    """One bar of one symbol at the close of one session."""

    symbol: Series[str] = key("Symbol of a stock, ETF, fund or index")
    open: Series[float] = value("Opening price, as traded", "USD", gt=0)
    high: Series[float] = value("Highest price, as traded", "USD", gt=0)
    low: Series[float] = value("Lowest price, as traded", "USD", gt=0)
    close: Series[float] = value("Closing price, as traded; values positions", "USD", gt=0)
    adjusted_close: Series[float] = value(
        "Closing price adjusted for splits and dividends; for returns only", "USD", gt=0
    )
    volume: Series[float] = value("Shares traded", "shares", ge=0)
    price_date: Series[pd.Timestamp] = label(
        "Session of a carried-forward mark (private assets); NULL = a price of the date itself",
        nullable=True,
    )
    source: Series[str] = label("Provider, and what it could not tell apart")
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "daily_prices"
        metadata = {"facts": Facts(kind=Kind.SOURCE, concerns="symbol")}


class PriceDifferences(DateTable):
    """One stored close beside that of another source (setting cross_check_source; else there are no rows)."""

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    source: Series[str] = label("Source of the stored close", of="daily_prices.*")
    other_source: Series[str] = label("Source that it is held against")
    close: Series[float] = value("Stored closing price, as traded", "USD", gt=0, of="daily_prices.*")
    other_close: Series[float] = value("Closing price of the other source, as traded", "USD", gt=0)
    relative_difference: Series[float] = value("close / other_close - 1", "fraction", of="close other_close")
    status: Series[str] = label("ok, or which of the two has no close")

    class Config:
        name = "price_differences"


class CorporateActions(DateTable):
    """One split, dividend or distribution of one symbol, on its ex-date."""

    symbol: Series[str] = key("Symbol")
    kind: Series[str] = key(
        "split, dividend, or distribution: called a split, with the ratio of a spin-off or a stock dividend",
        isin=("split", "dividend", "distribution"),
    )
    amount: Series[float] = value(
        "split: new shares per old share; dividend: cash per share; distribution: the ratio that was told, "
        "by which no share count changes",
        "ratio or USD per share",
        gt=0,
    )
    source: Series[str] = label("Provider")
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "corporate_actions"
        metadata = {"facts": Facts(kind=Kind.SOURCE, concerns="symbol")}


class TreasuryYields(DateTable):
    """One constant-maturity Treasury yield on one session."""

    series: Series[str] = key("3M, 2Y, 10Y or 30Y", isin=("3M", "2Y", "10Y", "30Y"))
    yield_percent: Series[float] = value("Constant-maturity yield", "percent")
    source: Series[str] = label("Provider")
    status: Series[str] = label("ok, or why the yield is NULL (never filled, never 0)")

    class Config:
        name = "treasury_yields"
        metadata = {"facts": Facts(kind=Kind.SOURCE)}


class SecurityMaster(DateTable):
    """What is known of one symbol on one session."""

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    name: Series[str] = label("Name; empty = unknown")
    security_type: Series[str] = label(
        "stock, etf, mutual_fund, index, option, private or unknown", isin=SECURITY_TYPES
    )
    sector: Series[str] = label("Sector, or 'unclassified'")
    industry: Series[str] = label("Industry; empty = unknown")
    exchange: Series[str] = label("Exchange on which it is listed; empty = unknown")
    currency: Series[str] = label("Currency of its prices (ISO 4217); empty = unknown")
    country: Series[str] = label("Country of its issuer; empty = unknown")
    market_cap: Series[float] = label(
        "Market capitalisation, or net assets of a fund, when the provider was asked (USD); NULL = unknown",
        nullable=True,
        ge=0,
    )
    source: Series[str] = label("Provider")

    class Config:
        name = "security_master"
        metadata = {"facts": Facts(kind=Kind.SOURCE, concerns="symbol")}


class RealizedVolatility(DateTable):
    """EWMA volatility of one symbol."""

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    annualized_volatility: Series[float] = value(
        "Zero-mean EWMA volatility of log returns, decay 0.94, x sqrt(252)",
        "1/sqrt(year)",
        ge=0,
        of="daily_prices.adjusted_close",
    )
    n_obs: Series[int] = value("Log returns used", "sessions", ge=0, of="daily_prices.adjusted_close")
    status: Series[str] = label("ok, or why the volatility is NULL")

    class Config:
        name = "realized_volatility"


class DividendYields(DateTable):
    """Dividend yield of one symbol, for the pricing of its options, and its next dividend."""

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    dividends: Series[float] = value(
        "Cash dividends with an ex-date within 365 days, per share of the date",
        "USD",
        ge=0,
        of="corporate_actions.amount daily_prices.close daily_prices.adjusted_close",
    )
    dividend_yield: Series[float] = value(
        "Continuous: dividends / close, or the settings'",
        "fraction per year",
        ge=0,
        le=1,
        of="dividends daily_prices.close",
    )
    dividend_yield_source: Series[str] = label(
        "settings (they name the symbol), dividends of 365 days, or 'settings: ' and why it is their default",
        of="dividends daily_prices.close",
    )
    expected_ex_date: Series[pd.Timestamp] = label(
        "Next ex-date that is expected from those of 365 days; NULL = none", nullable=True
    )
    expected_dividend: Series[float] = value(
        "Cash dividend that is expected then: the last one; 0 = none",
        "USD",
        ge=0,
        of="corporate_actions.amount",
    )
    status: Series[str] = label("ok, or why the dividends are not known")

    class Config:
        name = "dividend_yields"
        metadata = {"facts": Facts(readiness=())}
