"""Settings of market data: the provider, its live sources with keys and addresses, files and marks."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode

from sigmasight_core.ledger.spelling import plain_symbol

Source = Literal["yahoo", "fred", "polygon", "fmp", "files", "simulated"]
Plan = Literal["free", "starter", "developer", "advanced"]


class SourceSettings(BaseSettings):
    """Where prices, yields, option quotes and names come from."""

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
    fred_api_key: SecretStr | None = Field(
        default=None, description="Your key of FRED; a secret: environment or `.env` only"
    )
    polygon_api_key: SecretStr | None = Field(
        default=None, description="Your key of Polygon; a secret: environment or `.env` only"
    )
    fmp_api_key: SecretStr | None = Field(
        default=None, description="Your key of FMP; a secret: environment or `.env` only"
    )
    polygon_plan: Plan = Field(default="free", description="Plan of the polygon key: sets its rate limit")
    fmp_plan: Plan = Field(default="free", description="Plan of the fmp key: sets its rate limit")
    yahoo_url: str | None = Field(default=None, description="Another address of Yahoo (a proxy of yours)")
    fred_url: str | None = Field(default=None, description="Another address of FRED")
    polygon_url: str | None = Field(default=None, description="Another address of Polygon")
    fmp_url: str | None = Field(default=None, description="Another address of FMP")
    source_timeout_seconds: float = Field(
        default=20, description="How long a live source may take to answer", gt=0, le=120
    )
    doubtful_rows: Literal["on", "off"] = Field(
        default="on",
        description="Whether prices, splits and dividends that cannot be believed are kept out until they "
        "are confirmed (docs/doubtful.md)",
    )
    doubtful_print_factor: float = Field(
        default=1.5,
        description="A close that leaves its level and comes back is doubted from this factor on, up or down",
        ge=1.1,
        le=5,
    )
    doubtful_jump_factor: float = Field(
        default=2.0,
        description="The newest close is doubted from this factor to the one before on, up or down, until "
        "the next confirms it",
        ge=1.2,
        le=8,
    )
    doubtful_dividend_share: float = Field(
        default=0.2,
        description="A dividend of this share of the close before is doubted when the close does not fall "
        "by it",
        ge=0.01,
        le=1,
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

    @field_validator("price_sources", "yield_sources", "option_sources", "security_sources", mode="before")
    @classmethod
    def _split_sources(cls, given: Any) -> Any:
        return (
            [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
        )

    @field_validator("symbol_changes")
    @classmethod
    def _spell_symbols(cls, given: dict[str, str]) -> dict[str, str]:
        return {plain_symbol(old): plain_symbol(new) for old, new in given.items()}
