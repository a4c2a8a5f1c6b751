"""P&L explain tables: what the daily P&L of a position and of a portfolio is made of.

In every row ``daily_pnl`` is the sum of trading, dividend, market, styles, rates, specific, gamma, vega,
theta, rho and residual P&L; ``delta_pnl`` is the subtotal of dividend, market, styles, rates and specific.
A part that cannot be told apart is NULL, counts as nothing and stays in specific (options: or residual) P&L.
"""

from typing import Final

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, Table, key, label, value

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

REPRICED = (
    "daily_prices.close option_volatilities.implied_volatility realized_volatility.annualized_volatility "
    "treasury_yields.yield_percent position_values.quantity"
)
"""What a position is priced from at both closes."""

FACTOR_MOVES = (
    "delta_pnl factor_betas.beta factor_returns.return factor_state.market_loading factor_state.rates_loading"
)


class _PnlParts(Table):
    daily_pnl: Series[float] = value(
        "P&L of the session, as in position_values; the sum of the parts, a NULL part as 0",
        "USD",
        of="position_values.*",
    )
    trading_pnl: Series[float] = value(
        "From the entry price to the close, and from the close to the exit price; else 0",
        "USD",
        of="positions.entry_price positions.exit_price position_values.price position_values.quantity",
    )
    dividend_pnl: Series[float] = value(
        "Fall of the price by dividends on their ex-date (daily_pnl is price P&L, without the cash)",
        "USD",
        of="corporate_actions.amount position_values.quantity",
    )
    market_pnl: Series[float] = value(
        "Delta exposure x market beta x market move",
        "USD",
        of="delta_pnl factor_betas.beta factor_returns.return",
    )
    styles_pnl: Series[float] = value(
        "Delta exposure x style betas x orthogonal moves of the styles",
        "USD",
        of=FACTOR_MOVES,
    )
    rates_pnl: Series[float] = value(
        "Delta exposure x rates beta x orthogonal move of the 10-year yield",
        "USD",
        of=FACTOR_MOVES,
    )
    specific_pnl: Series[float] = value(
        "What is left of delta_pnl", "USD", of="delta_pnl dividend_pnl market_pnl styles_pnl rates_pnl"
    )
    delta_pnl: Series[float] = value(
        "Subtotal: delta x move of the underlying; the whole P&L between closes of a linear position",
        "USD",
        of=REPRICED,
    )
    gamma_pnl: Series[float] = value(
        "gamma x move of the underlying^2 / 2; 0 if linear",
        "USD",
        of=f"{REPRICED} positions.strike positions.expiry_date",
    )
    vega_pnl: Series[float] = value("vega x change of the volatility; 0 if linear", "USD", of="gamma_pnl")
    theta_pnl: Series[float] = value(
        "theta x calendar days passed; 0 if linear",
        "USD",
        of=f"{REPRICED} positions.strike positions.expiry_date",
    )
    rho_pnl: Series[float] = value(
        "rho x change of the risk-free rate used; 0 if linear",
        "USD",
        of=f"{REPRICED} positions.strike positions.expiry_date",
    )
    residual_pnl: Series[float] = value(
        "What the option's Greeks do not explain; 0 if linear",
        "USD",
        of="daily_pnl trading_pnl delta_pnl gamma_pnl vega_pnl theta_pnl rho_pnl",
    )
    status: Series[str] = label("ok, 'partial: ...' with what is not told apart, or why the P&L is NULL")


class _PositionKey(PortfolioTable):
    position_id: Series[str] = key("symbol@entry_date", of="position_values.*")


class PositionPnlExplain(_PnlParts, _PositionKey):
    """Daily P&L of one position by cause: Greeks and betas of the previous close times the moves since."""

    class Config:
        name = "position_pnl_explain"
        metadata = {
            "facts": Facts(
                detail=True,
                packed=True,
                readiness=(Readiness("P&L explain, positions", "delta_pnl", "position_id"),),
            )
        }


class PortfolioPnlExplain(_PnlParts, PortfolioTable):
    """Daily P&L of the portfolio by cause: sums over its positions."""

    class Config:
        name = "portfolio_pnl_explain"
        metadata = {
            "facts": Facts(
                values_of="position_pnl_explain.*",
                readiness=(Readiness("P&L explain, portfolio", "delta_pnl"),),
            )
        }
