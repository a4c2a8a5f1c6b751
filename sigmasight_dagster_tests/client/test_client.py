"""The client against a real server: every reading endpoint has a method, and the docs' examples run."""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pandas as pd
import pytest

import sigmasight_client
from sigmasight_client import Client, Invalid, NotAllowed, NotFound
from sigmasight_client.tables import Tables
from sigmasight_core.tables import FactorExposures, PositionValues
from sigmasight_dagster.api.routes import analytics, data
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.support.api_house import (
    DATES,
    MINE,
    OTHERS,
    PASSWORD,
    add_portfolios,
    add_users,
    fill,
)
from sigmasight_dagster_tests.support.outward_servers import Outward, outward_servers
from sigmasight_dagster_tests.support.stored_rows import sql

DOCS = REPOSITORY / "docs"
TABLES = sorted(name for name, _ in inspect.getmembers(Tables, inspect.isfunction) if name != "frame")
READS = [
    f"{router.prefix}{read.path}"
    for router, reads in ((analytics.router, analytics.READS), (data.router, data.READS))
    for read in reads
]


@pytest.fixture(scope="module")
def outward(shared_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outward]:
    add_portfolios(shared_url)
    add_users(shared_url)
    fill(shared_url)
    with outward_servers(shared_url, tmp_path_factory.mktemp("outward")) as servers:
        yield servers


@pytest.fixture(scope="module")
def client(outward: Outward) -> Iterator[Client]:
    with Client(outward.api, "reader@example.com", PASSWORD) as made:
        yield made


@pytest.fixture(scope="module")
def warehouse(shared_url: str, outward: Outward) -> Iterator[Warehouse]:
    made = Warehouse(shared_url)
    yield made
    made.close()


def test_every_reading_endpoint_has_a_method(client: Client, shared_url: str) -> None:
    """And each method gives rows. A new endpoint needs one in sigmasight_client/tables.py."""
    (found,) = sql(shared_url, "SELECT underlying FROM sigmasight.option_quotes ORDER BY date DESC LIMIT 1")
    values = {"portfolio": MINE, "underlying": found[0]}
    asked: list[str] = []
    client._http.event_hooks["request"].append(lambda request: asked.append(request.url.path))
    for name in TABLES:
        method = getattr(client, name)
        given = {part: values[part] for part in inspect.signature(method).parameters if part in values}
        assert len(method(**given)), name
    client._http.event_hooks["request"].clear()
    paths = {path.removeprefix("/api/v1").replace(MINE, "{portfolio}") for path in asked}
    assert paths == set(READS)


