"""What users of the API manage beside the ledger: files they sent, rules of alerts, reports they ordered."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Table, key, label

UPLOAD_STATES: Final = ("received", "checked", "refused", "stored", "failed")
REPORT_PERIODS: Final = ("daily", "weekly", "monthly")

_PRIVATE: Final = Facts(kind=Kind.OPERATIONS, private=True)


class Uploads(Table):
    """One file that a user of the API sent to make a portfolio of, and what became of it."""

    upload_id: Series[str] = key("Id of the upload")
    email: Series[str] = label("Address of the user who sent it")
    portfolio: Series[str] = label("Name of the portfolio that it is to make")
    file_name: Series[str] = label("What messages call the file")
    options: Series[str] = label("What was said beside the file (JSON)")
    content: Series[str] = label("The file's text; empty once it is stored")
    state: Series[str] = label(
        "received = not checked yet; checked = good, not stored; refused = a row is bad; stored; "
        "failed = checking or storing ended with an error",
        isin=UPLOAD_STATES,
    )
    result: Series[str] = label("What the check found (JSON): errors, warnings, counts")
    received_at: Series[pd.Timestamp] = label("When it was received (UTC)")
    changed_at: Series[pd.Timestamp] = label("When its state changed last (UTC)")

    class Config:
        name = "uploads"
        metadata = {"facts": _PRIVATE}


class AlertRuleRows(Table):
    """One rule of alerts that was added through the API, beside those of the file of rules."""

    rule: Series[str] = key("Id of the rule")
    definition: Series[str] = label("The rule as in the file of rules (JSON)")
    email: Series[str] = label("Address of the user who added it")
    added_at: Series[pd.Timestamp] = label("When it was added (UTC)")

    class Config:
        name = "alert_rules"
        metadata = {"facts": _PRIVATE}


class AlertAcknowledgements(Table):
    """One alert in one state that a user has seen. The alert itself goes on as before."""

    rule: Series[str] = key("As alerts.rule")
    portfolio: Series[str] = key("As alerts.portfolio")
    date: Series[pd.Timestamp] = key("As alerts.date")
    failed_run: Series[str] = key("As alerts.failed_run")
    state: Series[str] = key("State of the alert that was seen")
    subject: Series[str] = key("As alerts.subject")
    email: Series[str] = label("Address of the user who acknowledged it first")
    acknowledged_at: Series[pd.Timestamp] = label("When (UTC)")

    class Config:
        name = "alert_acknowledgements"
        metadata = {"facts": _PRIVATE}


class ReportSchedules(Table):
    """One standing order for the report of a portfolio: files of it at the end of each period."""

    schedule_id: Series[str] = key("Id of the schedule")
    email: Series[str] = label("Address of the user who ordered it")
    portfolio: Series[str] = label("Portfolio whose report is made")
    period: Series[str] = label(
        "daily = of each session; weekly, monthly = of the last session of a week, of a month",
        isin=REPORT_PERIODS,
    )
    formats: Series[str] = label("Forms of the files, comma-separated")
    added_at: Series[pd.Timestamp] = label("When it was ordered (UTC)")
    last_report_date: Series[pd.Timestamp] = label(
        "Date of the newest report that was written; NULL = none yet", nullable=True
    )
    last_run: Series[str] = label("Dagster's id of the run that wrote it; NULL = none yet", nullable=True)
    written_at: Series[pd.Timestamp] = label("When it was written (UTC); NULL = none yet", nullable=True)

    class Config:
        name = "report_schedules"
        metadata = {"facts": _PRIVATE}
