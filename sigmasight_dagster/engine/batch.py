"""One rectangle of partitions to compute: which dates and portfolios, and reads of declared inputs."""

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import DataQualityError, LedgerError
from sigmasight_core.tables import Grain, Portfolios, Positions, Table, grain, table_name, validate
from sigmasight_dagster.engine.declaration import Input, RiskAsset
from sigmasight_dagster.platform import Platform


class Batch:
    """Dates x portfolios of one computation.

    :param dates: sorted sessions to compute.
    :param portfolios: sorted names; empty for a computation by date alone.
    :param first_date: first trading date of the project: no window reaches before it.
    :param refetch: sources are asked again for what is stored and final too.
    """

    def __init__(
        self,
        asset: RiskAsset,
        platform: Platform,
        dates: pd.DatetimeIndex,
        portfolios: tuple[str, ...],
        first_date: pd.Timestamp,
        refetch: bool = False,
    ):
        self.refetch = refetch
        self.dates = dates
        self.portfolios = portfolios
        self.platform = platform
        self._first_date = first_date
        self._inputs = {item.model: item for item in asset.inputs}
        self._asset = asset

    def read(
        self, model: type[Table], columns: Sequence[str] | None = None, symbols: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Rows of a declared input: the batch's partitions and, where declared, the sessions before them.

        A window may lack a few sessions (a date whose own run failed): they count as missing observations.

        :param columns: and `symbols`: which ones to read; default: all.
        :raises UpstreamNotPublished: when a partition of the batch's own dates was never published, or more
            of its window than `tolerated_gaps`.
        """
        warehouse = self.platform.warehouse
        sessions = self.sessions(model)
        portfolios = self.portfolios if grain(model) is Grain.DATE_PORTFOLIO else None
        warehouse.require_published(model, self.dates, portfolios)
        history = sessions.difference(self.dates)
        if self._declared(model).published_only:
            return self._published_rows(model, sessions, portfolios, columns, symbols)
        if len(history):
            published = warehouse.published(model, (history[0], history[-1]), portfolios)
            missing = history.difference(pd.DatetimeIndex(published["date"]))
            if len(missing) > tolerated_gaps(len(history)):
                warehouse.require_published(model, history, portfolios)
        return warehouse.read(model, sessions, portfolios, columns, symbols)

    def _published_rows(
        self,
        model: type[Table],
        sessions: pd.DatetimeIndex,
        portfolios: tuple[str, ...] | None,
        columns: Sequence[str] | None,
        symbols: Sequence[str] | None,
    ) -> pd.DataFrame:
        """Rows of the published partitions alone: a table also keeps rows of a ledger that was replaced."""
        warehouse = self.platform.warehouse
        rows = warehouse.read(model, sessions, portfolios, columns, symbols)
        published = warehouse.published(model, (sessions[0], sessions[-1]), portfolios)
        keys = list(grain(model).value)
        live = pd.MultiIndex.from_frame(rows[keys]).isin(pd.MultiIndex.from_frame(published[keys]))
        return rows[live].reset_index(drop=True)

    def read_on(self, model: type[Table], sessions: pd.DatetimeIndex) -> pd.DataFrame:
        """Rows of a declared `since_entry` input on some sessions of its window only."""
        known = sessions.intersection(self.sessions(model))
        self.platform.warehouse.require_published(model, known)
        return self.platform.warehouse.read(model, dates=known)

    def sessions(self, model: type[Table]) -> pd.DatetimeIndex:
        """Sessions that the batch needs of a declared input."""
        item = self._declared(model)
        return window(item, self.dates, self._first_date, self.positions if item.since_entry else None)

    def _declared(self, model: type[Table]) -> Input:
        if model not in self._inputs:
            raise LookupError(
                f"{self._asset.name} reads {table_name(model)} without declaring it in `inputs`"
            )
        return self._inputs[model]

    @cached_property
    def positions(self) -> pd.DataFrame:
        """The ledger of the batch's portfolios (tables.Positions), a declared input.

        :raises LedgerError: when stored positions break their row model.
        """
        self._declared(Positions)
        return checked_ledger(self.platform.warehouse.positions(self.portfolios))

    @cached_property
    def registry(self) -> pd.DataFrame:
        """The batch's portfolios (tables.Portfolios), a declared input."""
        self._declared(Portfolios)
        portfolios = self.platform.warehouse.portfolios()
        return portfolios[portfolios["portfolio"].isin(self.portfolios)]

    @cached_property
    def partitions(self) -> pd.DataFrame:
        """Every (date, portfolio) of the batch, as two columns."""
        product = pd.MultiIndex.from_product([self.dates, list(self.portfolios)], names=["date", "portfolio"])
        return product.to_frame(index=False).astype({"portfolio": "str"})


def checked_ledger(positions: pd.DataFrame) -> pd.DataFrame:
    """Stored positions, checked: a hand-edited ledger must not become numbers.

    :raises LedgerError: names the first offending position and every portfolio concerned.
    """
    try:
        return validate(Positions, positions)
    except DataQualityError as error:
        failures: pd.DataFrame = error.failures  # type: ignore[attr-defined]
        bad = positions.iloc[failures["row"].dropna().astype(int).unique()]
        if bad.empty:
            raise
        first, check = bad.iloc[0], failures.iloc[0]
        raise LedgerError(
            f"position {first['position_id']} of portfolio {first['portfolio']}: {check['check']} "
            f"({check['column']}: {check['value']}): import the portfolio again with --replace",
            sorted(bad["portfolio"].unique()),
        ) from error


def tolerated_gaps(n_sessions: int) -> int:
    """How many sessions of a look-back may be unpublished: two, or 5% of a long one."""
    return max(2, n_sessions // 20)


def window(
    item: Input, dates: pd.DatetimeIndex, first_date: pd.Timestamp, positions: pd.DataFrame | None
) -> pd.DatetimeIndex:
    """Sessions that an input needs for `dates`: its look-back, clipped at the project's first date.

    :param positions: the portfolios' ledger; only `since_entry` inputs need it.
    """
    start = calendar.shift_sessions(dates[0], -item.look_back) if item.look_back else dates[0]
    if item.since_entry and positions is not None and len(positions):
        start = min(start, positions["entry_date"].min())
    if not item.look_back and not item.since_entry:
        return dates
    return calendar.sessions(max(start, first_date), dates[-1])
