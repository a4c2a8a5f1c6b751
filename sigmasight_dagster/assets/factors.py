"""Factors: estimates that belong to a symbol or factor, and the exposures of positions and portfolios."""

import pandas as pd

from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors import (
    collinearity,
    configured,
    covariance,
    exposures,
    model,
    portfolio_errors,
    rates,
)
from sigmasight_core.market import returns
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorCorrelations,
    FactorCovariance,
    FactorExposures,
    FactorModelDiagnostics,
    FactorReturns,
    Factors,
    FactorState,
    PortfolioSnapshots,
    PositionFactorExposures,
    PositionGreeks,
    PositionValues,
    RateBetas,
    RateExposures,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.market import FACTORS_ARE_NOT_COLLINEAR
from sigmasight_dagster.story import Story, figures, plots, previews

MARKET_GROUP, GROUP = "market_risk", "portfolio_risk"
PRICES = Input(DailyPrices, look_back=SESSIONS_PER_YEAR, factor_window=True)
YIELDS = Input(TreasuryYields, look_back=SESSIONS_PER_YEAR, factor_window=True)


@risk_asset(
    FactorReturns,
    inputs=[Input(DailyPrices, look_back=1), Input(TreasuryYields, look_back=1)],
    group=MARKET_GROUP,
    page="factor_model.md",
    stories={
        FactorReturns: Story(
            (figures.at("factor", "return", market="market return"),), ("factor", "proxy", "return", "status")
        )
    },
)
def factor_returns(batch: Batch) -> pd.DataFrame:
    """Returns of the factors' proxies; a factor without a proxy is unavailable."""
    batch.configured[Factors] = configured.factor_rows(batch.factor_model)
    return model.factor_returns(batch.factor_model, _factor_log_returns(batch), batch.dates)


@risk_asset(
    FactorBetas,
    FactorState,
    inputs=[PRICES, YIELDS],
    group=MARKET_GROUP,
    page="factor_model.md",
    stories={
        FactorBetas: Story(
            (figures.share("quality", "full", "betas of full quality (%)"),),
            ("symbol", "factor", "beta", "std_error", "r_squared", "n_obs", "quality"),
        )
    },
)
def factor_betas(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joint shrunk betas and univariate betas of each symbol over 252 sessions."""
    prices = _wide_prices(batch)
    estimates = model.estimate(
        batch.factor_model,
        symbol_log_returns=returns.log_returns(prices),
        factor_log_returns=_factor_log_returns(batch, prices),
        dates=batch.dates,
    )
    return estimates.betas, estimates.state


@risk_asset(FactorCovariance, inputs=[PRICES, YIELDS], group=MARKET_GROUP, page="factor_model.md")
def factor_covariance(batch: Batch) -> pd.DataFrame:
    """EWMA covariance of the factor state, for stress and risk."""
    return covariance.factor_covariance(batch.factor_model, _factor_log_returns(batch), batch.dates)


@risk_asset(
    FactorCorrelations,
    FactorModelDiagnostics,
    inputs=[PRICES, YIELDS],
    group=MARKET_GROUP,
    page="factor_model.md",
    gates=[FACTORS_ARE_NOT_COLLINEAR],
)
def factor_correlations(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EWMA correlations of the raw factors, condition number and largest variance inflation."""
    found = collinearity.factor_collinearity(batch.factor_model, _factor_log_returns(batch), batch.dates)
    return found.correlations, found.diagnostics


@risk_asset(RateBetas, inputs=[PRICES, YIELDS], group=MARKET_GROUP, page="factor_model.md")
def rate_betas(batch: Batch) -> pd.DataFrame:
    """Sensitivity of each symbol to four Treasury yields with the market held constant."""
    config, prices = batch.factor_model, _wide_prices(batch)
    market = _factor_log_returns(batch, prices)[config.factor_ids[config.market]]
    yields, status = rates.wide_yields(batch.read(TreasuryYields), batch.sessions(TreasuryYields))
    return rates.rate_betas(
        symbol_log_returns=returns.log_returns(prices),
        market_log_returns=market,
        yields=yields,
        dates=batch.dates,
        window=config.window,
        min_obs=config.min_obs,
        yield_status=status,
    )


@risk_asset(
    PositionFactorExposures,
    inputs=[PositionValues, PositionGreeks, FactorBetas],
    group=GROUP,
    page="factor_model.md",
)
def position_factor_exposures(batch: Batch) -> pd.DataFrame:
    """Delta exposure of each position times the beta of its underlying."""
    return exposures.position_factor_exposures(
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        betas=batch.read(FactorBetas),
        factor_ids=batch.factor_model.factor_ids,
    )


@risk_asset(
    FactorExposures,
    inputs=[
        PositionFactorExposures,
        PortfolioSnapshots,
        PositionValues,
        PositionGreeks,
        FactorBetas,
        PRICES,
        YIELDS,
    ],
    group=GROUP,
    page="factor_model.md",
    stories={
        FactorExposures: Story(
            (
                figures.at("factor", "beta", market="market beta"),
                figures.at("factor", "exposure_usd", market="market exposure (USD)"),
            ),
            preview_rows=previews.largest("exposure_usd"),
            plot=plots.factor_exposures,
        )
    },
)
def factor_exposures(batch: Batch) -> pd.DataFrame:
    """Sums over positions, and betas relative to the portfolio's total value."""
    totals = batch.read(PortfolioSnapshots)[["date", "portfolio", "total_value"]]
    prices = _wide_prices(batch)
    std_errors = portfolio_errors.exposure_std_errors(
        batch.factor_model,
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        betas=batch.read(FactorBetas),
        portfolios=totals,
        symbol_log_returns=returns.log_returns(prices),
        factor_log_returns=_factor_log_returns(batch, prices),
    )
    return exposures.factor_exposures(
        position_exposures=batch.read(PositionFactorExposures),
        total_values=totals,
        factor_ids=batch.factor_model.factor_ids,
        std_errors=std_errors,
    )


@risk_asset(
    RateExposures,
    inputs=[PositionValues, PositionGreeks, RateBetas],
    group=GROUP,
    page="factor_model.md",
    stories={
        RateExposures: Story(
            (figures.at("series", "exposure_usd_per_bp", **{"10Y": "10-year yield (USD per bp)"}),)
        )
    },
)
def rate_exposures(batch: Batch) -> pd.DataFrame:
    """P&L per basis point and per 100 of each Treasury yield, options at delta exposure."""
    return rates.rate_exposures(
        position_values=batch.read(PositionValues),
        position_greeks=batch.read(PositionGreeks),
        betas=batch.read(RateBetas),
        portfolios=batch.partitions,
    )


def _wide_prices(batch: Batch) -> pd.DataFrame:
    return returns.to_wide(batch.read(DailyPrices), batch.sessions(DailyPrices))


def _factor_log_returns(batch: Batch, wide: pd.DataFrame | None = None) -> pd.DataFrame:
    """:param wide: what `_wide_prices` returns, where it has been read already."""
    prices = _wide_prices(batch) if wide is None else wide
    yields = batch.read(TreasuryYields)
    ten_year = yields[yields["series"] == "10Y"].set_index("date")["yield_percent"]
    return model.factor_log_returns(batch.factor_model, prices, ten_year)
