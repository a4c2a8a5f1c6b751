"""Any password in any way of writing a URL: every driver reads it as it is meant, and nobody shows it."""

import re
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from sigmasight_core.errors import InputError
from sigmasight_dagster.commands.servers import db
from sigmasight_dagster.server.urls import asset_database_url, dagster_database_url, sqlalchemy_url
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.settings.urls import canonical_url, identity, masked, with_parameter, without_password
from sigmasight_dagster.warehouse import Warehouse, WarehouseError

MARK = "Zq7"
"""In every password, so that its showing is no chance."""

PASSWORDS = st.text(
    st.one_of(st.sampled_from(" @:/?#%&=+[],;'\"\\$*é"), st.characters(exclude_categories=("Cs", "Cc"))),
    max_size=12,
).map(lambda text: f"{text}{MARK}{text[::-1]}")
FORMS = st.sampled_from(
    [
        "postgresql://u:{}@127.0.0.1:1/x",
        "postgres://u:{}@localhost:1",
        "postgresql+psycopg2://u:{}@127.0.0.1:1/x?connect_timeout=3&sslmode=prefer",
        "postgresql://u:{}@/x?host=/no/such/folder",
    ]
)
HEX = re.compile("%[0-9A-Fa-f]{2}")


@settings(max_examples=50)
@given(PASSWORDS, FORMS, st.booleans())
@example(f"two words{MARK}", "postgresql://u:{}@127.0.0.1:1/x", False)
@example(f"p@ss%{MARK}@h", "postgresql://u:{}@127.0.0.1:1/x", False)
def test_every_password_arrives_and_none_is_shown(password: str, form: str, encoded: bool) -> None:
    written = quote(password, safe="") if encoded or HEX.search(password) else password
    url = canonical_url(form.format(written))
    assert parse_dsn(url)["password"] == password
    assert sa.make_url(sqlalchemy_url(url)).password == password
    assert canonical_url(url) == url
    bare, secret = without_password(url)
    assert secret == password
    assert MARK not in bare
    assert MARK not in masked(f"{password} {quote(password)} {url} {password!r}", url)
    with pytest.raises(WarehouseError) as caught:
        Warehouse(form.format(written)).portfolios()
    assert MARK not in str(caught.value)
    assert "not reachable" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:{}@h:port/x",
        "postgresql://u:{}@h/x?nonsense=1",
        "mysql://u:{}@h/x",
        "u:{}",
        "postgresql://u:{}",
    ],
)
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match=r"^NAME") as caught:
        canonical_url(url.format(MARK), "NAME")
    assert MARK not in str(caught.value)


def test_a_password_among_the_parameters_is_one_too() -> None:
    url = canonical_url(f"postgresql://u@h/x?password={MARK} 1&sslpassword={MARK}2&sslmode=require")
    assert without_password(url)[1] == f"{MARK} 1"
    assert MARK not in masked(f"{MARK} 1, {MARK}2, {url}", url)


def test_parameters_are_added_once() -> None:
    url = with_parameter("postgresql://h/x?application_name=mine&sslmode=require", "application_name", "ours")
    assert url == "postgresql://h/x?sslmode=require&application_name=ours"
    assert with_parameter("postgresql://h/x", "a", "b c") == "postgresql://h/x?a=b%20c"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("postgresql://a:1@h/x", "postgres://b:2@H:5432/x?sslmode=require", True),
        ("postgresql://x@h", "postgresql+psycopg2://h/x", True),
        ("postgresql:///x", "postgresql://localhost/x", True),
        ("postgresql:///x?host=/tmp", "postgresql://%2Ftmp/x", True),
        ("postgresql://h/x", "postgresql://h/y", False),
        ("postgresql://h/x", "postgresql://h:5433/x", False),
        ("postgresql://h/x", "postgresql://g/x", False),
    ],
)
def test_one_database_for_both_is_refused(one: str, other: str, same: bool) -> None:
    assert (identity(canonical_url(one)) == identity(canonical_url(other))) == same
    both = Settings(_env_file=None, database_url=one, dagster_postgres_url=None)
    both.dagster_postgres_url = other
    for address in (asset_database_url, dagster_database_url):
        if same:
            with pytest.raises(
                InputError, match="name the same database: give Dagster's storage one of its own"
            ):
                address(both)
        else:
            assert address(both).startswith("postgresql://")


def test_psql_has_the_password_in_its_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    called: dict[str, object] = {}

    def execve(program: str, arguments: list[str], environment: dict[str, str]) -> None:
        called.update(arguments=" ".join(arguments), password=environment["PGPASSWORD"])

    monkeypatch.setattr("os.execve", execve)
    monkeypatch.setenv(
        "SIGMASIGHT_DATABASE_URL", f"postgresql://me:a b@{MARK}@db.example.com/risk?sslmode=require"
    )
    db.psql.main(["-c", "SELECT 1"], standalone_mode=False)
    assert called["password"] == f"a b@{MARK}"
    assert str(called["arguments"]).endswith(
        "psql postgresql://me@db.example.com/risk?sslmode=require -c SELECT 1"
    )
