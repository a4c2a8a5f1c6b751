"""Settings of the API and the UI: where they listen, whom they let in, how much they take."""

from typing import Annotated, Any

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode


class ApiSettings(BaseSettings):
    """What `sigmasight serve` listens on, and its limits; by which names `sigmasight dev` may be asked."""

    api_host: str = Field(default="127.0.0.1", description="Address on which `sigmasight serve` listens")
    api_port: int = Field(
        default=8000, description="Port on which `sigmasight serve` listens", ge=1, le=65535
    )
    api_cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins of web pages that may call the API, comma-separated: https://app.example.com",
    )
    api_requests_per_minute: int = Field(
        default=100, description="Requests a minute that the API takes of one user; 0 = any number", ge=0
    )
    api_max_body_mb: float = Field(
        default=10, description="Largest request body that the API takes, in MB", gt=0, le=1000
    )
    api_connections: int = Field(
        default=8, description="Most connections to the database that the API keeps open", ge=1, le=100
    )
    api_calculations: int = Field(
        default=2, description="What-ifs and the like that the API calculates at the same time", ge=1, le=64
    )
    api_secret: SecretStr | None = Field(
        default=None,
        description="What access tokens are signed with, 32 characters or more; default: generated once and "
        "kept in the state directory; a secret: environment or `.env` only",
    )

    ui_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names by which browsers may ask the Dagster UI, beside localhost, 127.0.0.1 and [::1], "
        "comma-separated, without ports: risk.example.com",
    )

    @field_validator("api_cors_origins", "ui_hosts", mode="before")
    @classmethod
    def _split_names(cls, given: Any) -> Any:
        return (
            [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
        )
