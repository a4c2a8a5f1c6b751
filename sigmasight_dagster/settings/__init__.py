"""Settings: environment variables (SIGMASIGHT_*), then `.env`, then `sigmasight.toml`, then the defaults."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from sigmasight_dagster.settings import factor_model as factor_settings

Source = Literal["yahoo", "fred", "polygon", "fmp", "files", "simulated"]
Plan = Literal["free", "starter", "developer", "advanced"]

PACKAGE_PARENT = Path(__file__).resolve().parents[2]


def project_root() -> Path:
    """The folder with workspace.yaml: the checkout, or the working directory of an installed package."""
    return PACKAGE_PARENT if (PACKAGE_PARENT / "workspace.yaml").exists() else Path.cwd()


class Settings(BaseSettings):
    """Everything that a user may set. Secrets come from the environment or `.env` only."""

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
    db_port: int | None = Field(
        default=None,
        description="The embedded server also listens on this port of 127.0.0.1",
        ge=1024,
        le=65535,
    )

    provider: Literal["sample", "files", "simulated", "live"] = Field(
        default="sample", description="Where market data comes from; live = the sources named below"
    )
    price_sources: Annotated[tuple[Source, ...], NoDecode] = Field(
        default=("yahoo",),
        description="Live sources of prices and corporate actions, comma-separated: the first that has a "
        "symbol's price gives it",
    )
    yield_sources: Annotated[tuple[Source, ...], NoDecode] = Field(
        default=("fred",), description="Live sources of Treasury yields, comma-separated"
    )
    option_sources: Annotated[tuple[Source, ...], NoDecode] = Field(
        default=("yahoo",), description="Live sources of option quotes, comma-separated"
    )
    security_sources: Annotated[tuple[Source, ...], NoDecode] = Field(
        default=("yahoo",), description="Live sources of names, types and sectors, comma-separated"
    )
    cross_check_source: Source | None = Field(
        default=None, description="Source whose closes are held against those of price_sources"
    )
    fred_api_key: SecretStr | None = Field(default=None, description="Secret: environment or `.env` only")
    polygon_api_key: SecretStr | None = Field(default=None, description="Secret: environment or `.env` only")
    fmp_api_key: SecretStr | None = Field(default=None, description="Secret: environment or `.env` only")
    polygon_plan: Plan = Field(default="free", description="Plan of the polygon key: sets its rate limit")
    fmp_plan: Plan = Field(default="free", description="Plan of the fmp key: sets its rate limit")
    yahoo_url: str | None = Field(default=None, description="Another address of Yahoo (a proxy of yours)")
    fred_url: str | None = Field(default=None, description="Another address of FRED")
    polygon_url: str | None = Field(default=None, description="Another address of Polygon")
    fmp_url: str | None = Field(default=None, description="Another address of FMP")
    source_timeout_seconds: float = Field(
        default=20, description="How long a live source may take to answer", gt=0, le=120
    )
    refresh_sessions: int = Field(
        default=0,
        description="Latest sessions that are fetched again each morning, to find corrections; 0 = none",
        ge=0,
        le=60,
    )
    marks_file: Path | None = Field(
        default=None, description="CSV of date, symbol, price: marks of private assets, for any provider"
    )
    symbol_changes: dict[str, str] = Field(
        default_factory=dict,
        description="New symbol by old symbol, at import, beside those that come along; empty = not renamed",
    )
    simulated_seed: int = Field(default=1, description="Seed of the simulated market", ge=0)
    files_dir: Path | None = Field(default=None, description="Directory of the `files` provider")
    files_close_basis: Literal["as_traded", "split_adjusted", "adjusted"] = Field(
        default="as_traded",
        description="What the closes in `files_dir` are: as traded, adjusted for splits, or for both",
    )
    factor_proxies: dict[str, str] = Field(
        default_factory=dict, description="Symbol by style factor or market, instead of the provider's proxy"
    )
    factor_model: factor_settings.FactorModelSettings = Field(
        default_factory=factor_settings.FactorModelSettings,
        description="Factors, priors and window of the factor model (docs/factor_model.md)",
    )
    start_date: dt.date | None = Field(
        default=None, description="First trading date; default: the provider's first"
    )
    end_date: dt.date | None = Field(
        default=None,
        description="Last trading date; default: the provider's last, or the last closed session",
    )

    risk_free_rate: float = Field(
        default=0.04, description="Continuously compounded, for options", ge=-0.1, le=1
    )
    dividend_yield: float = Field(
        default=0.0, description="Continuous, of underlyings not named below", ge=0, le=1
    )
    dividend_yields: dict[str, float] = Field(default_factory=dict, description="Continuous, by symbol")
    max_price_age_days: int = Field(
        default=7, description="How old a carried-forward price may be", ge=0, le=7
    )
    chunk_partitions: int = Field(
        default=2_100, description="Partitions (dates x portfolios) per run: a month of 100 portfolios", ge=1
    )

    preview_partitions: int = Field(
        default=20,
        description="Partitions of a run up to which each shows a preview of its rows in the UI; a larger "
        "run previews the first portfolio of its last date; 0 = none",
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
    inbox_dir: Path | None = Field(
        default=None, description="Where portfolio CSVs are dropped; default: inbox in the state directory"
    )
    alert_rules: Path | None = Field(default=None, description="YAML of alert rules; default: none")
    smtp_host: str | None = Field(default=None, description="Mail server of the alerts")
    smtp_port: int = Field(default=587, description="Its port", ge=1, le=65535)
    smtp_starttls: bool = Field(default=True, description="Encrypt by STARTTLS before anything is said")
    smtp_user: str | None = Field(default=None, description="Login; none = do not log in")
    smtp_password: SecretStr | None = Field(default=None, description="Secret: environment or `.env` only")
    smtp_from: str = Field(default="sigmasight@localhost", description="Sender of the alerts")
    smtp_to: str = Field(default="", description="Recipients of the alerts, comma-separated")
    webhook_url: SecretStr | None = Field(
        default=None, description="Where alerts are POSTed as JSON; a secret: environment or `.env` only"
    )
    notify_timeout_seconds: float = Field(
        default=5, description="How long a mail server or webhook may take to answer", gt=0, le=15
    )
    retry_limit: int = Field(default=3, description="Attempts after a failure that may pass", ge=0, le=10)
    retry_seconds: float = Field(
        default=30, description="Wait before the second attempt; doubles each time, with jitter", gt=0, le=900
    )

    executor: Literal["in_process", "celery", "k8s"] = Field(
        default="in_process",
        description="What executes the steps of runs: the run's own process, Celery workers, Kubernetes jobs",
    )
    celery_broker_url: SecretStr | None = Field(
        default=None,
        description="Broker of the Celery executor, pyamqp://USER:PASSWORD@HOST:5672//; a secret: "
        "environment or `.env` only",
    )
    celery_result_backend: SecretStr = Field(
        default=SecretStr("rpc://"),
        description="Where Celery workers answer; rpc:// = over the broker; a secret: "
        "environment or `.env` only",
    )
    queues: dict[str, str] = Field(
        default_factory=dict,
        description="Queue by asset group; default: market for market groups, portfolio for portfolio ones",
    )
    k8s_queue_limits: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Kubernetes: most steps of a queue at once in a run; Celery: see `sigmasight worker`",
    )

    @field_validator("price_sources", "yield_sources", "option_sources", "security_sources", mode="before")
    @classmethod
    def _split_sources(cls, given: Any) -> Any:
        return (
            [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
        )

    @field_validator("symbol_changes")
    @classmethod
    def _spell_symbols(cls, given: dict[str, str]) -> dict[str, str]:
        return {
            old.strip().upper().replace(".", "-"): new.strip().upper().replace(".", "-")
            for old, new in given.items()
        }

    @field_validator("factor_model", mode="before")
    @classmethod
    def _check_factor_model(cls, given: Any) -> factor_settings.FactorModelSettings:
        return factor_settings.parse(given)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (fixed by pydantic-settings)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)
