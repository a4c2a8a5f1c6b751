"""What a server must be, or is refused in one line with the cure; what it may say, and nobody heeds."""

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.servers.db import db
from sigmasight_dagster.instance.storage import SigmaSightStorage
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url, sqlalchemy_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.database import Database
from sigmasight_dagster.warehouse.requirements import declared, facts
from sigmasight_dagster.warehouse.sql import SESSION
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.stored_rows import sql

HOSTILE = {
    "TimeZone": "Asia/Kolkata",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-15",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "default_transaction_isolation": "repeatable read",
    "lock_timeout": "1",
    "statement_timeout": "1000",
    "idle_in_transaction_session_timeout": "1000",
    "idle_session_timeout": "1000",
}
SHOWN = "SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in HOSTILE)
OURS = tuple(SESSION[name] for name in HOSTILE)
GOOD = facts.Facts(
    version="16.1",
    version_number=160_001,
    encoding="UTF8",
    collation="C",
    in_recovery=False,
    read_only=False,
    quotes_names=False,
    connections=97,
    locks=6_400,
    has_schema=False,
    may_use=True,
    has_dagster=False,
    shortest_ms=None,
    schema="public",
    may_create=True,
    role="app",
    database="risk",
    clock=dt.datetime(2024, 1, 2, tzinfo=dt.UTC),
    identity="1/1",
    size_bytes=1,
)
REFUSED = [
    ("tables", {"version_number": 130_023}, "PostgreSQL 16.1 is too old; take 14 to 18"),
    ("tables", {"encoding": "LATIN1"}, "encoding is LATIN1, .* createdb --encoding=UTF8"),
    ("tables", {"sessions": facts.SHARED}, "shares sessions between transactions, .* pool_mode = session"),
    ("dagster", {"sessions": facts.STATEMENTS}, "allows no transactions"),
    ("dagster", {"connections": 5}, "app may open 5 connections, .* raise max_connections"),
    ("tables", {"quotes_names": True}, "ALTER ROLE app SET quote_all_identifiers = off"),
    ("dagster", {"shortest_ms": 20}, "a time-out of 20 ms .* of app be 1000 ms or more"),
    ("tables", {"locks": 640}, "raise max_locks_per_transaction"),
    ("tables", {"in_recovery": True, "read_only": True}, "hot standby, .* give the primary's address"),
    ("dagster", {"read_only": True}, "ALTER ROLE app SET default_transaction_read_only = off"),
    ("tables", {"may_use": False}, "GRANT CREATE ON DATABASE risk TO app"),
    ("tables", {"may_use": False, "has_schema": True}, "GRANT sigmasight_writer TO app"),
    ("dagster", {"schema": None, "may_create": False}, "ALTER ROLE app RESET search_path"),
    ("dagster", {"may_create": False}, "GRANT CREATE ON SCHEMA public TO app"),
]


@pytest.mark.parametrize(("database", "found", "said"), REFUSED)
def test_what_cannot_be_used_is_refused_with_the_cure(
    database: str, found: dict[str, Any], said: str
) -> None:
    declared.refuse(database, GOOD, "host/risk", to_write=True)
    with pytest.raises(InputError, match=f"^database host/risk cannot be used: .*{said}"):
        declared.refuse(database, replace(GOOD, **found), "host/risk", to_write=True)


def test_who_only_reads_may_use_a_standby() -> None:
    standby = replace(GOOD, in_recovery=True, read_only=True, may_use=False, locks=1)
    declared.refuse("tables", standby, "host/risk", to_write=False)


def test_a_session_has_its_own_settings_whatever_server_and_role_say(
    url: str, dagster_template: str, fresh_database: Callable[..., str]
) -> None:
    """With another isolation a writer sees what was there before it waited for its lock."""
    ours, dagsters = url, fresh_database(dagster_template)
    for address in (ours, dagsters):
        name = address.partition("?")[0].rpartition("/")[2]
        execute(address, *(f"ALTER DATABASE {name} SET {key} = '{value}'" for key, value in HOSTILE.items()))
    assert sql(ours, SHOWN) != [OURS]
    database = Database(ours)
    assert tuple(database.query(SHOWN).to_pylist()[0].values()) == OURS
    with database.layout() as connection:
        assert tuple(connection.exec_driver_sql(SHOWN).one()) == OURS
    database.close()
    storage = SigmaSightStorage(sqlalchemy_url(dagsters))
    with storage.event_log_storage.index_connection() as connection:
        shown = tuple(connection.exec_driver_sql(SHOWN).one())
    assert tuple("0" if value == "10min" else value for value in shown) == OURS
    storage.run_storage.dispose()
    storage.event_log_storage.dispose()


def test_commands_refuse_in_the_words_of_db_check_and_change_nothing(
    fresh_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latin, dagsters = fresh_database("template0"), fresh_database("template0")
    name = latin.partition("?")[0].rpartition("/")[2]
    maintenance = latin.replace(f"/{name}", "/postgres")
    execute(
        maintenance,
        f"DROP DATABASE {name}",
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'",
    )
    for setting, value in {"SIGMASIGHT_DATABASE_URL": latin, "DAGSTER_POSTGRES_URL": dagsters}.items():
        monkeypatch.setenv(setting, value)
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    checked = CliRunner().invoke(db, ["check", "--json"])
    assert checked.exit_code == 1
    with pytest.raises(InputError, match="cannot be used: its encoding is LATIN1, ") as refused:
        asset_database_url(Settings())
    assert str(refused.value).partition("cannot be used: ")[2] in checked.output
    with pytest.raises(InputError, match="its encoding is LATIN1"):
        Warehouse(latin).migrate()
    assert sql(latin, "SELECT count(*) FROM pg_class WHERE oid >= 16384") == [(0,)]


def test_one_database_is_known_by_itself_not_by_its_url(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", database_url.replace("?host=/tmp", "?host=/tmp/."))
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    checked = CliRunner().invoke(db, ["check"])
    assert checked.exit_code == 1
    assert "name the same database" in checked.output
    asset_database_url(Settings())
    with pytest.raises(InputError, match="name the same database"):
        dagster_database_url(Settings())


def test_what_is_not_reachable_is_told_of_one_and_the_other_is_looked_at(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", database_url)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", "postgresql://me:s3cret@127.0.0.1:1/dagster")
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))
    checked = CliRunner().invoke(db, ["check", "--json"])
    assert checked.exit_code == 1
    told = json.loads(checked.output)
    rows = {row["looked_at"]: row for row in told["rows"]}
    assert not told["works"]
    assert [rows["reachable"][name] for name in ("tables", "dagster", "verdict")] == ["yes", "no", "REFUSED"]
    assert "not reachable" in rows["reachable"]["said"]
    assert "s3cret" not in checked.output
    assert rows["encoding"] == {
        "looked_at": "encoding",
        "tables": "UTF8",
        "dagster": "",
        "verdict": "works",
        "said": "",
    }


@pytest.mark.parametrize(
    ("answers", "sessions"),
    [("a" + "bab" * 3, facts.OWN), ("aa", facts.SHARED), ("abc", facts.SHARED), ("abac", facts.SHARED)],
)
def test_a_pooler_that_shares_sessions_is_seen_by_who_answers(
    database_url: str, monkeypatch: pytest.MonkeyPatch, answers: str, sessions: str
) -> None:
    """Two connections of two sessions are answered by two processes, each by the same all the time."""
    told = iter(answers)
    monkeypatch.setattr(facts, "_process", lambda _: ord(next(told)))
    assert facts.ask(database_url).sessions == sessions
