"""A warehouse with rules of alerts on a real PostgreSQL, and ticks of the sensor."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.tables import AlertDeliveries, Alerts, FactorExposures, Portfolios, Positions, validate
from sigmasight_dagster.alerts import evaluate
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp, Warehouse
from sigmasight_dagster_tests.conftest import execute

DATES = calendar.sessions("2022-12-12", "2022-12-16")
NAMES = ("a", "b")
STAMP = AuditStamp.now("test")
TEMPLATE = "alerts_migrated"

RULES = """rules:
  - id: market_limit
    table: factor_exposures
    select: {factor: market}
    column: exposure_usd
    comparison: abs>
    threshold: 100
    severity: warning
    destinations: [%s]
"""


@pytest.fixture(scope="package")
def migrated_template(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {TEMPLATE}")
    warehouse = Warehouse(postgres_server.url(TEMPLATE))
    warehouse.migrate()
    positions = pd.DataFrame(columns=list(Positions.to_schema().columns))
    for name in NAMES:
        terms = dict.fromkeys(("margin", "lots", "settlement", "benchmark"))
        row = {"portfolio": name, "cash": 0.0, "source": "test", **terms}
        validate(Portfolios, pd.DataFrame([row]))
        warehouse.save_portfolio(row, positions, STAMP)
    warehouse.close()
    yield TEMPLATE
    execute(postgres_server.url("postgres"), f"DROP DATABASE {TEMPLATE} WITH (FORCE)")


@dataclass
class Desk:
    """A warehouse with rules, and the alerts sensor's ticks."""

    platform: Platform
    instance: dg.DagsterInstance
    cursor: str | None = None

    @property
    def warehouse(self) -> Warehouse:
        return self.platform.warehouse

    def set(self, **settings: Any) -> None:
        self.platform.settings = self.platform.settings.model_copy(update=settings)

    def rules(self, text: str) -> None:
        path = self.platform.settings.home / "rules.yaml"
        path.write_text(text)
        self.set(alert_rules=path)

    def publish(self, usd: float, dates: pd.DatetimeIndex = DATES, names: tuple[str, ...] = NAMES) -> None:
        keys = pd.MultiIndex.from_product([dates, names], names=["date", "portfolio"]).to_frame(index=False)
        rows = keys.assign(factor="market", beta=1.0, std_error=0.1, exposure_usd=usd, n_positions=1)
        rows["status"] = np.where(np.isnan(usd), "unavailable: test", "ok")
        self.warehouse.replace(FactorExposures, validate(FactorExposures, rows), dates, names, STAMP)

    def tick(self, keep_cursor: bool = True) -> evaluate.Report:
        report = evaluate.evaluate(self.platform, self.instance, self.cursor, STAMP)
        evaluate.deliver(self.platform, report, logging.getLogger("test"), STAMP)
        self.cursor = report.cursor if keep_cursor else self.cursor
        return report

    def states(self) -> dict[str, int]:
        return self.warehouse.read(Alerts)["state"].value_counts().to_dict()

    def outbox(self) -> dict[tuple[str, str], int]:
        return self.warehouse.read(AlertDeliveries).groupby(["delivery", "last_error"]).size().to_dict()


@pytest.fixture
def desk(migrated_template: str, fresh_database: Callable[..., str], tmp_path: Path) -> Iterator[Desk]:
    url = fresh_database(migrated_template)
    settings = Settings(_env_file=None, home=tmp_path, database_url=url, provider="sample")
    with dg.DagsterInstance.ephemeral() as instance:
        made = Desk(Platform(settings), instance)
        made.rules(RULES % "log")
        made.tick()
        yield made
        made.warehouse.close()
