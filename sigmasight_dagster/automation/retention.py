"""Retention: what grows leaves after a number of days, and what sums it up, or is still needed, stays."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioSnapshots
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.instance.retention import output, records
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings.upkeep import UpkeepSettings
from sigmasight_dagster.staleness.stale import stale
from sigmasight_dagster.warehouse import AuditStamp, Warehouse

MB = 2**20


@dataclass(frozen=True)
class Retired:
    """What retention deleted of one kind, or would delete in a dry run.

    :param kind: detail, history, alerts or runs. :param before: first date or moment that is kept.
    :param tables: what (a table, or captured output), n_rows, n_bytes.
    """

    kind: str
    before: pd.Timestamp
    tables: pd.DataFrame

    @property
    def summary(self) -> str:
        """In one sentence."""
        rows, size = self.tables[["n_rows", "n_bytes"]].sum()
        return f"{self.kind} before {self.before:%Y-%m-%d}: {rows:,} rows, about {size / MB:,.1f} MB"


def retire_detail(
    warehouse: Warehouse, days: int, dry_run: bool, as_of: pd.Timestamp | None = None
) -> Retired | None:
    """Delete position-level rows, and their publications, of dates more than `days` before `as_of`.

    Results by portfolio, scenario, factor and measure are kept, and so is market data. What is deleted can be
    computed again with `sigmasight backfill`.

    :param as_of: default: the latest date with a published snapshot; None is returned when there is none.
    :raises InputError: when days is below 1.
    """
    if days < 1:
        raise InputError(f"retention of {days} days: keep at least 1")
    if as_of is None:
        published = warehouse.published(PortfolioSnapshots)
        if published.empty:
            return None
        as_of = published["date"].max()
    before = as_of - pd.Timedelta(days=days)
    return Retired("detail", before, warehouse.retire(before, dry_run))


def retire(
    platform: Platform, instance: dg.DagsterInstance, kept: UpkeepSettings, now: pd.Timestamp, dry_run: bool
) -> Iterator[Retired]:
    """Delete of each kind what is older than the settings keep, one kind after the other.

    Each table's rows leave in one transaction. What a kind was asked to keep for ever is left out.

    :param now: UTC; the days of detail count from the newest snapshot instead.
    """
    warehouse = platform.warehouse
    if kept.keep_detail_days and (detail := retire_detail(warehouse, kept.keep_detail_days, dry_run)):
        yield detail
    if kept.keep_history_days:
        before = now - pd.Timedelta(days=kept.keep_history_days)
        late = stale(platform, declared(platform.settings))["date"]
        last = None if late.empty else late.max()
        stamp = AuditStamp.now("sigmasight retention")
        yield Retired("history", before, warehouse.retire_history(before, last, stamp, dry_run))
    if kept.keep_alerts_days:
        before = now - pd.Timedelta(days=kept.keep_alerts_days)
        yield Retired("alerts", before, warehouse.retire_alerts(before, dry_run))
    if kept.keep_runs_days:
        before = now - pd.Timedelta(days=kept.keep_runs_days)
        found = [each.retire(instance, before.to_pydatetime(), dry_run=dry_run) for each in (records, output)]
        yield Retired("runs", before, pd.concat(found, ignore_index=True))


def held_back(warehouse: Warehouse) -> str:
    """A sentence on who keeps the server from giving back the room of what was deleted; '' = nobody."""
    who = warehouse.vacuum_held_back()
    told = "; ".join(who)
    return told and (
        f"Deleted and replaced rows go on taking room while an old transaction is open: {told}. End it "
        "(SELECT pg_terminate_backend(PID)), or set idle_in_transaction_session_timeout for that user."
    )


@dg.op(
    config_schema={
        "days": dg.Field(
            dg.Noneable(int), default_value=None, description="Of detail, in place of keep_detail_days"
        ),
        "dry_run": dg.Field(bool, default_value=False, description="Count, and delete nothing"),
    },
    required_resource_keys={"platform"},
)
def retire_what_is_old(context: dg.OpExecutionContext) -> None:
    """Delete what is older than the settings keep_detail_days, keep_history_days ... say."""
    platform: Platform = context.resources.platform
    dry_run, days = bool(context.op_config["dry_run"]), context.op_config["days"]
    kept: UpkeepSettings = platform.settings
    if days is not None:
        kept = platform.settings.model_copy(update={"keep_detail_days": int(days)})
    done = []
    for retired in retire(platform, context.instance, kept, pd.Timestamp(dt.datetime.now(dt.UTC)), dry_run):
        context.log.info(f"{'Would delete' if dry_run else 'Deleted'} {retired.summary}.")
        done.append(retired)
    if held := held_back(platform.warehouse):
        context.log.warning(held)
    context.add_output_metadata({"dry_run": dry_run, "tables": dg.MetadataValue.md(_as_markdown(done))})


def _as_markdown(done: list[Retired]) -> str:
    lines = ["| kind | kept from | what | rows | MB |", "|---|---|---|---|---|"]
    for retired in done:
        begin = f"| {retired.kind} | {retired.before:%Y-%m-%d} |"
        rows = retired.tables[["what", "n_rows", "n_bytes"]].itertuples(index=False)
        lines += [f"{begin} {what} | {n:,} | {size / MB:,.1f} |" for what, n, size in rows if n]
    return "\n".join(lines)


@dg.job(
    description="Deletes what is older than the settings keep (detail of old dates, former rows of sources, "
    "alerts, ended runs with their events), and keeps what sums it up and what is still needed: "
    "docs/growth.md. Run configuration: ops.retire_what_is_old.config.dry_run (false) and days (of detail).",
    executor_def=dg.in_process_executor,
)
def retention() -> None:
    retire_what_is_old()
