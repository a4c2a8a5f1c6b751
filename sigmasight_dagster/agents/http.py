"""Streamable HTTP: each request stands alone and has its token; without the database it is 503."""

from typing import Any, Final

from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from sigmasight_dagster.warehouse.errors import WarehouseError

PATH: Final = "/mcp"
RETRY_SECONDS: Final = 2


def http_app(server: MCPServer[Any], host: str) -> Starlette:
    """The app of a server. :param host: where it listens; on 127.0.0.1 others' names are refused."""
    app = server.streamable_http_app(
        streamable_http_path=PATH, json_response=True, stateless_http=True, host=host
    )
    app.add_middleware(_WithoutDatabase)
    return app


class _WithoutDatabase:
    """ASGI middleware: a token that cannot be checked now may be in a moment."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except WarehouseError as error:
            said = {"error": "unavailable", "error_description": " ".join(str(error).split())}
            answer = JSONResponse(said, 503, {"Retry-After": str(RETRY_SECONDS)})
            await answer(scope, receive, send)
