"""The MCP server: its tools and resources, one line for each error, a log line for each call."""

import time
from collections.abc import Callable
from importlib.metadata import version
from inspect import cleandoc
from typing import Any, Final

import anyio
import structlog
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import AnyHttpUrl, ValidationError

from sigmasight_core.errors import SigmaSightError
from sigmasight_dagster.agents import resources
from sigmasight_dagster.agents.callers import TokenUsers
from sigmasight_dagster.agents.models import NOTICE
from sigmasight_dagster.agents.services import Services
from sigmasight_dagster.agents.tools import Tools

SECONDS: Final = 30
SECONDS_OF_WHAT_IF: Final = 180
INSTRUCTIONS: Final = f"""\
Portfolio risk as SigmaSight stores it. Every number is a stored cell of a trading date (but for what_if,
which computes): name the date when you quote one. null is "not available" and never zero: the row's status
says why. Begin with portfolios, then summary. Before you interpret a number, ask explain_number for its
definition, unit, lineage and standard error. Nothing here changes anything.
{NOTICE}
"""
_READING: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

logger = structlog.get_logger(__name__)


class _Server(MCPServer[Any]):
    """Answers within a time, with errors of one line."""

    use: Services

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> Any:
        began, outcome = time.perf_counter(), "error"
        seconds = SECONDS_OF_WHAT_IF if name == "what_if" else SECONDS
        try:
            with anyio.fail_after(seconds):
                answer = await super().call_tool(name, arguments, context)
            outcome = "ok"
        except TimeoutError:
            raise ToolError(f"{name} took longer than {seconds} s: ask for one date or fewer rows") from None
        except ToolError as error:
            line = _one_line(error)
            if line is None:
                raise
            raise ToolError(f"{name}: {line}") from None
        finally:
            ms = round((time.perf_counter() - began) * 1000, 1)
            logger.info("tool", tool=name[:80], outcome=outcome, ms=ms, user=self.use.callers.name())
        return answer


def make_server(use: Services) -> MCPServer[Any]:
    """The server with its tools and resources; it asks for tokens where its callers have them."""
    who = use.callers
    auth = {"token_verifier": who, "auth": _auth()} if isinstance(who, TokenUsers) else {}
    server = _Server(
        "sigmasight",
        title="SigmaSight",
        version=version("sigmasight"),
        instructions=INSTRUCTIONS,
        log_level="WARNING",
        **auth,  # type: ignore[arg-type]
    )
    server.use = use
    for tool in _public(Tools(use)):
        server.add_tool(tool, description=cleandoc(tool.__doc__ or ""), annotations=_READING)
    resources.add(server, use)
    return server


def _auth() -> AuthSettings:
    """Tokens are the API's: `POST /api/v1/auth/login` issues them, no OAuth server does."""
    return AuthSettings(
        issuer_url=AnyHttpUrl("http://127.0.0.1:8000/api/v1/auth"),
        resource_server_url=None,
        validate_token_resource=False,
    )


def _public(tools: Tools) -> list[Callable[..., Any]]:
    return [getattr(tools, name) for name in vars(Tools) if not name.startswith("_")]


def _one_line(error: ToolError) -> str | None:
    """What the caller did wrong, or what is not there; None = a defect, which the log tells."""
    cause = error.__cause__
    if isinstance(cause, ValidationError):
        return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in cause.errors())
    if isinstance(cause, SigmaSightError):
        return " ".join(str(cause).split())
    return None if cause is not None else " ".join(str(error).split())
