"""JSON over HTTP: what an answer means, and a key that appears in no message.

Errors are raised `from None`: those of httpx2 carry the URL.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

import httpx2
import structlog
from pydantic import SecretStr

from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.http.retry_after import retry_after_seconds

TEMPORARY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
REFUSED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})

Answer = TypeVar("Answer")
_log = structlog.get_logger(__name__)


class NotInPlanError(SourceError):
    """The plan does not include this symbol or kind of data (HTTP 402)."""


@dataclass
class RestApi:
    """One vendor's JSON API.

    :ivar name: of the source, for messages; its settings are `<name>_api_key`, `<name>_plan`, `<name>_url`.
    :ivar url: its address, without a slash at the end.
    :ivar key_header: name and prefix of the header with the key, as ("Authorization", "Bearer ").
    """

    name: str
    url: str
    key: SecretStr
    key_header: tuple[str, str]
    politeness: Politeness
    timeout_seconds: float

    def __post_init__(self) -> None:
        """:raises InputError: when the address is none."""
        place = urlsplit(self.url)
        if place.scheme not in ("http", "https") or not place.hostname or place.username or place.query:
            raise InputError(
                f"{self._setting('url')} is no address; write https://HOST, without login and query"
            )
        if not self.key.get_secret_value().isascii() or not self.key.get_secret_value().isprintable():
            raise InputError(f"{self._setting('api_key')} has characters that no key has; copy it again")

    def get(self, path: str, query: Mapping[str, str], *, absent: bool = False) -> Any:
        """The answer, parsed.

        :param absent: 404 means that there is nothing: None is returned.
        :raises TransientError: when it may be answered later.
        :raises SourceError: when it is refused, or the answer cannot be read.
        """
        return self.politeness.ask(lambda: self._get(path, query, absent=absent))

    def follow(self, next_url: str) -> Any:
        """The next page, asked of our address, whatever host it names: the key goes nowhere else."""
        place = urlsplit(next_url)
        query = {name: text for name, text in parse_qsl(place.query) if "key" not in name.lower()}
        return self.get(place.path, query)

    @cached_property
    def _client(self) -> httpx2.Client:
        header, prefix = self.key_header
        return httpx2.Client(
            headers={header: prefix + self.key.get_secret_value(), "Accept": "application/json"},
            timeout=self.timeout_seconds,
            follow_redirects=False,
        )

    def _get(self, path: str, query: Mapping[str, str], *, absent: bool) -> Any:
        try:
            answer = self._client.get(self.url.rstrip("/") + path, params=dict(query))
        except httpx2.TimeoutException:
            raise TransientError(
                f"{self.name}: {path}: no answer within {self.timeout_seconds:g} s; "
                "a later attempt may succeed, or raise SIGMASIGHT_SOURCE_TIMEOUT_SECONDS"
            ) from None
        except httpx2.TransportError as error:
            raise TransientError(f"{self.name}: {path}: the connection failed ({_kind(error)})") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SourceError(f"{self.name}: {path}: it cannot be asked ({_kind(error)})") from None
        if absent and answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise self._status_error(path, answer)
        return self._parsed(path, answer.text)

    def _status_error(self, path: str, answer: httpx2.Response) -> SourceError | TransientError:
        status, what = answer.status_code, f"{self.name}: {path}: HTTP {answer.status_code}"
        if status in TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            wait = retry_after_seconds(answer.headers.get("Retry-After"))
            asked = "" if wait is None else f"; it asks to be left alone for {wait:.0f} s"
            return TransientError(what + asked, wait)
        if status == HTTPStatus.PAYMENT_REQUIRED:
            return NotInPlanError(
                f"{what}: the plan of the key does not include this; take it from another source"
            )
        if status in REFUSED:
            return SourceError(
                f"{what}: the key is refused, or its plan does not include this; "
                f"check {self._setting('api_key')} and the plan"
            )
        return SourceError(f"{what}: it has no such thing; check {self._setting('url')}, if you set it")

    def _parsed(self, path: str, text: str) -> Any:
        what = f"{self.name}: {path}"
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            pass
        if text.lstrip()[:1] in ("{", "["):
            raise TransientError(f"{what}: the JSON ends in the middle")
        kind = "an HTML page" if text.lstrip()[:1] == "<" else "no JSON"
        raise SourceError(
            f"{what}: the answer is {kind}; check {self._setting('url')}, if you set it, and your proxy"
        )

    def _setting(self, name: str) -> str:
        return f"SIGMASIGHT_{self.name.upper()}_{name.upper()}"


def rows_of(api: RestApi, answer: Any, field: str | None) -> list[dict[str, Any]]:
    """The rows of an answer: the list itself, or its `field` (absent or null: no rows).

    :raises SourceError: when it has another shape.
    """
    found = answer
    if field is not None and isinstance(answer, dict):
        found = answer.get(field) or []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise SourceError(
            f"{api.name}: the answer has another shape than documented; the API may have changed"
        )
    return found


class SymbolLoop:
    """The symbols that a source is asked for, one request or more each.

    A symbol that its plan does not include has no rows; if it includes none of them, that is an error.
    """

    def __init__(self, source: str, symbols: Collection[str] | None):
        """:raises InputError: without symbols: such a source cannot list its own."""
        if symbols is None:
            raise InputError(f"{source} has no list of its symbols; name the symbols")
        self._source, self.symbols = source, sorted(set(symbols))
        self._left_out: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return iter(self.symbols)

    def ask(self, request: Callable[..., Answer], symbol: str, *more: Any) -> Answer | None:
        """What the request gives for a symbol; None if the plan does not include the symbol."""
        try:
            return request(symbol, *more)
        except NotInPlanError as error:
            self._left_out.append(symbol)
            if len(self._left_out) == len(self.symbols):
                raise
            _log.warning("not in the plan", source=self._source, symbol=symbol, error=str(error))
            return None


def _kind(error: Exception) -> str:
    return type(error).__name__
