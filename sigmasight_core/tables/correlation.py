"""Correlation tables: pairs, diversification and clusters of a portfolio's holdings."""

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, key, label, value


class PositionCorrelations(PortfolioTable):
    """Correlation of two holdings' log returns, each unordered pair once, symbol_1 <= symbol_2."""

    symbol_1: Series[str] = key("Underlying symbol", of="position_values.underlying")
    symbol_2: Series[str] = key("Underlying symbol", of="position_values.underlying")
    correlation: Series[float] = value(
        "Pairwise sample correlation",
        "fraction",
        ge=-1.0000001,
        le=1.0000001,
        of="daily_prices.adjusted_close",
    )
    n_obs: Series[int] = value(
        "Common log returns in the window", "sessions", ge=0, of="daily_prices.adjusted_close"
    )
    status: Series[str] = label("ok, or why the correlation is NULL")

    class Config:
        name = "position_correlations"
        metadata = {
            "facts": Facts(
                detail=True,
                weekly=True,
                packed=True,
                readiness=(Readiness("correlations of pairs", "correlation", "symbol_1", "symbol_2"),),
            )
        }


class CorrelationSummary(PortfolioTable):
    """Diversification of the portfolio's significant holdings."""

    n_symbols: Series[int] = value(
        "Holdings in the matrix", "symbols", ge=0, of="position_greeks.delta_exposure"
    )
    n_excluded: Series[int] = value(
        "Significant holdings left out for want of history",
        "symbols",
        ge=0,
        of="position_greeks.delta_exposure daily_prices.adjusted_close",
    )
    average_correlation: Series[float] = value(
        "Mean off-diagonal correlation", "fraction", of="daily_prices.adjusted_close"
    )
    cluster_concentration: Series[float] = value(
        "Share of the holdings' gross exposure in clusters of two or more",
        "fraction",
        of="position_greeks.delta_exposure daily_prices.adjusted_close",
    )
    effective_positions: Series[float] = value(
        "1 / sum(w^2), w = share of gross exposure", "positions", of="position_greeks.delta_exposure"
    )
    effective_bets: Series[float] = value(
        "(sum |w| sigma)^2 / (w' Sigma w), Sigma shrunk 30% to constant correlation",
        "bets",
        of="position_greeks.delta_exposure daily_prices.adjusted_close",
    )
    psd_adjustment: Series[float] = value(
        "Frobenius norm of the repair to positive semi-definite (Higham)",
        "correlation",
        of="daily_prices.adjusted_close",
    )
    n_clusters: Series[int] = value(
        "Clusters of two or more holdings", "clusters", ge=0, of="daily_prices.adjusted_close"
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "correlation_summary"
        metadata = {
            "facts": Facts(weekly=True, readiness=(Readiness("correlation summary", "average_correlation"),))
        }


class CorrelationClusters(PortfolioTable):
    """Membership of one holding in a cluster of look-alikes (complete linkage, every pair >= 0.7)."""

    symbol: Series[str] = key("Underlying symbol", of="position_values.underlying")
    cluster: Series[int] = label(
        "Cluster number, by falling gross exposure, from 1",
        of="daily_prices.adjusted_close position_greeks.delta_exposure",
    )
    nickname: Series[str] = label(
        "Common tag, else common sector, else '<largest symbol> lookalikes'",
        of="cluster position_values.tags position_values.sector",
    )
    cluster_size: Series[int] = value("Holdings in the cluster", "symbols", ge=1, of="cluster")
    exposure: Series[float] = value(
        "Net exposure of the holding, options at delta", "USD", of="position_greeks.delta_exposure"
    )
    status: Series[str] = label("ok, or why a value is NULL")

    class Config:
        name = "correlation_clusters"
        metadata = {"facts": Facts(detail=True, weekly=True, readiness=(), packed=True)}
