"""What a computation needs from outside: settings, warehouse and market data, made on first use."""

from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pandas as pd

from sigmasight_core.conventions import MARKS_SOURCE_PREFIX
from sigmasight_core.errors import InputError
from sigmasight_core.factors.config import FactorModelConfig
from sigmasight_core.options.parameters import OptionParameters
from sigmasight_core.stress.scenarios import Scenario, default_scenarios, load_scenarios, merge_scenarios
from sigmasight_dagster.providers import make_provider
from sigmasight_dagster.providers.base import MarketDataProvider
from sigmasight_dagster.providers.live.sources import chain, make_source
from sigmasight_dagster.server.urls import asset_database_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.made_with import fingerprint
from sigmasight_dagster.warehouse import Warehouse

SIMULATED: Final = "simulated"
"""The provider of made-up prices, and how the source of each of them begins."""
COMPLETE = ("sample", "files")
"""Providers that list their symbols: each partition of market data has all of them, held or not."""


def read_scenario_files(given: Path | None) -> dict[Path, str]:
    """The text of each of one's own scenario files: a YAML file, or every *.yaml of a directory, by name.

    :raises InputError: when there is nothing there, or it cannot be read.
    """
    paths = [] if given is None else sorted(given.glob("*.yaml")) if given.is_dir() else [given]
    if given is not None and not paths:
        raise InputError(
            f"{given}: no *.yaml in it: put a scenario file there, or unset SIGMASIGHT_SCENARIO_FILES"
        )
    return {path: _text(path) for path in paths}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise InputError(
            f"{path}: {reason}: set SIGMASIGHT_SCENARIO_FILES to a file of scenarios (YAML)"
        ) from None


class Platform:
    """Dagster resource of every asset; also used by the commands."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self._one_market = False

    @cached_property
    def warehouse(self) -> Warehouse:
        return Warehouse(asset_database_url(self.settings))

    @cached_property
    def made_with(self) -> str:
        """What this process publishes market data and estimates with: see `settings.made_with`."""
        return fingerprint(self.settings)

    @cached_property
    def market_data(self) -> MarketDataProvider:
        return make_provider(self.settings)

    def require_one_market(self) -> None:
        """What is stored and what the provider gives are both real prices, or both made up; asked once.

        Of `live` with `simulated` among its price sources somebody wants both.

        :raises InputError: when one is real and the other is not.
        """
        provider = self.settings.provider
        if self._one_market or (provider == "live" and SIMULATED in self.settings.price_sources):
            return
        stored = sorted(name for name in self.warehouse.price_sources() if name)
        market = [name for name in stored if not name.startswith(MARKS_SOURCE_PREFIX)]
        others = [name for name in market if name.startswith(SIMULATED) is not (provider == SIMULATED)]
        if others:
            raise InputError(
                f"SIGMASIGHT_PROVIDER={provider}: the tables hold prices of another market ({others[0]}), "
                "and real prices and made-up ones are not mixed: set SIGMASIGHT_HOME to another folder "
                "(SIGMASIGHT_DATABASE_URL to another database), or take the provider of before"
            )
        self._one_market = True

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
    def scenarios(self) -> tuple[Scenario, ...]:
        """The stress scenarios that are shipped, and those of the setting `scenario_files`.

        :raises InputError: one line for each mistake in a file.
        """
        factors = self.settings.factor_model.factors
        own = (
            load_scenarios(text, str(path), factors)
            for path, text in read_scenario_files(self.settings.scenario_files).items()
        )
        return merge_scenarios(default_scenarios(factors), *own)

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
