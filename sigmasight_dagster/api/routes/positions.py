"""/management: the positions of a portfolio and their tags."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import pandas as pd
from fastapi import APIRouter, Path, Query
from pydantic import Field

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.edits import find
from sigmasight_dagster.api.callers import Editor, Portfolio
from sigmasight_dagster.api.errors import Problem
from sigmasight_dagster.api.records import records
from sigmasight_dagster.api.routes.management import (
    CHANGES,
    READS,
    Changed,
    Day,
    NewPosition,
    Number,
    as_fields,
    by,
)
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Text, Word
from sigmasight_dagster.ledger.edits import Edit, Ledger
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/management", tags=["management"])

MOST_TAGS: Final = 20
"""Of one position."""

PositionId = Annotated[
    str, Path(max_length=100, description="symbol@entry_date", examples=["AAPL@2022-12-27"])
]
Group = Literal["position_type", "tag"]


class PositionChange(Body):
    """What of a position is to be another; what is not given stays, null = none."""

    quantity: Number | None = None
    entry_price: Number | None = None
    entry_date: Day | None = None
    tags: list[Word] | None = Field(default=None, max_length=MOST_TAGS)
    notes: Text | None = None
    exit_date: Day | None = None
    exit_price: Number | None = None


class Tags(Body):
    """All tags of a position."""

    tags: list[Word] = Field(max_length=MOST_TAGS, examples=[["core", "tech"]])


class TagOf(Body):
    """A tag for some positions."""

    tag: Word = Field(examples=["core"])
    position_ids: list[Word] = Field(min_length=1, max_length=1000, examples=[["AAPL@2022-12-27"]])


class ChangedPosition(Changed):
    """What a change did to a position."""

    position_id: str = Field(description="As it is now", examples=["AAPL@2022-12-27"])


@router.get("/positions/{portfolio}", summary="Positions of a portfolio", responses=READS)
def positions(
    portfolio: Portfolio,
    use: Use,
    tag: Annotated[list[Word], Query(description="With these tags", max_length=MOST_TAGS)] = [],  # noqa: B006
    match: Annotated[Literal["any", "all"], Query(description="Any of the tags, or all")] = "any",
    group_by: Annotated[Group | None, Query(description="Groups instead of a list")] = None,
) -> list[dict[str, Any]]:
    """Rows of the ledger, or groups of them: a position with several tags counts in each."""
    rows = use.warehouse.positions([portfolio])
    tags = rows["tags"].str.split(",").map(lambda names: [name for name in names if name])
    if tag:
        wanted = set(tag)
        has = any if match == "any" else all
        kept = tags.map(lambda names: has(name in names for name in wanted)).astype(bool)
        rows, tags = rows[kept], tags[kept]
    shown = rows.assign(tags=tags)
    if group_by is None:
        return records(shown)
    keyed = shown.assign(group=rows["position_type"] if group_by == "position_type" else tags)
    keyed = keyed.explode("group") if group_by == "tag" else keyed
    keyed["group"] = keyed["group"].fillna("")
    return [
        {"group": name, "n_positions": len(part), "positions": records(part.drop(columns="group"))}
        for name, part in keyed.groupby("group", sort=True)
    ]


@router.post("/positions/{portfolio}", status_code=201, summary="Add a position", responses=CHANGES)
def add_position(
    body: NewPosition,
    user: Editor,
    portfolio: Portfolio,
    use: Use,
    allow_unpriced: Annotated[bool, Query(description="A symbol without prices too")] = False,
) -> ChangedPosition:
    """By the rules of an import; a second lot of a symbol and day is kept beside the first."""
    ledger = _ledger(use, user, portfolio, f"POST /management/positions/{portfolio}")
    return _told(portfolio, lambda: ledger.add(body.fields(), allow_unpriced))


@router.put("/positions/{portfolio}/{position_id}", summary="Change a position", responses=CHANGES)
def change_position(
    body: PositionChange, user: Editor, portfolio: Portfolio, position_id: PositionId, use: Use
) -> ChangedPosition:
    """Its symbol stays. An exit closes it: it counts on dates before."""
    given = as_fields(body.model_dump(exclude_unset=True))
    if not given:
        raise Problem(422, "nothing to change: give a field")
    ledger = _ledger(use, user, portfolio, f"PUT /management/positions/{portfolio}/{position_id}")
    _known(ledger.positions, position_id)
    return _told(portfolio, lambda: ledger.change(position_id, given))


@router.delete("/positions/{portfolio}/{position_id}", summary="Remove a position", responses=CHANGES)
def remove_position(user: Editor, portfolio: Portfolio, position_id: PositionId, use: Use) -> ChangedPosition:
    """As if it had never been entered; one that was sold is closed instead. The last one cannot go."""
    ledger = _ledger(use, user, portfolio, f"DELETE /management/positions/{portfolio}/{position_id}")
    _known(ledger.positions, position_id)
    return _told(portfolio, lambda: ledger.remove(position_id))


@router.put("/positions/{portfolio}/{position_id}/tags", summary="Set the tags", responses=CHANGES)
def set_tags(
    body: Tags, user: Editor, portfolio: Portfolio, position_id: PositionId, use: Use
) -> ChangedPosition:
    """All tags of a position; [] = none. Results of dates are computed again: groups depend on tags."""
    ledger = _ledger(use, user, portfolio, f"PUT /management/positions/{portfolio}/{position_id}/tags")
    _known(ledger.positions, position_id)
    return _told(portfolio, lambda: ledger.change(position_id, as_fields({"tags": body.tags})))


@router.get("/tags/{portfolio}", summary="Tags of a portfolio", responses=READS)
def tags(portfolio: Portfolio, use: Use) -> list[dict[str, Any]]:
    """Each with how many positions have it."""
    found = use.warehouse.positions([portfolio])["tags"].str.split(",").explode()
    counted = found[found != ""].value_counts().sort_index()
    return [{"tag": str(name), "n_positions": int(number)} for name, number in counted.items()]


@router.post("/tags/{portfolio}", summary="Give positions a tag", responses=CHANGES)
def add_tag(body: TagOf, user: Editor, portfolio: Portfolio, use: Use) -> Changed:
    """All of them or none."""
    ledger = _ledger(use, user, portfolio, f"POST /management/tags/{portfolio}")
    for position_id in body.position_ids:
        _known(ledger.positions, position_id)
    return Changed(portfolio=portfolio, result=ledger.tag_all(body.tag, body.position_ids))


@router.delete("/tags/{portfolio}/{tag}", summary="Take a tag from every position", responses=CHANGES)
def remove_tag(
    user: Editor, portfolio: Portfolio, tag: Annotated[str, Path(max_length=100)], use: Use
) -> Changed:
    """404 where no position has it."""
    ledger = _ledger(use, user, portfolio, f"DELETE /management/tags/{portfolio}/{tag}")
    try:
        return Changed(portfolio=portfolio, result=ledger.untag_all(tag))
    except InputError as error:
        raise Problem(404, str(error)) from None


def _ledger(use: Services, user: User, portfolio: str, what: str) -> Ledger:
    return Ledger(use.workspaces.open(), portfolio, by(user, what.replace("\0", "")))


def _known(rows: pd.DataFrame, position_id: str) -> None:
    """:raises Problem: 404 where there is no such position."""
    try:
        find(rows, position_id)
    except InputError as error:
        raise Problem(404, str(error).replace("\0", "")) from None


def _told(portfolio: str, edit: Callable[[], Edit]) -> ChangedPosition:
    done = edit()
    return ChangedPosition(
        portfolio=portfolio,
        result=done.result,
        position_id=done.position_id,
        warnings=records(done.warnings[["column", "value", "reason"]]),
    )
