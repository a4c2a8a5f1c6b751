"""Keys appear nowhere: neither in what is stored nor in what is said, also when the vendors fail."""

import subprocess
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql
from pydantic import SecretStr

from sigmasight_core.calendar import sessions
from sigmasight_core.errors import SourceError, TransientError
from sigmasight_core.tables import DailyPrices, TreasuryYields
from sigmasight_dagster.providers.base import PROXIES
from sigmasight_dagster.providers.http.politeness import Manners, Politeness
from sigmasight_dagster.providers.http.rest import RestApi
from sigmasight_dagster_tests.providers.fault_server import FAULTS, FaultServer, Request, Rows
from sigmasight_dagster_tests.providers.rest_vendors import Fmp, Polygon
from sigmasight_dagster_tests.support.project import CliProject, new_project

__all__ = ["new_project"]

pytestmark = pytest.mark.computes("factor_betas", "position_values")

DATES = sessions("2022-11-14", "2022-11-16")
CANARIES = {name: f"canary-{name}-5f2c9e1b7a" for name in ("polygon", "fmp", "fred")}
LEDGER = "ticker,quantity,entry_price,entry_date\nAAPL,10,148.70,2022-11-15\nJPM,-20,130.00,2022-11-15\n"
ROWS: Rows = [
    {"date": f"{day:%Y-%m-%d}", "close": 100.0 + day.day, "volume": 1e6, "currency": "USD"} for day in DATES
]


def no_yields(request: Request) -> int:
    return 403


@pytest.fixture
def vendors() -> Iterator[dict[str, FaultServer]]:
    """Polygon knows AAPL and one bar of it is negative; FMP knows the rest; FRED refuses the key."""
    spoiled = [*ROWS[:1], {**ROWS[1], "close": -1.0}, *ROWS[2:]]
    others = dict.fromkeys(["JPM", *PROXIES.values()], ROWS)
    with ExitStack() as stack:
        yield {
            "polygon": stack.enter_context(FaultServer(Polygon({"AAPL": spoiled}).handlers())),
            "fmp": stack.enter_context(FaultServer(Fmp(others).handlers())),
            "fred": stack.enter_context(FaultServer({"/": no_yields})),
        }


def environment(vendors: dict[str, FaultServer]) -> dict[str, str]:
    keys = {f"SIGMASIGHT_{name.upper()}_API_KEY": key for name, key in CANARIES.items()}
    urls = {f"SIGMASIGHT_{name.upper()}_URL": server.url for name, server in vendors.items()}
    return {
        **keys,
        **urls,
        "SIGMASIGHT_PROVIDER": "live",
        "SIGMASIGHT_PRICE_SOURCES": "polygon,fmp",
        "SIGMASIGHT_SECURITY_SOURCES": "polygon,fmp",
        "SIGMASIGHT_OPTION_SOURCES": "polygon",
        "SIGMASIGHT_YIELD_SOURCES": "fred",
        "SIGMASIGHT_POLYGON_PLAN": "advanced",
        "SIGMASIGHT_FMP_PLAN": "advanced",
        "SIGMASIGHT_START_DATE": f"{DATES[0]:%Y-%m-%d}",
        "SIGMASIGHT_SOURCE_TIMEOUT_SECONDS": "2",
        "SIGMASIGHT_RETRY_LIMIT": "0",
    }


def everything_stored(url: str) -> str:
    """Every row of every table of a database, as text."""
    found = []
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT schemaname, tablename FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for table in cursor.fetchall():
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(*table)))
            found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


def everything_written(folder: Path) -> str:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return "\n".join(file.read_bytes().decode("utf-8", "replace") for file in files)


def test_keys_are_nowhere(new_project: Callable[[], CliProject], vendors: dict[str, FaultServer]) -> None:
    project, settings, said = new_project(), environment(vendors), []

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        result = project.process(*arguments, **settings)
        said.append(result.stdout + result.stderr)
        return result

    (project.home / "alpha.csv").write_text(LEDGER)
    assert run("import", "alpha.csv", "--portfolio", "alpha", "--cash", "1000").returncode == 0, said[-1]
    backfill = ("--debug", "backfill", "--start", f"{DATES[0]:%Y-%m-%d}", "--end", f"{DATES[-1]:%Y-%m-%d}")

    vendors["polygon"].use(FAULTS["slow"])
    vendors["fmp"].use(FAULTS["401"])
    assert run(*backfill).returncode != 0
    assert "no source of prices answers" in said[-1]
    assert "no answer within 2 s" in said[-1]
    assert "check SIGMASIGHT_FMP_API_KEY" in said[-1]

    vendors["polygon"].use(FAULTS["ok"])
    vendors["fmp"].use(FAULTS["500 then good"])
    assert run(*backfill).returncode == 0, said[-1]
    prices = project.warehouse().read(DailyPrices)
    assert set(prices["symbol"]) == {"AAPL", "JPM", *PROXIES.values()}
    refused = prices[prices["status"] == "refused: the close is negative"]
    assert refused[["symbol", "date"]].to_numpy().tolist() == [["AAPL", DATES[1]]]
    yields = project.warehouse().read(TreasuryYields)
    assert yields["status"].str.startswith("unavailable: ").all()

    assert any(CANARIES["polygon"] in r.headers.get("authorization", "") for r in vendors["polygon"].requests)
    assert any(r.headers.get("apikey") == CANARIES["fmp"] for r in vendors["fmp"].requests)
    assert any(r.query.get("api_key") == CANARIES["fred"] for r in vendors["fred"].requests)
    stored = everything_stored(project.asset_url) + everything_stored(project.dagster_url)
    assert "the close is negative" in stored
    assert "prices_are_sound" in stored
    for text in (stored, everything_written(project.home), *said):
        assert [key for key in CANARIES.values() if key in text] == []


@pytest.mark.parametrize(
    "fault", [name for name, fault in FAULTS.items() if fault.status != 200 or fault.how != "answer"]
)
def test_no_error_holds_the_key(fault: str) -> None:
    key = SecretStr(CANARIES["fmp"])
    with FaultServer({"/": lambda request: {"results": []}}) as server:
        server.use(FAULTS[fault])
        polite = Politeness("fmp", Manners(1000, 1, attempts=1))
        api = RestApi("fmp", server.url, key, ("apikey", ""), polite, 0.3)
        with pytest.raises((SourceError, TransientError)) as raised:
            api.get("/stable/profile", {"symbol": "AAPL"})
        text = "".join(traceback.format_exception(raised.value)) + repr(api)
    assert CANARIES["fmp"] not in text
    assert "\n" not in str(raised.value)


def test_a_vendor_that_is_not_there() -> None:
    with FaultServer({}) as server:
        url = server.url
    api = RestApi(
        "fmp", url, SecretStr("key"), ("apikey", ""), Politeness("fmp", Manners(1000, 1, attempts=1)), 2
    )
    with pytest.raises(TransientError, match="the connection failed"):
        api.get("/stable/profile", {})
