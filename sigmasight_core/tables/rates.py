"""Interest-rate tables: sensitivities of symbols to Treasury yields, and what they mean for a portfolio."""

from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, PortfolioTable, key, label, value

YIELD_SERIES = ("3M", "2Y", "10Y", "30Y")


class RateBetas(DateTable):
    """Sensitivity of one symbol to one Treasury yield, with the market held constant.

    Ordinary least squares of the log return on the market's log return and the change of the yield.
    """

    symbol: Series[str] = key("Symbol")
    series: Series[str] = key("3M, 2Y, 10Y or 30Y", isin=YIELD_SERIES)
    beta_per_percentage_point: Series[float] = value(
        "Log return per +1 percentage point (+100 basis points) of the yield", "per percentage point"
    )
    std_error: Series[float] = value("OLS standard error of the beta", "per percentage point", ge=0)
    t_stat: Series[float] = value("beta_per_percentage_point / std_error", "ratio")
    r_squared: Series[float] = value("R2 of the regression on market and yield", "fraction")
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0)
    status: Series[str] = label("ok, or why the beta is NULL (never 0 for a missing yield)")

    class Config:
        name = "rate_betas"


class RateExposures(PortfolioTable):
    """P&L of the portfolio for a move of one Treasury yield, to first order, options at delta exposure.

    The series are alternatives, each with the whole move of rates: never add them.
    """

    series: Series[str] = key("3M, 2Y, 10Y or 30Y", isin=YIELD_SERIES)
    exposure_usd_per_bp: Series[float] = value(
        "Sum of delta_exposure x beta / 100: P&L per +1 basis point", "USD per basis point"
    )
    pnl_up_100bp_usd: Series[float] = value("Sum of delta_exposure x beta: P&L per +100 basis points", "USD")
    n_positions: Series[int] = value("Positions in the sum", "positions", ge=0)
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "rate_exposures"
