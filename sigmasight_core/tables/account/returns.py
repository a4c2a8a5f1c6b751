"""Returns of a portfolio up to every date."""

from typing import Final

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, label, value

FLOW: Final = "portfolio_cash.external_flow"
DAILY: Final = "daily_return"


class PortfolioReturns(PortfolioTable):
    """Returns of one portfolio up to one date: time-weighted, money-weighted, beside its benchmark."""

    total_value: Series[float] = value(
        "Net exposure of the positions + cash of the account",
        "USD",
        of="portfolio_snapshots.net_exposure portfolio_cash.closing",
    )
    daily_pnl: Series[float] = value(
        "Price P&L + dividends + interest + fees (negative)",
        "USD",
        of="portfolio_snapshots.daily_pnl portfolio_cash.dividends portfolio_cash.interest "
        "portfolio_cash.fees",
    )
    external_flow: Series[float] = value("Paid in (positive) or out", "USD", of="portfolio_cash.*")
    daily_return: Series[float] = value(
        "daily_pnl / (total_value at the previous close + inflow of the day)",
        "fraction",
        of="daily_pnl total_value external_flow",
    )
    unexplained: Series[float] = value(
        "(change of total_value - daily_pnl - external_flow) / gross exposure, at least 1 USD: rounding",
        "fraction",
        of="total_value daily_pnl external_flow portfolio_snapshots.gross_exposure",
    )
    twr_ytd: Series[float] = value("Linked daily returns, year to date", "fraction", of=DAILY)
    twr_1y: Series[float] = value("Linked daily returns, one year", "fraction", of=DAILY)
    twr_itd: Series[float] = value(
        "Linked daily returns since inception, not annualised", "fraction", of=DAILY
    )
    mwr_ytd: Series[float] = value(
        "Money-weighted return, year to date, not annualised", "fraction", of=f"total_value {FLOW}"
    )
    mwr_1y: Series[float] = value("Money-weighted return, one year", "fraction", of=f"total_value {FLOW}")
    mwr_itd: Series[float] = value(
        "Money-weighted return since inception, not annualised", "fraction", of=f"total_value {FLOW}"
    )
    twr_1w: Series[float] = value("Linked daily returns, one week", "fraction", of=DAILY)
    twr_mtd: Series[float] = value("Linked daily returns, month to date", "fraction", of=DAILY)
    twr_1m: Series[float] = value("Linked daily returns, one month", "fraction", of=DAILY)
    twr_3m: Series[float] = value("Linked daily returns, three months", "fraction", of=DAILY)
    drawdown: Series[float] = value(
        "Fall of the linked returns since their highest point, positive",
        "fraction",
        ge=0,
        of="twr_itd",
    )
    benchmark: Series[str] = label(
        "Symbol of the benchmark: the portfolio's own, or the proxy of the market factor",
        of="portfolios.benchmark",
    )
    benchmark_return: Series[float] = value(
        "Total return of the benchmark on the day: of closes adjusted for splits and dividends",
        "fraction",
        of="daily_prices.adjusted_close portfolios.benchmark",
    )
    active_return: Series[float] = value(
        "Compounded return less the benchmark's, last 252 sessions",
        "fraction",
        of="daily_return benchmark_return",
    )
    tracking_error: Series[float] = value(
        "Deviation of the daily differences x sqrt(252), last 252 sessions",
        "1/sqrt(year)",
        ge=0,
        of="daily_return benchmark_return",
    )
    beta: Series[float] = value(
        "Beta to the benchmark, last 252 sessions", "ratio", of="daily_return benchmark_return"
    )
    correlation: Series[float] = value(
        "Correlation with the benchmark, last 252 sessions",
        "ratio",
        ge=-1.000001,
        le=1.000001,
        of="daily_return benchmark_return",
    )
    up_capture: Series[float] = value(
        "Annualised return on days on which the benchmark rises / the benchmark's",
        "ratio",
        of="daily_return benchmark_return",
    )
    down_capture: Series[float] = value(
        "The same on days on which it falls", "ratio", of="daily_return benchmark_return"
    )
    n_obs: Series[int] = value(
        "Days of the last 252 with both returns", "days", ge=0, of="daily_return benchmark_return"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is missing, or why there is no return")

    class Config:
        name = "portfolio_returns"
        metadata = {"facts": Facts(benchmark=True, readiness=(Readiness("returns", "daily_return"),))}
