"""One rectangle of partitions to compute: which dates and portfolios, and reads of declared inputs."""

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.account.positions_file import with_derived
from sigmasight_core.arrays.found import found_in
from sigmasight_core.conventions import OPTION_TYPES
from sigmasight_core.market.action_coverage import entries, gaps
from sigmasight_core.tables import (
    BenchmarkHoldings,
    CorporateActions,
    Grain,
    Portfolios,
    Positions,
    Table,
    Transactions,
    grain,
    table_name,
)
from sigmasight_dagster.engine.checked_ledger import checked_ledger, require_registered
from sigmasight_dagster.engine.configuration import Configuration
from sigmasight_dagster.engine.declaration import Input, RiskAsset, tolerated_gaps, window
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.warehouse import Basis, LearnedActions

_EVER = pd.Timestamp("2200-01-01", tz="UTC")


class Batch(Configuration):
    """Dates x portfolios of one computation, and all that it may use: nothing that is not named here.

    :param dates: sorted sessions to compute.
    :param portfolios: sorted names; empty for a computation by date alone.
    :param first_date: first trading date of the project: no window reaches before it.
    :param refetch: sources are asked again for what is stored and final too.
    :param every_report: reports are wanted of every date, not of the last one alone.
    :param goes_on: another run goes on with later dates, and makes the report.
    :param basis: takes down which publications and ledgers of its portfolios are read.
    :ivar learned: what a source said beyond the batch; stored after its partitions.
    :ivar configured: rows of tables of `Kind.CONFIGURED` that it computes with; stored after its partitions.
    """

    def __init__(
        self,
        asset: RiskAsset,
        platform: Platform,
        dates: pd.DatetimeIndex,
        portfolios: tuple[str, ...],
        first_date: pd.Timestamp,
        refetch: bool = False,
        every_report: bool = False,
        basis: Basis | None = None,
        goes_on: bool = False,
    ):
        self.goes_on = goes_on
        self.refetch = refetch
        self.every_report = every_report
        self.dates = dates
        self.portfolios = portfolios
        super().__init__(platform)
        self._first_date = first_date
        self._inputs = {item.model: item for item in asset.inputs if not item.deliveries}
        self._asset = asset
        self.learned: LearnedActions | None = None
        self.configured: dict[type[Table], pd.DataFrame] = {}
        self._basis = Basis() if basis is None else basis

    def of_last_date(self) -> "Batch":
        """A batch of the last date alone, for an asset that has rows of no other: it reads no others."""
        dates = self.dates[-1:]
        return Batch(self._asset, self._platform, dates, self.portfolios, self._first_date, basis=self._basis)

    def read(
        self, model: type[Table], columns: Sequence[str] | None = None, symbols: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Rows of a declared input: the batch's partitions and, where declared, the sessions before them.

        A window may lack a few sessions (a date whose own run failed): they count as missing observations.

        :param columns: and `symbols`: which ones to read; default: all.
        :raises UpstreamNotPublished: when a partition of the batch's own dates was never published, or more
            of its window than `tolerated_gaps`.
        """
        warehouse = self._platform.warehouse
        sessions = self.sessions(model)
        portfolios = self.portfolios if grain(model) is Grain.DATE_PORTFOLIO else None
        said = self._note(model, sessions)
        fresh = warehouse.fresh(model, said, sessions, portfolios, columns) if symbols is None else None
        if fresh is not None:
            return fresh
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
        warehouse = self._platform.warehouse
        rows = warehouse.read(model, sessions, portfolios, columns, symbols)
        published = warehouse.published(model, (sessions[0], sessions[-1]), portfolios)
        return rows[found_in(rows, published, list(grain(model).value))].reset_index(drop=True)

    def newest(self, model: type[Table], date: pd.Timestamp) -> pd.DataFrame:
        """Rows of a declared `newest` input: of each portfolio its newest ones on or before a date."""
        if not self._declared(model).newest:
            raise LookupError(f"{self._asset.name} reads {table_name(model)} by date: use `read`")
        first = max(calendar.shift_sessions(date, -self._declared(model).look_back), self._first_date)
        self._note(model, pd.DatetimeIndex([first, date]))
        return self._platform.warehouse.newest(model, self.portfolios, (first, date))

    def stored_before(self, model: type[Table], date: pd.Timestamp) -> pd.DataFrame:
        """Rows of a table of this asset itself: of each portfolio its newest ones before a date."""
        self._own(model)
        between = (calendar.FIRST_DATE, date - pd.Timedelta(days=1))
        return self._platform.warehouse.newest(model, self.portfolios, between)

    def read_on(self, model: type[Table], sessions: pd.DatetimeIndex) -> pd.DataFrame:
        """Rows of a declared `since_entry` input on some sessions of its window only."""
        known = sessions.intersection(self.sessions(model))
        self._note(model, known)
        self._platform.warehouse.require_published(model, known)
        return self._platform.warehouse.read(model, dates=known)

    def settlement_closes(self, sessions: "pd.Series[pd.Timestamp]", symbols: Sequence[str]) -> pd.DataFrame:
        """Daily prices of some symbols on some sessions, of an asset that declares `deliveries`."""
        declared = [item for item in self._asset.inputs if item.deliveries]
        if not declared:
            raise LookupError(f"{self._asset.name} has no input with deliveries")
        item, warehouse = declared[0], self._platform.warehouse
        since = window(item, self.dates, self._first_date, self.positions)
        known = since.intersection(pd.DatetimeIndex(sessions))
        self._note(item.model, known)
        warehouse.require_published(item.model, known)
        return warehouse.read(item.model, dates=known, symbols=symbols)

    def _note(self, model: type[Table], sessions: pd.DatetimeIndex) -> str:
        if not len(sessions):
            return ""
        portfolios = self.portfolios if grain(model) is Grain.DATE_PORTFOLIO else None
        between = (sessions.min(), sessions.max())
        return self._platform.warehouse.note_partitions(self._basis, model, between, portfolios)

    def _note_ledger(self) -> None:
        self._platform.warehouse.note_ledger(self._basis, self.portfolios)
        require_registered(self.portfolios, self._portfolios["portfolio"].tolist())

    @cached_property
    def _portfolios(self) -> pd.DataFrame:
        return self._platform.warehouse.portfolios()

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
        self._note_ledger()
        return checked_ledger(self._platform.warehouse.positions(self.portfolios))

    @cached_property
    def transactions(self) -> pd.DataFrame:
        """The accounts of the batch's portfolios (tables.Transactions), a declared input.

        Of a ledger without transactions those that its positions and its constant cash stand for.
        """
        self._declared(Transactions)
        self._note_ledger()
        stored = self._platform.warehouse.transactions(self.portfolios)
        return with_derived(
            transactions=stored,
            positions=self.positions,
            portfolios=self.registry,
            first_date=self._first_date,
        )

    @cached_property
    def registry(self) -> pd.DataFrame:
        """The batch's portfolios (tables.Portfolios), a declared input."""
        self._declared(Portfolios)
        self._note_ledger()
        return self._portfolios[self._portfolios["portfolio"].isin(self.portfolios)]

    @cached_property
    def benchmark_holdings(self) -> pd.DataFrame:
        """What the benchmarks of the batch's portfolios hold (tables.BenchmarkHoldings), a declared input."""
        self._declared(BenchmarkHoldings)
        self._note_ledger()
        return self._platform.warehouse.benchmark_holdings(self.portfolios)

    @cached_property
    def held_contracts(self) -> pd.DataFrame:
        """Options that any portfolio holds on one of the dates (symbol, underlying, expiry_date).

        One row a contract; of Positions, a declared input.
        """
        held = self._every_position
        held = held[held["position_type"].isin(OPTION_TYPES) & (held["entry_date"] <= self.dates[-1])]
        live = held[held["expiry_date"] >= self.dates[0]].drop_duplicates("symbol")
        return live[["symbol", "underlying", "expiry_date"]]

    @property
    def first_date(self) -> pd.Timestamp:
        """First trading date of the project."""
        return self._first_date

    @cached_property
    def corporate_actions(self) -> pd.DataFrame:
        """Corporate actions since the earliest entry, also those before the project's first date.

        A split of unknown ratio stands for a time since an entry of which they are not known.
        """
        held = entries(self.positions)
        parts = [self.read(CorporateActions)]
        if (first := held["entry_date"].min()) < self._first_date:
            before = (first, self._first_date - pd.Timedelta(days=1))
            names = held["symbol"].unique().tolist()
            parts.append(self._platform.warehouse.read(CorporateActions, before, symbols=names))
        parts.append(gaps(held=held, coverage=self._platform.action_coverage(), until=self.dates[-1]))
        return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)

    def held_entries(self) -> pd.DataFrame:
        """Underlyings and their entry dates up to the last date, of every portfolio; of Positions."""
        held = entries(self._every_position)
        return held[held["entry_date"] <= self.dates[-1]]

    def action_coverage(self) -> pd.DataFrame:
        """What is known of corporate actions (tables.ActionCoverage), of this asset itself."""
        self._own(CorporateActions)
        return self._platform.action_coverage()

    def held_since(self) -> pd.DataFrame:
        """When each symbol came into the ledger of any portfolio; of Positions, a declared input."""
        self._declared(Positions)
        return self._platform.warehouse.ledger_symbols()

    @cached_property
    def _every_position(self) -> pd.DataFrame:
        self._declared(Positions)
        return self._platform.warehouse.positions()

    def stored(
        self,
        model: type[Table],
        dates: pd.DatetimeIndex | tuple[pd.Timestamp, pd.Timestamp],
        symbols: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Rows of a table of this asset itself, as they are stored, on any dates."""
        self._own(model)
        return self._platform.warehouse.read(model, dates=dates, symbols=symbols)

    def stored_dates(self, model: type[Table]) -> pd.DatetimeIndex:
        """Every published date of a table of this asset itself."""
        self._own(model)
        return pd.DatetimeIndex(self._platform.warehouse.published(model)["date"])

    def stored_at(self, model: type[Table]) -> pd.DataFrame:
        """When each of the batch's dates of a table of this asset itself was stored: date, computed_at."""
        self._own(model)
        written = self._platform.warehouse.computed(model, self.dates[0], _EVER)
        return written.loc[written["date"].isin(self.dates), ["date", "computed_at"]]

    def _own(self, model: type[Table]) -> None:
        if model not in self._asset.tables:
            raise LookupError(f"{self._asset.name} does not publish {table_name(model)}: read it as an input")

    @cached_property
    def partitions(self) -> pd.DataFrame:
        """Every (date, portfolio) of the batch, as two columns."""
        product = pd.MultiIndex.from_product([self.dates, list(self.portfolios)], names=["date", "portfolio"])
        return product.to_frame(index=False).astype({"portfolio": "str"})
