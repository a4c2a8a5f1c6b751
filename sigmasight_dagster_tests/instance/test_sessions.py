"""Connections of Dagster's storages: after a restart of the server, and with whose settings."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster.warehouse.database import SURE_SECONDS, every_engine_runs
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.house import dagster_instance

DROPPED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
WEBSERVER = (15_000, 3_600, 20)
"""How Dagster's webserver asks for connections: statement time-out (ms), seconds until they are old, more."""


def ask(instance: dg.DagsterInstance) -> None:
    """Something of each storage."""
    assert instance.get_runs() == []
    assert instance.all_asset_keys() == []
    assert list(instance.all_instigator_state()) == []


@pytest.mark.parametrize("webserver", [False, True])
def test_the_first_request_after_a_restart_of_the_server_is_answered(
    database_url: str, tmp_path: Path, webserver: bool
) -> None:

    with dagster_instance(database_url, tmp_path / "home") as instance:
        if webserver:
            instance.optimize_for_webserver(*WEBSERVER)
        ask(instance)
        execute(database_url, DROPPED)
        time.sleep(2 * SURE_SECONDS)
        ask(instance)


@pytest.mark.parametrize(("webserver", "expected"), [(False, "10min"), (True, "15s")])
def test_every_connection_has_its_own_settings(
    database_url: str, tmp_path: Path, webserver: bool, expected: str
) -> None:
    name = database_url.split("?")[0].rpartition("/")[2]
    execute(database_url, f"ALTER DATABASE {name} SET IntervalStyle = 'iso_8601'")
    with dagster_instance(database_url, tmp_path / "home") as instance:
        if webserver:
            instance.optimize_for_webserver(*WEBSERVER)
        for storage in (instance.run_storage, instance.event_log_storage, instance.schedule_storage):
            with storage._engine.connect() as connection:  # type: ignore[union-attr]
                names = ("statement_timeout", "IntervalStyle", "standard_conforming_strings")
                said = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names]
            assert said == [expected, "postgres", "on"]


def test_settings_of_engines_that_others_make_are_of_the_thread_and_break_no_other(database_url: str) -> None:
    engine, stop = sa.create_engine(sqlalchemy_url(database_url), poolclass=sa.NullPool), threading.Event()

    def connect() -> set[str]:
        said = set()
        while not stop.is_set():
            with engine.connect() as connection:
                said.add(connection.exec_driver_sql("SHOW IntervalStyle").scalar())
        return said

    with ThreadPoolExecutor(3) as pool:
        others = [pool.submit(connect) for _ in range(3)]
        for _ in range(50):
            set_it = "SELECT set_config('IntervalStyle', 'iso_8601', false)"
            with every_engine_runs(set_it), engine.connect() as connection:
                assert connection.exec_driver_sql("SHOW IntervalStyle").scalar() == "iso_8601"
        stop.set()
        assert [each.result() for each in others] == [{"postgres"}] * 3
