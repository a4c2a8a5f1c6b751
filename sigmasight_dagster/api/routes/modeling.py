"""/modeling: hypothetical trades in sessions of a user's own; results of portfolios stay as they are."""

import math
from typing import Annotated, Any, Final

import pandas as pd
from anyio import to_thread
from fastapi import APIRouter, Query, Request

from sigmasight_core.what_if.measured import Target
from sigmasight_core.what_if.targets import Limits
from sigmasight_dagster.api.bodies.modeling import (
    MOST_TRADES,
    Calculated,
    Impact,
    Impacts,
    NewSession,
    NewSuggestion,
    Saved,
    Session,
    Suggested,
    Text,
    Trades,
)
from sigmasight_dagster.api.callers import Editor, Reader, visible
from sigmasight_dagster.api.errors import Problem, WrongField, described
from sigmasight_dagster.api.services import Services, Use
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.access.modeling import MOST_OPEN, OpenSession
from sigmasight_dagster.warehouse.access.users import User
from sigmasight_dagster.what_if import on_request
from sigmasight_dagster.what_if.documents import from_document
from sigmasight_dagster.what_if.suggest import Suggestion, suggest

router = APIRouter(prefix="/modeling", tags=["modeling"])

_FAILS: Final = (401, 404, 422, 429, 503)
_TAKES: Final = (400, 413, *_FAILS)
_FIELDS: Final = {"ticker": "symbol", "": "symbol"}
"""What a trade calls the columns of a trade list."""


async def _session(use: Services, user: User, session_id: str) -> OpenSession:
    found = await use.modeling.get(user, session_id) if session_id.isprintable() else None
    if found is None:
        raise Problem(404, "there is no open session of this id that is yours", "unknown_session")
    return found


def _changed() -> Problem:
    return Problem(409, "the session was changed or removed meanwhile: read it again", "session_changed")


@router.post("/sessions", status_code=201, summary="Open a session", responses=described(409, *_TAKES))
async def open_session(body: NewSession, user: Reader, use: Use, request: Request) -> Session:
    """A session of yours, without trades. Those that nobody changes for 30 days may be deleted."""
    portfolio = visible(user, body.portfolio)
    asked = pd.Timestamp(body.date) if body.date else None
    day = await to_thread.run_sync(on_request.day_of, use.platform, portfolio, asked)
    made = await use.modeling.open(user, portfolio, day.date(), request.state.request_id)
    if made is None:
        raise Problem(409, f"you have {MOST_OPEN} open sessions: delete one of them", "too_many_sessions")
    return Session.of(made)


@router.get("/sessions", summary="Your open sessions", responses=described(*_FAILS))
async def sessions(
    user: Reader, use: Use, portfolio: Annotated[Text | None, Query(description="Of this one only")] = None
) -> list[Session]:
    """The one that was changed last comes first; at most a hundred."""
    asked = visible(user, portfolio) if portfolio else None
    return [Session.of(found) for found in await use.modeling.every(user, asked)]


@router.get("/sessions/{session_id}", summary="An open session", responses=described(*_FAILS))
async def session(session_id: str, user: Reader, use: Use) -> Session:
    """Its portfolio, date and trades."""
    return Session.of(await _session(use, user, session_id))


@router.delete(
    "/sessions/{session_id}", status_code=204, summary="Close a session", responses=described(*_FAILS)
)
async def close_session(session_id: str, user: Reader, use: Use) -> None:
    """Delete it. What was saved of it stays."""
    await _session(use, user, session_id)
    await use.modeling.remove(user, session_id)


@router.post("/sessions/{session_id}/trades", summary="Add trades", responses=described(409, *_TAKES))
async def add_trades(session_id: str, body: Trades, user: Reader, use: Use) -> Session:
    """All of them, or none when one is wrong. What was calculated before is gone."""
    found = await _session(use, user, session_id)
    given = [trade.model_dump() for trade in body.trades]
    checked, errors = await to_thread.run_sync(
        on_request.checked, use.platform, found.portfolio, pd.Timestamp(found.trade_date), given
    )
    if len(errors):
        raise _wrong(errors)
    merged = {trade["symbol"]: trade for trade in [*found.trades, *checked]}
    if len(merged) > MOST_TRADES:
        raise Problem(422, f"a session has at most {MOST_TRADES} trades: this would be {len(merged)}")
    return await _with_trades(use, user, found, list(merged.values()))


@router.delete(
    "/sessions/{session_id}/trades/{symbol}", summary="Remove a trade", responses=described(409, *_FAILS)
)
async def remove_trade(session_id: str, symbol: str, user: Reader, use: Use) -> Session:
    """The one in this symbol. What was calculated before is gone."""
    found = await _session(use, user, session_id)
    left = [trade for trade in found.trades if trade["symbol"] != symbol]
    if len(left) == len(found.trades):
        raise Problem(404, f"the session has no trade in {symbol[:80]!r}", "unknown_trade")
    return await _with_trades(use, user, found, left)


