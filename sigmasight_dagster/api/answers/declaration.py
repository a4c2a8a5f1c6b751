"""What a reading endpoint is: its path, its source, and what callers may ask of it."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_dagster.api.paging import CURSOR
from sigmasight_dagster.warehouse.answers.source import Source, labels

PAGE: Final = 100
LONGEST_PAGE: Final = 1000
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Read:
    """One reading endpoint.

    :param path: below the namespace; `{portfolio}` in it is the one that is read.
    :param source: whose rows. :param filters: text columns that may be filtered by, beside those of the key.
    :param required: filters that must be given. :param flags: the source's switches, each with its meaning.
    :param about: more than the summary, for the page of the API.
    """

    path: str
    source: Source
    summary: str
    filters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    about: str = ""

    @property
    def in_path(self) -> bool:
        return "{portfolio}" in self.path

    @property
    def asks_portfolio(self) -> bool:
        """Whether the portfolio is a parameter beside the path."""
        return self.source.scope == "portfolio" and not self.in_path

    @property
    def filtered(self) -> tuple[str, ...]:
        """Columns that may be filtered by."""
        return tuple(dict.fromkeys([*self.filters, *labels(self.source)]))


def _only_a_date(given: Any) -> Any:
    if not isinstance(given, dt.date) and not (isinstance(given, str) and _DATE.fullmatch(given)):
        raise ValueError("a date YYYY-MM-DD")
    return given


Date = Annotated[dt.date, BeforeValidator(_only_a_date)]
Text = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
"""Without NUL, which PostgreSQL cannot store."""


class Asked(BaseModel):
    """What every reading endpoint takes; anything else is refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    columns: list[Text] = Field(default_factory=list, max_length=100, description="Only these columns")
    sort: str = ""


class _Dated(Asked):
    date: Date | None = Field(
        default=None, description="Trading date; default: the newest", examples=["2022-12-28"]
    )
    first: Date | None = Field(
        default=None, alias="from", description="History from this date on, instead of date"
    )
    last: Date | None = Field(
        default=None, alias="to", description="History up to this date, instead of date"
    )

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.date and (self.first or self.last):
            raise ValueError("date is one date, from and to are a history: give one or the other")
        if self.first and self.last and self.last < self.first:
            raise ValueError("to is before from: swap them")
        return self


def asked_model(read: Read, *, paged: bool) -> type[Asked]:
    """The query parameters of an endpoint."""
    kinds = read.source.kinds
    sortable = [name for name, kind in kinds.items() if kind not in ("vector", "timestamp")]
    sorts = Literal[("", *sortable, *(f"-{name}" for name in sortable))]  # type: ignore[valid-type]
    fields: dict[str, Any] = {
        "columns": (
            list[Literal[tuple(kinds)]],  # type: ignore[misc]
            Field(default_factory=list, max_length=100, description="Only these columns"),
        ),
        "sort": (sorts, Field(default="", description="Order by this column, with '-' downwards")),
    }
    if paged:
        fields["limit"] = (int, Field(default=PAGE, ge=1, le=LONGEST_PAGE, description="Rows of a page"))
        fields["cursor"] = (
            Annotated[str, CURSOR],
            Field(default="", description="As in the Link header: where the page before ended"),
        )
    if read.asks_portfolio:
        about = f"A portfolio's name ({PORTFOLIO_NAME_PATTERN})"
        fields["portfolio"] = (Text, Field(description=about, examples=["individual"]))
    described = read.source.view.described()
    for column in read.filtered:
        about = f"Any of these: {described[column]}"
        given = (
            Field(min_length=1, max_length=100, description=about)
            if column in read.required
            else Field(default_factory=list, max_length=100, description=about)
        )
        fields[column] = (list[Text], given)
    for flag, meaning in read.flags.items():
        fields[flag] = (bool, Field(default=False, description=meaning))
    base = Asked if read.source.view.newest_of is None else _Dated
    return create_model("Asked" + re.sub(r"\W+", "_", read.path), __base__=base, **fields)
