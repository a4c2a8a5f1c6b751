"""Market risk: estimates that belong to a symbol or factor, one partition a trading date."""

import pandas as pd

from sigmasight_core import covariance, factor_model, returns
from sigmasight_core.tables import (
    DailyPrices,
    FactorBetas,
    FactorCovariance,
    FactorReturns,
    FactorState,
    RealizedVolatility,
    TreasuryYields,
)
from sigmasight_dagster.batch import Batch
from sigmasight_dagster.risk_asset import Input, risk_asset

GROUP = "market_risk"
WINDOW = 252
PRICES = Input(DailyPrices, look_back=WINDOW)
YIELDS = Input(TreasuryYields, look_back=WINDOW)


@risk_asset(RealizedVolatility, inputs=[PRICES], group=GROUP)
def realized_volatility(batch: Batch) -> pd.DataFrame:
    """EWMA volatility of each symbol over the last 252 sessions; prices options that have no quote."""
    return returns.realized_volatility(_log_returns(batch), batch.dates)


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
        batch.platform.factor_model, _log_returns(batch), _factor_log_returns(batch), batch.dates
    )
    return estimates.betas, estimates.state


@risk_asset(FactorCovariance, inputs=[PRICES, YIELDS], group=GROUP)
def factor_covariance(batch: Batch) -> pd.DataFrame:
    """EWMA covariance of the factor state, for stress and risk."""
    return covariance.factor_covariance(batch.platform.factor_model, _factor_log_returns(batch), batch.dates)


def _log_returns(batch: Batch) -> pd.DataFrame:
    return returns.log_returns(_wide_prices(batch))


def _wide_prices(batch: Batch) -> pd.DataFrame:
    return returns.to_wide(batch.read(DailyPrices), batch.sessions(DailyPrices))


def _factor_log_returns(batch: Batch) -> pd.DataFrame:
    yields = batch.read(TreasuryYields)
    ten_year = yields[yields["series"] == "10Y"].set_index("date")["yield_percent"]
    return factor_model.factor_log_returns(batch.platform.factor_model, _wide_prices(batch), ten_year)
