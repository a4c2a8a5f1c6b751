"""Factor tables: the state of the factors, betas to factors and yields, and the exposures of portfolios."""

from pandera.typing import Series

from sigmasight_core.tables.base import DateTable, Facts, PortfolioTable, Readiness, key, label, value

QUALITIES = ("full", "limited", "insufficient", "unavailable")
YIELD_SERIES = ("3M", "2Y", "10Y", "30Y")
RETURNS = "daily_prices.adjusted_close treasury_yields.yield_percent"
"""What the returns of symbols and factors are computed from."""


class FactorReturns(DateTable):
    """One session's return of one factor's proxy."""

    factor: Series[str] = key("Factor id")
    proxy: Series[str] = label("Symbol or series that stands for the factor; empty = none configured")
    return_: Series[float] = value(
        "Simple return of the proxy; for rates the change of the 10-year yield in percentage points",
        "fraction; rates: percentage points",
        alias="return",
        of=RETURNS,
    )
    status: Series[str] = label("ok, or why the return is NULL")

    class Config:
        name = "factor_returns"


class FactorState(DateTable):
    """How one factor enters the state at one date: its loadings on what comes before it."""

    factor: Series[str] = key("Factor id")
    market_loading: Series[float] = value(
        "Coefficient on the market log return (0 for the market itself)",
        "per unit log return",
        of=RETURNS,
    )
    rates_loading: Series[float] = value(
        "Coefficient on the orthogonalised 10-year yield change (0 without yields, and for market and rates)",
        "per percentage point",
        of=RETURNS,
    )
    residual_volatility: Series[float] = value(
        "Daily standard deviation of the orthogonalised factor over the window",
        "log return per session",
        ge=0,
        of=RETURNS,
    )
    variance_inflation_factor: Series[float] = value(
        "VIF of the raw factor among all factors", "ratio", ge=1, of=RETURNS
    )
    n_obs: Series[int] = value(
        "Common observations in the window; an unavailable factor's own",
        "sessions",
        ge=0,
        of=RETURNS,
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "factor_state"


class FactorBetas(DateTable):
    """Sensitivity of one symbol to one factor of the joint, orthogonalised state."""

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    factor: Series[str] = key("Factor id")
    beta: Series[float] = value(
        "Shrunk joint beta",
        "log return per unit log return; rates: log return per percentage point",
        of=RETURNS,
    )
    std_error: Series[float] = value(
        "Posterior standard error of beta; market: with the error of the state's own loadings on it",
        "as beta",
        ge=0,
        of=RETURNS,
    )
    t_stat: Series[float] = value("beta / std_error", "ratio", of="beta std_error")
    univariate_beta: Series[float] = value("Plain OLS beta on this factor alone", "as beta", of=RETURNS)
    univariate_std_error: Series[float] = value(
        "OLS standard error of univariate_beta", "as beta", ge=0, of=RETURNS
    )
    univariate_p_value: Series[float] = value(
        "Two-sided t-test p-value of univariate_beta", "probability", of=RETURNS
    )
    univariate_r_squared: Series[float] = value("R2 of the univariate regression", "fraction", of=RETURNS)
    r_squared: Series[float] = value(
        "R2 of the joint fit (same for each factor of the symbol)", "fraction", of=RETURNS
    )
    annualized_specific_volatility: Series[float] = value(
        "Residual volatility of the joint fit x sqrt(252)",
        "1/sqrt(year)",
        ge=0,
        of=RETURNS,
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0, of=RETURNS)
    quality: Series[str] = label(
        "full: seen in every session of the state, which has at least 20/21 of the window (240 of 252); "
        "limited: fewer, but min_obs (60); insufficient: NULL; unavailable: the factor is",
        isin=QUALITIES,
        of="n_obs",
    )
    status: Series[str] = label("ok, or why the betas are NULL")

    class Config:
        name = "factor_betas"
        metadata = {"facts": Facts(readiness=(Readiness("factor betas", "beta", "symbol", "factor"),))}


class FactorCovariance(DateTable):
    """EWMA covariance of two components of the state, shrunk towards its diagonal."""

    factor_1: Series[str] = key("Factor id")
    factor_2: Series[str] = key("Factor id")
    covariance: Series[float] = value(
        "Zero-mean EWMA covariance (0.94) of the state, 0.9 S + 0.1 diag(S)",
        "squared log return per session; rates in percentage points",
        of=RETURNS,
    )
    correlation: Series[float] = value(
        "Correlation of the same matrix",
        "fraction",
        ge=-1.0000001,
        le=1.0000001,
        of=RETURNS,
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0, of=RETURNS)
    status: Series[str] = label("ok, or why the covariance is NULL")

    class Config:
        name = "factor_covariance"


class FactorCorrelations(DateTable):
    """Correlation of two factors' raw returns, before the state is made orthogonal; each pair once."""

    factor_1: Series[str] = key("Factor id, no later in the configuration than factor_2")
    factor_2: Series[str] = key("Factor id; the diagonal is included")
    correlation: Series[float] = value(
        "Zero-mean EWMA correlation (0.94) of the log returns, for rates of the yield changes",
        "fraction",
        ge=-1,
        le=1,
        of=RETURNS,
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0, of=RETURNS)
    flag: Series[str] = label(
        "'above 0.8' if |correlation| is, off the diagonal; else empty",
        isin=("", "above 0.8"),
        of="correlation",
    )
    status: Series[str] = label("ok, or why the correlation is NULL")

    class Config:
        name = "factor_correlations"


class FactorModelDiagnostics(DateTable):
    """Collinearity of the raw factors on one date: why betas are estimated on an orthogonal state."""

    condition_number: Series[float] = value(
        "Largest over smallest eigenvalue of the equally weighted correlation matrix of the raw factors",
        "ratio",
        ge=1,
        of=RETURNS,
    )
    largest_vif: Series[float] = value(
        "Largest variance inflation factor of a raw factor", "ratio", ge=1, of=RETURNS
    )
    largest_vif_factor: Series[str] = label("Factor id that has it; empty = none", of=RETURNS)
    n_factors: Series[int] = value("Factors with enough data on the date", "factors", ge=0, of=RETURNS)
    n_collinear_pairs: Series[int] = value(
        "Pairs with |EWMA correlation| above 0.8", "pairs", ge=0, of=RETURNS
    )
    collinear_pairs: Series[str] = label(
        "These pairs, strongest first: 'market~growth 0.96, ...'", of=RETURNS
    )
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0, of=RETURNS)
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "factor_model_diagnostics"


