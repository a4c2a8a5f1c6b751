"""What a computation may know of the configuration: the part of a batch that no date or portfolio changes."""

from typing import Any

from sigmasight_core.account.terms import CashTerms
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.positions.valuation import OptionParameters
from sigmasight_core.stress.scenarios import Scenario
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.providers.base import MarketDataProvider


class Configuration:
    """Sources, models and settings."""

    def __init__(self, platform: Platform):
        self._platform = platform

    @property
    def market_data(self) -> MarketDataProvider:
        """The configured source of market data. :raises InputError: see `Platform.require_one_market`."""
        self._platform.require_one_market()
        return self._platform.market_data

    @property
    def cross_check(self) -> Any:
        """The source that closes are held against; None when none is set."""
        return self._platform.cross_check

    @property
    def factor_model(self) -> FactorModelConfig:
        return self._platform.factor_model

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The stress scenarios, shipped and own."""
        return self._platform.scenarios

    @property
    def comparison_scenarios(self) -> set[str]:
        """Ids of the scenarios that are kept for comparison alone, also of those in no file any more."""
        return self._platform.warehouse.comparison_scenarios()

    @property
    def option_parameters(self) -> OptionParameters:
        return self._platform.option_parameters

    @property
    def cash_terms(self) -> CashTerms:
        """What cash earns and costs (settings cash_interest_spread, cash_borrow_spread)."""
        return self._platform.settings.cash_terms

    @property
    def report_portfolios(self) -> int:
        """Portfolios of a run up to which reports are made unasked (setting report_portfolios)."""
        return self._platform.settings.report_portfolios

    @property
    def liquidation_share(self) -> float:
        """Share of the volume that may be traded (setting liquidation_share)."""
        return self._platform.settings.liquidation_share

    @property
    def max_price_age_days(self) -> int:
        """Days for which a price may be carried (setting max_price_age_days)."""
        return self._platform.settings.max_price_age_days
