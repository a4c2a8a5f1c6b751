"""Stress tables: P&L of a portfolio and its positions by scenario, and the states that lose a given share."""

from pandera.typing import Series

from sigmasight_core.tables.base import Facts, PortfolioTable, Readiness, key, label, value

HELD = (
    "position_values.exposure position_values.quantity position_greeks.underlying_price "
    "position_greeks.strike position_greeks.days_to_expiry position_greeks.implied_volatility "
    "factor_betas.beta"
)
"""What a position is revalued from."""


class StressResults(PortfolioTable):
    """P&L of the portfolio under one scenario."""

    scenario: Series[str] = key("Scenario id")
    category: Series[str] = label("market, rates, rotation, volatility or historical")
    severity: Series[str] = label("mild, moderate, severe or extreme")
    direct_pnl: Series[float] = value(
        "P&L of the shocked factors alone, spot and volatility", "USD", of="position_stress.*"
    )
    correlated_pnl: Series[float] = value(
        "P&L of the most likely state given the shocks", "USD", of="position_stress.*"
    )
    correlation_effect: Series[float] = value(
        "correlated_pnl - direct_pnl", "USD", of="direct_pnl correlated_pnl"
    )
    spot_only_pnl: Series[float] = value(
        "Direct P&L with the options' volatility unchanged", "USD", of="position_stress.*"
    )
    plausibility_sigma: Series[float] = value(
        "Mahalanobis distance of the shocks under a one-year covariance; above 6 is implausible",
        "sigmas",
        ge=0,
        of="factor_covariance.covariance",
    )
    warning: Series[str] = label(
        "Implausible shocks, regime-dependent numbers; '; '-separated; empty = none", of="plausibility_sigma"
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "stress_results"
        metadata = {"facts": Facts(readiness=(Readiness("stress tests", "correlated_pnl", "scenario"),))}


class PositionStress(PortfolioTable):
    """P&L of one position under one scenario."""

    scenario: Series[str] = key("Scenario id")
    position_id: Series[str] = key("symbol@entry_date", of="position_greeks.*")
    direct_pnl: Series[float] = value(
        "P&L of the shocked factors alone, spot and volatility", "USD", of="spot_only_pnl"
    )
    correlated_pnl: Series[float] = value(
        "P&L of the most likely state given the shocks",
        "USD",
        of="spot_only_pnl factor_covariance.covariance",
    )
    spot_only_pnl: Series[float] = value(
        "Direct P&L with the option's volatility unchanged",
        "USD",
        of=f"{HELD} factor_state.market_loading factor_state.rates_loading",
    )
    status: Series[str] = label("ok, 'partial: ...' with the factors left out, or why a value is NULL")

    class Config:
        name = "position_stress"
        metadata = {"facts": Facts(detail=True, readiness=(), packed=True)}


class ReverseStress(PortfolioTable):
    """One factor's part in the most likely state that loses a given share of the portfolio's value."""

    loss_percent: Series[float] = key("Loss, percent of total value", gt=0)
    factor: Series[str] = key("Factor id", of="factor_state.*")
    unit: Series[str] = label("Unit of the moves: log return or percentage points")
    state_move: Series[float] = value(
        "Move of the orthogonal factor of the state",
        "as unit",
        of=f"target_pnl factor_covariance.covariance {HELD}",
    )
    factor_move: Series[float] = value(
        "Whole move of the factor: with what follows from the market and rates of the state",
        "as unit",
        of="state_move factor_state.market_loading factor_state.rates_loading",
    )
    plausibility_sigma: Series[float] = value(
        "Mahalanobis distance of the state under a one-year covariance (same for each factor)",
        "sigmas",
        ge=0,
        of=f"target_pnl factor_covariance.covariance {HELD}",
    )
    target_pnl: Series[float] = value(
        "- loss_percent x total_value / 100", "USD", le=0, of="portfolio_snapshots.total_value"
    )
    achieved_pnl: Series[float] = value(
        "P&L of the state, options fully revalued",
        "USD",
        of=f"target_pnl factor_covariance.covariance {HELD}",
    )
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "reverse_stress"
        metadata = {
            "facts": Facts(packed=True, readiness=(Readiness("reverse stress", "achieved_pnl", "factor"),))
        }
