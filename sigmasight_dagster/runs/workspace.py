"""From a user's request to planned runs: settings, ledger and instance in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pandas as pd

from sigmasight_core.tables import CorporateActions, Grain
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.engine.publish import CODE_VERSION
from sigmasight_dagster.executors.processes import usable
from sigmasight_dagster.partitions.keys import Keys, within
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs import execute, known_actions, lanes, plan, recovery, unfinished, untold
from sigmasight_dagster.runs.lanes import Stage
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.warehouse.errors import require_portfolios
from sigmasight_dagster.warehouse.stores.removal import Removed


def utc_now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")


@dataclass
class Workspace:
    """Settings, ledger and instance: enough to import a portfolio and to plan runs, in sensors too."""

    settings: Settings
    platform: Platform
    instance: dg.DagsterInstance

    def settle(self) -> None:
        """Put in order what processes that are gone have left: their runs, and what those have published."""
        execute.report_orphans(self.instance)
        untold.report(self.instance, self.platform.warehouse)

    def portfolio_order(self) -> list[str]:
        """Registered portfolios in the order of their partitions.

        One that has none, because what registered it was killed before it made one, is given it here.
        """
        order = self.instance.get_dynamic_partitions("portfolio")
        known, registered = set(order), self.platform.warehouse.portfolio_names()
        if lost := [name for name in registered if name not in known]:
            self.instance.add_dynamic_partitions("portfolio", lost)
        there = set(registered)
        return [name for name in [*order, *lost] if name in there]

    def chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """The named portfolios, or all.

        :raises InputError: when one is not registered, or none is.
        """
        order = self.portfolio_order()
        require_portfolios(names, order)
        return tuple(name for name in order if name in names) if names else tuple(order)

    def plan(self, dates: pd.DatetimeIndex, names: Sequence[str]) -> list[RangeRun]:
        """The runs that compute `dates` x `names`."""
        assets = declared(self.settings)
        warehouse = self.platform.warehouse
        first = session_dates.first_session(self.settings)
        request = plan.Request(dates, tuple(names), first, self.settings.chunk_partitions)
        positions = warehouse.positions(names)
        published = {
            asset.name: pd.DatetimeIndex(warehouse.published(asset.tables[0], (first, dates[-1]))["date"])
            for asset in assets
            if asset.grain is Grain.DATE
        }
        return plan.plan(assets, request, positions, published, self.portfolio_order())

    def stages(self, runs: Sequence[RangeRun]) -> list[Stage]:
        """Planned runs in lanes that go side by side, as far as this machine allows and it pays."""
        return [[lanes.told_at_the_end(lane) for lane in stage] for stage in self._stages(runs)]

    def _stages(self, runs: Sequence[RangeRun]) -> list[Stage]:
        names = sorted({name for run in runs for name in run.portfolios})
        processes = usable(self.settings) if len(names) > 1 else 1
        if processes == 1:
            return lanes.one_by_one(runs)
        held = self.platform.warehouse.positions(names)["portfolio"].value_counts()
        n_positions = {str(name): int(number) for name, number in held.items()}
        chunk = self.settings.chunk_partitions
        return lanes.side_by_side(runs, processes, n_positions, self.portfolio_order(), chunk)

    def unpublished(self, runs: Sequence[RangeRun]) -> list[RangeRun]:
        """Planned runs without the partitions that are published already.

        One of them asks for corporate actions of what is held, where they are not known since its entry.
        """
        left = self._left(runs)
        asked = any(CorporateActions in asset.tables for run in left for asset in run.assets)
        return left if asked else self.actions_runs() + left

    def actions_runs(self) -> list[RangeRun]:
        """The run that asks for corporate actions which are not known since an entry; none where all are."""
        order, chunk = self.portfolio_order(), self.settings.chunk_partitions
        return recovery.plan(RISK_ASSETS, known_actions.lacking(self.platform), order, chunk)

    def _left(self, runs: Sequence[RangeRun]) -> list[RangeRun]:
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
    ) -> tuple[Keys, list[RangeRun]]:
        """Partitions between two dates whose last attempt failed, and the runs that compute them again."""
        self.settle()
        failed = recovery.failed_partitions(self.instance, RISK_ASSETS)
        chosen = within(failed, dates, names)
        order, chunk = self.portfolio_order(), self.settings.chunk_partitions
        return chosen, recovery.plan(RISK_ASSETS, chosen, order, chunk)

    def save_portfolio(
        self,
        name: str,
        cash: float,
        source: str,
        positions: pd.DataFrame,
        replace: bool,
        command: str = "",
        expected: pd.DataFrame | None = None,
        transactions: pd.DataFrame | None = None,
        terms: Mapping[str, Any] | None = None,
        owner: str = "",
    ) -> str:
        """Store a portfolio's ledger, add its partition and report the event; 'created', 'unchanged', ...

        :param command: what the history of the ledger says; default: the import of `source`.
        :param expected: and `transactions`, `owner`: see `Warehouse.save_portfolio`.
        :param terms: cells of `tables.ledger.portfolio_terms`; None, or none = as stored.
        """
        row = {"portfolio": name, "cash": cash, "source": source, **(terms or {})}
        stamp = AuditStamp("sigmasight import", CODE_VERSION, utc_now())
        command = command or f"sigmasight import {source}"
        result = self.platform.warehouse.save_portfolio(
            row, positions, stamp, replace, command, expected, transactions, owner
        )
        self.instance.add_dynamic_partitions("portfolio", [name])
        if result != "unchanged":
            metadata: dict[str, str | int] = {
                "portfolio": name,
                "positions": len(positions),
                "source": source,
                "result": result,
            }
            for table in ("portfolios", "positions", "transactions"):
                self.instance.report_runless_asset_event(dg.AssetMaterialization(table, metadata=metadata))
        return result

    def remove_portfolio(self, name: str, command: str) -> Removed:
        """Remove a portfolio with its results and its partition, and report the event.

        :param command: what the history of the ledger says.
        :raises InputError: when it is not registered, or while runs compute; then nothing is changed.
        """
        unfinished.refuse(self.instance, f"remove {name}")
        stamp = AuditStamp("sigmasight remove", CODE_VERSION, utc_now())
        removed = self.platform.warehouse.remove_portfolio(name, stamp, command)
        self.instance.delete_dynamic_partition("portfolio", name)
        metadata: dict[str, str | int] = {"portfolio": name, "result": "removed"}
        for table in ("portfolios", "positions", "transactions"):
            self.instance.report_runless_asset_event(dg.AssetMaterialization(table, metadata=metadata))
        return removed

    def save_benchmark_holdings(self, name: str, holdings: pd.DataFrame, command: str) -> str:
        """Store what the benchmark of a portfolio holds and report the event; 'replaced' or 'unchanged'."""
        stamp = AuditStamp("sigmasight benchmark", CODE_VERSION, utc_now())
        result = self.platform.warehouse.save_benchmark_holdings(name, holdings, stamp, command)
        if result != "unchanged":
            metadata: dict[str, str | int] = {"portfolio": name, "holdings": len(holdings)}
            event = dg.AssetMaterialization("benchmark_holdings", metadata=metadata)
            self.instance.report_runless_asset_event(event)
        return result
