"""Telling alerts: a log, e-mail, a webhook. What cannot be told says why and whether for good.

Messages of errors hold the kind of error and a status code only: the library's own texts may quote a
webhook's path or a mail server's answer.
"""

import json
import logging
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from hashlib import blake2b
from http.client import HTTPException
from time import monotonic, sleep
from typing import Any

import pandas as pd

from sigmasight_core.alerts.evaluation import KEYS
from sigmasight_dagster.settings import Settings

BATCH = 200
"""Alerts in one e-mail or POST."""

_ATTEMPTS = 3
_BACKOFF_SECONDS = 0.5
_RETRY_WITHIN_SECONDS = 5
"""After this long the next attempt is left to the next tick, which Dagster ends after a minute."""
_RETRIED_CLIENT_ERRORS = (408, 429)


class NotDelivered(Exception):
    """One attempt failed. :param permanent: the receiver refuses it; to try again is of no use."""

    def __init__(self, message: str, permanent: bool = False):
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True)
class Outcome:
    """What became of one batch: why it was not delivered (empty = it was), and whether to give up."""

    error: str = ""
    permanent: bool = False


def deliver(destination: str, alerts: pd.DataFrame, settings: Settings, log: logging.Logger) -> Outcome:
    """Tell a batch of alerts to one destination, within a few attempts.

    :param alerts: rows of `tables.Alerts`. :param log: where the destination log writes.
    """
    try:
        attempt = _attempt(destination, alerts, settings, log)
        _with_backoff(attempt)
    except NotDelivered as error:
        return Outcome(str(error), error.permanent)
    return Outcome()


def _attempt(
    destination: str, alerts: pd.DataFrame, settings: Settings, log: logging.Logger
) -> Callable[[], None]:
    if destination == "log":
        return partial(_write, alerts, log)
    if destination == "email":
        return partial(_mail, alerts, settings)
    return partial(_post, alerts, settings)


def _with_backoff(attempt: Callable[[], None]) -> None:
    begun = monotonic()
    for number in range(1, _ATTEMPTS + 1):
        try:
            attempt()
            return
        except NotDelivered as error:
            late = monotonic() - begun > _RETRY_WITHIN_SECONDS
            if error.permanent or late or number == _ATTEMPTS:
                raise
        sleep(_BACKOFF_SECONDS * 2 ** (number - 1))


def _write(alerts: pd.DataFrame, log: logging.Logger) -> None:
    for row in alerts.itertuples():
        log.warning("alert %s (%s, %s): %s", row.rule, row.severity, row.state, row.message)


def _mail(alerts: pd.DataFrame, settings: Settings) -> None:
    if not settings.smtp_host or not settings.smtp_to.strip():
        raise NotDelivered("email: set SIGMASIGHT_SMTP_HOST and SIGMASIGHT_SMTP_TO")
    try:
        with smtplib.SMTP(
            settings.smtp_host, settings.smtp_port, timeout=settings.notify_timeout_seconds
        ) as server:
            if settings.smtp_starttls:
                server.starttls(context=ssl.create_default_context())
            if settings.smtp_user:
                password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
                server.login(settings.smtp_user, password)
            server.send_message(message(alerts, settings))
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        raise NotDelivered(
            f"email: recipients refused: {codes}", all(code >= 500 for code in codes)
        ) from None
    except smtplib.SMTPResponseException as error:
        name = type(error).__name__
        raise NotDelivered(f"email: {name}: {error.smtp_code}", error.smtp_code >= 500) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotDelivered(f"email: {type(error).__name__}") from None


def message(alerts: pd.DataFrame, settings: Settings) -> Any:
    """The e-mail of some alerts; the same alerts give the same Message-ID, so that a repeat can be told."""
    mail = EmailMessage()
    severities = [word for word in ("critical", "warning", "info") if (alerts["severity"] == word).any()]
    counted = f"{len(alerts)} alert" + ("s" if len(alerts) > 1 else "")
    mail["Subject"] = f"SigmaSight: {counted} ({', '.join(severities)})"
    mail["From"] = settings.smtp_from
    mail["To"] = settings.smtp_to
    mail["Message-ID"] = f"<{_digest(''.join(alert_ids(alerts)))}@sigmasight>"
    lines = [f"{row.severity} {row.state} {row.rule}: {row.message}" for row in alerts.itertuples()]
    mail.set_content("\n".join(lines) + "\n")
    return mail


def _post(alerts: pd.DataFrame, settings: Settings) -> None:
    if settings.webhook_url is None:
        raise NotDelivered("webhook: set SIGMASIGHT_WEBHOOK_URL")
    url = settings.webhook_url.get_secret_value()
    if not url.startswith(("http://", "https://")):
        raise NotDelivered("webhook: SIGMASIGHT_WEBHOOK_URL must begin with https:// or http://")

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """A redirected POST would become a GET: an error instead."""

    try:
        request = urllib.request.Request(
            url, json.dumps({"alerts": payload(alerts)}).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(Stay)
        with opener.open(request, timeout=settings.notify_timeout_seconds):
            return
    except urllib.error.HTTPError as error:
        permanent = error.code < 500 and error.code not in _RETRIED_CLIENT_ERRORS
        raise NotDelivered(f"webhook: HTTP {error.code}", permanent) from None
    except urllib.error.URLError as error:
        raise NotDelivered(f"webhook: {type(error.reason).__name__}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotDelivered(f"webhook: {type(error).__name__}") from None


def payload(alerts: pd.DataFrame) -> list[dict[str, Any]]:
    """Alerts as JSON objects; `id` is the same when one is told again."""
    rows = alerts.assign(
        id=alert_ids(alerts),
        date=alerts["date"].dt.strftime("%Y-%m-%d"),
        value=alerts["value"].astype(object).where(alerts["value"].notna(), None),
        threshold=alerts["threshold"].astype(object).where(alerts["threshold"].notna(), None),
    )
    told = [*KEYS, "table_name", "item", "measure", "value", "comparison", "threshold", "severity", "state"]
    return rows[["id", *told, "message"]].to_dict("records")  # type: ignore[return-value]


def alert_ids(alerts: pd.DataFrame) -> Sequence[str]:
    """Identity of each alert in its state."""
    parts = alerts[[*KEYS, "state"]].assign(date=alerts["date"].dt.strftime("%Y-%m-%d"))
    subject = ("/" + parts["subject"]).where(parts["subject"] != "", "")
    ids = parts.drop(columns=["subject", "state"]).agg("/".join, axis=1) + subject + "/" + parts["state"]
    return ids.tolist()


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
