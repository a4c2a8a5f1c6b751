"""Late data: which results are stale because something that they were computed from changed afterwards.

A partition is stale when a source row (a price, corporate action, yield, quote, security) within its windows
changed after it was computed, or a row of a market result that had been stale itself. A market table is
concerned by date; a portfolio by the symbols that it held between the change and the date, and by what
everybody's factors and every option's rate are made of. See `reach` for how far a change goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.account.delivery.due import PHYSICAL
from sigmasight_core.arrays.types import Ints
from sigmasight_core.conventions import OPTION_TYPES, PRICE_LOOK_BACK_SESSIONS
from sigmasight_core.market import staleness
from sigmasight_core.market.staleness import Reach
from sigmasight_core.tables import (
    TABLES,
    Corrections,
    DailyPrices,
    Grain,
    PositionValues,
    Table,
    grain,
    table_name,
)
from sigmasight_dagster.engine.benchmark import or_market_proxy
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.partitions.keys import DATE_FORMAT, Keys
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.staleness import reach
from sigmasight_dagster.staleness.earlier import COLUMNS, without_account


@dataclass(frozen=True)
class _Changes:
    """Corrections, and who holds what they concern.

    :param rows: changes as `market.staleness` takes them, with `table_name`, `symbol` and `shared`.
    :param positions: the ledger as `held_spans` takes it. :param names: of the groups.
    :param benchmarks: group and symbol: what each is held against. :param holdings: what that holds.
    """

    reaches: dict[tuple[type[Table], reach.Path], dict[type[Table], Reach]]
    rows: pd.DataFrame
    positions: pd.DataFrame
    benchmarks: pd.DataFrame
    holdings: pd.DataFrame
    sessions: pd.DatetimeIndex
    names: pd.Index

    def stale_from(self, model: type[Table]) -> Ints:
        """Latest relevant change (microseconds) of each name and session, [names, sessions]; 0 = none."""
        shared, own = [], []
        for source in dict.fromkeys(source for source, _ in self.reaches):
            rows = self.rows[self.rows["table_name"] == table_name(source)]
            if rows.empty:
                continue
            everybody, stock, option, delivered, beside, of_holdings = (
                self.reaches[source, path].get(model, Reach())
                for path in (
                    reach.shared_path,
                    reach.symbol_path,
                    reach.option_path,
                    reach.delivered_path,
                    reach.benchmark_path,
                    reach.holdings_path,
                )
            )
            shared.append(staleness.spans(rows[rows["shared"]], everybody, self.sessions).assign(group=0))
            if grain(model) is Grain.DATE:
                own.append(staleness.spans(rows, stock, self.sessions).assign(group=0))
            else:
                for ledger, reached in (
                    (self.positions, option),
                    (self.positions[self.positions["delivers"]], delivered),
                ):
                    own += staleness.held_spans(
                        changes=rows, ledger=ledger, stock=stock, option=reached, sessions=self.sessions
                    )
                own.append(self._of(self.benchmarks, rows, beside))
                own.append(self._of(self.holdings, rows, of_holdings))
        n_sessions = len(self.sessions)
        return np.maximum(
            staleness.latest_of(shared, 1, n_sessions), staleness.latest_of(own, len(self.names), n_sessions)
        )

    def _of(self, symbols: pd.DataFrame, rows: pd.DataFrame, reached: Reach) -> pd.DataFrame:
        """:param symbols: group and symbol that the changes concern."""
        named = rows.merge(symbols, on="symbol")
        whole = rows[rows["symbol"] == ""].merge(symbols[["group"]].drop_duplicates(), how="cross")
        return staleness.spans(pd.concat([named, whole]), reached, self.sessions)


def stale(platform: Platform, assets: Sequence[RiskAsset]) -> pd.DataFrame:
    """Published partitions that were computed before something in their windows changed, or before accounts.

    :param assets: every declaration, upstream first, with the window of the factor model.
    :returns: table_name, date, portfolio ('' in a date table), computed_at, changed_at (the latest change)
        and cause, ordered by table, date and portfolio. Results whose detail retention deleted are final.
    """
    found = [late(platform, assets), without_account(platform.warehouse, assets)]
    rows = pd.concat([part for part in found if len(part)] or found, ignore_index=True)
    return rows.drop_duplicates(["table_name", "date", "portfolio"], ignore_index=True)[COLUMNS]


def late(
    platform: Platform, assets: Sequence[RiskAsset], since: pd.Timestamp = calendar.FIRST_DATE
) -> pd.DataFrame:
    """Partitions from a date on that were computed before a correction of a source, as `stale` returns them.

    :param assets: every declaration, upstream first, or those by date.
    """
    warehouse = platform.warehouse
    corrections = warehouse.read(Corrections)
    if corrections.empty:
        return pd.DataFrame(columns=COLUMNS)
    first, newest = corrections["date"].min(), corrections["changed_at"].max()
    models = [model for asset in assets for model in asset.tables]
    computed = {model: warehouse.computed(model, max(first, since), newest) for model in models}
    dates = [
        first,
        corrections["date"].max(),
        *(rows["date"].max() for rows in computed.values() if len(rows)),
    ]
    sessions = calendar.sessions(first, max(dates))
    detailed = pd.MultiIndex.from_frame(warehouse.published(PositionValues, (first, max(dates))))
    reaches = reach.all_reaches(assets)
    rows = _described(platform, corrections, sessions)
    registry = warehouse.portfolios()
    ledger = _ledger(warehouse.positions(), registry)
    names = pd.Index(sorted(ledger["portfolio"].unique()), dtype="str")
    symbols = or_market_proxy(registry["benchmark"], platform.factor_model)
    benchmarks = registry[["portfolio"]].assign(symbol=symbols)[registry["portfolio"].isin(names)]
    holdings = warehouse.benchmark_holdings()[["portfolio", "symbol"]].drop_duplicates()
    holdings = holdings[holdings["portfolio"].isin(names)]
    causes = _causes(corrections)
    found = []
    for model, published in computed.items():
        by_portfolio = grain(model) is Grain.DATE_PORTFOLIO
        if by_portfolio:
            live = pd.MultiIndex.from_frame(published[["date", "portfolio"]]).isin(detailed)
            published = published[live & published["portfolio"].isin(names)]
        published = published[published["date"].isin(sessions)]
        groups = names if by_portfolio else pd.Index([""], dtype="str")
        if len(published):
            positions, beside, held = (
                frame.assign(group=groups.get_indexer(pd.Index(frame["portfolio"])))
                for frame in (ledger, benchmarks, holdings)
            )
            changes = _Changes(reaches, rows, positions, beside, held, sessions, groups)
            found.append(_older(model, published, changes, causes))
    return pd.concat(found, ignore_index=True)[COLUMNS] if found else pd.DataFrame(columns=COLUMNS)


def _older(
    model: type[Table],
    published: pd.DataFrame,
    changes: _Changes,
    causes: pd.Series,
) -> pd.DataFrame:
    changed = changes.stale_from(model)
    group = changes.names.get_indexer(pd.Index(published["portfolio"]))
    moment = changed[group, changes.sessions.get_indexer(pd.Index(published["date"]))]
    old = moment > _microseconds(published["computed_at"])
    rows = published[old].assign(table_name=table_name(model), moment=moment[old])
    rows = rows.assign(
        changed_at=pd.to_datetime(rows["moment"], unit="us", utc=True), cause=rows["moment"].map(causes)
    )
    return rows.sort_values(["date", "portfolio"])


def _described(platform: Platform, corrections: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Corrections with `moment`, `gap` (sessions to the symbol's next price) and `shared`."""
    proxies = [f.proxy for f in platform.factor_model.factors if f.proxy and f.kind != "rates"]
    prices = corrections["table_name"] == table_name(DailyPrices)
    every = corrections["symbol"] == ""
    of_nobody = [table_name(model) for model in TABLES if not reach.by_symbol(model)]
    shared = (prices & (corrections["symbol"].isin(proxies) | every)) | corrections["table_name"].isin(
        of_nobody
    )
    symbols = sorted(set(corrections.loc[prices & ~every, "symbol"]))
    known = platform.warehouse.read(
        DailyPrices,
        (sessions[0], max(sessions[-1], corrections["date"].max())),
        columns=["date", "symbol", "close"],
        symbols=symbols,
    ).dropna()
    gap = staleness.sessions_to_next(
        sessions.get_indexer(pd.Index(known["date"])).astype(np.int64),
        known["symbol"],
        sessions.get_indexer(pd.Index(corrections["date"])).astype(np.int64),
        corrections["symbol"],
        PRICE_LOOK_BACK_SESSIONS,
    )
    return corrections.assign(moment=_microseconds(corrections["changed_at"]), gap=gap, shared=shared)


