"""From a user's request to finished runs: settings, ledger and instance in one place for the commands."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Grain
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings, project_root

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions

    from sigmasight_core.portfolio_csv import ParsedPortfolio
    from sigmasight_dagster.execute import RunOutcome
    from sigmasight_dagster.launch import RangeRun


def utc_now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")


@dataclass
class Project:
    """The open project: database reachable and migrated, Dagster instance loaded."""

    settings: Settings
    platform: Platform
    instance: "DagsterInstance"
    definitions: "Definitions"

    @classmethod
    def open(cls) -> "Project":
        """Start the database if need be, migrate it, load the instance and the definitions."""
        os.environ.setdefault("DAGSTER_HOME", str(project_root()))
        import dagster as dg

        from sigmasight_dagster.definitions import build_definitions

        settings = Settings()
        platform = Platform(settings)
        platform.warehouse.migrate()
        return cls(settings, platform, dg.DagsterInstance.get(), build_definitions(settings))

    def portfolio_order(self) -> list[str]:
        """Registered portfolios in the order of their partitions."""
        return list(self.instance.get_dynamic_partitions("portfolio"))

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The named portfolios, or all.

        :raises InputError: when one is not registered, or none is.
        """
        order = self.portfolio_order()
        unknown = [name for name in names if name not in order]
        if unknown:
            raise InputError(
                f"unknown portfolio '{unknown[0]}'; registered: {', '.join(order) or 'none'}; "
                f"import it: sigmasight import FILE --portfolio {unknown[0]}"
            )
        if not order:
            raise InputError("no portfolio is registered: sigmasight import FILE --portfolio NAME")
        return tuple(name for name in order if name in names) if names else tuple(order)

    def plan(self, dates: pd.DatetimeIndex, names: Sequence[str]) -> "list[RangeRun]":
        """The runs that compute `dates` x `names`."""
        from sigmasight_core import calendar
        from sigmasight_dagster import launch, partitions
        from sigmasight_dagster.assets import RISK_ASSETS
        from sigmasight_dagster.risk_asset import with_factor_window

        assets = with_factor_window(RISK_ASSETS, self.settings.factor_model.window)
        warehouse = self.platform.warehouse
        first = calendar.next_session(pd.Timestamp(partitions.date_bounds(self.settings)[0]))
        request = launch.Request(dates, tuple(names), first, self.settings.chunk_partitions)
        positions = warehouse.positions(names)
        published = {
            asset.name: pd.DatetimeIndex(warehouse.published(asset.tables[0], (first, dates[-1]))["date"])
            for asset in assets
            if asset.grain is Grain.DATE
        }
        return launch.plan(assets, request, positions, published, self.portfolio_order())

    def execute(
        self, runs: "Sequence[RangeRun]", started: "Callable[[RangeRun, str], None]"
    ) -> "list[RunOutcome]":
        """Execute the runs in order; `started` is told of each.

        A failed run is split (see `isolate`), so that its good partitions are published; it does not stop
        the runs after it.
        """
        from sigmasight_dagster import execute, isolate

        execute.report_orphans(self.instance)
        outcomes = []
        queue = list(runs)
        while queue:
            run, run_id = queue.pop(0), execute.new_run_id()
            started(run, run_id)
            outcome = execute.execute(run, run_id, self.definitions, self.instance)
            again = [] if outcome.succeeded else isolate.retries(outcome)
            outcomes.append(replace(outcome, split=bool(again)))
            queue = again + queue
        return outcomes

    def parse_portfolio(self, text: bytes, name: str, source: str, allow_unpriced: bool) -> "ParsedPortfolio":
        """Positions, errors and warnings of a portfolio CSV, as of the last trading date."""
        from sigmasight_core.portfolio_csv import parse_portfolio_csv
        from sigmasight_dagster import session_dates

        _, last = session_dates.bounds(self.settings, utc_now())
        known = None if allow_unpriced else self.platform.market_data.symbols()
        return parse_portfolio_csv(text, name, source, last, known)

    def save_portfolio(
        self, name: str, cash: float, source: str, positions: pd.DataFrame, replace: bool
    ) -> str:
        """Store a portfolio's ledger, add its partition and report the event; 'created', 'unchanged', ..."""
        import dagster as dg

        from sigmasight_dagster.publish import CODE_VERSION
        from sigmasight_dagster.warehouse import AuditStamp

        row = {"portfolio": name, "cash": cash, "source": source}
        stamp = AuditStamp("sigmasight import", CODE_VERSION, utc_now())
        result = self.platform.warehouse.save_portfolio(row, positions, stamp, replace)
        self.instance.add_dynamic_partitions("portfolio", [name])
        if result != "unchanged":
            metadata: dict[str, str | int] = {
                "portfolio": name,
                "positions": len(positions),
                "source": source,
                "result": result,
            }
            for table in ("portfolios", "positions"):
                self.instance.report_runless_asset_event(dg.AssetMaterialization(table, metadata=metadata))
        return result
