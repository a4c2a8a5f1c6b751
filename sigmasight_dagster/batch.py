"""One rectangle of partitions to compute: which dates and portfolios, and reads of declared inputs."""

from functools import cached_property

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import Grain, Table, grain, table_name
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.risk_asset import Input, RiskAsset


class Batch:
    """Dates x portfolios of one computation.

    :param dates: sorted sessions to compute.
    :param portfolios: sorted names; empty for a computation by date alone.
    :param first_date: first trading date of the project: no window reaches before it.
    """

    def __init__(
        self,
        asset: RiskAsset,
        platform: Platform,
        dates: pd.DatetimeIndex,
        portfolios: tuple[str, ...],
        first_date: pd.Timestamp,
    ):
        self.dates = dates
        self.portfolios = portfolios
        self.platform = platform
        self._first_date = first_date
        self._inputs = {item.model: item for item in asset.inputs}
        self._asset = asset

    def read(self, model: type[Table]) -> pd.DataFrame:
        """Rows of a declared input: the batch's partitions and, where declared, the sessions before them.

        :raises UpstreamNotPublished: when a partition that it needs was never published.
        """
        sessions = self.sessions(model)
        portfolios = self.portfolios if grain(model) is Grain.DATE_PORTFOLIO else None
        self.platform.warehouse.require_published(model, sessions, portfolios)
        return self.platform.warehouse.read(model, dates=sessions, portfolios=portfolios)

    def read_on(self, model: type[Table], sessions: pd.DatetimeIndex) -> pd.DataFrame:
        """Rows of a declared `since_entry` input on some sessions of its window only."""
        known = sessions.intersection(self.sessions(model))
        self.platform.warehouse.require_published(model, known)
        return self.platform.warehouse.read(model, dates=known)

    def sessions(self, model: type[Table]) -> pd.DatetimeIndex:
        """Sessions that the batch needs of a declared input."""
        return window(self._declared(model), self.dates, self._first_date, self.positions)

    def _declared(self, model: type[Table]) -> Input:
        if model not in self._inputs:
            raise LookupError(
                f"{self._asset.name} reads {table_name(model)} without declaring it in `inputs`"
            )
        return self._inputs[model]

    @cached_property
    def positions(self) -> pd.DataFrame:
        """The ledger of the batch's portfolios (tables.Positions)."""
        return self.platform.warehouse.positions(self.portfolios)

    @cached_property
    def registry(self) -> pd.DataFrame:
        """The batch's portfolios (tables.Portfolios)."""
        portfolios = self.platform.warehouse.portfolios()
        return portfolios[portfolios["portfolio"].isin(self.portfolios)]

    @cached_property
    def partitions(self) -> pd.DataFrame:
        """Every (date, portfolio) of the batch, as two columns."""
        product = pd.MultiIndex.from_product([self.dates, list(self.portfolios)], names=["date", "portfolio"])
        return product.to_frame(index=False).astype({"portfolio": "str"})


def window(
    item: Input, dates: pd.DatetimeIndex, first_date: pd.Timestamp, positions: pd.DataFrame
) -> pd.DatetimeIndex:
    """Sessions that an input needs for `dates`: its look-back, clipped at the project's first date."""
    start = calendar.shift_sessions(dates[0], -item.look_back) if item.look_back else dates[0]
    if item.since_entry and len(positions):
        start = min(start, positions["entry_date"].min())
    if not item.look_back and not item.since_entry:
        return dates
    return calendar.sessions(max(start, first_date), dates[-1])