@router.post(
    "/sessions/{session_id}/calculate", summary="Calculate", responses=described(401, 404, 409, 422, 429, 503)
)
async def calculate(session_id: str, user: Reader, use: Use) -> Calculated:
    """Every table of the portfolio without and with the trades; takes some seconds.

    A bounded number runs at a time; one more is answered with 503 and Retry-After.
    """
    found = await _session(use, user, session_id)
    if not found.trades:
        raise Problem(409, "the session has no trades: add some", "no_trades")
    today = pd.Timestamp.now(tz="UTC").tz_localize(None).normalize()
    day = pd.Timestamp(found.trade_date)
    document = await use.calculations.run(
        on_request.calculated, use.platform, found.portfolio, day, found.trades, today
    )
    if not await use.modeling.set_comparison(user, found, document):
        raise _changed()
    return _calculated(document)


@router.get(
    "/sessions/{session_id}/impacts", summary="What the trades change", responses=described(409, *_FAILS)
)
async def impacts(
    session_id: str,
    user: Reader,
    use: Use,
    request: Request,
    table_name: Annotated[list[Text] | None, Query(max_length=100, description="Any of these")] = None,
    after: Annotated[int, Query(ge=0, le=2**31, description="Number of the last row seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Impacts:
    """The rows of the comparison, as `sigmasight what-if` has them."""
    found = await calculated_document(use, user, session_id)
    wanted = set(table_name or ())
    rows = [row for row in found["results"] if row["result"] > after]
    rows = [row for row in rows if not wanted or row["table_name"] in wanted]
    page, more = rows[:limit], len(rows) > limit
    following = request.url.include_query_params(after=page[-1]["result"]) if more else None
    path = f"{following.path}?{following.query}" if following else None
    if path:
        request.state.headers |= {"Link": f'<{path}>; rel="next"'}
    return Impacts(n_rows=len(page), next=path, rows=[Impact.model_validate(row) for row in page])


@router.post(
    "/sessions/{session_id}/save",
    status_code=201,
    summary="Save what was calculated (editor)",
    responses=described(403, 409, *_TAKES),
)
async def save(session_id: str, body: Saved, user: Editor, use: Use, request: Request) -> Session:
    """Trades and impacts as a what-if session: `sigmasight what-if-sessions show NAME`."""
    found = await _session(use, user, session_id)
    document = await calculated_document(use, user, session_id)
    stamp = AuditStamp.now(request.state.request_id)

    def store() -> bool:
        there = use.warehouse.what_if_sessions().set_index("session")["portfolio"]
        if body.name in there.index and not (body.replace and there[body.name] in user.portfolios):
            said = f"the name {body.name} is taken: choose another one, or replace one of your portfolios'"
            raise Problem(409, said, "name_taken")
        opened = (found.session_id, found.version)
        return use.warehouse.save_what_if(body.name, from_document(document), stamp, body.replace, opened)

    if not await to_thread.run_sync(store):
        raise _changed()
    return Session.of(await _session(use, user, session_id))


@router.post("/suggestions", summary="Trades that reach a target", responses=described(409, *_TAKES))
async def suggestions(body: NewSuggestion, user: Reader, use: Use) -> Suggested:
    """The trades of least turnover that bring a measure to a value, checked by a what-if; takes some seconds.

    What cannot be reached is answered with the range that can. Nothing is stored: add them to a session.
    """
    portfolio = visible(user, body.portfolio)
    target = Target(**body.target.model_dump())
    largest = math.inf if body.largest_usd is None else body.largest_usd
    limits = Limits(body.flips, body.options, largest, frozenset(body.keep))
    asked = pd.Timestamp(body.date) if body.date else None

    def search() -> Suggestion:
        day = on_request.day_of(use.platform, portfolio, asked)
        return suggest(use.platform, portfolio, day, target, limits, whole=body.whole)

    found = await use.calculations.run(search)
    return Suggested.model_validate(
        {**vars(found), "trade_date": found.trade_date.date(), "reachable": found.after is not None}
    )


async def _with_trades(
    use: Services, user: User, found: OpenSession, trades: list[dict[str, Any]]
) -> Session:
    if not await use.modeling.set_trades(user, found, trades):
        raise _changed()
    return Session.of(await _session(use, user, found.session_id))


async def calculated_document(use: Services, user: User, session_id: str) -> dict[str, Any]:
    """What was computed with a session's trades. :raises Problem: 404 without it, 409 without results."""
    await _session(use, user, session_id)
    document = await use.modeling.comparison(user, session_id)
    if document is None:
        raise Problem(409, "nothing is calculated with these trades: POST calculate first", "not_calculated")
    return document


def _calculated(document: dict[str, Any]) -> Calculated:
    (head,) = document["session"]
    return Calculated.model_validate(
        {**head, "trades": document["trades"], "n_impacts": len(document["results"])}
    )


def _wrong(errors: pd.DataFrame) -> Problem:
    fields = [
        WrongField(
            field=f"body.trades.{row['line'] - 2}.{_FIELDS.get(row['column'], row['column'])}",
            problem=row["reason"],
        )
        for row in errors.to_dict("records")
    ]
    said = "; ".join(f"{one.field}: {one.problem}" for one in fields[:5])
    return Problem(422, f"nothing was added: {said}", fields=fields)
