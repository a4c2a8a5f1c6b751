"""The client: one method for each reading endpoint."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self, Unpack
from urllib.parse import quote

import httpx2
import pandas as pd
import pyarrow as pa

from sigmasight_client.asked import Asked, Date, parameters
from sigmasight_client.errors import ApiError
from sigmasight_client.models import Availability, Health, Me, Report, Tokens
from sigmasight_client.tables import Tables

BASE: Final = "/api/v1"
ARROW: Final = "application/vnd.apache.arrow.stream"
PAGE: Final = 1000
"""Rows of a page: the most that the server gives."""


class Client(Tables):
    """A login at a server. Tables come as data frames, NULL as NaN; documents as objects.

    :param url: of the server, such as http://127.0.0.1:8000.
    :param timeout: seconds that an answer may take.
    :raises ApiError: by every method, where the server refuses (see `errors`).
    """

    def __init__(self, url: str, email: str, password: str, timeout: float = 60.0) -> None:
        self._http = httpx2.Client(base_url=f"{url.rstrip('/')}{BASE}", timeout=timeout)
        self._tokens = self._login("login", email=email, password=password)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Log out, and close the connections."""
        try:
            self._http.post("/auth/logout", json={"refresh_token": self._tokens.refresh_token})
        finally:
            self._http.close()

    def me(self) -> Me:
        """Who is logged in, and which portfolios they may see."""
        return Me.model_validate_json(self._get("/auth/me").content)

    def health(self) -> Health:
        """Whether the server and its database answer."""
        return Health.model_validate_json(self._get("/system/health").content)

    def report(self, portfolio: str, date: Date | None = None) -> Report:
        """The stored report of a date, by default the newest."""
        answer = self._document(portfolio, "complete", date)
        return Report.model_validate_json(answer.content)

    def data_quality(self, portfolio: str, date: Date | None = None) -> list[Availability]:
        """What is there of each calculation of the report, what is missing and why."""
        answer = self._document(portfolio, "data-quality", date)
        return [Availability.model_validate(row) for row in answer.json()]

    def frame(self, path: str, /, *names: str, **asked: Unpack[Asked]) -> pd.DataFrame:
        """The rows of a reading endpoint, every page. :param path: below /api/v1, `{}` for each name."""
        where = path.format(*(quote(name, safe="") for name in names))
        paged = {"limit": PAGE} if path.startswith("/analytics") else {}
        answer = self._get(where, parameters(asked) | paged, ARROW)
        pages = [_table(answer)]
        while following := answer.links.get("next"):
            answer = self._get(str(following["url"]).removeprefix(BASE), None, ARROW)
            pages.append(_table(answer))
        return pa.concat_tables(pages).to_pandas(date_as_object=False)

    def _document(self, portfolio: str, which: str, date: Date | None) -> httpx2.Response:
        path = f"/data/portfolio/{quote(portfolio, safe='')}/{which}"
        return self._get(path, {"date": str(date)} if date else None)

    def _get(self, path: str, given: Mapping[str, Any] | None = None, form: str = "") -> httpx2.Response:
        """An answer; a login whose access token has expired is refreshed, once. :raises ApiError: not 200."""
        answer = self._asked(path, given, form)
        if answer.status_code == 401:
            self._tokens = self._login("refresh", refresh_token=self._tokens.refresh_token)
            answer = self._asked(path, given, form)
        if answer.status_code != 200:
            raise ApiError.of(answer)
        return answer

    def _asked(self, path: str, given: Mapping[str, Any] | None, form: str) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._tokens.access_token}"}
        return self._http.get(path, params=given, headers=headers | ({"Accept": form} if form else {}))

    def _login(self, how: str, **given: str) -> Tokens:
        answer = self._http.post(f"/auth/{how}", json=given)
        if answer.status_code != 200:
            raise ApiError.of(answer)
        return Tokens.model_validate_json(answer.content)


def _table(answer: httpx2.Response) -> pa.Table:
    return pa.ipc.open_stream(answer.content).read_all()
