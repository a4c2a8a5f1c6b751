"""What /export takes and answers."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.tables.access.managed import REPORT_PERIODS
from sigmasight_core.what_if.fix_messages import COMP_ID
from sigmasight_dagster.api.answers.declaration import Date
from sigmasight_dagster.api.bodies.jobs import Job
from sigmasight_dagster.api.bodies.modeling import Body, Text
from sigmasight_dagster.api.texts import Word
from sigmasight_dagster.reports import portfolio_report
from sigmasight_dagster.warehouse.access.report_schedules import MOST_SCHEDULES

MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "html": "text/html; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "zip": "application/zip",
    "fix": "application/octet-stream",
}
"""By the end of a file's name."""
REPORT_FORMS: Final = tuple(portfolio_report.FORMATS)
ReportForm = Literal[REPORT_FORMS]  # type: ignore[valid-type]
TRADE_FORMATS: Final = ("csv", "json", "broker", "fix")

CompId = Annotated[str, StringConstraints(pattern=COMP_ID)]


class Fix(Body):
    """The header of FIX messages."""

    sender: CompId = Field(description="SenderCompID (49)", examples=["FUND"])
    target: CompId = Field(description="TargetCompID (56)", examples=["BROKER"])
    first_number: int = Field(
        default=1, ge=1, le=2**31, strict=True, description="MsgSeqNum (34) of the first message"
    )


class TradeList(Body):
    """Whose trades, and in which form."""

    session_id: Text | None = Field(default=None, description="An open session of yours that is calculated")
    saved: Annotated[str, StringConstraints(pattern=PORTFOLIO_NAME_PATTERN)] | None = Field(
        default=None, description="A saved what-if session", examples=["less-apple"]
    )
    format: Literal[TRADE_FORMATS] = Field(  # type: ignore[valid-type]
        description="csv: what what-if reads; broker: CSV with an order a line; json: the same orders; fix: "
        "FIX 4.4 NewOrderSingle",
        examples=["broker"],
    )
    fix: Fix | None = Field(default=None, description="Needed for the format fix")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if (self.session_id is None) == (self.saved is None):
            raise ValueError("give session_id or saved, one of them")
        if (self.fix is None) != (self.format != "fix"):
            raise ValueError("fix (sender, target) goes with the format fix, and it alone")
        return self


class Templates(BaseModel):
    """What can be exported, and how."""

    tables: list[str] = Field(description="Of GET /export/portfolio/{portfolio}")
    table_formats: list[str]
    report_formats: list[str] = Field(description="Of GET /export/reports/{report_id}/download")
    trade_formats: list[str] = Field(description="Of POST /export/trades")


class ReportStatus(BaseModel):
    """Whether a report is there."""

    report_id: str = Field(examples=["individual_2022-12-28"])
    portfolio: str
    report_date: str = Field(examples=["2022-12-28"])
    status: Literal["stored", "outdated", "missing"] = Field(
        description="outdated: what it is made of was computed again since"
    )


class Generate(Body):
    """Which reports are to be made."""

    portfolios: list[Word] = Field(
        default_factory=list, max_length=1000, description="Own ones; default: all of them"
    )
    date: Date | None = Field(
        default=None,
        description="Trading date; default: the newest of which all of them have results",
        examples=["2022-12-28"],
    )
    formats: list[ReportForm] = Field(
        default_factory=list,
        max_length=len(REPORT_FORMS),
        description="Files that the run writes on the server too; a download needs none",
    )


class Generating(BaseModel):
    """A job that makes reports, and what they are called."""

    job: Job
    report_ids: list[str] = Field(
        description="Of GET /export/reports/{report_id}/status and download",
        examples=[["individual_2022-12-28"]],
    )


class Order(Body):
    """Reports that are to be made again and again."""

    portfolios: list[Word] = Field(
        default_factory=list, max_length=MOST_SCHEDULES, description="Own ones; default: all of them"
    )
    period: Literal[REPORT_PERIODS] = Field(  # type: ignore[valid-type]
        description="daily: of each session; weekly, monthly: of the last session of a week, of a month"
    )
    formats: list[ReportForm] = Field(
        default_factory=lambda: ["html"], min_length=1, max_length=len(REPORT_FORMS)
    )


class Ordered(BaseModel):
    """A standing order for the report of a portfolio."""

    schedule_id: str
    portfolio: str = Field(examples=["individual"])
    period: Literal[REPORT_PERIODS]  # type: ignore[valid-type]
    formats: list[str]
    ordered_by: str
    ordered_at: str
    last_report_date: str | None = Field(description="Of the newest report that was written; null = none yet")
    last_run_id: str | None
    written_at: str | None


class Exported(BaseModel):
    """One file that left."""

    occurred_at: str
    action: str = Field(examples=["GET /export/portfolio/{portfolio}"])
    target: str = Field(description="What was asked for")
    request_id: str
