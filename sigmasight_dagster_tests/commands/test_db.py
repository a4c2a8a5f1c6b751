"""`sigmasight db`, run as a user runs it."""

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy
from click.testing import CliRunner, Result

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.servers.db import db
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.server.processes import programs
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url, libpq_url, sqlalchemy_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster_tests.support.dev_server import free_port
from sigmasight_dagster_tests.support.stored_rows import sql

NONE = {"SIGMASIGHT_DATABASE_URL": None, "DAGSTER_POSTGRES_URL": None, "SIGMASIGHT_DB_PORT": None}
EXTERNAL = {
    "SIGMASIGHT_DATABASE_URL": "postgresql+psycopg2://me:secret@db.example.com/risk",
    "DAGSTER_POSTGRES_URL": "postgres://me:secret@db.example.com:5433/dagster",
}


def run(home: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(db, arguments, env=NONE | {"SIGMASIGHT_HOME": str(home)} | environment)


def test_a_day_with_the_embedded_server(stopped_server: EmbeddedPostgres) -> None:
    assert run(stopped_server.home, "status").exit_code == 3
    assert run(stopped_server.home, "stop").output == "was not running\n"

    started = run(stopped_server.home, "start")
    assert started.exit_code == 0, started.output
    assert f"data in {stopped_server.home}/postgres" in started.stdout
    assert run(stopped_server.home, "start").stdout == started.stdout

    status = run(stopped_server.home, "status")
    assert status.exit_code == 0
    assert "status:   running\n" in status.output
    assert "database: sigmasight " in status.output
    assert f" MB free at {stopped_server.home / 'postgres'}; nothing is stored below 500\n" in status.output

    assert run(stopped_server.home, "stop").output == "stopped\n"
    assert run(stopped_server.home, "status").exit_code == 3


@pytest.mark.parametrize(("options", "database"), [([], "sigmasight"), (["--dagster"], "dagster")])
def test_printed_url_suits_psql_and_sqlalchemy(
    stopped_server: EmbeddedPostgres, options: list[str], database: str
) -> None:
    printed = run(stopped_server.home, "url", *options)
    assert printed.exit_code == 0, printed.output
    url = printed.stdout.strip()
    psql = [str(programs() / "psql"), url, "-Atc", "SELECT current_database()"]
    answer = subprocess.run(psql, capture_output=True, text=True, check=True, env={"PGPORT": "1"})
    assert answer.stdout.strip() == database
    engine = sqlalchemy.create_engine(sqlalchemy_url(url))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT current_database()")) == database
    engine.dispose()


def test_the_reader_reads_and_no_more(stopped_server: EmbeddedPostgres) -> None:
    """Each printed URL works as it stands: for psycopg2 and SQLAlchemy, on the socket and over TCP."""
    number = free_port()
    port = {"SIGMASIGHT_DB_PORT": str(number)}
    home = stopped_server.home
    printed = [
        run(home, "url", "--reader", *options, **port)
        for options in ([], ["--tcp"], ["--sqlalchemy"], ["--tcp", "--sqlalchemy"])
    ]
    assert [result.exit_code for result in printed] == [0] * 4, printed[0].output
    local, tcp, *for_sqlalchemy = [result.stdout.strip() for result in printed]
    assert f"@127.0.0.1:{number}/sigmasight" in tcp
    for address in (local, tcp):
        with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user, count(*) FROM sigmasight.portfolio_today")
            assert cursor.fetchall() == [("sigmasight_reader", 0)]
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("DELETE FROM sigmasight.portfolios")
    for address in for_sqlalchemy:
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            assert connection.scalar(sqlalchemy.text("SELECT current_user")) == "sigmasight_reader"
        engine.dispose()
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(re.sub(r":[^:@]+@127", ":wrong@127", tcp))
    assert (home / "sigmasight_reader.password").stat().st_mode & 0o077 == 0


def test_a_role_with_one_portfolio(url: str, tmp_path: Path) -> None:
    values = ", ".join(f"('{name}', 1, 'f', 'r', 'c', now())" for name in ("a", "b"))
    sql(
        url,
        "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
        f"VALUES {values}",
    )
    there = NONE | {"SIGMASIGHT_HOME": str(tmp_path), "SIGMASIGHT_DATABASE_URL": url}

    def told(*arguments: str, given: str = "") -> str:
        done = CliRunner().invoke(db, arguments, env=there, input=given)
        return done.output if done.exit_code == 0 else f"{done.exit_code}: {done.output}"

    assert told("grants") == "no role was granted single portfolios\n"
    assert "no password" in told("grant", "one_of_two", "a", "--password-stdin")
    made = told("grant", "one_of_two", "a", "--password-stdin", given="it's a secret\n")
    assert made == "note: made the role one_of_two, which may log in\none_of_two sees a\n"
    assert told("grant", "one_of_two", "b") == "one_of_two sees a, b\n"
    assert told("revoke", "one_of_two", "b") == "one_of_two no longer sees b\n"
    assert told("grants") == "one_of_two: a\n"
    seen = "SELECT portfolio FROM sigmasight.portfolios"
    assert sql(url.replace("postgres@", "one_of_two@"), seen) == [("a",)]
    assert told("revoke", "one_of_two") == "one_of_two no longer sees a\n"
    assert sql(url.replace("postgres@", "one_of_two@"), seen) == []
    assert told("revoke", "one_of_two").startswith("1: Error: role one_of_two: it was not granted any")
    assert "registered are: a, b" in told("grant", "one_of_two", "c")
    sql(url, "DROP ROLE one_of_two")


def test_there_is_no_reader_elsewhere(tmp_path: Path) -> None:
    for options in ({"SIGMASIGHT_DATABASE_URL": EXTERNAL["SIGMASIGHT_DATABASE_URL"]}, {}):
        told = run(tmp_path, "url", "--reader", *([] if options else ["--dagster"]), **options)
        assert told.exit_code == 1
        assert told.output.count("\n") == 1
        assert "secret" not in told.output
    assert run(tmp_path, "url", "--sqlalchemy", **EXTERNAL).stdout.startswith("postgresql+psycopg2://me:")


def test_psql_passes_its_arguments_and_exit_code_on(stopped_server: EmbeddedPostgres) -> None:
    keep = {name: value for name, value in os.environ.items() if name not in NONE}
    command = [sys.executable, "-c", "from sigmasight_dagster.commands.servers.db import db; db()", "psql"]

    def psql(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = keep | {"SIGMASIGHT_HOME": str(stopped_server.home)}
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, check=False
        )

    assert psql("-At", "-c", "SELECT current_database()").stdout == "sigmasight\n"
    assert psql("--dagster", "-At", "-c", "SELECT current_database()").stdout == "dagster\n"
    failed = psql("-c", "SELECT nonsense")
    assert failed.returncode == 1
    assert 'column "nonsense" does not exist' in failed.stderr


@pytest.mark.parametrize("command", ["start", "stop", "status"])
def test_external_server_is_named_and_left_alone(tmp_path: Path, command: str) -> None:
    told = run(tmp_path / "home", command, **EXTERNAL)
    assert told.exit_code == 0
    assert "SIGMASIGHT_DATABASE_URL" in told.output
    assert "DAGSTER_POSTGRES_URL" in told.output
    assert "secret" not in told.output
    assert not (tmp_path / "home").exists()


def test_external_url_is_printed_for_libpq(tmp_path: Path) -> None:
    assert run(tmp_path, "url", **EXTERNAL).stdout == "postgresql://me:secret@db.example.com/risk\n"
    assert run(tmp_path, "url", "--dagster", **EXTERNAL).stdout == (
        "postgresql://me:secret@db.example.com:5433/dagster\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_one_external_database_leaves_the_other_embedded(stopped_server: EmbeddedPostgres) -> None:
    only_assets = {"SIGMASIGHT_DATABASE_URL": EXTERNAL["SIGMASIGHT_DATABASE_URL"]}
    started = run(stopped_server.home, "start", **only_assets)
    assert "the asset database is external" in started.output
    assert "running" in started.output
    dagster = run(stopped_server.home, "url", "--dagster", **only_assets).stdout.strip()
    psycopg2.connect(dagster).close()


def test_migrate_prints_its_changes_once(stopped_server: EmbeddedPostgres) -> None:
    first = run(stopped_server.home, "migrate")
    assert first.exit_code == 0, first.output
    assert "created table portfolio_snapshots\n" in first.stdout
    assert run(stopped_server.home, "migrate").stdout == "up to date\n"


def test_mistakes_are_told_in_one_line(tmp_path: Path) -> None:
    for wrong in ({"SIGMASIGHT_DB_PORT": "80"}, {"SIGMASIGHT_DATABASE_URL": "mysql://root:secret@host/db"}):
        told = run(tmp_path, "url", **wrong)
        assert told.exit_code == 1
        assert told.output.startswith("Error: ")
        assert told.output.count("\n") == 1
        assert "secret" not in told.output
    told = run(tmp_path, "url", "--tcp", SIGMASIGHT_DATABASE_URL="sqlite:///x")
    assert "SIGMASIGHT_DATABASE_URL must start with postgresql://" in told.output


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_schemes(scheme: str) -> None:
    rest = "u:postgres%3A%2F%2F@h:5432/d?sslmode=require"
    assert libpq_url(f"{scheme}://{rest}") == f"postgresql://{rest}"
    assert sqlalchemy_url(f"{scheme}://{rest}") == f"postgresql+psycopg2://{rest}"


def test_other_databases_are_refused() -> None:
    with pytest.raises(InputError, match="only PostgreSQL"):
        libpq_url("sqlite:///x.db")


def test_urls_without_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NONE:
        monkeypatch.delenv(name, raising=False)
    settings = Settings(home=tmp_path / "h")
    assert asset_database_url(settings, start=False).startswith("postgresql://postgres@/sigmasight?host=/")
    assert dagster_database_url(settings, start=False).startswith("postgresql://postgres@/dagster?host=/")
    assert not (tmp_path / "h").exists()


def test_empty_database_per_test(database_url: str) -> None:
    engine = sqlalchemy.create_engine(sqlalchemy_url(database_url))
    assert sqlalchemy.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE t (x int)"))
    engine.dispose()


def test_next_database_is_empty_again(database_url: str) -> None:
    engine = sqlalchemy.create_engine(sqlalchemy_url(database_url))
    assert sqlalchemy.inspect(engine).get_table_names() == []
    engine.dispose()
