"""Alerts from publication to delivery: a real warehouse, mail server and web server."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr

from sigmasight_core.alerts.rules import AlertRule
from sigmasight_core.tables import (
    AlertDeliveries,
    Alerts,
    StressResults,
)
from sigmasight_dagster.alerts import evaluate, notify
from sigmasight_dagster.automation import alerts
from sigmasight_dagster_tests.alerts.conftest import DATES, RULES, Desk
from sigmasight_dagster_tests.support.house import House, dagster_instance, exposures
from sigmasight_dagster_tests.support.local_servers import mail_server, web_server

SECRET = "s3cret-token"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "_BACKOFF_SECONDS", 0.01)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_each_rule_portfolio_and_date_is_told_once(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.publish(-150.0)
    assert (desk.tick().told, desk.states()) == (10, {"firing": 10})
    assert sum("exposure_usd" in record.getMessage() for record in caplog.records) == 10
    assert desk.tick().told == 0
    desk.publish(-160.0, DATES[:2])
    assert desk.tick(keep_cursor=False).told == 0
    desk.publish(50.0, DATES[:1], ("b",))
    assert (desk.tick().told, desk.states()) == (1, {"firing": 9, "cleared": 1})
    assert desk.outbox() == {("delivered", ""): 10}


def test_a_publication_that_began_before_a_tick_and_ended_after_it_is_not_missed(desk: Desk) -> None:
    with desk.warehouse._database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO sigmasight.publications VALUES "
            "('factor_exposures', 'a', '2022-12-12', 0, NULL, NULL, 'slow', '1', '2022-12-01')"
        )
        desk.publish(-150.0, DATES[1:2])
        assert desk.tick().told == 2
    desk.tick()
    assert desk.states() == {"firing": 2, "unavailable": 1}


def test_a_changed_file_is_evaluated_on_the_newest_date_only(desk: Desk) -> None:
    desk.publish(50.0)
    desk.tick()
    desk.rules((RULES % "log").replace("100", "10"))
    assert desk.tick().told == 2
    assert desk.warehouse.read(Alerts)["date"].unique().tolist() == [DATES[-1]]


def test_a_bad_rule_is_left_out_and_a_bad_file_passes_nothing_over(desk: Desk) -> None:
    bad = RULES[RULES.index("  - id") :].replace("market_limit", "bad").replace("abs>", "near") % "log"
    desk.rules(RULES % "log" + bad)
    desk.publish(150.0)
    report = desk.tick()
    assert report.told == 10
    assert "rules.yaml:14: rules[1].comparison: unknown value 'near'" in report.problems[0]
    desk.rules("rules: [")
    desk.publish(-1.0)
    assert "not YAML" in desk.tick().problems[0]
    desk.rules(RULES % "log")
    assert desk.tick().told == 10
    assert desk.states() == {"cleared": 10}


def test_unavailable_is_stored_and_told_only_when_it_fired_before(desk: Desk) -> None:
    desk.publish(150.0, DATES[:1])
    desk.tick()
    desk.publish(np.nan, DATES[:2])
    assert desk.tick().told == 2
    assert desk.states() == {"unavailable": 4}
    assert "unavailable: test" in desk.warehouse.read(Alerts)["message"].iloc[0]


def test_mail_and_webhook_are_given_all_alerts_in_one_message(desk: Desk) -> None:
    desk.rules(RULES % "email, webhook")
    with mail_server() as mail, web_server(200) as web:
        desk.set(
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
            smtp_starttls=False,
            smtp_to="risk@example.com, desk@example.com",
            webhook_url=SecretStr(f"http://127.0.0.1:{web.port}/{SECRET}"),
        )
        desk.publish(-150.5)
        assert desk.tick().delivered == 20
        desk.tick()
    (message,) = mail.mails
    assert message["Subject"] == "SigmaSight: 10 alerts (warning)"
    assert "a 2022-12-12: factor_exposures.exposure_usd [factor=market] is -150.5" in message.get_content()
    assert mail.recipients == ["risk@example.com", "desk@example.com"]
    (post,) = web.posts
    assert len(post["alerts"]) == 10
    first = post["alerts"][0]
    assert (first["portfolio"], first["value"], first["threshold"]) == ("a", -150.5, 100)
    assert len({alert["id"] for alert in post["alerts"]}) == 10


def test_servers_that_are_down_block_nothing_and_are_tried_again(desk: Desk) -> None:
    desk.rules(RULES % "email, webhook, log")
    with mail_server() as mail, web_server(200) as web:
        ports = mail.port, web.port
    desk.set(
        smtp_host="127.0.0.1",
        smtp_port=ports[0],
        smtp_starttls=False,
        smtp_to="risk@example.com",
        webhook_url=SecretStr(f"http://127.0.0.1:{ports[1]}/{SECRET}"),
    )
    desk.publish(-150.0, DATES[:1])
    report = desk.tick()
    assert (report.told, report.delivered, desk.states()) == (2, 2, {"firing": 2})
    refused = {("pending", f"{name}: ConnectionRefusedError"): 2 for name in ("email", "webhook")}
    assert desk.outbox() == {("delivered", ""): 2, **refused}
    with mail_server(port=ports[0]) as mail, web_server(200, port=ports[1]) as web:
        assert desk.tick().delivered == 4
    assert (len(mail.mails), len(web.posts)) == (1, 1)
    assert desk.outbox() == {("delivered", ""): 6}


@pytest.mark.parametrize(
    ("answers", "attempts", "delivery", "error"),
    [
        ((500, 200), 2, "delivered", ""),
        ((429, 200), 2, "delivered", ""),
        ((503,), 3, "pending", "webhook: HTTP 503"),
        ((404,), 1, "failed", "webhook: HTTP 404"),
        ((302,), 1, "failed", "webhook: HTTP 302"),
    ],
)
def test_answers_of_a_webhook(
    desk: Desk, answers: tuple[int, ...], attempts: int, delivery: str, error: str
) -> None:
    desk.rules(RULES % "webhook")
    with web_server(*answers) as web:
        desk.set(webhook_url=SecretStr(f"http://127.0.0.1:{web.port}/{SECRET}"))
        desk.publish(-150.0, DATES[:1])
        report = desk.tick()
        assert web.attempts == attempts
        assert desk.outbox() == {(delivery, error): 2}
        if delivery == "failed":
            desk.tick()
            assert web.attempts == attempts
    assert SECRET not in " ".join(report.problems)


def test_a_slow_webhook_ends_in_time(desk: Desk) -> None:
    desk.rules(RULES % "webhook")
    with web_server(200, delay=0.5) as web:
        desk.set(webhook_url=SecretStr(f"http://127.0.0.1:{web.port}/{SECRET}"), notify_timeout_seconds=0.1)
        desk.publish(-150.0, DATES[:1])
        desk.tick()
    assert desk.outbox() == {("pending", "webhook: TimeoutError"): 2}


@pytest.mark.parametrize(
    ("answer", "delivery", "error"),
    [
        (550, "failed", "email: recipients refused: [550]"),
        (450, "pending", "email: recipients refused: [450]"),
    ],
)
def test_refused_recipients(desk: Desk, answer: int, delivery: str, error: str) -> None:
    desk.rules(RULES % "email")
    with mail_server(answer) as mail:
        desk.set(smtp_host="127.0.0.1", smtp_port=mail.port, smtp_starttls=False, smtp_to="x@example.com")
        desk.publish(-150.0, DATES[:1])
        desk.tick()
    assert desk.outbox() == {(delivery, error): 2}


@pytest.mark.parametrize(
    ("password", "delivery", "error"),
    [(SECRET, "delivered", ""), ("another", "failed", "email: SMTPAuthenticationError: 535")],
)
def test_a_login_is_done_and_its_password_told_to_nobody_else(
    desk: Desk, password: str, delivery: str, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    desk.rules(RULES % "email, log")
    with mail_server(password=password) as mail:
        desk.set(
            smtp_host="127.0.0.1",
            smtp_port=mail.port,
            smtp_starttls=False,
            smtp_to="x@example.com",
            smtp_user="desk",
            smtp_password=SecretStr(SECRET),
        )
        desk.publish(-150.0, DATES[:1])
        report = desk.tick()
    assert mail.logins[0] == "desk"
    outbox = desk.warehouse.read(AlertDeliveries).set_index("destination").loc["email"]
    assert set(outbox["delivery"]) == {delivery}
    assert set(outbox["last_error"]) == {error}
    stored = desk.warehouse.read(Alerts).to_string() + outbox.to_string()
    assert SECRET not in stored + caplog.text + str(report) + repr(desk.platform.settings)


def test_encryption_that_the_server_has_not_is_not_done_without(desk: Desk) -> None:
    desk.rules(RULES % "email")
    with mail_server() as mail:
        desk.set(smtp_host="127.0.0.1", smtp_port=mail.port, smtp_to="x@example.com")
        desk.publish(-150.0, DATES[:1])
        desk.tick()
        assert mail.mails == []
    assert desk.outbox() == {("pending", "email: SMTPNotSupportedError"): 2}


def test_a_destination_that_is_not_set_waits_and_names_the_setting(desk: Desk) -> None:
    desk.rules(RULES % "webhook")
    desk.publish(-150.0, DATES[:1])
    assert "set SIGMASIGHT_WEBHOOK_URL" in " ".join(desk.tick().problems)
    with web_server(200) as web:
        desk.set(webhook_url=SecretStr(f"http://127.0.0.1:{web.port}/"))
        assert desk.tick().delivered == 2


def test_a_failed_run_becomes_one_alert(database_url: str, fresh_database: Any, tmp_path: Path) -> None:
    with dagster_instance(database_url, tmp_path) as instance:
        house = House.make(fresh_database(), tmp_path, instance)
        broken = exposures(lambda rows: rows.assign(n_positions=[-1, *[1] * (len(rows) - 1)]))
        outcome = house.run(broken, names=("a", "b"))
        assert outcome.failed
        definition = next(item for item in alerts.build() if item.name == "alert_failed_runs")
        cursor = None
        for _ in range(2):
            context = dg.build_sensor_context(instance, cursor=cursor, resources={"platform": house.platform})
            cursor = definition.evaluate_tick(context).cursor
        (alert,) = house.platform.warehouse.read(Alerts).itertuples()
        assert (alert.rule, alert.failed_run, alert.severity) == ("run_failed", outcome.run_id, "critical")
        assert (alert.table_name, alert.portfolio, alert.date) == ("factor_exposures", "a", DATES[0])
        assert "bad partitions (1): 2022-12-12|a" in alert.message
        (telling,) = house.platform.warehouse.read(AlertDeliveries).itertuples()
        assert (telling.destination, telling.delivery) == ("log", "pending")
        told = next(item for item in alerts.build() if item.name == "alerts")
        told.evaluate_tick(dg.build_sensor_context(instance, resources={"platform": house.platform}))
        assert house.platform.warehouse.read(AlertDeliveries)["delivery"].tolist() == ["delivered"]


def test_a_rule_without_a_scenario_leaves_those_kept_for_comparison_out() -> None:
    rows = pd.DataFrame({"scenario": ["fall", "old_fall"], "correlated_pnl": [-5.0, -9.0]})
    rest = ("correlated_pnl", (), "<", -1.0, None, "warning", ("log",))
    every = AlertRule("every", StressResults, *rest)
    named = replace(every, select=(("scenario", "old_fall"),))
    assert evaluate._watched(every, rows, {"old_fall"})["scenario"].tolist() == ["fall"]
    assert evaluate._watched(named, rows, {"old_fall"}) is rows
