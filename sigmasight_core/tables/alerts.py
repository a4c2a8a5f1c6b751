"""Alerts: results beyond a limit, failed runs, and whether each was told to whom."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Seen, Table, key, label

ALERT_STATES = ("firing", "cleared", "unavailable")
SEVERITIES = ("info", "warning", "critical")
DESTINATIONS = ("log", "email", "webhook")
DELIVERY_STATES = ("pending", "delivered", "failed")


class Alerts(Table):
    """One rule that fired for a portfolio, row or check on a date, or one failed run: its last state."""

    rule: Series[str] = key("Id of the rule; run_failed for a failed run")
    portfolio: Series[str] = key(
        "Portfolio name; * = of market data, which is everybody's; empty = a failed run or check of several "
        "or of none"
    )
    date: Series[pd.Timestamp] = key(
        "Trading date; of a failed run its first bad date, else its first date; of coverage and checks the "
        "day on which the alert began"
    )
    failed_run: Series[str] = key("Dagster run that failed; empty for a rule on results")
    subject: Series[str] = key("Which row, where each row has an alert of its own; else empty")
    table_name: Series[str] = label("Table of the result; of a failed run the assets that failed")
    item: Series[str] = label("Which row of the table: key=value; empty = its only row")
    measure: Series[str] = label("Column that is compared; empty for a failed run")
    value: Series[float] = label("The result; NULL = unavailable, or a failed run", nullable=True)
    comparison: Series[str] = label("<, <=, >, >= or abs>; empty for a failed run")
    threshold: Series[float] = label("The limit; NULL = a failed run", nullable=True)
    severity: Series[str] = label("info, warning or critical", isin=SEVERITIES)
    state: Series[str] = label(
        "firing; cleared = fired, and a later publication is within the limit; unavailable = no value",
        isin=ALERT_STATES,
    )
    message: Series[str] = label("The alert in words; of a failed run the reason and the bad partitions")

    class Config:
        name = "alerts"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.OWN_OR_EVERYBODYS)}


class AlertDeliveries(Table):
    """One alert to be told to one destination. Rows stay when delivered."""

    destination: Series[str] = key("log, email or webhook", isin=DESTINATIONS)
    rule: Series[str] = key("As alerts.rule")
    portfolio: Series[str] = key("As alerts.portfolio")
    date: Series[pd.Timestamp] = key("As alerts.date")
    failed_run: Series[str] = key("As alerts.failed_run")
    subject: Series[str] = key("As alerts.subject")
    alert_state: Series[str] = label("State of the alert that is told", isin=ALERT_STATES)
    delivery: Series[str] = label(
        "pending = tried again on the next tick; delivered; failed = refused for good",
        isin=DELIVERY_STATES,
    )
    attempts: Series[int] = label("Ticks on which it was tried", ge=0)
    last_error: Series[str] = label("Why the last attempt failed; empty = it did not")

    class Config:
        name = "alert_deliveries"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, seen=Seen.OWN_OR_EVERYBODYS)}
