"""The HTTP session that yfinance is given: polite, pointed where the settings say, and honest about failures.

yfinance swallows what goes wrong (it logs, returns empty frames, asks again). Here each answer is judged
before yfinance sees it, so that a failure leaves as an error of ours and an unknown symbol as NothingThere.
"""

import json
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import (
    CertificateVerifyError,
    RequestException,
    Timeout,
)
from yfinance.exceptions import YFRateLimitError

from sigmasight_core.errors import SigmaSightError, SourceError, TransientError
from sigmasight_dagster.providers.http.addresses import checked_address
from sigmasight_dagster.providers.http.politeness import Politeness
from sigmasight_dagster.providers.http.retry_after import retry_after_seconds

COOKIE_HOSTS: Final = ("fc.yahoo.com", "guce.yahoo.com", "consent.yahoo.com")
"""Asked for cookies only: yfinance goes on without them, and fc.yahoo.com answers 404 with a cookie."""

ROOTS: Final = ("chart", "quoteSummary", "optionChain")
"""Yahoo's own answers are objects with one of these."""

BUSY: Final = frozenset({408, 425, 429, 999})


class NothingThere(SigmaSightError):
    """Yahoo says in its own words that it has nothing for a symbol or its dates."""


class YahooSession(Session[Response]):
    """A session for one YahooSource.

    :ivar answer: the last good answer, parsed.
    :ivar failure: the last error of ours, in case yfinance swallowed it.
    """

    def __init__(self, politeness: Politeness, url: str | None, timeout_seconds: float):
        super().__init__(impersonate="chrome")
        self._politeness = politeness
        self._elsewhere = urlsplit(checked_address(url, "SIGMASIGHT_YAHOO_URL")) if url else None
        self._timeout_seconds = timeout_seconds
        self.begin()

    def begin(self) -> None:
        """Forget what the last conversation left."""
        self.answer: Any = None
        self.failure: SigmaSightError | None = None
        self._renewed = False
        self._no_crumb: SigmaSightError | None = None

    def request(self, method: Any, url: str, **options: Any) -> Response:  # type: ignore[override]
        """Ask; every request of yfinance comes through here."""
        place = urlsplit(url)
        options["timeout"] = self._timeout_seconds
        try:
            if place.hostname in COOKIE_HOSTS:
                return self._politeness.ask(lambda: self._send(method, place, options))
            if place.path.endswith("/getcrumb"):
                return self._crumb(method, place, options)
            return self._politeness.ask(lambda: self._data(method, place, options))
        except SigmaSightError as error:
            self.failure = error
            raise

    def _send(self, method: Any, place: SplitResult, options: dict[str, Any]) -> Response:
        if self._elsewhere:
            path = self._elsewhere.path + place.path
            place = place._replace(scheme=self._elsewhere.scheme, netloc=self._elsewhere.netloc, path=path)
        return super().request(method, place.geturl(), **options)

    def _reach(self, method: Any, place: SplitResult, options: dict[str, Any]) -> Response:
        """An answer of whatever kind; no answer is a TransientError."""
        try:
            return self._send(method, place, options)
        except Timeout:
            raise TransientError(
                f"yahoo: {place.path}: no answer within {self._timeout_seconds:g} s; "
                "a later attempt may succeed, or raise SIGMASIGHT_SOURCE_TIMEOUT_SECONDS"
            ) from None
        except CertificateVerifyError:
            raise SourceError(
                f"yahoo: {place.path}: the certificate is not trusted; check SIGMASIGHT_YAHOO_URL"
            ) from None
        except RequestException as error:
            raise TransientError(
                f"yahoo: {place.path}: the connection failed ({type(error).__name__}); "
                "a later attempt may succeed"
            ) from None

    def _crumb(self, method: Any, place: SplitResult, options: dict[str, Any]) -> Response:
        """The crumb that some requests need. yfinance goes on without one after a YFRateLimitError."""
        if self._no_crumb:
            raise YFRateLimitError
        answer = self._politeness.ask(lambda: self._up(self._reach(method, place, options), place))
        if answer.status_code == 200:
            return answer
        self._no_crumb = _refusal(answer, place)
        raise YFRateLimitError

    def _data(self, method: Any, place: SplitResult, options: dict[str, Any]) -> Response:
        answer = self._reach(method, place, options)
        if (urlsplit(answer.url).hostname or "").endswith("consent.yahoo.com"):
            return answer  # yfinance fills in the form
        if answer.status_code == 401 and ("Invalid Crumb" in answer.text or "Invalid Cookie" in answer.text):
            return self._renewable(answer, place)
        self.answer = parsed(self._up(answer, place), place)
        self.failure = None
        return answer

    def _renewable(self, answer: Response, place: SplitResult) -> Response:
        """A crumb that has expired: yfinance takes a new one and asks again, once."""
        if self._renewed:
            raise self._no_crumb or _refusal(answer, place)
        self._renewed, self._no_crumb = True, None
        return answer

    @staticmethod
    def _up(answer: Response, place: SplitResult) -> Response:
        if answer.status_code >= 500 and answer.status_code not in BUSY:
            raise _refusal(answer, place)
        return answer


def parsed(answer: Response, place: SplitResult) -> Any:
    """The JSON of an answer.

    :raises NothingThere: if Yahoo does not have the symbol.
    :raises TransientError: if a later attempt may be answered.
    :raises SourceError: if not.
    """
    if answer.status_code in BUSY or answer.status_code in (401, 403):
        raise _refusal(answer, place)
    found = _json(answer, place)
    root = next((found[key] for key in ROOTS if key in found), None) if isinstance(found, dict) else None
    if not isinstance(root, dict):
        if answer.status_code >= 400:
            raise _refusal(answer, place)
        raise SourceError(
            f"yahoo: {place.path}: the answer has another shape than Yahoo's; the API may have changed"
        )
    error = root.get("error") or {}
    if error.get("code") == "Not Found" or str(error.get("description")).startswith("Data doesn't exist"):
        raise NothingThere(f"yahoo: {place.path}: {error.get('description')}")
    if error or answer.status_code >= 400:
        raise SourceError(f"yahoo: {place.path}: {error.get('description') or answer.status_code}")
    return found


def _json(answer: Response, place: SplitResult) -> Any:
    text = answer.text.strip()
    try:
        return json.loads(text)
    except ValueError:
        pass
    if answer.status_code >= 400:
        raise _refusal(answer, place)
    if not text or text[0] in "{[":
        raise TransientError(f"yahoo: {place.path}: the answer breaks off; a later attempt may succeed")
    if "Will be right back" in text or "Too Many Requests" in text:
        raise TransientError(f"yahoo: {place.path}: Yahoo is busy; a later attempt may succeed")
    raise SourceError(
        f"yahoo: {place.path}: the answer is no JSON (a web page?); "
        "check SIGMASIGHT_YAHOO_URL, if you set it, and your proxy"
    )


def _refusal(answer: Response, place: SplitResult) -> SigmaSightError:
    text = f"yahoo: {place.path}: HTTP {answer.status_code}"
    if answer.status_code in BUSY or answer.status_code >= 500:
        wait = retry_after_seconds(answer.headers.get("Retry-After"))
        when = "a later attempt may succeed" if wait is None else f"it asks to be left alone for {wait:.0f} s"
        return TransientError(f"{text}; {when}", wait)
    return SourceError(f"{text}; Yahoo refuses: check SIGMASIGHT_YAHOO_URL, or take another source")