def _ledger(positions: pd.DataFrame, portfolios: pd.DataFrame) -> pd.DataFrame:
    """Who holds what from when to when: one row a portfolio, underlying, kind and time.

    An option that may turn into shares (`delivers`) is followed by them, from its expiry on.
    """
    end = positions[["exit_date", "expiry_date"]].min(axis=1).fillna(calendar.LAST_DATE)
    option = positions["position_type"].isin(OPTION_TYPES)
    physical = portfolios.loc[portfolios["settlement"] == PHYSICAL, "portfolio"]
    delivers = option & positions["exit_date"].isna() & positions["portfolio"].isin(physical)
    held = positions[["portfolio", "underlying", "entry_date"]].assign(
        end=end, is_option=option, delivers=delivers
    )
    shares = held[delivers].assign(
        entry_date=end[delivers], end=calendar.LAST_DATE, is_option=False, delivers=False
    )
    return pd.concat([held, shares]).drop_duplicates(ignore_index=True)


def _causes(corrections: pd.DataFrame) -> pd.Series:
    """What changed at each moment, in words."""
    moments = _microseconds(corrections["changed_at"])
    texts = (
        corrections["table_name"]
        + " of "
        + corrections["date"].dt.strftime(DATE_FORMAT)
        + (" " + corrections["symbol"]).str.rstrip()
    )
    grouped = texts.groupby(moments)
    more = grouped.size() - 1
    return grouped.first() + more.map(lambda n: f" and {n} more" if n else "")


def _microseconds(moments: pd.Series) -> Ints:
    return (
        moments.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[us]").astype("int64").to_numpy()
    )


def stale_keys(assets: Sequence[RiskAsset], rows: pd.DataFrame) -> Keys:
    """Partition keys of the stale rows by asset, as `recovery.plan` takes them."""
    grouped = keys.of_frame(rows).groupby(rows["table_name"])
    by_table = {name: frozenset(group) for name, group in grouped}
    found = {
        asset.name: frozenset[str]().union(*(by_table.get(name, frozenset()) for name in asset.table_names))
        for asset in assets
    }
    return {name: chosen for name, chosen in found.items() if chosen}
