"""Documents of the API as objects. What a newer server adds is kept, too."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Document(BaseModel):
    model_config = ConfigDict(extra="allow")


class Tokens(_Document):
    """What a login gives: an access token for minutes, and a refresh token for one exchange."""

    access_token: str
    refresh_token: str
    expires_in: int


class Me(_Document):
    """Who is logged in."""

    email: str
    role: str
    portfolios: list[str]


class Health(_Document):
    """How the server does."""

    status: str
    database: str


class Availability(_Document):
    """A calculation of a report: whether its results are there."""

    calculation: str
    status: str | None = None


class Report(_Document):
    """A portfolio's stored report (docs/portfolio_report.schema.json); its numbers are texts, as stored."""

    version: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    portfolio: dict[str, Any] = Field(default_factory=dict)
    calculation_engines: dict[str, Any] = Field(default_factory=dict)
    positions: list[dict[str, Any]] = Field(default_factory=list)
    data_availability: list[Availability] = Field(default_factory=list)
