"""/management: alerts, who has seen them, and rules beside those of the file."""

import datetime as dt
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from sigmasight_core.alerts.rules import AlertRule, AlertRules, as_yaml
from sigmasight_core.alerts.watched import EVERYBODY, is_of_portfolios
from sigmasight_core.errors import InputError
from sigmasight_core.tables.alerts import ALERT_STATES, DESTINATIONS, SEVERITIES
from sigmasight_dagster.alerts.loading import load_rules, parse
from sigmasight_dagster.api.answers.declaration import Date
from sigmasight_dagster.api.callers import Editor, Reader, visible
from sigmasight_dagster.api.errors import Problem, WrongField
from sigmasight_dagster.api.paging import LINKED, Cursor, next_page, no_cursor, texts_of
from sigmasight_dagster.api.routes.management import CHANGES, READS, Number
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.api.texts import Body, Word
from sigmasight_dagster.warehouse.access.alerts import MOST_RULES, Chosen
from sigmasight_dagster.warehouse.access.users import User

router = APIRouter(prefix="/management", tags=["management"])

AlertId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="alert_id of the alert")]
_SOURCE: Final = "request"
_EVERY: Final = "*"
_ADMINS: Final = "only an admin makes rules on market tables, on the coverage of all symbols and on checks"


class Alert(BaseModel):
    """An alert in its last state."""

    alert_id: str = Field(description="Of the alert in this state")
    rule: str
    portfolio: str = Field(description="* = of market data; empty = a failed run or check of several or none")
    date: dt.date
    failed_run: str
    subject: str = Field(description="Which row, where each has an alert of its own; else empty")
    state: str = Field(json_schema_extra={"enum": list(ALERT_STATES)})
    table_name: str
    item: str
    measure: str
    value: float | None
    comparison: str
    threshold: float | None
    severity: str = Field(json_schema_extra={"enum": list(SEVERITIES)})
    message: str
    acknowledged_by: str | None
    acknowledged_at: dt.datetime | None


class Rule(Body):
    """A rule, as in the file of rules (docs/operations.md)."""

    id: Word = Field(examples=["var_limit"])
    table: Word = Field(examples=["risk_measures"])
    column: Word = Field(examples=["value"])
    comparison: Word = Field(examples=[">"])
    threshold: Number = Field(examples=[50000])
    severity: Word = Field(examples=["warning"])
    destinations: list[Word] = Field(max_length=len(DESTINATIONS), examples=[["log"]])
    select: dict[Word, Word] = Field(default_factory=dict, examples=[{"measure": "var_99_usd"}])
    portfolio: list[Word] = Field(
        default_factory=list,
        max_length=1000,
        description="Own ones; [] = every one, or a table without portfolios (admin)",
    )
    each_row: bool = Field(
        False, description="An alert for each row, not for the farthest of a portfolio alone"
    )


class StoredRule(Rule):
    """A rule and where it comes from."""

    source: Literal["file", "api"]
    added_by: str | None = None
    added_at: dt.datetime | None = None


def _scope(user: User) -> list[str]:
    """Portfolios whose alerts the user sees; '*' = of market data, '' = failed runs and checks of several."""
    return [*user.portfolios, EVERYBODY, *([""] if user.role == "admin" else [])]


@router.get("/alerts", summary="Alerts, the newest first", responses=LINKED | READS)
async def alerts(
    request: Request,
    response: Response,
    user: Reader,
    use: Use,
    portfolio: Annotated[Word | None, Query()] = None,
    state: Annotated[list[Literal["firing", "cleared", "unavailable"]], Query()] = [],  # noqa: B006
    severity: Annotated[list[Literal["info", "warning", "critical"]], Query()] = [],  # noqa: B006
    since: Annotated[Date | None, Query(description="First date")] = None,
    only_new: Annotated[bool, Query(description="Without those that somebody has seen")] = False,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = "",
) -> list[Alert]:
    """What fired, and failed runs. Those of market data are everybody's: portfolio=*."""
    if portfolio in (None, EVERYBODY):
        among = _scope(user) if portfolio is None else [EVERYBODY]
    else:
        among = [visible(user, str(portfolio))]
    after = _place(cursor)
    found = await use.alerts.alerts(Chosen(among, state, severity, since, only_new, limit + 1, after))
    shown = [Alert(**row) for row in found[:limit]]
    if len(found) > limit:
        last = shown[-1]
        place = [str(last.date), last.rule, last.portfolio, last.failed_run, last.subject]
        response.headers.update(next_page(request, place))
    return shown


