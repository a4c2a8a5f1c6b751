"""A portfolio beside what its benchmark holds: holdings of the benchmark, active share, attribution."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.tables.base import Facts, Kind, PortfolioTable, Table, key, label, value

_HELD: Final = "benchmark_holdings.weight benchmark_holdings.holdings_date"
_EFFECT: Final = (
    f"{_HELD} position_values.exposure position_values.daily_pnl portfolio_returns.daily_return "
    "portfolio_returns.total_value portfolio_returns.external_flow daily_prices.adjusted_close "
    "portfolio_return benchmark_return"
)


class BenchmarkHoldings(Table):
    """One holding of the benchmark of a portfolio, as a file says."""

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    holdings_date: Series[pd.Timestamp] = key(
        "Date at whose close the weights were right; they count until the next such date of the file. A "
        "file without dates has the first day of the trading calendar: its weights count always"
    )
    symbol: Series[str] = key("Symbol")
    weight: Series[float] = label(
        "Share of the benchmark; those of a date sum to 1. Negative = short (fraction)", ge=-10, le=10
    )
    sector: Series[str] = label("Sector as the file says; empty = that of security_master on each date")
    benchmark: Series[str] = label("Symbol of the benchmark that the holdings are those of")
    source: Series[str] = label("File name that they came from")
    source_line: Series[int] = label("Line in that file, 1 = its first", ge=1)

    class Config:
        name = "benchmark_holdings"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}


class ActiveShare(PortfolioTable):
    """How far the weights of a portfolio are from those of its benchmark."""

    active_share: Series[float] = value(
        "Half the sum of |weight in the portfolio - weight in the benchmark| over underlyings and cash; "
        "weights are net exposure / total value, of options their market value",
        "fraction",
        ge=0,
        of=f"{_HELD} position_values.exposure position_values.underlying portfolio_returns.total_value",
    )
    n_holdings: Series[int] = label("Holdings of the benchmark on the date", of="benchmark_holdings.symbol")
    holdings_date: Series[pd.Timestamp] = label(
        "Date of the weights that count; NULL = none", nullable=True, of="benchmark_holdings.holdings_date"
    )
    status: Series[str] = label("ok, 'partial: ...' with what counts as 0, or why a value is NULL")

    class Config:
        name = "active_share"
        # most portfolios have no holdings of a benchmark: nothing is missing in them
        metadata = {"facts": Facts(holdings=True, readiness=())}


class ReturnAttribution(PortfolioTable):
    """What one sector did for the active return of a period; the three effects of all sectors sum to it."""

    period: Series[str] = key("Period that ends on the date: 'ytd' or '1y'", isin=["ytd", "1y"])
    sector: Series[str] = key(
        "Sector, '(options)', or '(cash)': what is left of the total value, with income and fees",
        of="position_values.sector benchmark_holdings.sector security_master.sector",
    )
    portfolio_weight: Series[float] = value(
        "Mean over the days of the value at their opening / total value of the portfolio",
        "fraction",
        of="position_values.exposure position_values.daily_pnl portfolio_returns.total_value "
        "portfolio_returns.external_flow",
    )
    benchmark_weight: Series[float] = value(
        "Mean over the days of the weight in the benchmark", "fraction", of=_HELD
    )
    allocation: Series[float] = value(
        "(w_p - w_b) (r_b - R_b) a day, linked by Carino; all of a sector that the benchmark has not",
        "fraction",
        of=_EFFECT,
    )
    selection: Series[float] = value("w_b (r_p - r_b) a day, linked by Carino", "fraction", of=_EFFECT)
    interaction: Series[float] = value(
        "(w_p - w_b) (r_p - r_b) a day, linked by Carino", "fraction", of=_EFFECT
    )
    portfolio_return: Series[float] = value(
        "Time-weighted return of the portfolio over the period",
        "fraction",
        of="portfolio_returns.twr_ytd portfolio_returns.twr_1y",
    )
    benchmark_return: Series[float] = value(
        "Compounded return of the benchmark's holdings at the weights of the file, restored every day",
        "fraction",
        of=f"{_HELD} daily_prices.adjusted_close",
    )
    active_return: Series[float] = value(
        "portfolio_return - benchmark_return: the sum of the effects of all sectors",
        "fraction",
        of="portfolio_return benchmark_return",
    )
    status: Series[str] = label("ok, 'partial: ...' with what counts as 0, or why a value is NULL")

    class Config:
        name = "return_attribution"
        metadata = {"facts": Facts(detail=True, holdings=True, readiness=())}
