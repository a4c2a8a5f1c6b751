"""What /system tells of jobs."""

from typing import Literal

from pydantic import BaseModel, Field

State = Literal["queued", "running", "succeeded", "failed", "canceled"]


class JobRun(BaseModel):
    """One Dagster run of a job."""

    run_id: str
    state: State
    tables: list[str]
    created_at: str
    started_at: str | None
    ended_at: str | None


class Job(BaseModel):
    """A job and its runs so far; run-all may have more layers to come."""

    job_id: str
    batch: str
    state: State
    detail: str = Field(description="What it waits for; empty = nothing")
    start_date: str
    end_date: str
    portfolios: list[str]
    runs: list[JobRun]


class RunResult(BaseModel):
    """What a run has done."""

    run_id: str
    state: State
    published_partitions: int = Field(description="Partitions of tables that are published as it made them")
    error: str = Field(description="Why it failed; empty = it did not")
    bad_partitions: list[str]


class Schedule(BaseModel):
    """A schedule of daily operation."""

    name: str
    cron: str
    timezone: str
    running: bool
    description: str
