"""A loopback HTTP server that answers as a data vendor does, and does wrong what a test tells it to.

    with FaultServer({"/v2/aggs/": bars_handler}) as server:
        server.use(FAULTS["500 then good"])
        ... point a source at server.url ...
        assert server.attempts("/v2/aggs/") == 2

A handler gives the body of a good answer, JSON-able or bytes. It makes it from rows in a neutral shape (dicts
with at least `date` and `close`), which it passes through ``request.spoil``: that is how a fault in the data
is made, the same one for every vendor.
"""

import datetime as dt
import email.utils
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

Rows = list[dict[str, Any]]
ALWAYS = 10**9
RETRY_AFTER_SECONDS = 7
SLOW_SECONDS = 30.0


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    :ivar times: so many requests meet it, later ones are answered well.
    :ivar status: of the answer, with ``headers`` (made when it is sent).
    :ivar body: instead of the handler's; HTML, say.
    :ivar how: answer, slow (later than the client waits), cut_off (Content-Length says more than comes),
        truncated (half of the JSON, with a Content-Length that fits).
    :ivar spoil: changes the rows of which the handler makes its answer.
    """

    name: str
    times: int = ALWAYS
    status: int = 200
    headers: Callable[[], dict[str, str]] = dict
    body: bytes | None = None
    how: str = "answer"
    spoil: Callable[[Rows], Rows] = lambda rows: rows


@dataclass(frozen=True)
class Request:
    """A request as it came.

    :ivar query: by name; the last value of a name that is there twice.
    :ivar headers: by name in lower case.
    """

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    spoil: Callable[[Rows], Rows] = lambda rows: rows


Handler = Callable[[Request], Any]
"""Gives the body: bytes, or what json.dumps takes (NaN included); None = 404, an int = that status."""


def _retry_after_date() -> dict[str, str]:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=RETRY_AFTER_SECONDS)
    return {"Retry-After": email.utils.format_datetime(at, usegmt=True)}


def _one(change: dict[str, Any]) -> Callable[[Rows], Rows]:
    """Other values in the row before the last."""
    return lambda rows: [*rows[:-2], {**rows[-2], **change}, rows[-1]]


HTML = b"<!DOCTYPE html><html><body><h1>Please log in</h1></body></html>"
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("ok"),
        Fault("429 seconds", 1, 429, lambda: {"Retry-After": str(RETRY_AFTER_SECONDS)}),
        Fault("429 date", 1, 429, _retry_after_date),
        Fault("429 for an hour", ALWAYS, 429, lambda: {"Retry-After": "3600"}),
        Fault("401", ALWAYS, 401),
        Fault("403", ALWAYS, 403),
        Fault("404", ALWAYS, 404),
        Fault("500 then good", 1, 500),
        Fault("500 always", ALWAYS, 500),
        Fault("slow", ALWAYS, how="slow"),
        Fault("cut off", ALWAYS, how="cut_off"),
        Fault("cut off then good", 1, how="cut_off"),
        Fault("html", ALWAYS, body=HTML),
        Fault("truncated json", ALWAYS, how="truncated"),
        Fault("empty", spoil=lambda rows: []),
        Fault("null price", spoil=_one({"close": None})),
        Fault("nan price", spoil=_one({"close": float("nan")})),
        Fault("negative price", spoil=_one({"close": -1.0})),
        Fault("zero price", spoil=_one({"close": 0.0})),
        Fault("wrong currency", spoil=lambda rows: [{**row, "currency": "EUR"} for row in rows]),
        Fault("same row twice", spoil=lambda rows: [*rows[:-1], rows[-2], rows[-1]]),
        Fault(
            "two rows of a session",
            spoil=lambda rows: [*rows[:-1], {**rows[-2], "close": rows[-2]["close"] * 2}, rows[-1]],
        ),
        Fault("out of order", spoil=lambda rows: [*rows[:-3], rows[-2], rows[-3], rows[-1]]),
    )
}


@dataclass
class FaultServer:
    """Serves on a free port of 127.0.0.1 while it is entered; `handlers` by prefix of the path.

    :ivar requests: every request, in the order in which they came.
    """

    handlers: Mapping[str, Handler]
    requests: list[Request] = field(default_factory=list)
    _fault: Fault = FAULTS["ok"]
    _hit: int = 0
    _paths: tuple[str, ...] = ("/",)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closing: threading.Event = field(default_factory=threading.Event)

    def use(self, fault: Fault, *paths: str) -> None:
        """From now on do this wrong, on paths with one of these prefixes (none given: on all).

        A fault in the data is in the answers of all paths.
        """
        with self._lock:
            self._fault, self._hit, self._paths = fault, 0, paths or ("/",)

    def attempts(self, prefix: str = "/") -> int:
        """How many requests came to paths with that prefix."""
        return sum(request.path.startswith(prefix) for request in list(self.requests))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "FaultServer":
        outer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            do_POST = do_GET

            def log_message(self, *arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _take(self, http: BaseHTTPRequestHandler) -> tuple[Request, Fault]:
        address = urlsplit(http.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        headers = {name.lower(): text for name, text in http.headers.items()}
        with self._lock:
            meets = address.path.startswith(self._paths) and self._hit < self._fault.times
            fault = self._fault if meets else FAULTS["ok"]
            self._hit += meets
            request = Request(address.path, query, headers, self._fault.spoil)
            self.requests.append(request)
        return request, fault

    def _answer(self, http: BaseHTTPRequestHandler) -> None:
        request, fault = self._take(http)
        status, body = self._good(request) if fault.status == HTTPStatus.OK else (fault.status, b"{}")
        body = body if fault.body is None else fault.body
        if fault.how == "slow":
            self._closing.wait(SLOW_SECONDS)
            http.close_connection = True
            return
        if fault.how == "truncated":
            body = body[: len(body) // 2]
        http.send_response(status)
        kind = "text/html" if body.startswith(b"<") else "application/json"
        promised = len(body) * 2 if fault.how == "cut_off" else len(body)
        headers = {"Content-Type": kind, "Content-Length": str(promised), "Connection": "close"}
        for name, text in {**headers, **fault.headers()}.items():
            http.send_header(name, text)
        http.end_headers()
        http.wfile.write(body)
        http.close_connection = True

    def _good(self, request: Request) -> tuple[int, bytes]:
        prefixes = [prefix for prefix in self.handlers if request.path.startswith(prefix)]
        body = self.handlers[max(prefixes, key=len)](request) if prefixes else None
        if body is None or isinstance(body, int):
            return body or HTTPStatus.NOT_FOUND, b'{"error": "none"}'
        return HTTPStatus.OK, body if isinstance(body, bytes) else json.dumps(body).encode()


@dataclass
class Sleeper:
    """Stands in for time.sleep: notes what it was asked and returns at once."""

    slept: list[float] = field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