def test_a_frame_is_the_stored_rows_of_every_page(
    client: Client, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sigmasight_client.client.PAGE", 3)
    frame = client.exposures(MINE, first=DATES[0].date(), columns=["date", "factor", "beta", "status"])
    stored = warehouse.read(FactorExposures, portfolios=[MINE])[["date", "factor", "beta", "status"]]
    pd.testing.assert_frame_equal(frame, stored, check_dtype=False)
    assert len(frame) > 2 * 3


def test_filters_and_orders_are_the_servers(client: Client, warehouse: Warehouse) -> None:
    stored = warehouse.read(PositionValues, dates=[DATES[-1]], portfolios=[MINE])
    symbols = stored["symbol"].head(2).tolist()
    frame = client.positions(MINE, where={"symbol": symbols}, sort="-market_value")
    assert set(frame["symbol"]) == set(symbols)
    assert frame["market_value"].dropna().is_monotonic_decreasing


def test_documents_are_objects(client: Client) -> None:
    assert client.me().portfolios == [MINE]
    assert client.health().status == "ok"
    assert client.report(MINE).data_availability == client.data_quality(MINE)
    assert client.report(MINE, DATES[-1].date()).version == "1.0"


def test_an_expired_access_token_is_refreshed(outward: Outward) -> None:
    with Client(outward.api, "reader@example.com", PASSWORD) as made:
        before = made._tokens.refresh_token
        made._tokens = made._tokens.model_copy(update={"access_token": "expired"})
        assert made.me().email == "reader@example.com"
        assert made._tokens.refresh_token != before
        made._tokens = made._tokens.model_copy(update={"access_token": "expired", "refresh_token": before})
        with pytest.raises(NotAllowed, match="refresh_token_replayed"):
            made.me()


def test_errors_have_types_codes_and_cures(client: Client, outward: Outward) -> None:
    with pytest.raises(NotFound, match="that you may see") as missing:
        client.overview(OTHERS)
    assert (missing.value.status, missing.value.code) == (404, "unknown_portfolio")
    assert missing.value.request_id
    with pytest.raises(NotFound):
        client.overview("../../auth/me")
    with pytest.raises(Invalid) as wrong:
        client.overview(MINE, date="28.12.2022")
    assert [one["field"] for one in wrong.value.fields] == ["query.date"]
    with pytest.raises(NotAllowed, match="wrong_credentials"):
        Client(outward.api, "reader@example.com", "not the password")


def test_it_imports_nothing_of_the_server() -> None:
    code = (
        "import sys, sigmasight_client; "
        "print([n for n in ('dagster', 'sigmasight_core', 'sqlalchemy', 'fastapi') if n in sys.modules])"
    )
    environment = {"PYTHONPATH": str(Path(sigmasight_client.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "[]", done.stderr


def here(text: str, outward: Outward) -> str:
    """An example with the addresses, user and portfolio of this test's servers."""
    said = {
        "http://127.0.0.1:8000": outward.api,
        "http://127.0.0.1:8001": outward.mcp,
        "individual@demo.sigmasight.local": "reader@example.com",
        "PASSWORD": PASSWORD,
        "individual": MINE,
        "jq -r .access_token": f"{sys.executable} -c 'import json, sys; "
        'print(json.load(sys.stdin)["access_token"])\'',
        "curl -s ": "curl -sS --fail-with-body ",
    }
    for old, new in said.items():
        text = text.replace(old, new)
    return text


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["api.md", "agents.md"])
def test_curl_examples_that_log_in_run(page: str, outward: Outward) -> None:
    scripts = [block for block in blocks(page, "sh") if "/auth/login" in block]
    assert scripts
    for script in scripts:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here(script, outward)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert MINE in done.stdout
        assert '"isError":true' not in done.stdout.replace(" ", "")


def test_the_other_curl_examples_ask_endpoints_that_there_are(outward: Outward) -> None:
    """Those that change portfolios and start runs, with a file and ids of one's own."""
    known = httpx2.get(f"{outward.api}/api/v1/openapi.json", timeout=60).json()["paths"]
    patterns = {re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)): methods for path, methods in known.items()}
    scripts = [block for block in blocks("api.md", "sh") if "curl" in block and "/auth/login" not in block]
    asked = [line for script in scripts for line in script.replace("\\\n", " ").splitlines()]
    assert asked
    for line in asked:
        (path,) = re.findall(r"\$API(/[^\s?\"]+)", line)
        method = "post" if re.search(r" (-d|--data-binary|-X POST) ", line) else "get"
        found = [methods for pattern, methods in patterns.items() if re.fullmatch(pattern, f"/api/v1{path}")]
        assert any(method in methods for methods in found), line


@pytest.mark.parametrize("page", ["client.md", "agents.md"])
def test_python_examples_run(page: str, outward: Outward, client: Client, capsys: Any) -> None:
    for block in blocks(page, "python"):
        exec(compile(here(block, outward), page, "exec"), {"TOKEN": client._tokens.access_token})
        assert capsys.readouterr().out


def test_the_index_for_language_models_leads_somewhere() -> None:
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# SigmaSight\n\n> ")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 15
    assert [link for link in links if not (DOCS / link).exists()] == []
