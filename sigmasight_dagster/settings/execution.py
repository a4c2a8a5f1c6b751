"""Settings of runs: their size, attempts after failures, and what executes their steps."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class ExecutionSettings(BaseSettings):
    """How runs are cut, tried again and executed."""

    chunk_partitions: int = Field(
        default=2_100, description="Partitions (dates x portfolios) per run: a month of 100 portfolios", ge=1
    )

    processes: int = Field(
        default=0,
        description="Processes that a command computes portfolios with; 0 = as processors and memory allow",
        ge=0,
        le=256,
    )

    report_portfolios: int = Field(
        default=300,
        description="Portfolios of a run up to which it makes their reports by itself, a tenth of a second "
        "each; of more they are made when they are asked for, or with --all-reports",
        ge=0,
    )

    retry_limit: int = Field(default=3, description="Attempts after a failure that may pass", ge=0, le=10)
    retry_seconds: float = Field(
        default=30, description="Wait before the second attempt; doubles each time, with jitter", gt=0, le=900
    )

    executor: Literal["in_process", "celery", "k8s"] = Field(
        default="in_process",
        description="What executes the steps of runs: the run's own process, Celery workers, Kubernetes jobs",
    )
    celery_broker_url: SecretStr | None = Field(
        default=None,
        description="Broker of the Celery executor, pyamqp://USER:PASSWORD@HOST:5672//; a secret: "
        "environment or `.env` only",
    )
    celery_result_backend: SecretStr = Field(
        default=SecretStr("rpc://"),
        description="Where Celery workers answer; rpc:// = over the broker; a secret: "
        "environment or `.env` only",
    )
    queues: dict[str, str] = Field(
        default_factory=dict,
        description="Queue by asset group; default: market for market groups, portfolio for portfolio ones",
    )
    k8s_queue_limits: dict[str, Annotated[int, Field(ge=1)]] = Field(
        default_factory=dict,
        description="Kubernetes: most steps of a queue at once in a run; Celery: see `sigmasight worker`",
    )
