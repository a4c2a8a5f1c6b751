"""What /modeling takes and answers."""

import datetime as dt
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.what_if.measured import GROUPED, MEASURES
from sigmasight_dagster.api.answers.declaration import Date
from sigmasight_dagster.warehouse.access.modeling import OpenSession

MOST_TRADES: Final = 1000


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("has control characters: leave them out")
    return text


Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(_printable)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12, strict=True)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Trade(Body):
    """A hypothetical trade."""

    symbol: Annotated[Text, Field(min_length=1, description="Symbol, or an option in OCC form")] = Field(
        examples=["AAPL"]
    )
    quantity: Number = Field(
        description="Signed change in shares or contracts: positive buys", examples=[-100]
    )
    price: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="USD per share; null: the close, of an option its quote or model price"
    )
    tags: Text = Field(default="", description="Of what the trade opens, comma-separated")


class NewSession(Body):
    """Where the trades are made."""

    portfolio: Text = Field(examples=["individual"])
    date: Date | None = Field(
        default=None, description="Trading date at whose close; default: the newest", examples=["2022-12-28"]
    )


class Trades(Body):
    """Trades to be added; one in a symbol that is there already takes its place."""

    trades: list[Trade] = Field(min_length=1, max_length=MOST_TRADES)


class Saved(Body):
    """Under which name."""

    name: Annotated[str, StringConstraints(pattern=PORTFOLIO_NAME_PATTERN)] = Field(examples=["less-apple"])
    replace: StrictBool = Field(default=False, description="Overwrite a session of the name")


class Session(BaseModel):
    """An open session."""

    session_id: str
    portfolio: str = Field(examples=["individual"])
    trade_date: dt.date
    trades: list[Trade]
    calculated: bool = Field(description="Whether there are impacts, of these trades")
    saved_as: str | None = Field(description="Name that it was saved under as it is; null = not")
    created_at: str = Field(examples=["2022-12-28T21:30:00.000Z"])
    changed_at: str = Field(examples=["2022-12-28T21:30:00.000Z"])

    @classmethod
    def of(cls, found: OpenSession) -> "Session":
        made, changed = moment(found.created_at), moment(found.changed_at)
        return cls.model_validate(
            {
                **{k: v for k, v in vars(found).items() if k != "version"},
                "created_at": made,
                "changed_at": changed,
            }
        )


class Fill(BaseModel):
    """What a trade does."""

    symbol: str
    quantity: float
    price: float | None = Field(description="As given; null = not given")
    trade_price: float = Field(description="USD per share that was used")
    price_source: str
    cash_change: float = Field(description="USD")
    held_before: float
    held_after: float
    tags: str


class Calculated(BaseModel):
    """What a calculation was of; its numbers are the impacts."""

    portfolio: str
    trade_date: dt.date
    cash_change: float = Field(description="USD received (positive) or paid for the trades")
    code_version: str
    trades: list[Fill]
    n_impacts: int = Field(description="Numbers that were computed with and without the trades")


class Impact(BaseModel):
    """One number without and with the trades."""

    result: int = Field(description="Number of the row, from 1")
    table_name: str = Field(description="Table that the number would be in", examples=["risk_measures"])
    item: str = Field(description="Key within the portfolio's rows; empty = none", examples=["var_95_usd"])
    measure: str = Field(description="Column of the table", examples=["value"])
    unit: str = Field(examples=["USD"])
    today: float | None
    what_if: float | None
    change: float | None
    status: str = Field(description="ok, or why a number is null")


class Impacts(BaseModel):
    """A page of the comparison."""

    n_rows: int
    next: str | None = Field(description="Path of the next page; null = none")
    rows: list[Impact]


def moment(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


class Wanted(Body):
    """A measure and the value that it is to have."""

    measure: Literal[MEASURES] = Field(examples=["market_beta"])  # type: ignore[valid-type]
    value: Number = Field(
        description="USD; of market_beta a ratio, of group_weight a fraction of the gross exposure",
        examples=[0.5],
    )
    factor: Text = Field(default="", description="Of factor_usd: the factor", examples=[""])
    dimension: Literal[("", *GROUPED)] = Field(default="", description="Of group_weight")  # type: ignore[valid-type]
    group: Text = Field(default="", description="Of group_weight: the group's name", examples=[""])


class NewSuggestion(Body):
    """What is to be reached, and how far holdings may be traded. Only what is held is traded."""

    portfolio: Text = Field(examples=["individual"])
    date: Date | None = Field(default=None, description="Trading date; default: the newest")
    target: Wanted
    flips: StrictBool = Field(
        default=False, description="Whether a holding may turn from long to short or back"
    )
    options: StrictBool = Field(default=False, description="Whether options are traded too")
    largest_usd: Annotated[Number, Field(gt=0)] | None = Field(
        default=None, description="Largest |exposure| of a holding afterwards, unless it is larger already"
    )
    keep: list[Text] = Field(default_factory=list, max_length=1000, description="Symbols not to be traded")
    whole: StrictBool = Field(
        default=True, description="Whole shares and contracts: the target is met nearly"
    )


class SuggestedTrade(BaseModel):
    """One trade, for POST sessions/{session_id}/trades."""

    symbol: str
    quantity: float
    price: float = Field(description="USD per unit: of an option per contract")
    usd: float = Field(description="Signed turnover")
    effect: float = Field(description="What the measure would lack without this trade, as the search has it")


class Suggested(BaseModel):
    """Trades of least turnover, or that there are none."""

    portfolio: str
    trade_date: dt.date
    reachable: bool
    before: float = Field(description="The measure without the trades, as what-if computes it")
    after: float | None = Field(description="With them, as what-if computes it; null = cannot be reached")
    lowest: float | None = Field(description="What it can be made within the limits; null = without bound")
    highest: float | None
    turnover: float = Field(description="USD, sum of |usd|")
    trades: list[SuggestedTrade]
    untraded: dict[str, str] = Field(description="Why a held symbol is not traded")
