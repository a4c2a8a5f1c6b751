"""A role that was granted one portfolio sees that one: in every table, in every view, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.tables import (
    OPERATIONS_TABLES,
    TABLES,
    Grain,
    Portfolios,
    PositionStress,
    Seen,
    Table,
    facts,
    grain,
    primary_key,
    seen,
    table_name,
)
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.warehouse import Warehouse
from sigmasight_dagster.warehouse.layout import policies
from sigmasight_dagster.warehouse.rows import to_arrow
from sigmasight_dagster.warehouse.stores import grants
from sigmasight_dagster.warehouse.tables import copy_in
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp

MODELS = (*TABLES, *OPERATIONS_TABLES)
MINE, OTHER = "mine", "other"
ROLE, READER = "analyst%'\"s", "seeing_all"
RELATIONS = (
    "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'sigmasight'::regnamespace "
    "AND relkind IN ('r', 'v', 'm', 'f', 'p') ORDER BY 1"
)


def rows_of_both(model: type[Table]):
    """Rows of two portfolios; sessions and roles of one or the other."""
    rows = random_rows(model, dates=DATES[:2], portfolios=(MINE, OTHER), per_partition=4)
    turns = [(MINE, OTHER)[n % 2] for n in range(len(rows))]
    if "portfolio" in rows and grain(model) is not Grain.DATE_PORTFOLIO:
        rows["portfolio"] = turns
    if "session" in rows:
        rows["session"] = [f"session of {name}" for name in turns]
    if model is Portfolios:
        rows = rows.iloc[:2]
    return rows.drop_duplicates(primary_key(model))


@pytest.fixture(scope="module")
def filled(postgres_server: EmbeddedPostgres, migrated_template: str) -> Iterator[Warehouse]:
    """Every table with rows of two portfolios, one of which a role was granted."""
    maintenance = postgres_server.url("postgres")
    execute(maintenance, f"CREATE DATABASE granted TEMPLATE {migrated_template}")
    made = Warehouse(postgres_server.url("granted"))
    portfolios = (MINE, OTHER)
    for model in MODELS:
        rows = rows_of_both(model)
        if grain(model) is not Grain.UNPARTITIONED:
            names = portfolios if grain(model) is Grain.DATE_PORTFOLIO else None
            made.replace(model, rows, DATES[:2], names, stamp())
    with made._database.transaction() as cursor:
        for model in MODELS:
            loaded = table_name(model) != "publications" and not facts(model).private
            if loaded and grain(model) is Grain.UNPARTITIONED:
                copy_in(cursor, model, to_arrow(model, rows_of_both(model), stamp()))
    execute(maintenance, f"CREATE ROLE {READER} LOGIN IN ROLE sigmasight_reader")
    made.grant_portfolios(ROLE, [MINE], "secret", stamp())
    yield made
    made.close()
    execute(maintenance, "DROP DATABASE granted WITH (FORCE)")
    execute(maintenance, f'DROP ROLE {READER}, "{ROLE.replace(chr(34), chr(34) * 2)}"')


@pytest.fixture(scope="module")
def ask(filled: Warehouse, postgres_server: EmbeddedPostgres) -> Iterator[Callable[..., list]]:
    """Rows of a statement as one of the two roles; by default the one that was granted a portfolio."""
    at = psycopg2.extensions.parse_dsn(postgres_server.url("granted"))
    with (
        closing(psycopg2.connect(**at | {"user": ROLE})) as limited,
        closing(psycopg2.connect(**at | {"user": READER})) as reader,
    ):
        limited.autocommit = reader.autocommit = True

        def rows(statement: str, role: str = ROLE) -> list:
            with (limited if role == ROLE else reader).cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

        yield rows


def url_of(warehouse: Warehouse) -> str:
    url = warehouse._database._url.set(drivername="postgresql")
    return url.render_as_string(hide_password=False)


def test_one_portfolio_in_every_table_and_view(ask: Callable[..., list]) -> None:
    """Of all that the catalogue has, so that what is declared later is in it too."""
    models = {table_name(model): model for model in MODELS}
    for name, _ in ask(RELATIONS):
        if name in models and facts(models[name]).private:
            for role in (ROLE, READER):
                assert ask(f"SELECT has_table_privilege('sigmasight.{name}', 'SELECT')", role) == [(False,)]
            continue
        every = ask(f"SELECT * FROM sigmasight.{name}", READER)
        mine = ask(f"SELECT * FROM sigmasight.{name}")
        model = models.get(name.removesuffix("_latest"))
        how = seen(model) if model else Seen.OWN
        if name == "schema_version" or how is Seen.ALL:
            assert mine == every, name
            continue
        assert OTHER in repr(every) or how is Seen.NOTHING, name
        assert OTHER not in repr(mine), name
        assert (MINE in repr(mine)) is (how is not Seen.NOTHING), name
        assert set(map(repr, mine)) < set(map(repr, every)) or how is Seen.ROLE, name


def test_alerts_of_the_market_are_everybodys_and_those_of_several_portfolios_are_not(
    ask: Callable[..., list], filled: Warehouse
) -> None:
    rest = "'', '', 't', '', 'm', 1, '>', 1, 'info', 'firing', '', 'run', '1', now()"
    rows = ", ".join(f"('limit', '{name}', '2022-12-16', {rest})" for name in ("*", "", MINE, OTHER))
    sql(url_of(filled), f"INSERT INTO sigmasight.alerts VALUES {rows}")
    found = ask("SELECT portfolio FROM sigmasight.alerts WHERE rule = 'limit'")
    assert {name for (name,) in found} == {"*", MINE}


def test_nothing_through_functions_and_statistics(ask: Callable[..., list], filled: Warehouse) -> None:
    """A function of the role's own is shown no other row, nor are the statistics."""
    sql(url_of(filled), "ANALYZE sigmasight.positions")
    ask(
        "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS "
        "$$ BEGIN IF $1 LIKE '%other%' THEN RAISE 'leaked %', $1; END IF; RETURN true; END $$"
    )
    for name in ("positions", "portfolio_snapshots_latest", "what_if_trades"):
        column = "session" if name == "what_if_trades" else "portfolio"
        assert ask(f"SELECT count(*) FROM sigmasight.{name} WHERE pg_temp.leak({column})") > [(0,)]
    statistics = (
        "SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats "
        "WHERE schemaname = 'sigmasight' AND attname = 'portfolio'"
    )
    assert OTHER in repr(sql(url_of(filled), statistics))
    assert ask(statistics) == []
    assert ask("SELECT count(*) FROM pg_proc WHERE pronamespace = 'sigmasight'::regnamespace") == [(0,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM sigmasight.positions",
        "UPDATE sigmasight.portfolio_grants SET portfolio = 'other'",
        "INSERT INTO sigmasight.portfolio_grants SELECT * FROM sigmasight.portfolio_grants",
        "INSERT INTO sigmasight.what_if_trades SELECT * FROM sigmasight.what_if_trades",
        "TRUNCATE sigmasight.alerts",
        "CREATE TABLE sigmasight.mine (x int)",
        "CREATE VIEW sigmasight.mine AS SELECT 1",
        "DROP POLICY granted ON sigmasight.positions",
        "ALTER TABLE sigmasight.positions DISABLE ROW LEVEL SECURITY",
        "SET ROLE sigmasight_reader",
        "SET SESSION AUTHORIZATION postgres",
        "COPY sigmasight.positions FROM PROGRAM 'true'",
    ],
)
def test_it_cannot_write(ask: Callable[..., list], statement: str) -> None:
    with pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InvalidParameterValue)):
        ask(statement)


