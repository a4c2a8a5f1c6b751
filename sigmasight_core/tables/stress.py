"""Portfolio risk tables: factor exposures, correlations and stress of one portfolio on one date."""

from pandera.typing import Series

from sigmasight_core.tables.base import PortfolioTable, key, label, value


class PositionFactorExposures(PortfolioTable):
    """Dollar exposure of one position to one factor."""

    position_id: Series[str] = key("symbol@entry_date")
    factor: Series[str] = key("Factor id")
    beta: Series[float] = value("Beta of the underlying", "as factor_betas.beta")
    exposure_usd: Series[float] = value(
        "delta_exposure x beta; rates: P&L per +1 basis point", "USD; rates: USD per basis point"
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "position_factor_exposures"


class FactorExposures(PortfolioTable):
    """Dollar exposure and beta of the portfolio to one factor."""

    factor: Series[str] = key("Factor id")
    beta: Series[float] = value(
        "exposure_usd / total_value; rates: 100 x exposure_usd / total_value", "as factor_betas.beta"
    )
    exposure_usd: Series[float] = value(
        "Sum over the positions; style dollars are long-short and never added to market dollars",
        "USD; rates: USD per basis point",
    )
    n_positions: Series[int] = value("Positions in the sum", "positions", ge=0)
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "factor_exposures"


class PositionCorrelations(PortfolioTable):
    """Correlation of two holdings' log returns, each unordered pair once, symbol_1 <= symbol_2."""

    symbol_1: Series[str] = key("Underlying symbol")
    symbol_2: Series[str] = key("Underlying symbol")
    correlation: Series[float] = value("Pairwise sample correlation", "fraction", ge=-1.0000001, le=1.0000001)
    n_obs: Series[int] = value("Common log returns in the window", "sessions", ge=0)
    status: Series[str] = label("ok, or why the correlation is NULL")

    class Config:
        name = "position_correlations"


class CorrelationSummary(PortfolioTable):
    """Diversification of the portfolio's significant holdings."""

    n_symbols: Series[int] = value("Holdings in the matrix", "symbols", ge=0)
    n_excluded: Series[int] = value("Significant holdings left out for want of history", "symbols", ge=0)
    average_correlation: Series[float] = value("Mean off-diagonal correlation", "fraction")
    cluster_concentration: Series[float] = value(
        "Share of the holdings' gross exposure in clusters of two or more", "fraction"
    )
    effective_positions: Series[float] = value("1 / sum(w^2), w = share of gross exposure", "positions")
    effective_bets: Series[float] = value(
        "(sum |w| sigma)^2 / (w' Sigma w), Sigma shrunk 30% to constant correlation", "bets"
    )
    psd_adjustment: Series[float] = value(
        "Frobenius norm of the repair to positive semi-definite (Higham)", "correlation"
    )
    n_clusters: Series[int] = value("Clusters of two or more holdings", "clusters", ge=0)
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "correlation_summary"


class CorrelationClusters(PortfolioTable):
    """Membership of one holding in a cluster of look-alikes (complete linkage, every pair >= 0.7)."""

    symbol: Series[str] = key("Underlying symbol")
    cluster: Series[int] = label("Cluster number, by falling gross exposure, from 1")
    nickname: Series[str] = label("Common tag, else common sector, else '<largest symbol> lookalikes'")
    cluster_size: Series[int] = value("Holdings in the cluster", "symbols", ge=1)
    exposure: Series[float] = value("Net exposure of the holding, options at delta", "USD")
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "correlation_clusters"


class StressResults(PortfolioTable):
    """P&L of the portfolio under one scenario."""

    scenario: Series[str] = key("Scenario id")
    category: Series[str] = label("market, rates, rotation, volatility or historical")
    severity: Series[str] = label("mild, moderate, severe or extreme")
    direct_pnl: Series[float] = value("P&L of the shocked factors alone, spot and volatility", "USD")
    correlated_pnl: Series[float] = value("P&L of the most likely state given the shocks", "USD")
    correlation_effect: Series[float] = value("correlated_pnl - direct_pnl", "USD")
    spot_only_pnl: Series[float] = value("Direct P&L with the options' volatility unchanged", "USD")
    plausibility_sigma: Series[float] = value(
        "Mahalanobis distance of the shocks under a one-year covariance; above 6 is implausible",
        "sigmas",
        ge=0,
    )
    warning: Series[str] = label("Implausible shocks, regime-dependent numbers; '; '-separated; empty = none")
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "stress_results"


class PositionStress(PortfolioTable):
    """P&L of one position under one scenario."""

    scenario: Series[str] = key("Scenario id")
    position_id: Series[str] = key("symbol@entry_date")
    direct_pnl: Series[float] = value("P&L of the shocked factors alone, spot and volatility", "USD")
    correlated_pnl: Series[float] = value("P&L of the most likely state given the shocks", "USD")
    spot_only_pnl: Series[float] = value("Direct P&L with the option's volatility unchanged", "USD")
    status: Series[str] = label("ok, 'partial: ...' with the factors left out, or why a value is NULL")

    class Config:
        name = "position_stress"


class ReverseStress(PortfolioTable):
    """One factor's part in the most likely state that loses a given share of the portfolio's value."""

    loss_percent: Series[float] = key("Loss, percent of total value", gt=0)
    factor: Series[str] = key("Factor id")
    unit: Series[str] = label("Unit of the moves: log return or percentage points")
    state_move: Series[float] = value("Move of the orthogonal factor of the state", "as unit")
    factor_move: Series[float] = value(
        "Whole move of the factor: with what follows from the market and rates of the state", "as unit"
    )
    plausibility_sigma: Series[float] = value(
        "Mahalanobis distance of the state under a one-year covariance (same for each factor)", "sigmas", ge=0
    )
    target_pnl: Series[float] = value("- loss_percent x total_value / 100", "USD", le=0)
    achieved_pnl: Series[float] = value("P&L of the state, options fully revalued", "USD")
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "reverse_stress"
