"""Retention: position-level detail leaves after a number of days, and what sums it up stays."""

from dataclasses import dataclass

import dagster as dg
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import PortfolioSnapshots
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Warehouse

DEFAULT_DAYS = 365


@dataclass(frozen=True)
class Retired:
    """What retention deleted, or would delete in a dry run.

    :param before: first date that is kept. :param tables: table_name, n_partitions, n_rows.
    """

    before: pd.Timestamp
    tables: pd.DataFrame


def retire(
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
    return Retired(before, warehouse.retire(before, dry_run))


@dg.op(
    config_schema={
        "days": dg.Field(int, default_value=DEFAULT_DAYS, description="Calendar days of detail to keep"),
        "dry_run": dg.Field(bool, default_value=False, description="Count, and delete nothing"),
    },
    required_resource_keys={"platform"},
)
def retire_detail(context: dg.OpExecutionContext) -> None:
    """Delete position-level detail that is older than `days` before the latest snapshot."""
    platform: Platform = context.resources.platform
    dry_run = bool(context.op_config["dry_run"])
    retired = retire(platform.warehouse, int(context.op_config["days"]), dry_run)
    if retired is None:
        context.log.info("Nothing is published: nothing to retire.")
        return
    context.add_output_metadata(
        {
            "kept_from": f"{retired.before:%Y-%m-%d}",
            "dry_run": dry_run,
            "rows": int(retired.tables["n_rows"].sum()),
            "tables": dg.MetadataValue.md(
                "\n".join(
                    [
                        "| table | partitions | rows |",
                        "|---|---|---|",
                        *(f"| {t} | {p:,} | {n:,} |" for t, p, n in retired.tables.itertuples(index=False)),
                    ]
                )
            ),
        }
    )


@dg.job(
    description="Deletes position-level detail older than `days` before the latest snapshot and keeps "
    "what sums it up. Run configuration: ops.retire_detail.config.days (365) and dry_run (false).",
    executor_def=dg.in_process_executor,
)
def retention() -> None:
    retire_detail()
