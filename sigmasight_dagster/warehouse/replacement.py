"""Rows that take the place of every row of some partitions of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from sigmasight_core.tables import Table
from sigmasight_dagster.warehouse.rectangle import Rectangle
from sigmasight_dagster.warehouse.rows import AuditStamp, to_arrow
from sigmasight_dagster.warehouse.stores.doubts import Findings


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
        """The rows. :raises WarehouseError: on rows outside of the rectangle."""
        self.target.require_inside(self.frame)
        return to_arrow(self.target.model, self.frame, stamp)
