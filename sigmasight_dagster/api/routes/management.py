"""/management: portfolios, their cash and their history. Every change goes through the ledger's own rules."""

import csv
import io
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, StrictBool

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.edits import FIELDS
from sigmasight_dagster.api.callers import Editor, Portfolio, Reader
from sigmasight_dagster.api.errors import Problem, WrongField, described
from sigmasight_dagster.api.records import records
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Text, Word
from sigmasight_dagster.ledger import received
from sigmasight_dagster.ledger.accounts import Stated
from sigmasight_dagster.ledger.edits import Ledger
from sigmasight_dagster.ledger.received import MOST_ROWS, Sent
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/management", tags=["management"])

CHANGES: Final = described(400, 401, 403, 404, 409, 413, 422, 429, 503)
READS: Final = described(401, 404, 422, 429, 503)
_DATE: Final = r"^\d{4}-\d{2}-\d{2}$"

Name = Annotated[str, Field(pattern=PORTFOLIO_NAME_PATTERN, examples=["my_fund"])]
Day = Annotated[str, Field(pattern=_DATE, examples=["2022-12-27"])]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class NewPosition(Body):
    """A position, as a row of a portfolio CSV."""

    ticker: Word = Field(examples=["AAPL"])
    quantity: Number = Field(description="Shares or contracts, negative = short", examples=[100])
    entry_price: Number = Field(description="USD a share, as traded then", examples=[130.03])
    entry_date: Day
    tags: list[Word] = Field(default_factory=list, max_length=20, examples=[["core"]])
    notes: Text = ""
    exit_date: Day | None = None
    exit_price: Number | None = None

    def fields(self) -> dict[str, str]:
        """As texts of a portfolio CSV."""
        return as_fields(self.model_dump())


def as_fields(given: dict[str, Any]) -> dict[str, str]:
    """Values of a body as texts of a portfolio CSV; None = empty."""
    texts = {name: "" if value is None else str(value) for name, value in given.items() if name != "tags"}
    return texts | ({"tags": ",".join(given["tags"] or ())} if "tags" in given else {})


class NewPortfolio(Body):
    """A portfolio to be registered."""

    name: Name
    positions: list[NewPosition] = Field(min_length=1, max_length=MOST_ROWS)
    cash: Number | None = Field(default=None, description="Balance in USD", examples=[1000])
    cash_date: Day | None = Field(default=None, description="Session at whose close it is the balance")
    margin: StrictBool | None = Field(default=None, description="Whether cash may be negative")
    settlement: Literal["physical", "cash"] | None = None
    benchmark: Word | None = Field(default=None, description="Symbol that returns are held against")
    shares_of: Literal["entry", "today"] = "entry"
    allow_unpriced: StrictBool = False


class Changed(BaseModel):
    """What a change did."""

    portfolio: str = Field(examples=["my_fund"])
    result: str = Field(description="created, replaced, unchanged or removed", examples=["created"])
    warnings: list[dict[str, Any]] = Field(default_factory=list)


class Balance(Body):
    """A stated balance."""

    amount: Number = Field(description="USD; negative = borrowed", examples=[2500])
    date: Day | None = Field(default=None, description="Session; default: of the last entry date")


def by(user: User, what: str) -> str:
    """What the history of a ledger says has made a change."""
    return f"API, {user.email}: {what}"


async def refuse_taken(use: Services, user: User, name: str, replaces: bool) -> None:
    """:raises Problem: 409 when the name is another's, or the user's own and not to be replaced."""
    if name in user.portfolios:
        if not replaces:
            raise Problem(409, f"there is a portfolio {name} already: remove it first, or replace it")
    elif await use.users.registered(name):
        raise Problem(409, f"the name {name} cannot be used: choose another")


@router.get("/portfolios", summary="Portfolios that the caller may see", responses=described(401, 429, 503))
def list_portfolios(user: Reader, use: Use) -> list[dict[str, Any]]:
    """Name, positions, cash, terms and source of each."""
    counts = use.warehouse.position_counts()
    mine = use.warehouse.portfolios(list(user.portfolios))
    return records(mine.assign(positions=mine["portfolio"].map(counts).fillna(0).astype(int)))


