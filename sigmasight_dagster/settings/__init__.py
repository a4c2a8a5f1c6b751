"""Settings: environment variables (SIGMASIGHT_*), `.env`, files of secrets, `sigmasight.toml`, the defaults.

One class a topic, `Settings` is all of them: a new setting goes into its topic's file. Here is what a user
may set, checked as far as is possible without data; what follows from it is decided where it is used.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.spelling import plain_symbol
from sigmasight_dagster.settings.account import AccountSettings
from sigmasight_dagster.settings.alerting import AlertSettings
from sigmasight_dagster.settings.api import ApiSettings
from sigmasight_dagster.settings.errors import one_line
from sigmasight_dagster.settings.execution import ExecutionSettings
from sigmasight_dagster.settings.factor_model import FactorModelSettings, parse_factor_model
from sigmasight_dagster.settings.places import project_root
from sigmasight_dagster.settings.sources import SourceSettings
from sigmasight_dagster.settings.upkeep import UpkeepSettings

CALENDAR: Final = "sigmasight_core.calendar"


class Settings(
    SourceSettings, AccountSettings, AlertSettings, ExecutionSettings, ApiSettings, UpkeepSettings
):
    """The project: databases, dates, factor model, calculations, folders.

    With the topics that it inherits it is everything that a user may set. Secrets come from the environment,
    `.env` or `secrets_dir`.
    """

    model_config = SettingsConfigDict(
        env_prefix="SIGMASIGHT_",
        env_file=project_root() / ".env",
        toml_file=project_root() / "sigmasight.toml",
        extra="ignore",
    )

    home: Path = Field(default_factory=lambda: project_root() / ".sigmasight", description="State directory")
    database_url: str | None = Field(
        default=None, description="External asset database instead of the embedded one"
    )
    dagster_postgres_url: str | None = Field(
        default=None,
        validation_alias="DAGSTER_POSTGRES_URL",
        description="External database for Dagster's storage",
    )
    secrets_dir: Path | None = Field(
        default=None,
        description="Folder with a file for each setting that neither the environment nor `.env` has, named "
        "as its variable in small letters (sigmasight_api_secret); in containers /run/secrets",
    )
    db_port: int | None = Field(
        default=None,
        description="The embedded server also listens on this port of 127.0.0.1",
        ge=1024,
        le=65535,
    )

    factor_model: FactorModelSettings = Field(
        default_factory=FactorModelSettings,
        description="Factors, priors and window of the factor model (docs/factor_model.md)",
    )
    start_date: dt.date | None = Field(
        default=None, description="First trading date; default: the provider's first"
    )
    end_date: dt.date | None = Field(
        default=None,
        description="Last trading date; default: the provider's last, or the last closed session",
    )

    extra_closures: list[dt.date] = Field(
        default_factory=list,
        description="Days on which the NYSE closed on short notice, until its calendar here knows of them",
    )

    risk_free_rate: float = Field(
        default=0.04, description="Continuously compounded, for options", ge=-0.1, le=1
    )
    dividend_yield: float = Field(
        default=0.0, description="Continuous, of underlyings not named below", ge=0, le=1
    )
    dividend_yields: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="Continuous, by symbol"
    )
    dividend_model: Literal["yield", "escrowed"] = Field(
        default="yield",
        description="Dividends of options' underlyings: yield, or escrowed: expected cash (docs/options.md)",
    )
    max_price_age_days: int = Field(
        default=7, description="How old a carried-forward price may be", ge=0, le=7
    )
    liquidation_share: float = Field(
        default=0.2,
        description="Share of the average daily volume that may be traded a session, for days to liquidate",
        gt=0,
        le=1,
    )
    preview_partitions: int = Field(
        default=20,
        description="Partitions of a run up to which each shows a preview of its rows in the UI; a larger "
        "run previews that many portfolios of its last date; 0 = none",
        ge=0,
    )
    plot_partitions: int = Field(
        default=5, description="As preview_partitions, for plots, which take 0.2 to 0.5 s each", ge=0
    )
    daily_minutes_after_close: int = Field(
        default=30,
        description="Minutes after 16:00 New York at which the daily schedule ticks, on half days too",
        ge=0,
        le=420,
    )
    correlations: Literal["daily", "weekly"] = Field(
        default="weekly",
        description="When daily operation computes correlations; weekly: on each week's last session",
    )
    presets_dir: Path | None = Field(
        default=None,
        description="Where your own presets of brokers lie (YAML, docs/brokers.md); default: presets in the "
        "state directory",
    )
    scenario_files: Path | None = Field(
        default=None,
        description="Your own stress scenarios: a YAML file, or a directory of them (docs/scenarios.md)",
    )
    export_dir: Path | None = Field(
        default=None,
        description="Folder of the Parquet export of every published partition; default: there is none",
    )
    report_dir: Path | None = Field(
        default=None,
        description="Where runs write the files of reports that were ordered through the API; default: "
        "reports in the state directory",
    )
    inbox_dir: Path | None = Field(
        default=None, description="Where portfolio CSVs are dropped; default: inbox in the state directory"
    )
    inbox_shares_of: Literal["entry", "today"] = Field(
        default="entry",
        description="Whose shares quantities and prices of files in the inbox are in: of the entry's day, or "
        "today's, after the splits since",
    )

    def __init__(self, **given: Any) -> None:
        """:raises InputError: one line that names the variable, the form and an example."""
        try:
            super().__init__(**given)
        except (ValidationError, SettingsError) as error:
            raise InputError(one_line(type(self), error)) from None
        if self.extra_closures or CALENDAR in sys.modules:
            self._declare_closures()

    def _declare_closures(self) -> None:
        # start-up time: `db url` needs no calendar, and where it was never imported nothing is declared
        from sigmasight_core import calendar  # noqa: PLC0415

        try:
            calendar.declare_closures(self.extra_closures)
        except InputError as error:
            raise InputError(f"SIGMASIGHT_EXTRA_CLOSURES: {error}") from None

    @field_validator("secrets_dir")
    @classmethod
    def _find_secrets(cls, given: Path | None) -> Path | None:
        if given is not None and not given.is_dir():
            raise ValueError(f"{given} is no folder; make it, or take the variable away")
        return given

    @field_validator("dividend_yields")
    @classmethod
    def _spell_dividend_symbols(cls, given: dict[str, float]) -> dict[str, float]:
        return {plain_symbol(symbol): value for symbol, value in given.items()}

    @field_validator("factor_model", mode="before")
    @classmethod
    def _check_factor_model(cls, given: Any) -> FactorModelSettings:
        return parse_factor_model(given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (fixed by pydantic-settings)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = env_settings().get("secrets_dir") or dotenv_settings().get("secrets_dir")
        files = (
            [SecretsSettingsSource(settings_cls, secrets_dir=given)] if given and Path(given).is_dir() else []
        )
        return init_settings, env_settings, dotenv_settings, *files, TomlConfigSettingsSource(settings_cls)
