"""What happens around every request: its id, the size of its body, its log line, the activity log."""

import asyncio
import logging
import re
import time
from typing import Final
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sigmasight_dagster.api.errors import Problem, problem_of
from sigmasight_dagster.warehouse.access.activity import Done, note
from sigmasight_dagster.warehouse.errors import WarehouseError

REQUEST_ID: Final = "X-Request-ID"
_OWN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_READING: Final = ("GET", "HEAD", "OPTIONS")
_CLOSE: Final = {"Connection": "close"}
BODY_SECONDS: Final = 30.0
"""How long the body of a request may take to come."""

logger = structlog.get_logger(__name__)


class Frame:
    """ASGI middleware. Routes read and change `request.state`: request_id, email, headers of the answer."""

    def __init__(self, app: ASGIApp, largest_body: int) -> None:
        self._app, self._largest = app, largest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, given = time.perf_counter(), Headers(scope=scope)
        asked = given.get(REQUEST_ID, "")
        request_id = asked if _OWN_ID.fullmatch(asked) else uuid4().hex[:16]
        state = scope.setdefault("state", {})
        state |= {"request_id": request_id, "email": "", "headers": {}}
        status = 0

        async def tell(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.update(state["headers"])
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._bounded(scope, receive, tell, given)
            except Exception as error:
                problem = problem_of(error)
                if problem.status >= 500:
                    logger.exception("request failed", path=scope["path"])
                if status:  # the answer is under way: the connection ends, so that nobody takes it for whole
                    raise
                await problem.response(request_id)(scope, receive, tell)
            finally:
                await self._log(scope, status, time.perf_counter() - began)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send, given: Headers) -> None:
        """:raises Problem: 413 when the body is larger than is taken, as soon as that is known.

        408 when it does not come: who sends a byte a minute ties up nothing.
        """
        largest, seen, whole = self._largest, 0, False
        until = asyncio.get_running_loop().time() + BODY_SECONDS
        said = f"the body is larger than {largest / 1e6:g} MB: send less at once"
        if given.get("content-length", "0").isdecimal() and int(given.get("content-length", "0")) > largest:
            raise Problem(413, said)

        async def counted() -> Message:
            nonlocal seen, whole
            if whole:  # what comes now is that the caller has gone
                return await receive()
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body did not come in {BODY_SECONDS:g} s", _CLOSE) from None
            whole = not message.get("more_body", False)
            seen += len(message.get("body", b""))
            if seen > largest:
                raise HTTPException(413, said)  # of any other kind, the framework would make it a 400
            return message

        await self._app(scope, counted, send)

    async def _log(self, scope: Scope, status: int, seconds: float) -> None:
        state, route = scope["state"], scope.get("route")
        action = f"{scope['method']} {getattr(route, 'path_format', scope['path'])}"
        host = (scope.get("client") or ("",))[0]
        level = logging.WARNING if status >= 500 or not status else logging.INFO
        logger.log(
            level,
            "request",
            action=action,
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 1),
            user=state["email"],
            client=host,
        )
        if scope["method"] in _READING or route is None:
            return
        done = Done(
            state["email"][:320],
            action,
            scope["path"].replace("\0", "")[:500],
            status or 500,
            state["request_id"],
            host,
        )
        try:
            await note(scope["app"].state.services.pool, done)
        except WarehouseError as error:
            logger.error("activity is not stored", reason=str(error), action=action, status=status)