def _place(cursor: str) -> tuple[str, ...]:
    cells = texts_of(cursor, 5)
    try:
        return (str(dt.date.fromisoformat(cells[0])), *cells[1:]) if cells else ()
    except ValueError:
        raise no_cursor("has no date: take the path of the Link header as it is") from None


@router.post(
    "/alerts/{alert_id}/acknowledge", status_code=204, summary="An alert was seen", responses=CHANGES
)
async def acknowledge(alert_id: AlertId, user: Editor, request: Request, use: Use) -> None:
    """Who was first stays. An alert that changes its state has to be seen anew."""
    if not await use.alerts.acknowledge(alert_id, _scope(user), user.email, request.state.request_id):
        raise Problem(404, "there is no alert of that id that you may see")


@router.get("/alerts/rules", summary="Rules of alerts", responses=READS)
async def rules(user: Reader, use: Use) -> list[StoredRule]:
    """Those of the file and those that users added, which concern portfolios of the caller or market data."""
    added = [
        StoredRule(**rule.definition, source="api", added_by=rule.email, added_at=rule.added_at)
        for rule in await use.alerts.rules()
    ]
    both = [*map(_of_file, await _file_rules(use)), *added]
    seen = set(user.portfolios)
    return [rule for rule in both if user.role == "admin" or not rule.portfolio or seen & set(rule.portfolio)]


@router.post("/alerts/rules", status_code=201, summary="Add a rule", responses=CHANGES)
async def add_rule(body: Rule, user: Editor, request: Request, use: Use) -> StoredRule:
    """Checked as a file of rules is; evaluated with them, at first on the newest date."""
    for name in body.portfolio:
        if name != _EVERY or user.role != "admin":
            visible(user, name)
    definition = body.model_dump(exclude_defaults=True)
    _allow(_checked(definition).rules[0], user)
    if body.id in {rule.rule_id for rule in await _file_rules(use)}:
        raise Problem(409, f"the file of rules has a rule {body.id}: choose another id")
    if not await use.alerts.add_rule(definition, user.email, request.state.request_id):
        raise Problem(409, f"there is a rule {body.id} already, or you have {MOST_RULES}: remove one")
    return StoredRule(**definition, source="api", added_by=user.email)


def _checked(definition: dict[str, Any]) -> AlertRules:
    """The rule as parsed. :raises Problem: that names each wrong field, and the choices."""
    try:
        found = parse(as_yaml([definition]), _SOURCE)
        problems = found.problems
    except InputError as error:
        problems = tuple(str(error).splitlines())
    if problems:
        raise Problem(422, f"the rule is wrong: {_plain(problems[0])}", fields=list(map(_field, problems)))
    return found


def _allow(rule: AlertRule, user: User) -> None:
    """:raises Problem: where only an admin may make such a rule."""
    if user.role == "admin":
        return
    if not is_of_portfolios(rule.model):
        raise Problem(403, _ADMINS)
    if rule.portfolios is None:
        raise Problem(422, "only an admin's rule is of every portfolio: name yours")


@router.delete("/alerts/rules/{rule}", status_code=204, summary="Remove a rule", responses=CHANGES)
async def remove_rule(
    rule: Annotated[str, Path(max_length=63, pattern="^[a-z0-9_-]+$")], user: Editor, use: Use
) -> None:
    """An own one; an admin anybody's. Those of the file stay there. Its alerts stay."""
    if not await use.alerts.remove_rule(rule, None if user.role == "admin" else user.email):
        raise Problem(404, f"you have added no rule {rule!r}")


async def _file_rules(use: Services) -> tuple[AlertRule, ...]:
    return (await run_in_threadpool(load_rules, use.settings)).rules


def _of_file(rule: AlertRule) -> StoredRule:
    return StoredRule(**rule.definition(), source="file")


def _plain(problem: str) -> str:
    """A complaint without the name of a file and its line."""
    return problem.removeprefix(f"{_SOURCE}:1: ").removeprefix("rules[0].")


def _field(problem: str) -> WrongField:
    name, _, said = _plain(problem).partition(": ")
    return WrongField(field=f"body.{name}", problem=said)
