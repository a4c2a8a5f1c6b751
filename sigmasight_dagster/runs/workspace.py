"""From a user's request to finished runs: settings, ledger and instance in one place for the commands."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Grain
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings, project_root

if TYPE_CHECKING:
    from dagster import DagsterInstance, Definitions

    from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio
    from sigmasight_dagster.runs.execute import RunOutcome
    from sigmasight_dagster.runs.plan import RangeRun
    from sigmasight_dagster.runs.recovery import Keys


def utc_now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")


@dataclass
class Workspace:
    """Settings, ledger and instance: enough to import a portfolio and to plan runs, in sensors too."""

    settings: Settings
    platform: Platform
    instance: "DagsterInstance"

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
        from sigmasight_dagster.assets import RISK_ASSETS
        from sigmasight_dagster.engine.declaration import with_factor_window
        from sigmasight_dagster.partitions import dates as partitions
        from sigmasight_dagster.runs import plan as launch

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

    def unpublished(self, runs: "Sequence[RangeRun]") -> "list[RangeRun]":
        """Planned runs without the partitions that are published already."""
        from sigmasight_dagster.runs import recovery

        order, chunk = self.portfolio_order(), self.settings.chunk_partitions
        return [
            part
            for run in runs
            for part in recovery.plan(
                run.assets, recovery.unpublished(self.platform.warehouse, run), order, chunk
            )
        ]

    def failed(
        self, dates: tuple[pd.Timestamp, pd.Timestamp], names: Sequence[str]
    ) -> "tuple[Keys, list[RangeRun]]":
        """Partitions between two dates whose last attempt failed, and the runs that compute them again."""
        from sigmasight_dagster.assets import RISK_ASSETS
        from sigmasight_dagster.runs import execute, recovery

        execute.report_orphans(self.instance)
        failed = recovery.failed_partitions(self.instance, RISK_ASSETS)
        chosen = recovery.within(failed, dates, names)
        order, chunk = self.portfolio_order(), self.settings.chunk_partitions
        return chosen, recovery.plan(RISK_ASSETS, chosen, order, chunk)

    def parse_portfolio(self, text: bytes, name: str, source: str, allow_unpriced: bool) -> "ParsedPortfolio":
        """Positions, errors and warnings of a portfolio CSV, as of the last trading date."""
        from sigmasight_core.ledger.portfolio_csv import parse_portfolio_csv
        from sigmasight_dagster import session_dates

        _, last = session_dates.bounds(self.settings, utc_now())
        known = None if allow_unpriced else self.platform.market_data.symbols()
        return parse_portfolio_csv(text, name, source, last, known, self.settings.symbol_changes)

    def save_portfolio(
        self,
        name: str,
        cash: float,
        source: str,
        positions: pd.DataFrame,
        replace: bool,
        command: str = "",
        expected: pd.DataFrame | None = None,
    ) -> str:
        """Store a portfolio's ledger, add its partition and report the event; 'created', 'unchanged', ...

        :param command: what the history of the ledger says; default: the import of `source`.
        :param expected: see `Warehouse.save_portfolio`.
        """
        import dagster as dg

        from sigmasight_dagster.engine.publish import CODE_VERSION
        from sigmasight_dagster.warehouse import AuditStamp

        row = {"portfolio": name, "cash": cash, "source": source}
        stamp = AuditStamp("sigmasight import", CODE_VERSION, utc_now())
        command = command or f"sigmasight import {source}"
        result = self.platform.warehouse.save_portfolio(row, positions, stamp, replace, command, expected)
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


@dataclass
class Project(Workspace):
    """The open project of a command: database reachable and migrated, Dagster instance loaded."""

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

    def execute(
        self,
        runs: "Sequence[RangeRun]",
        started: "Callable[[RangeRun, str], None]",
        canceling: Callable[[], None] = lambda: None,
    ) -> "list[RunOutcome]":
        """Execute the runs in order; `started` is told of each, `canceling` when a signal cancels them.

        A failed run is split (see `isolate`), so that its good partitions are published; it does not stop
        the runs after it. Ctrl-C and a run canceled in the UI do: what has not started is canceled too.
        """
        from sigmasight_dagster.runs import cancellation, execute, garbage, isolate

        execute.report_orphans(self.instance)
        outcomes: list[RunOutcome] = []
        queue = list(runs)
        with cancellation.on_signal() as requested, garbage.rare_collections():
            while queue and not requested.is_set() and not any(outcome.canceled for outcome in outcomes):
                run, run_id = queue.pop(0), execute.new_run_id()
                started(run, run_id)
                work = partial(execute.execute, run, run_id, self.definitions, self.instance)
                outcome = cancellation.execute(work, run_id, self.instance, requested, canceling)
                again = isolate.retries(outcome) if outcome.failed else []
                outcomes.append(replace(outcome, split=bool(again)))
                queue = again + queue
        never = (
            execute.RunOutcome(run, "", error="canceled before it started", canceled=True) for run in queue
        )
        return [*outcomes, *never]
