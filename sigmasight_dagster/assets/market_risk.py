"""Market risk: estimates that belong to a symbol or factor, one partition a trading date."""

import pandas as pd

from sigmasight_core.conventions import SESSIONS_PER_YEAR
from sigmasight_core.factors import collinearity as factor_correlation
from sigmasight_core.factors import covariance, rates
from sigmasight_core.factors import model as factor_model
from sigmasight_core.market import returns
from sigmasight_core.options import volatilities as options
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorCorrelations,
    FactorCovariance,
    FactorModelDiagnostics,
    FactorReturns,
    FactorState,
    OptionQuotes,
    OptionVolatilities,
    RateBetas,
    RealizedVolatility,
    TreasuryYields,
)
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import Input, risk_asset
from sigmasight_dagster.gates.market import FACTORS_ARE_NOT_COLLINEAR
from sigmasight_dagster.settings import YIELD_AGE_SESSIONS

GROUP = "market_risk"
CLOSES = ["date", "symbol", "close", "price_date"]
PRICES = Input(DailyPrices, look_back=SESSIONS_PER_YEAR, factor_window=True)
YIELDS = Input(TreasuryYields, look_back=SESSIONS_PER_YEAR, factor_window=True)


@risk_asset(RealizedVolatility, inputs=[Input(DailyPrices, look_back=SESSIONS_PER_YEAR)], group=GROUP)
def realized_volatility(batch: Batch) -> pd.DataFrame:
    """EWMA volatility of each symbol over the last 252 sessions; prices options that have no quote."""
    return returns.realized_volatility(_log_returns(batch), batch.dates)


@risk_asset(
    OptionVolatilities,
    inputs=[OptionQuotes, DailyPrices, Input(TreasuryYields, look_back=YIELD_AGE_SESSIONS)],
    group=GROUP,
)
def option_volatilities(batch: Batch) -> pd.DataFrame:
    """Price of each quote and the volatility that it implies, or its neighbours in the chain."""
    quotes = batch.read(OptionQuotes)
    return options.option_volatilities(
        quotes=quotes,
        prices=batch.read(DailyPrices, CLOSES, sorted(quotes["underlying"].unique())),
        yields=batch.read(TreasuryYields),
        parameters=batch.platform.option_parameters,
    )


@risk_asset(
    FactorReturns, inputs=[Input(DailyPrices, look_back=1), Input(TreasuryYields, look_back=1)], group=GROUP
)
def factor_returns(batch: Batch) -> pd.DataFrame:
    """Returns of the factors' proxies; a factor without a proxy is unavailable."""
    return factor_model.factor_returns(batch.platform.factor_model, _factor_log_returns(batch), batch.dates)


@risk_asset(FactorBetas, FactorState, inputs=[PRICES, YIELDS], group=GROUP)
def factor_betas(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joint shrunk betas and univariate betas of each symbol over 252 sessions."""
    estimates = factor_model.estimate(
        batch.platform.factor_model,
        symbol_log_returns=_log_returns(batch),
        factor_log_returns=_factor_log_returns(batch),
        dates=batch.dates,
    )
    return estimates.betas, estimates.state


@risk_asset(FactorCovariance, inputs=[PRICES, YIELDS], group=GROUP)
def factor_covariance(batch: Batch) -> pd.DataFrame:
    """EWMA covariance of the factor state, for stress and risk."""
    return covariance.factor_covariance(batch.platform.factor_model, _factor_log_returns(batch), batch.dates)


@risk_asset(
    FactorCorrelations,
    FactorModelDiagnostics,
    inputs=[PRICES, YIELDS],
    group=GROUP,
    gates=[FACTORS_ARE_NOT_COLLINEAR],
)
def factor_correlations(batch: Batch) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EWMA correlations of the raw factors, condition number and largest variance inflation."""
    found = factor_correlation.factor_collinearity(
        batch.platform.factor_model, _factor_log_returns(batch), batch.dates
    )
    return found.correlations, found.diagnostics


@risk_asset(RateBetas, inputs=[PRICES, YIELDS], group=GROUP)
def rate_betas(batch: Batch) -> pd.DataFrame:
    """Sensitivity of each symbol to four Treasury yields with the market held constant."""
    config = batch.platform.factor_model
    market = _factor_log_returns(batch)[config.factor_ids[config.market]]
    yields, status = rates.wide_yields(batch.read(TreasuryYields), batch.sessions(TreasuryYields))
    return rates.rate_betas(
        symbol_log_returns=_log_returns(batch),
        market_log_returns=market,
        yields=yields,
        dates=batch.dates,
        window=config.window,
        min_obs=config.min_obs,
        yield_status=status,
    )


def _log_returns(batch: Batch) -> pd.DataFrame:
    return returns.log_returns(_wide_prices(batch))


def _wide_prices(batch: Batch) -> pd.DataFrame:
    return returns.to_wide(batch.read(DailyPrices), batch.sessions(DailyPrices))


def _factor_log_returns(batch: Batch) -> pd.DataFrame:
    yields = batch.read(TreasuryYields)
    ten_year = yields[yields["series"] == "10Y"].set_index("date")["yield_percent"]
    return factor_model.factor_log_returns(batch.platform.factor_model, _wide_prices(batch), ten_year)
