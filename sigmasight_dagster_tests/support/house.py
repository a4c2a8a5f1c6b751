"""Small declared assets on real tables, run by Dagster on PostgreSQL as the project runs its own."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import FactorExposures, Grain, Table, TreasuryYields, table_name
from sigmasight_dagster.engine import dagster_assets
from sigmasight_dagster.engine.declaration import Gate, Input, RiskAsset, risk_asset
from sigmasight_dagster.instance.console import console_logger
from sigmasight_dagster.partitions import dates as partitions
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import execute
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.server.urls import sqlalchemy_url
from sigmasight_dagster.settings import Settings

OURS = "module: sigmasight_dagster.instance.storage\n    class: SigmaSightStorage"
STOCK = "module: dagster_postgres\n    class: DagsterPostgresStorage"
START, END = dt.date(2022, 12, 1), dt.date(2034, 12, 29)
DATES = calendar.sessions("2022-12-12", "2022-12-16")
NAMES = ("a", "b", "c")

Change = Callable[[pd.DataFrame], pd.DataFrame]


@contextmanager
def dagster_instance(url: str, folder: Path, storage: str = OURS) -> Iterator[dg.DagsterInstance]:
    """An instance whose storage of that class is the database `url`."""
    folder.mkdir(exist_ok=True)
    (folder / "dagster.yaml").write_text(
        f"storage:\n  custom:\n    {storage}\n    config:\n      postgres_url: {sqlalchemy_url(url)}\n"
        "telemetry:\n  enabled: false\n"
    )
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


def yields(
    change: Change = lambda rows: rows, gates: Sequence[Gate] = (), inputs: Sequence[Any] = ()
) -> RiskAsset:
    """A date asset: the 10-year yield is the day of the month; `change` alters its rows."""

    @risk_asset(TreasuryYields, inputs=inputs, group="market", gates=gates)
    def treasury_yields(batch: Any) -> pd.DataFrame:
        for item in inputs:
            batch.read(item.model)
        rows = {"series": "10Y", "yield_percent": batch.dates.day / 1.0, "source": "test", "status": "ok"}
        return change(pd.DataFrame({"date": batch.dates, **rows}))

    return treasury_yields


def exposures(
    change: Change = lambda rows: rows, gates: Sequence[Gate] = (), inputs: Sequence[type[Table] | Input] = ()
) -> RiskAsset:
    """A portfolio asset that reads its inputs and gives one row to each partition."""

    @risk_asset(FactorExposures, inputs=inputs, group="portfolio_risk", gates=gates)
    def factor_exposures(batch: Any) -> pd.DataFrame:
        for item in inputs:
            batch.read(item)
        rows = {"factor": "market", "beta": 1.0, "std_error": 0.1, "exposure_usd": 5.0}
        rows |= {"n_positions": 1, "status": "ok"}
        return change(batch.partitions.assign(**rows))

    return factor_exposures


@dataclass(frozen=True)
class House:
    """A project with assets of the test's choice: warehouse, Dagster instance, definitions."""

    platform: Platform
    instance: dg.DagsterInstance
    portfolio_dates: dg.PartitionsDefinition = field(
        default_factory=lambda: partitions.portfolio_dates(partitions.trading_dates(START, END))
    )

    @classmethod
    def make(cls, asset_url: str, home: Path, instance: dg.DagsterInstance) -> "House":
        settings = Settings(_env_file=None, home=home, database_url=asset_url, provider="sample")
        platform = Platform(settings)
        platform.warehouse.migrate()
        instance.add_dynamic_partitions("portfolio", list(NAMES))
        return cls(platform, instance)

    def definitions(self, *assets: RiskAsset) -> dg.Definitions:
        by_grain = {
            Grain.DATE: partitions.trading_dates(START, END),
            Grain.DATE_PORTFOLIO: self.portfolio_dates,
        }
        return dg.Definitions(
            assets=[dagster_assets.build(asset, by_grain, pd.Timestamp(START)) for asset in assets],
            resources={"platform": self.platform},
            loggers={"console": console_logger},
            executor=dg.in_process_executor,
        )

    def run(
        self, *assets: RiskAsset, dates: pd.DatetimeIndex = DATES, names: Sequence[str] = ()
    ) -> execute.RunOutcome:
        """Execute one range run of the assets."""
        run = RangeRun("test", assets, dates, tuple(names))
        return execute.execute(run, execute.new_run_id(), self.definitions(*assets), self.instance)

    def published(self, model: type[Table]) -> set[str]:
        """Published partitions of a table, as Dagster's keys."""
        return set(keys.of_frame(self.platform.warehouse.published(model)))

    def status(self, model: type[Table], asset: RiskAsset) -> dict[str, str]:
        """Dagster's own status of each partition that it has an event of."""
        key = dg.AssetKey(table_name(model))
        definition = self.definitions(asset).resolve_asset_graph().get(key).partitions_def
        chosen = partition_keys(DATES, NAMES if asset.grain is Grain.DATE_PORTFOLIO else ())
        found = self.instance.get_status_by_partition(key, sorted(chosen), definition) or {}
        return {name: status.name for name, status in found.items() if status}

    def check(self, model: type[Table], name: str) -> Any:
        """The latest evaluation of an asset check, or None."""
        key = dg.AssetCheckKey(dg.AssetKey(table_name(model)), name)
        record = self.instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
        return record and record.event and record.event.dagster_event.event_specific_data


def partition_keys(dates: pd.DatetimeIndex, names: Sequence[str] = ()) -> set[str]:
    return set(keys.of_rectangle(dates, names))