def test_off_is_refused_and_not_ignored(ask: Callable[..., list]) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="row-level security"):
        ask("SET LOCAL row_security = off; SELECT * FROM sigmasight.positions")


def test_plans_of_the_reader_are_those_without_policies(ask: Callable[..., list], filled: Warehouse) -> None:
    """The reader's plan has no condition of a policy; the granted role's looks its portfolios up once."""
    view = "EXPLAIN (COSTS off) SELECT * FROM sigmasight.portfolio_snapshots_latest"
    theirs, mine = ("\n".join(line for (line,) in ask(view, role)) for role in (READER, ROLE))
    assert theirs == "\n".join(line for (line,) in sql(url_of(filled), view))
    assert "portfolio_grants" not in theirs
    assert "InitPlan" in mine
    assert "SubPlan" not in mine.replace("InitPlan", "").replace("hashed", "")


@pytest.mark.parametrize(
    ("role", "before", "cure"),
    [
        ("", None, "1 to 63 bytes"),
        ("r" * 64, None, "1 to 63 bytes"),
        ("pg_monitor", None, "of your own"),
        ("sigmasight_reader", None, "of your own"),
        ("postgres", None, "row-level security does not hold"),
        ("sees_all", "CREATE ROLE sees_all IN ROLE sigmasight_writer", "REVOKE sigmasight_writer FROM"),
        ("owner_too", "CREATE ROLE owner_too IN ROLE postgres", "REVOKE postgres FROM"),
        ("no_heir", "CREATE ROLE no_heir NOINHERIT", "inherits no rights"),
    ],
)
def test_roles_that_would_see_more_are_refused(
    filled: Warehouse, role: str, before: str | None, cure: str
) -> None:
    url = url_of(filled)
    if before:
        sql(url, before)
    try:
        with pytest.raises(InputError, match=cure):
            filled.grant_portfolios(role, [MINE], None, stamp())
    finally:
        if before:
            sql(url, f"DROP ROLE {role}")