class RateBetas(DateTable):
    """Sensitivity of one symbol to one Treasury yield, with the market held constant.

    Ordinary least squares of the log return on the market's log return and the change of the yield.
    """

    symbol: Series[str] = key("Symbol", of="daily_prices.*")
    series: Series[str] = key("3M, 2Y, 10Y or 30Y", isin=YIELD_SERIES, of="treasury_yields.*")
    beta_per_percentage_point: Series[float] = value(
        "Log return per +1 percentage point (+100 basis points) of the yield",
        "per percentage point",
        of=RETURNS,
    )
    std_error: Series[float] = value(
        "OLS standard error of the beta", "per percentage point", ge=0, of=RETURNS
    )
    t_stat: Series[float] = value(
        "beta_per_percentage_point / std_error", "ratio", of="beta_per_percentage_point std_error"
    )
    r_squared: Series[float] = value("R2 of the regression on market and yield", "fraction", of=RETURNS)
    n_obs: Series[int] = value("Common observations in the window", "sessions", ge=0, of=RETURNS)
    status: Series[str] = label("ok, or why the beta is NULL (never 0 for a missing yield)")

    class Config:
        name = "rate_betas"
        metadata = {
            "facts": Facts(
                readiness=(Readiness("rate betas", "beta_per_percentage_point", "symbol", "series"),)
            )
        }


class PositionFactorExposures(PortfolioTable):
    """Dollar exposure of one position to one factor."""

    position_id: Series[str] = key("symbol@entry_date", of="position_greeks.*")
    factor: Series[str] = key("Factor id", of="factor_betas.*")
    beta: Series[float] = value("Beta of the underlying", "as factor_betas.beta", of="factor_betas.*")
    exposure_usd: Series[float] = value(
        "delta_exposure x beta; rates: P&L per +1 basis point",
        "USD; rates: USD per basis point",
        of="beta position_greeks.delta_exposure",
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "position_factor_exposures"
        metadata = {"facts": Facts(detail=True, readiness=(), packed=True)}


class FactorExposures(PortfolioTable):
    """Dollar exposure and beta of the portfolio to one factor."""

    factor: Series[str] = key("Factor id", of="position_factor_exposures.*")
    beta: Series[float] = value(
        "exposure_usd / total_value; rates: 100 x exposure_usd / total_value",
        "as factor_betas.beta",
        of="exposure_usd portfolio_snapshots.total_value",
    )
    std_error: Series[float] = value(
        "Standard error of beta from the joint covariance of the positions' betas, at their delta exposures",
        "as factor_betas.beta",
        ge=0,
        of="factor_betas.std_error position_greeks.delta_exposure portfolio_snapshots.total_value",
    )
    exposure_usd: Series[float] = value(
        "Sum over the positions; style dollars are long-short and never added to market dollars",
        "USD; rates: USD per basis point",
        of="position_factor_exposures.*",
    )
    n_positions: Series[int] = value(
        "Positions in the sum", "positions", ge=0, of="position_factor_exposures.position_id"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "factor_exposures"
        metadata = {"facts": Facts(readiness=(Readiness("factor exposures", "beta", part="factor"),))}


class RateExposures(PortfolioTable):
    """P&L of the portfolio for a move of one Treasury yield, to first order, options at delta exposure.

    The series are alternatives, each with the whole move of rates: never add them.
    """

    series: Series[str] = key("3M, 2Y, 10Y or 30Y", isin=YIELD_SERIES, of="rate_betas.*")
    exposure_usd_per_bp: Series[float] = value(
        "Sum of delta_exposure x beta / 100: P&L per +1 basis point",
        "USD per basis point",
        of="pnl_up_100bp_usd",
    )
    pnl_up_100bp_usd: Series[float] = value(
        "Sum of delta_exposure x beta: P&L per +100 basis points",
        "USD",
        of="position_greeks.delta_exposure rate_betas.beta_per_percentage_point",
    )
    n_positions: Series[int] = value(
        "Positions in the sum", "positions", ge=0, of="position_greeks.position_id"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "rate_exposures"
        metadata = {
            "facts": Facts(readiness=(Readiness("rate exposures", "pnl_up_100bp_usd", part="series"),))
        }
