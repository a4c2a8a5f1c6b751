"""Sets of partitions: which a call replaces, which are published."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Grain, Publications, Table, grain, table_name
from sigmasight_dagster.partitions.keys import key, of_frame
from sigmasight_dagster.warehouse.database import SCHEMA
from sigmasight_dagster.warehouse.errors import UpstreamNotPublished, WarehouseError
from sigmasight_dagster.warehouse.sql import Dates, literal, lock_key, on_dates, one_of, quoted, where

LOCKS_PER_TABLE = 64
"""Portfolios share this many locks per table: one each would fill the server's lock table."""

_SHOWN = 3


@dataclass(frozen=True)
class Rectangle:
    """Every one of some dates with every one of some portfolios ('' alone in a date table), sorted."""

    model: type[Table]
    dates: pd.DatetimeIndex
    portfolios: tuple[str, ...]

    @classmethod
    def of(
        cls,
        model: type[Table],
        dates: Sequence[pd.Timestamp] | pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
    ) -> "Rectangle":
        """:raises InputError: on an empty selection, or portfolios that do not fit the table's grain."""
        check_grain(model, portfolios, required=True)
        try:
            chosen = pd.DatetimeIndex(list(dates)).unique().sort_values().as_unit("ns")
        except pd.errors.OutOfBoundsDatetime as error:
            raise InputError(f"{table_name(model)}: {error}; choose dates between 1678 and 2261") from None
        names = ("",) if portfolios is None else tuple(sorted(set(portfolios)))
        if not len(chosen) or not names:
            raise InputError(f"{table_name(model)}: no partition selected; check the dates and portfolios")
        return cls(model, chosen, names)

    def on(self, dates: pd.DatetimeIndex) -> "Rectangle":
        """The part of these dates, which may be none."""
        return replace(self, dates=dates)

    @property
    def condition(self) -> str:
        """WHERE clause of the rectangle in the table itself."""
        by_portfolio = grain(self.model) is Grain.DATE_PORTFOLIO
        return where(
            [on_dates(self.dates), *([one_of("portfolio", self.portfolios)] if by_portfolio else [])]
        )

    @property
    def publications_condition(self) -> str:
        """WHERE clause of the rectangle in the table of publications."""
        this = f"table_name = {literal(table_name(self.model))}"
        return where([this, one_of("portfolio", self.portfolios), on_dates(self.dates)])

    @property
    def lock_keys(self) -> list[int]:
        """Advisory locks that a writer of the rectangle holds."""
        buckets = {zlib.crc32(name.encode()) % LOCKS_PER_TABLE for name in self.portfolios}
        return [lock_key(table_name(self.model), str(bucket)) for bucket in buckets]

    def require_inside(self, frame: pd.DataFrame) -> None:
        """:raises WarehouseError: if a row of the frame is outside of the rectangle."""
        inside = frame["date"].astype("datetime64[ns]").isin(self.dates)
        if grain(self.model) is Grain.DATE_PORTFOLIO:
            inside &= frame["portfolio"].isin(self.portfolios)
        if not inside.all():
            first = frame[~inside].iloc[0]
            raise WarehouseError(
                f"{table_name(self.model)}: {(~inside).sum()} rows are outside of the partitions to replace; "
                f"first: {key(pd.Timestamp(first['date']), first.get('portfolio', ''))}"
            )


def check_grain(model: type[Table], portfolios: Sequence[str] | None, *, required: bool) -> None:
    """:raises InputError: if the model is not partitioned, or portfolios do not fit its grain."""
    name, by = table_name(model), grain(model)
    if by is Grain.UNPARTITIONED:
        raise InputError(f"{name}: this table has no partitions; use save_portfolio for the ledger")
    if by is Grain.DATE and portfolios is not None:
        raise InputError(f"{name}: this table has no portfolios; leave them out")
    if by is Grain.DATE_PORTFOLIO and portfolios is None and required:
        raise InputError(f"{name}: name the portfolios")


def published_statement(
    model: type[Table], dates: Dates | None, portfolios: Sequence[str] | None, run_id: str | None = None
) -> str:
    """SELECT of the published partitions: date, portfolio."""
    check_grain(model, portfolios, required=False)
    conditions = [f"table_name = {literal(table_name(model))}"]
    if dates is not None:
        conditions.append(on_dates(dates))
    if portfolios is not None:
        conditions.append(one_of("portfolio", portfolios))
    if run_id is not None:
        conditions.append(f"run_id = {literal(run_id)}")
    table = quoted(SCHEMA, table_name(Publications))
    return f"SELECT date, portfolio FROM {table}{where(conditions)} ORDER BY date, portfolio"


def require(wanted: Rectangle, published: pd.DataFrame) -> None:
    """:raises UpstreamNotPublished: names the first missing partitions and the command that computes them."""
    every = pd.MultiIndex.from_product([wanted.dates, wanted.portfolios], names=["date", "portfolio"])
    missing = every.difference(pd.MultiIndex.from_frame(published)).to_frame(index=False)
    if missing.empty:
        return
    shown = ", ".join(of_frame(missing.head(_SHOWN))) + (", ..." if len(missing) > _SHOWN else "")
    start, end = missing["date"].min(), missing["date"].max()
    names = "".join(f" {name}" for name in missing["portfolio"].unique() if name)
    raise UpstreamNotPublished(
        f"{table_name(wanted.model)}: {len(missing)} of {len(every)} partitions never published ({shown}); "
        f"run `sigmasight backfill --start {start:%Y-%m-%d} --end {end:%Y-%m-%d}{names}`",
        missing,
    )
