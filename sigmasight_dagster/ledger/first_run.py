"""What a new portfolio needs before its first results: market data that lacks, then what follows from it.

Each step looks at what is stored and plans what lacks, so that it can be repeated after a kill at any time.
"""

import pandas as pd

from sigmasight_core.tables import DailyPrices, Grain, OptionQuotes, facts
from sigmasight_dagster import session_dates
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions.keys import Keys, of_rectangle
from sigmasight_dagster.runs import known_actions, recovery
from sigmasight_dagster.runs.plan import RangeRun, Request, needed_sessions
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.staleness.stale import stale, stale_keys


class FirstRun:
    """The first results of a registered portfolio, on one date."""

    def __init__(self, workspace: Workspace, name: str, date: pd.Timestamp):
        self._workspace, self._name, self._date = workspace, name, date
        self._assets = declared(workspace.settings)
        self._warehouse = workspace.platform.warehouse
        first = session_dates.first_session(workspace.settings)
        request = Request(pd.DatetimeIndex([date]), (name,), first, workspace.settings.chunk_partitions)
        self._positions = self._warehouse.positions([name])
        self._needed = needed_sessions(self._assets, request, self._positions)

    def sources(self) -> list[RangeRun]:
        """Runs that fetch what was never fetched, or was fetched without symbols of this portfolio."""
        sources = [asset for asset in self._assets if asset.only_fetches]
        actions = known_actions.lacking(self._workspace.platform, [self._name])
        return self._plan(
            {
                asset.name: of_rectangle(self._unpublished(asset).union(self._lacking(asset)))
                | actions.get(asset.name, frozenset())
                for asset in sources
            }
        )

    def market(self) -> list[RangeRun]:
        """Runs of the market calculations that were never made, or before prices that came since."""
        derived = [asset for asset in self._assets if asset.grain is Grain.DATE and not asset.only_fetches]
        stale_now = self._stale()
        keys = {}
        for asset in derived:
            wanted = stale_now.get(asset.name, frozenset()) & of_rectangle(self._needed[asset.name])
            keys[asset.name] = of_rectangle(self._unpublished(asset)) | wanted
        return self._plan(keys)

    def portfolio(self) -> list[RangeRun]:
        """Runs of the portfolio's own calculations on the date that were never made, or are stale."""
        own = [asset for asset in self._assets if asset.grain is Grain.DATE_PORTFOLIO]
        stale_now = self._stale()
        run = RangeRun("portfolio", tuple(own), pd.DatetimeIndex([self._date]), (self._name,))
        missing = recovery.unpublished(self._warehouse, run)
        keys = {
            asset.name: missing[asset.name] | (stale_now.get(asset.name, frozenset()) & run.partition_keys)
            for asset in own
        }
        return self._plan(keys)

    def other_stale(self) -> int:
        """Partitions of other dates and portfolios that the new prices have made stale."""
        return len(stale(self._workspace.platform, self._assets))

    def _plan(self, keys: Keys) -> list[RangeRun]:
        workspace = self._workspace
        return recovery.plan(
            self._assets, keys, workspace.portfolio_order(), workspace.settings.chunk_partitions
        )

    def _unpublished(self, asset: RiskAsset) -> pd.DatetimeIndex:
        needed = self._needed[asset.name]
        if needed.empty:
            return needed
        ends = (needed[0], needed[-1])
        published = needed
        for model in asset.tables:
            published = published.intersection(
                pd.DatetimeIndex(self._warehouse.published(model, ends)["date"])
            )
        return needed.difference(published)

    def _stale(self) -> Keys:
        rows = stale(self._workspace.platform, self._assets)
        return stale_keys(self._assets, rows) if len(rows) else {}

    def _lacking(self, asset: RiskAsset) -> pd.DatetimeIndex:
        """Sessions of a source that were fetched before the ledger named one of the symbols needed.

        A provider that lists its symbols is always asked for all of them. Any other is asked for those that
        are held: a session lacks a symbol when it has no price of it and was fetched before the symbol came
        into the ledger. What was asked for since and is not there, the provider has not.
        """
        needed, none = self._needed[asset.name], pd.DatetimeIndex([])
        everybody = not facts(asset.tables[0]).concerns
        if everybody or needed.empty or self._workspace.platform.market_data.symbols():
            return none
        since = self._warehouse.ledger_symbols(self._name)
        contracts = asset.tables[0] is OptionQuotes
        since = since[since["symbol"] != since["underlying"]] if contracts else since
        if since.empty:
            return none
        fetched = self._warehouse.computed(asset.tables[0], needed[0], since["since"].max())
        fetched = fetched.loc[fetched["date"].isin(needed), ["date", "computed_at"]]
        early = fetched.merge(since, how="cross")
        early = early[early["computed_at"] < early["since"]]
        if len(early) and not contracts:
            dates, names = early["date"].unique(), early["underlying"].unique()
            columns = ["date", "symbol"]
            stored = self._warehouse.read(DailyPrices, list(dates), columns=columns, symbols=list(names))
            there = pd.MultiIndex.from_frame(early[["date", "underlying"]]).isin(
                pd.MultiIndex.from_frame(stored)
            )
            early = early[~there]
        return pd.DatetimeIndex(sorted(early["date"].unique()))
