"""An API on a database with random rows of every table for two portfolios, made once a module."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from sigmasight_core.tables import (
    TABLES,
    DailyPrices,
    Factors,
    Grain,
    PortfolioReports,
    Positions,
    SecurityMaster,
    grain,
    validate,
)
from sigmasight_core.tables.access.modeling import ModelingSessions
from sigmasight_dagster.api.app import BASE, create_app
from sigmasight_dagster.auth.passwords import hashed
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.support.stored_rows import keep, random_rows, sql, stamp

SECRET = b"a secret of the tests, with thirty-two characters"
PASSWORD = "correct horse battery"
MINE, OTHERS = "mine", "others"
DATES = pd.DatetimeIndex(["2022-12-27", "2022-12-28"]).as_unit("ns")
USERS = {"reader": [MINE], "editor": [MINE], "other": [OTHERS], "admin": []}
"""Portfolios of each user; the other user is a reader."""

IMPACTS = 1000
"""Rows of a session's comparison."""

_DOCUMENT = (
    '{"version":"1.0",  "metadata": {}, "portfolio": {}, "calculation_engines": {}, "positions": [], '
    '"data_availability": [{"calculation": "valuation"}]}'
)


@dataclass
class ApiHouse:
    """An app, its database, and a client that speaks for each user."""

    app: FastAPI
    client: TestClient
    url: str
    warehouse: Warehouse
    instance: dg.DagsterInstance
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def login(self, name: str) -> dict[str, Any]:
        """New tokens of a user."""
        given = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = self.client.post(f"{BASE}/auth/login", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def headers(self, name: str | None) -> dict[str, str]:
        """Of a user's requests; none of nobody's."""
        if name is None:
            return {}
        if name not in self.tokens:
            self.tokens[name] = self.login(name)
        return {"Authorization": f"Bearer {self.tokens[name]['access_token']}"}

    def get(self, path: str, name: str | None = "reader", **options: Any) -> Any:
        headers = {**self.headers(name), **options.pop("headers", {})}
        return self.client.get(f"{BASE}{path}", headers=headers, **options)

    def ask(self, method: str, path: str, name: str | None = "editor", **options: Any) -> Any:
        headers = {**self.headers(name), **options.pop("headers", {})}
        return self.client.request(method, f"{BASE}{path}", headers=headers, **options)

    def post(self, path: str, body: Any, name: str | None = None, **options: Any) -> Any:
        return self.client.post(f"{BASE}{path}", json=body, headers=self.headers(name), **options)


@contextmanager
def api_on(url: str, home: Path, **settings: Any) -> Iterator[ApiHouse]:
    """An API on a database; nobody's requests are counted unless the settings say so."""
    given = Settings(home=home, **{"api_requests_per_minute": 0, **settings})
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("portfolio", [MINE, OTHERS])
    app = create_app(given, url, SECRET, lambda: instance)
    with instance, TestClient(app, raise_server_exceptions=False) as client:
        warehouse = Warehouse(url)
        yield ApiHouse(app, client, url, warehouse, instance)
        warehouse.close()


def add_users(url: str) -> None:
    """USERS, all with the same password."""
    secret = hashed(PASSWORD).replace("'", "''")
    for name, portfolios in USERS.items():
        role = name if name in ("editor", "admin") else "reader"
        sql(
            url,
            "INSERT INTO sigmasight.users (email, password_hash, role, added_at, run_id, code_version, "
            f"computed_at) VALUES ('{name}@example.com', '{secret}', '{role}', now(), 'test', '0', now())",
            *(
                "INSERT INTO sigmasight.user_portfolios VALUES "
                f"('{name}@example.com', '{portfolio}', 'test', '0', now())"
                for portfolio in portfolios
            ),
            "SELECT 1",
        )


def add_portfolios(url: str) -> None:
    """The two portfolios, with a position in AAPL."""
    warehouse = Warehouse(url)
    for name in (MINE, OTHERS):
        row = {"portfolio": name, "cash": 1.5, "source": "test", "margin": "no"}
        warehouse.save_portfolio(row, _position(name), stamp())
    warehouse.close()


def add_sessions(url: str, numbers: Iterable[int]) -> None:
    """Sessions of the editor's: `open_N` without trades, `done_N` with IMPACTS that are made up here."""
    trade = {"symbol": "AAPL", "quantity": 5.0, "price": 1.0, "trade_price": 1.0, "price_source": "given"}
    fill = {**trade, "cash_change": -5.0, "held_before": 10.0, "held_after": 15.0, "tags": ""}
    head = {"portfolio": MINE, "trade_date": "2022-12-28", "saved_date": "2022-12-28", "n_trades": 1}
    head |= {"trades_source": "the trades", "cash_change": -5.0, "code_version": "1"}
    impact = {"table_name": "t", "item": "i", "measure": "m", "unit": "", "status": "ok"}
    impact |= {"today": 1.0, "what_if": 2.0, "change": 1.0}
    impacts = [{"result": n, **impact} for n in range(1, IMPACTS + 1)]
    document = json.dumps({"session": [head], "trades": [fill], "results": impacts})
    rows = [
        {"session_id": f"{name}_{n}", "trades": "[]", "comparison": comparison}
        for n in numbers
        for name, comparison in (("open", None), ("done", document))
    ]
    now = pd.Timestamp.now(tz="UTC").tz_localize(None)
    same = {"email": "editor@example.com", "portfolio": MINE, "trade_date": DATES[-1], "version": 0}
    made = pd.DataFrame(rows).assign(**same, saved_as=None, created_at=now, changed_at=now)
    keep(url, ModelingSessions, made)


def fill(url: str) -> None:
    """Random rows of every table that is published by dates, and of the factors."""
    warehouse = Warehouse(url)
    factors = random_rows(Factors).assign(
        position=1, kind="style", prior_mean=0.0, prior_std=1.0, proxy="SPY", active="yes"
    )
    warehouse.keep_configured(Factors, factors, stamp())
    for number, model in enumerate(TABLES):
        if grain(model) is Grain.UNPARTITIONED:
            continue
        names = (MINE, OTHERS) if grain(model) is Grain.DATE_PORTFOLIO else ()
        rows = random_rows(model, DATES, (MINE, OTHERS), seed=number)
        if model is PortfolioReports:
            rows["document"] = _DOCUMENT
        if model in (DailyPrices, SecurityMaster):  # the first two of each date: what is held, and a proxy
            place = rows.groupby("date").cumcount()
            rows["symbol"] = rows["symbol"].mask(place == 0, "AAPL").mask(place == 1, "SPY")
        warehouse.replace(model, rows, DATES, names or None, stamp(f"run {number}"))
    warehouse.close()


def _position(portfolio: str) -> pd.DataFrame:
    """One position, in AAPL."""
    row = {
        **dict.fromkeys(Positions.to_schema().columns),
        **{"portfolio": portfolio, "position_id": "AAPL@2022-12-27", "symbol": "AAPL", "underlying": "AAPL"},
        **{"position_type": "LONG", "quantity": 10.0, "multiplier": 1, "entry_price": 5.0, "tags": ""},
        "entry_date": DATES[0],
    }
    return validate(Positions, pd.DataFrame([row]))


@pytest.fixture(scope="module")
def api(
    shared_url: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ApiHouse]:
    """The API of a module's tests, with users and two portfolios. No test ends a session of `tokens`.

    A module that says RESULTS = True has random results of both.
    """
    add_portfolios(shared_url)
    add_users(shared_url)
    if getattr(request.module, "RESULTS", False):
        fill(shared_url)
    with api_on(shared_url, tmp_path_factory.mktemp("api")) as made:
        yield made
