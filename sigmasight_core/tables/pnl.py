"""P&L explain tables: what the daily P&L of a position and of a portfolio is made of.

In every row ``daily_pnl`` is the sum of trading, dividend, market, styles, rates, specific, gamma, vega,
theta, rho and residual P&L; ``delta_pnl`` is the subtotal of dividend, market, styles, rates and specific.
A part that cannot be told apart is NULL, counts as nothing and stays in specific (options: or residual) P&L.
"""

from typing import Final

from pandera.typing import Series

from sigmasight_core.tables.base import PortfolioTable, Table, key, label, value

DELTA_PARTS: Final = ("dividend_pnl", "market_pnl", "styles_pnl", "rates_pnl", "specific_pnl")
"""Parts that sum to delta_pnl."""

PNL_PARTS: Final = (
    "trading_pnl",
    *DELTA_PARTS,
    "gamma_pnl",
    "vega_pnl",
    "theta_pnl",
    "rho_pnl",
    "residual_pnl",
)
"""Parts that sum to daily_pnl."""


class _PnlParts(Table):
    daily_pnl: Series[float] = value(
        "P&L of the session, as in position_values; the sum of the parts, a NULL part as 0", "USD"
    )
    trading_pnl: Series[float] = value(
        "From the entry price to the close, and from the close to the exit price; else 0", "USD"
    )
    dividend_pnl: Series[float] = value(
        "Fall of the price by dividends on their ex-date (daily_pnl is price P&L, without the cash)", "USD"
    )
    market_pnl: Series[float] = value("Delta exposure x market beta x market move", "USD")
    styles_pnl: Series[float] = value("Delta exposure x style betas x orthogonal moves of the styles", "USD")
    rates_pnl: Series[float] = value(
        "Delta exposure x rates beta x orthogonal move of the 10-year yield", "USD"
    )
    specific_pnl: Series[float] = value("What is left of delta_pnl", "USD")
    delta_pnl: Series[float] = value(
        "Subtotal: delta x move of the underlying; the whole P&L between closes of a linear position", "USD"
    )
    gamma_pnl: Series[float] = value("gamma x move of the underlying^2 / 2; 0 if linear", "USD")
    vega_pnl: Series[float] = value("vega x change of the volatility; 0 if linear", "USD")
    theta_pnl: Series[float] = value("theta x calendar days passed; 0 if linear", "USD")
    rho_pnl: Series[float] = value("rho x change of the risk-free rate used; 0 if linear", "USD")
    residual_pnl: Series[float] = value("What the option's Greeks do not explain; 0 if linear", "USD")
    status: Series[str] = label("ok, 'partial: ...' with what is not told apart, or why the P&L is NULL")


class _PositionKey(PortfolioTable):
    position_id: Series[str] = key("symbol@entry_date")


class PositionPnlExplain(_PnlParts, _PositionKey):
    """Daily P&L of one position by cause: Greeks and betas of the previous close times the moves since."""

    class Config:
        name = "position_pnl_explain"


class PortfolioPnlExplain(_PnlParts, PortfolioTable):
    """Daily P&L of the portfolio by cause: sums over its positions."""

    class Config:
        name = "portfolio_pnl_explain"
