"""What the POST endpoints of /analytics take and answer."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, StrictBool

from sigmasight_core.stress.scenarios import CATEGORIES, SEVERITIES
from sigmasight_dagster.api.answers.declaration import Date
from sigmasight_dagster.api.bodies.modeling import Body, Text

MOST_CONTRACTS: Final = 1000
Positive = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True)]
Rate = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False, strict=True)]


class Contract(Body):
    """An option as it is priced."""

    spot: Positive = Field(description="USD per share of the underlying", examples=[150.0])
    strike: Positive = Field(examples=[155.0])
    years: Annotated[float, Field(gt=0, le=50, allow_inf_nan=False, strict=True)] = Field(
        description="Time to expiry: calendar days / 365", examples=[0.25]
    )
    rate: Rate = Field(description="Continuously compounded, per year", examples=[0.04])
    dividend_yield: Rate = Field(default=0.0, description="Continuous, per year")
    volatility: Annotated[float, Field(gt=0, le=20, allow_inf_nan=False, strict=True)] = Field(
        description="Per square root of a year", examples=[0.3]
    )
    is_call: StrictBool
    style: Literal["american", "european"] = "american"


class Contracts(Body):
    """Options to be priced; they need not be held."""

    contracts: list[Contract] = Field(min_length=1, max_length=MOST_CONTRACTS)


class Greeks(BaseModel):
    """Price and Greeks of one share of an option; null = not finite."""

    price: float | None = Field(description="USD per share")
    delta: float | None = Field(description="USD per USD")
    gamma: float | None = Field(description="Delta per USD")
    theta: float | None = Field(description="USD per calendar day")
    vega: float | None = Field(description="USD per volatility point")
    rho: float | None = Field(description="USD per percentage point of rate")


class Stress(Body):
    """Which scenarios; empty = every one."""

    scenarios: list[Text] = Field(default_factory=list, max_length=200, examples=[["market_down_10"]])
    category: Literal[CATEGORIES] | None = None  # type: ignore[valid-type]
    severity: Literal[SEVERITIES] | None = None  # type: ignore[valid-type]
    date: Date | None = Field(default=None, description="Trading date; default: the newest")
