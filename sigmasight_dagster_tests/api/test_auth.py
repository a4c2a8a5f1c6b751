"""Logging in and out, sessions, limits, and errors as answers."""

import datetime as dt
import re
import time
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner

from sigmasight_dagster.api.app import BASE
from sigmasight_dagster.auth.tokens import signing_secret
from sigmasight_dagster.commands.servers.users import users
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse.access import pool
from sigmasight_dagster_tests.support.api_house import MINE, OTHERS, PASSWORD, SECRET, ApiHouse, api_on
from sigmasight_dagster_tests.support.stored_rows import sql


def test_a_login_is_answered_with_tokens_that_name_the_user(api: ApiHouse) -> None:
    tokens = api.login("reader")
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
    me = api.client.get(f"{BASE}/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.json() == {"email": "reader@example.com", "role": "reader", "portfolios": [MINE]}
    assert api.get("/auth/me", "admin").json()["portfolios"] == [MINE, OTHERS]


@pytest.mark.parametrize(
    ("email", "password"), [("reader@example.com", "wrong"), ("nobody@example.com", PASSWORD)]
)
def test_a_wrong_login_says_not_which_of_the_two_is_wrong(api: ApiHouse, email: str, password: str) -> None:
    answer = api.post("/auth/login", {"email": email, "password": password})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "address or password is wrong"


def test_a_refresh_token_is_exchanged_once_and_a_second_time_ends_the_login(api: ApiHouse) -> None:
    first = api.login("reader")
    second = api.post("/auth/refresh", {"refresh_token": first["refresh_token"]}).json()
    third = api.post("/auth/refresh", {"refresh_token": second["refresh_token"]}).json()
    mine = {"Authorization": f"Bearer {third['access_token']}"}
    assert api.client.get(f"{BASE}/auth/me", headers=mine).status_code == 200
    replayed = api.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert (replayed.status_code, replayed.json()["code"]) == (401, "refresh_token_replayed")
    assert api.post("/auth/refresh", {"refresh_token": third["refresh_token"]}).status_code == 401
    assert api.client.get(f"{BASE}/auth/me", headers=mine).status_code == 401


def test_a_logout_ends_the_access_token_too(api: ApiHouse) -> None:
    tokens = api.login("editor")
    assert api.post("/auth/logout", {"refresh_token": tokens["refresh_token"]}).status_code == 204
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert api.client.get(f"{BASE}/auth/me", headers=headers).status_code == 401
    assert api.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_forged_and_expired_tokens_are_refused(api: ApiHouse) -> None:
    good = jwt.decode(api.login("admin")["access_token"], SECRET, ["HS256"])
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    forged = [
        jwt.encode(good, b"another secret, of thirty-two characters", "HS256"),
        jwt.encode({**good, "exp": past}, SECRET, "HS256"),
        jwt.encode({name: good[name] for name in ("sub", "sid", "iat")}, SECRET, "HS256"),
        jwt.encode(good, None, "none"),
        "no token",
    ]
    for token in forged:
        answer = api.client.get(f"{BASE}/auth/me", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), token


def test_only_an_admin_adds_users_and_a_second_one_of_the_address_is_refused(api: ApiHouse) -> None:
    new = {"email": "New@Example.com", "password": "twelve letters", "portfolios": [MINE]}
    assert api.post("/auth/register", new, "editor").status_code == 403
    added = api.post("/auth/register", new, "admin")
    assert (added.status_code, added.json()["email"]) == (201, "new@example.com")
    assert api.post("/auth/register", new, "admin").status_code == 409
    assert api.post("/auth/register", {**new, "password": "short"}, "admin").status_code == 422
    unknown = {"email": "else@example.com", "password": "twelve letters", "portfolios": ["nobodys"]}
    assert api.post("/auth/register", unknown, "admin").status_code == 422


def test_what_changes_something_is_noted_with_the_user_and_how_it_ended(api: ApiHouse) -> None:
    answer = api.client.post(
        f"{BASE}/auth/register",
        json={"email": "x"},
        headers={**api.headers("reader"), "X-Request-ID": "noted-1"},
    )
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "noted-1"
    rows = sql(
        api.url,
        "SELECT email, action, status_code FROM sigmasight.activity WHERE request_id = 'noted-1'",
    )
    assert rows == [("reader@example.com", "POST /auth/register", answer.status_code)]


def test_bad_requests_name_their_fields(api: ApiHouse) -> None:
    answer = api.post("/auth/login", {"email": "a\0@b", "password": "x", "more": 1})
    assert answer.status_code == 422
    assert {item["field"] for item in answer.json()["fields"]} == {"body.email", "body.more"}
    broken = api.client.post(f"{BASE}/auth/login", content=b"{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.json()["code"]) == (400, "bad_request")
    assert api.client.get(f"{BASE}/nowhere").json()["code"] == "not_found"
    refused = api.client.delete(f"{BASE}/auth/login")
    assert (refused.json()["code"], refused.headers["allow"]) == ("method_not_allowed", "POST")
    assert api.client.patch(f"{BASE}/management/positions/x").headers["allow"] == "GET, POST"
    half = api.client.post(
        f"{BASE}/auth/login",
        content=rb'{"email": "a@\ud800b", "password": "x"}',
        headers={"Content-Type": "application/json"},
    )
    assert (half.status_code, half.json()["code"]) == (422, "invalid")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(api: ApiHouse) -> None:
    for body in (b"x" * 10_000_001, iter([b"x" * 6_000_000] * 2)):
        answer = api.client.post(
            f"{BASE}/auth/login", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_user_has_so_many_requests_a_minute_and_sees_what_is_left(api: ApiHouse, tmp_path: Path) -> None:
    with api_on(api.url, tmp_path, api_requests_per_minute=3) as limited:
        headers = limited.headers("reader")
        answers = [limited.client.get(f"{BASE}/auth/me", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert limited.get("/auth/me", "other").status_code == 200


def test_health_needs_no_token(api: ApiHouse) -> None:
    assert api.get("/system/health", None).json() == {"status": "ok", "database": "ok"}


def test_a_lost_connection_is_found_and_replaced(api: ApiHouse) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'sigmasight-api' AND datname = current_database()"
    )
    assert len(sql(api.url, kill))
    time.sleep(0.1)
    assert api.get("/auth/me").status_code == 200


def test_without_a_database_the_answer_is_503_and_says_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.2)
    with api_on("postgresql://nobody@127.0.0.1:1/none", tmp_path) as gone:
        health = gone.get("/system/health", None)
        assert (health.status_code, health.json()["database"]) == (503, "unavailable")
        login = gone.post("/auth/login", {"email": "a@b", "password": "c"})
        assert (login.status_code, login.json()["code"]) == (503, "unavailable")
        assert int(login.headers["retry-after"]) > 0


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "state")
    made = signing_secret(settings)
    assert len(made) >= 32
    assert signing_secret(settings) == made
    assert (settings.home / "api_secret").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in settings.home.iterdir()] == ["api_secret"]


def test_users_are_added_listed_and_locked_out_by_command(
    api: ApiHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMASIGHT_DATABASE_URL", api.url)
    monkeypatch.setenv("SIGMASIGHT_HOME", str(tmp_path))

    def run(*arguments: str, given: str = "") -> str:
        result = CliRunner().invoke(users, arguments, input=given)
        return result.output if result.exit_code == 0 else str(result.exception or result.output)

    add = ["add", "Cli@Example.com", "--portfolio", MINE, "--password-stdin"]
    assert "12 to 256 characters" in run(*add, given="short\n")
    assert "unknown portfolio nobodys" in run(*add, "--portfolio", "nobodys", given="twelve letters\n")
    assert run(*add, given="twelve letters\n") == f"Added cli@example.com: reader, portfolios {MINE}\n"
    assert "there is one already" in run(*add, given="twelve letters\n")
    long = f"{'x' * 60}@example.com"
    wide = [word for name in (MINE, OTHERS) for word in ("--portfolio", name)] * 6
    assert "Added" in run("add", long, *wide, "--password-stdin", given="twelve letters\n")
    listed = run("list").splitlines()
    assert max(map(len, listed)) <= 80
    assert [line.split() for line in listed if line.startswith("cli@")] == [
        ["cli@example.com", "reader", MINE]
    ]
    below = listed[listed.index(long) + 1]
    assert below.split() == ["reader", f"{MINE},", OTHERS]
    assert [line.split() for line in listed if "admin" in line] == [
        ["admin@example.com", "admin", "every", "one"]
    ]
    login = {"email": "cli@example.com", "password": "twelve letters"}
    tokens = api.post("/auth/login", login).json()
    assert "another password" in run(
        "password", "cli@example.com", "--password-stdin", given="other letters\n"
    )
    assert api.post("/auth/login", login).status_code == 401
    assert api.post("/auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401
    assert "Disabled" in run("disable", "cli@example.com")
    (line,) = (line for line in run("list").splitlines() if line.startswith("cli@"))
    assert re.fullmatch(rf"cli@example.com +reader +\d{{4}}-\d\d-\d\d +{MINE}", line)
    assert api.post("/auth/login", {**login, "password": "other letters"}).status_code == 401
    assert "is no address" in run("disable", "nobody")
    assert "no demo portfolio is registered" in run("add", "--demo")


def test_readers_of_the_database_do_not_see_users(api: ApiHouse) -> None:
    private = "has_table_privilege('sigmasight_reader', 'sigmasight.' || t, 'SELECT')"
    tables = "unnest(ARRAY['users', 'user_portfolios', 'refresh_tokens', 'activity', 'risk_measures']) AS t"
    assert sql(api.url, f"SELECT {private} FROM {tables}") == [(False,)] * 4 + [(True,)]
