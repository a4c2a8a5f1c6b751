"""Which requests a web server without a login answers: by a name that it knows, from pages that it served.

A page that the user visits can send requests to this machine, and can have its own name point here. So the
`Host` has to be a name of ours (against a name that is made to point here: DNS rebinding), and what a
browser says of the page it comes from has to be the same origin (against forged requests of other pages).
"""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

SETTING: Final = "SIGMASIGHT_UI_HOSTS"
_READING: Final = ("GET", "HEAD")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class WebGuard:
    """An ASGI application that answers 403 instead of another one, or closes a websocket before it opens.

    :param hosts: names other than those of this machine by which it may be asked, without ports.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(host.lower().rstrip(".") for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        reason = self.refusal(scope) if scope["type"] in ("http", "websocket") else None
        if reason is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": reason[:100]})
        else:
            await PlainTextResponse(f"{reason}\n", status_code=403)(scope, receive, send)

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is not answered; None when it is."""
        headers = Headers(scope=scope)
        host = _split(f"//{headers.get('host', '')}")
        if len(headers.getlist("host")) != 1 or host is None or not self._is_ours(host.hostname):
            return f"this name is not one of this server's: name it in {SETTING}"
        reading = scope.get("method") in _READING
        if not _comes_from_here(headers, host, reading):
            return "a page of another site may not do that"
        if reading and _changes_something(scope):
            return "a GET may not change anything: use POST"
        return None

    def _is_ours(self, name: str | None) -> bool:
        name = (name or "").rstrip(".")
        return name == "localhost" or name in self._hosts or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (it is read here for its error)
    except ValueError:
        return None
    return None if parts.username is not None or not parts.hostname else parts


def _comes_from_here(headers: Mapping[str, str], host: SplitResult, reading: bool) -> bool:
    """Whether what a browser tells of the sender is the same origin. Programs tell nothing of it: they may.

    The one thing that another page may do is to link here.
    """
    if "origin" in headers:
        return _same_origin(headers["origin"], host)
    site = headers.get("sec-fetch-site")
    if site is not None:
        linked = reading and headers.get("sec-fetch-mode") == "navigate"
        return site in ("same-origin", "none") or linked
    return reading or "referer" not in headers or _same_origin(headers["referer"], host)


def _same_origin(url: str, host: SplitResult) -> bool:
    """Whether a URL is of the host that was asked. TLS may end before us, so the scheme is the URL's."""
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https"):
        return False
    default = _DEFAULT_PORTS[parts.scheme]
    return (parts.hostname, parts.port or default) == (host.hostname, host.port or default)


def _changes_something(scope: Scope) -> bool:
    """Whether a query string has an operation of GraphQL that is no query."""
    given = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return any(_has_mutation(value) for name, value in given if name == "query")


def _has_mutation(text: str) -> bool:
    try:
        document = parse(text)
    except (GraphQLError, RecursionError):
        return False  # nobody executes what cannot be read
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    return any(item.operation is not OperationType.QUERY for item in operations)
