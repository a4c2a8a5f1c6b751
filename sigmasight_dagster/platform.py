"""What a computation needs from outside: settings, warehouse and market data, made on first use."""

from functools import cached_property
from typing import Any

import pandas as pd

from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.base import MarketDataProvider
from sigmasight_dagster.providers.live.sources import chain, make_source
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse

COMPLETE = ("sample", "files")
"""Providers that list their symbols: each partition of market data has all of them, held or not."""


class Platform:
    """Dagster resource of every asset; also used by the commands."""

    def __init__(self, settings: Settings):
        self.settings = settings

    @cached_property
    def warehouse(self) -> Warehouse:
        return Warehouse(asset_database_url(self.settings))

    @cached_property
    def market_data(self) -> MarketDataProvider:
        return make_provider(self.settings)

    def action_coverage(self) -> pd.DataFrame:
        """What is known of corporate actions by symbol: rows of `tables.ActionCoverage`."""
        return self.warehouse.action_coverage(complete=self.settings.provider in COMPLETE)

    @cached_property
    def cross_check(self) -> Any:
        """The source that closes are held against, with `name` and `daily_prices`; None = none is set."""
        if self.settings.cross_check_source is None:
            return None
        chain("cross_check_source", self.settings)
        return make_source(self.settings.cross_check_source, self.settings)

    @cached_property
    def factor_model(self) -> FactorModelConfig:
        """:raises InputError: when a factor's proxy has no prices."""
        model = self.settings.factor_model
        model.check_proxies(self.market_data.symbols())
        return model.config(self.market_data.factor_proxies())

    @cached_property
    def option_parameters(self) -> OptionParameters:
        settings = self.settings
        return OptionParameters(
            risk_free_rate=settings.risk_free_rate,
            risk_free_rate_source="settings",
            dividend_yields=settings.dividend_yields,
            default_dividend_yield=settings.dividend_yield,
            dividend_yield_source="settings",
            dividend_model=settings.dividend_model,
        )