def test_unknown_portfolios_are_refused(filled: Warehouse) -> None:
    with pytest.raises(InputError, match=r"portfolio nobody's: not registered; registered are: mine, other"):
        filled.grant_portfolios("someone", ["nobody's"], None, stamp())
    assert sql(url_of(filled), "SELECT to_regrole('someone')") == [(None,)]
    with pytest.raises(InputError, match="role someone: it was not granted mine"):
        filled.revoke_portfolios("someone", [MINE])


def test_the_password_is_stored_as_a_hash(filled: Warehouse) -> None:
    found = sql(url_of(filled), "SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'analyst%'")
    assert found[0][0].startswith("SCRAM-SHA-256$")


def test_on_a_server_without_invokers_views_it_reads_tables_alone(
    fresh_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of PostgreSQL 14: its views would ask as the owner, whom no policy holds."""
    for module in (policies, grants):
        monkeypatch.setattr(module, "server_version", lambda _: 14)
    url = fresh_database()
    warehouse = Warehouse(url)
    warehouse.migrate()
    sql(
        url,
        "INSERT INTO sigmasight.portfolios (portfolio, cash, source, run_id, code_version, computed_at) "
        "VALUES ('mine', 1, 'f', 'r', 'c', now()), ('other', 1, 'f', 'r', 'c', now())",
    )
    stress = rows_of_both(PositionStress)
    warehouse.replace(PositionStress, stress, DATES[:2], (MINE, OTHER), stamp())
    notes = warehouse.grant_portfolios("of_14", [MINE], None, stamp())
    warehouse.close()
    assert notes[0] == "made the role of_14, which may log in"
    assert "the views need PostgreSQL 15" in notes[1]
    assert sql(url, "SET ROLE of_14", "SELECT portfolio FROM sigmasight.portfolios") == [(MINE,)]
    seen_of_packed = "SELECT DISTINCT portfolio FROM sigmasight.position_stress ORDER BY 1"
    assert sql(url, "SET ROLE of_14", seen_of_packed) == [(MINE,)]
    for role in ("sigmasight_reader", "postgres"):
        assert sql(url, f"SET ROLE {role}", seen_of_packed) == [(MINE,), (OTHER,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        sql(url, "SET ROLE of_14", "SELECT * FROM sigmasight.portfolio_today")
    sql(url, "DROP ROLE of_14")


def test_a_role_that_was_granted_views_alone_is_told_of(url: str, warehouse: Warehouse) -> None:
    """Its views ask as itself since they know the policies: it needs the tables, too."""
    sql(url, "CREATE ROLE views_alone", "GRANT SELECT ON sigmasight.portfolio_today TO views_alone")
    try:
        assert warehouse.migrate() == [
            "note: role views_alone may read the view portfolio_today and not its tables, which it now "
            "needs: GRANT sigmasight_reader TO views_alone"
        ]
    finally:
        sql(url, "DROP OWNED BY views_alone", "DROP ROLE views_alone")


def test_policies_of_before_are_brought_up_to_date(url: str, warehouse: Warehouse) -> None:
    sql(
        url,
        "DROP POLICY granted ON sigmasight.positions",
        "ALTER TABLE sigmasight.alerts DISABLE ROW LEVEL SECURITY",
        "COMMENT ON POLICY granted ON sigmasight.transactions IS 'older'",
        "ALTER VIEW sigmasight.portfolio_today RESET (security_invoker)",
    )
    assert warehouse.migrate() == ["row-level security of 3 tables", "changed rights of 1 views"]
    assert warehouse.migrate() == []