@router.post("/portfolios", status_code=201, summary="Register a portfolio", responses=CHANGES)
async def add_portfolio(body: NewPortfolio, user: Editor, use: Use) -> Changed:
    """It becomes the caller's. With a bad row nothing is stored; `fields` names row and column."""
    await refuse_taken(use, user, body.name, replaces=False)
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for item in body.positions:
        writer.writerow({name: " ".join(value.split()) for name, value in item.fields().items()})
    stated = Stated(
        cash=body.cash,
        cash_date=body.cash_date,
        margin=body.margin,
        settlement=body.settlement,
        benchmark=body.benchmark,
    )
    sent = Sent(
        body.name,
        "request",
        text.getvalue().encode(),
        stated,
        form="positions",
        shares_of=body.shares_of,
        allow_unpriced=body.allow_unpriced,
    )

    def save() -> Changed:
        workspace = use.workspaces.open()
        checked = received.check(workspace, sent)
        found = checked.summary
        if checked.account is None:
            raise Problem(422, "nothing stored: a position is wrong", fields=_wrong(found["errors"]))
        said = by(user, "POST /management/portfolios")
        result, doubts = received.store(workspace, checked, replaces=False, command=said, owner=user.email)
        balances = [{"line": None, "column": "cash", "value": "", "reason": line} for line in doubts]
        return Changed(portfolio=body.name, result=result, warnings=[*found["warnings"], *balances])

    return await run_in_threadpool(save)


@router.delete("/portfolios/{portfolio}", summary="Remove a portfolio", responses=CHANGES)
def remove_portfolio(user: Editor, portfolio: Portfolio, use: Use) -> Changed:
    """Its ledger, results, alerts and sessions, and who may see it. Not while runs compute.

    The history of the ledger stays, as saved what-ifs and the log of activity do.
    """
    try:
        use.workspaces.open().remove_portfolio(
            portfolio, by(user, f"DELETE /management/portfolios/{portfolio}")
        )
    except InputError as error:
        raise Problem(409, str(error)) from None
    return Changed(portfolio=portfolio, result="removed")


@router.get("/history/{portfolio}", summary="Every change of a ledger", responses=READS)
def history(portfolio: Portfolio, use: Use) -> list[dict[str, Any]]:
    """Who changed what and when, oldest first; not that of an earlier portfolio of the name."""
    changes = use.warehouse.ledger_changes(portfolio)
    begun = changes.loc[(changes["action"] == "cash") & changes["before"].isna(), "change"].max()
    return records(changes[~(changes["change"] < begun)])


@router.get("/cash/{portfolio}", summary="Entries of an account", responses=READS)
def cash_entries(portfolio: Portfolio, use: Use) -> list[dict[str, Any]]:
    """Trades, flows and stated balances, as they are stored or follow from the positions."""
    return records(use.warehouse.account(portfolio))


@router.put("/cash/{portfolio}", summary="State a balance", responses=CHANGES)
def set_cash(body: Balance, user: Editor, portfolio: Portfolio, use: Use) -> Changed:
    """What the account had come to without it is booked as a deposit or withdrawal of that day."""
    ledger = Ledger(use.workspaces.open(), portfolio, by(user, f"PUT /management/cash/{portfolio}"))
    return Changed(portfolio=portfolio, result=ledger.set_cash(body.amount, body.date))


def _wrong(errors: list[dict[str, Any]]) -> list[WrongField]:
    """Errors of rows as fields of the body. :param errors: line 2 is the first position."""
    return [
        WrongField(
            field="body" if item["line"] is None else f"body.positions.{item['line'] - 2}.{item['column']}",
            problem=f"{item['value']!r}: {item['reason']}" if item["value"] else item["reason"],
        )
        for item in errors
    ]
