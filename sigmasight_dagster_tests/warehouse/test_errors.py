"""Errors are one line with the cure, and never show a password."""

import subprocess
import sys
from contextlib import closing

import psycopg2
import pytest

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_core.tables import DailyPrices, Positions
from sigmasight_dagster.warehouse import Warehouse, WarehouseError, database
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp

SECRET = "s3cr%2Fet!"


def failures(url: str) -> list[str]:
    calls = (
        lambda w: w.migrate(),
        lambda w: w.read(Positions),
        lambda w: w.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp()),
        lambda w: w.published(DailyPrices, DATES),
        lambda w: w.remove_portfolio("a", stamp()),
    )
    caught = []
    for call in calls:
        with pytest.raises(SigmaSightError) as error:
            call(Warehouse(url))
        caught.append(str(error.value))
    return caught


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        (f"postgresql://u:{SECRET}@127.0.0.1:1/x", "see whether that server runs and lets you in"),
        (f"postgres://u:{SECRET}@no-such-host.invalid/x", "see whether that server runs and lets you in"),
        (f"postgresql+psycopg2://u:{SECRET}@/x?host=/no/such/folder", "run `sigmasight db start`"),
    ],
)
def test_unreachable(url: str, cure: str) -> None:
    for message in failures(url):
        assert message.endswith(f"; {cure}, or check SIGMASIGHT_DATABASE_URL")
        assert "not reachable (" in message
        assert "\n" not in message
        assert "s3cr" not in message


def test_no_such_database(database_url: str) -> None:
    missing = database_url.replace("/test_", "/no_test_").replace("postgres@", f"postgres:{SECRET}@")
    for message in failures(missing):
        assert 'not reachable (database "no_test_' in message
        assert "s3cr" not in message


def test_not_migrated(database_url: str) -> None:
    warehouse = Warehouse(database_url)
    with pytest.raises(WarehouseError, match=r"positions\" does not exist: .* run `sigmasight db migrate`"):
        warehouse.read(Positions)
    with pytest.raises(WarehouseError, match="run `sigmasight db migrate`"):
        warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    warehouse.migrate()
    assert warehouse.read(Positions).empty


def test_older_than_the_code(url: str, warehouse: Warehouse) -> None:
    sql(url, "ALTER TABLE sigmasight.positions DROP tags")
    with pytest.raises(WarehouseError, match=r"tags.*: a column is missing, .* run `sigmasight db migrate`"):
        warehouse.read(Positions)


def test_a_lock_that_another_session_keeps_is_told(
    url: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.1)
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as reader:
        reader.execute(f"SELECT pg_advisory_lock({database.LAYOUT_LOCK})")
        with pytest.raises(WarehouseError, match="another program has been using the tables for a minute"):
            warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())
    assert warehouse.read(DailyPrices).empty
    warehouse.replace(DailyPrices, random_rows(DailyPrices), DATES, None, stamp())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"mysql://u:{SECRET}@h/x", "mysql is not PostgreSQL; use postgresql://"),
        (f"u:{SECRET}", "not a URL; use postgresql://user@host/database"),
        (f"postgresql://u:{SECRET}@h:port/x", "not a URL; use postgresql://user@host/database"),
        ("", "not a URL; use postgresql://user@host/database"),
    ],
)
def test_not_a_url(url: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Warehouse(url)
    assert str(caught.value) == f"SIGMASIGHT_DATABASE_URL: {message}"


def test_the_import_is_light() -> None:
    heavy = ["alembic", "adbc_driver_manager", "adbc_driver_postgresql", "psycopg2", "dagster"]
    code = f"import sys, sigmasight_dagster.warehouse; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
