"""Rows that take the place of every row of some partitions of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sigmasight_core.tables import Table
from sigmasight_dagster.warehouse import corrections
from sigmasight_dagster.warehouse.checksums import partitions
from sigmasight_dagster.warehouse.layout.schema import stored
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, one_by_one
from sigmasight_dagster.warehouse.stores import doubts
from sigmasight_dagster.warehouse.stores.doubts import Findings
from sigmasight_dagster.warehouse.tables import copy_in


@dataclass(frozen=True)
class Replacement:
    """A rectangle of partitions, and the rows that it is to have.

    :ivar findings: doubts about the rows, and rows of other dates and tables that change with them.
    """

    target: Rectangle
    frame: pd.DataFrame
    findings: Findings | None = None

    @classmethod
    def of(
        cls,
        model: type[Table],
        frame: pd.DataFrame,
        dates: Sequence[pd.Timestamp] | pd.DatetimeIndex,
        portfolios: Sequence[str] | None,
        findings: Findings | None = None,
    ) -> "Replacement":
        """:raises InputError: on an empty selection, or portfolios that do not fit the table's grain."""
        return cls(Rectangle.of(model, dates, portfolios), frame, findings)

    @property
    def of_portfolios(self) -> bool:
        return self.target.portfolios != ("",)

    @property
    def lock_keys(self) -> list[int]:
        """Advisory locks that the writer holds."""
        return [*self.target.lock_keys, *(self.findings.lock_keys if self.findings else [])]

    def arrow(self, stamp: AuditStamp) -> pa.Table:
        """The rows one by one. :raises WarehouseError: on rows outside of the rectangle."""
        self.target.require_inside(self.frame)
        return one_by_one(self.target.model, self.frame, stamp)


def write(cursor: Any, each: Replacement, rows: pa.Table, stamp: AuditStamp) -> None:
    """Replace, publish, and record what that changes. :param rows: as they are stored.

    A date of which a source says what it said before, as most of what is fetched again, is published anew;
    its rows stay as they were written, if nothing has changed them since.
    """
    target = each.target
    changed = corrections.changed(cursor, target, each.frame)
    kept = target.dates[:0]
    if changed and len(changed.equal):
        kept = partitions.intact(cursor, target.on(changed.equal))
        rows = rows.filter(pc.invert(pc.is_in(rows["date"], pa.array(kept.date, pa.date32()))))
    if len(kept) < len(target.dates):
        cursor.execute(
            f"DELETE FROM {stored(target.model)}{target.on(target.dates.difference(kept)).condition}"
        )
        copy_in(cursor, target.model, rows)
    partitions.publish(cursor, target, stamp)
    corrections.record(cursor, target.model, changed, stamp)
    if each.findings:
        doubts.record(cursor, each.findings, stamp)
