"""The range launcher: a request (dates x portfolios) becomes a few Dagster runs, each a rectangle.

Layers go one after the other: history that look-backs need and that was never published, then the
market assets of the dates, then the portfolio assets, in chunks of a bounded number of partitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core.tables import Grain
from sigmasight_dagster.engine.declaration import RiskAsset, window
from sigmasight_dagster.partitions import keys
from sigmasight_dagster.partitions.keys import MAX_MARKET_DATES, chunks, neighbours, runs_of_sessions
from sigmasight_dagster.tags import DATES_TAG, PORTFOLIOS_TAG, PURPOSE_TAG

HISTORY: Final = "history"
"""The layer of sessions before those that were asked for."""
MOST_NAMES: Final = 5
"""Portfolios that a tag names."""


@dataclass(frozen=True)
class RangeRun:
    """One Dagster run: some assets over every date between and every portfolio between.

    :param dates: consecutive sessions.
    :param portfolios: consecutive in the order of the dynamic partitions; empty in market layers.
    :param refetch: sources are asked again for what is stored and final.
    :param every_report: reports are made of every date, not of the last one alone.
    :param goes_on: another run goes on with later dates: reports are made, and plots drawn, by that one.
    """

    layer: str
    assets: tuple[RiskAsset, ...]
    dates: pd.DatetimeIndex
    portfolios: tuple[str, ...] = ()
    refetch: bool = False
    every_report: bool = False
    goes_on: bool = False

    @property
    def table_names(self) -> list[str]:
        return [name for asset in self.assets for name in asset.table_names]

    @property
    def portfolio_ends(self) -> tuple[str, str] | None:
        """First and last portfolio; None in market layers."""
        return (self.portfolios[0], self.portfolios[-1]) if self.portfolios else None

    @property
    def range_tags(self) -> dict[str, str]:
        """The run tags that select its partitions."""
        return keys.range_tags(self.dates, self.portfolio_ends)

    @property
    def purpose(self) -> str:
        """What a run of dates that nobody asked for is for; '' of any other."""
        if self.layer != HISTORY:
            return ""
        fetched = all(asset.only_fetches for asset in self.assets)
        calculated = self.assets[0].name if len(self.assets) == 1 else "market calculations"
        what = "market data" if fetched else calculated
        return f"look-backs: {what}"

    @property
    def tags(self) -> dict[str, str]:
        """Run tags: what people read first, then those that select its partitions."""
        names, more = self.portfolios[:MOST_NAMES], len(self.portfolios) - MOST_NAMES
        shown = ", ".join(names) + (f" and {more} more" if more > 0 else "")
        return {
            DATES_TAG: " to ".join(dict.fromkeys(f"{day:%Y-%m-%d}" for day in self.dates[[0, -1]])),
            **({PORTFOLIOS_TAG: shown} if shown else {}),
            **({PURPOSE_TAG: self.purpose} if self.purpose else {}),
            **self.range_tags,
        }

    @property
    def partition_keys(self) -> frozenset[str]:
        """Dagster's keys of its partitions."""
        return keys.of_rectangle(self.dates, self.portfolios)

    @property
    def n_partitions(self) -> int:
        """Partitions that the run publishes, over all its tables."""
        return len(self.table_names) * len(self.dates) * max(len(self.portfolios), 1)


@dataclass(frozen=True)
class Request:
    """What to compute: sorted sessions, and portfolios in the order of the dynamic partitions."""

    dates: pd.DatetimeIndex
    portfolios: tuple[str, ...]
    first_date: pd.Timestamp
    chunk_partitions: int


def needed_sessions(
    assets: Sequence[RiskAsset], request: Request, positions: pd.DataFrame
) -> dict[str, pd.DatetimeIndex]:
    """Sessions of each date asset that the request needs, look-backs of look-backs included.

    The ledger, which no run produces, has no sessions.
    """
    producers = {model: asset for asset in assets for model in asset.tables}
    needs: dict[str, pd.DatetimeIndex] = {asset.name: request.dates for asset in assets}
    for asset in reversed(assets):
        for item in asset.inputs:
            producer = producers.get(item.model)
            if producer and not item.published_only:
                reach = window(item, needs[asset.name], request.first_date, positions)
                needs[producer.name] = needs[producer.name].union(reach)
    return {asset.name: needs[asset.name] for asset in assets if asset.grain is Grain.DATE}


def plan(
    assets: Sequence[RiskAsset],
    request: Request,
    positions: pd.DataFrame,
    published: dict[str, pd.DatetimeIndex],
    order: Sequence[str],
) -> list[RangeRun]:
    """Runs of a request, in the order in which they must go.

    :param assets: every declaration, upstream first.
    :param published: sessions already published, by name of date asset.
    :param order: every portfolio in the order of the dynamic partitions.
    """
    market = [asset for asset in assets if asset.grain is Grain.DATE]
    by_portfolio = tuple(asset for asset in assets if asset.grain is Grain.DATE_PORTFOLIO)
    needs = needed_sessions(assets, request, positions)
    runs = _history_runs(market, needs, request, published)
    runs += [RangeRun("market", tuple(market), dates) for dates in chunks(request.dates, MAX_MARKET_DATES)]
    for names in neighbours(request.portfolios, order, request.chunk_partitions):
        size = max(request.chunk_partitions // len(names), 1)
        runs += [RangeRun("portfolio", by_portfolio, dates, names) for dates in chunks(request.dates, size)]
    return runs


def _history_runs(
    market: Sequence[RiskAsset],
    needs: dict[str, pd.DatetimeIndex],
    request: Request,
    published: dict[str, pd.DatetimeIndex],
) -> list[RangeRun]:
    """Unpublished sessions before the request, in few runs: one of few sessions costs what its start does.

    Assets that only fetch share runs of what any of them lacks, the others share those of the same sessions.
    """
    missing = {asset.name: needs[asset.name].difference(request.dates) for asset in market}
    missing = {name: dates.difference(published.get(name, dates[:0])) for name, dates in missing.items()}
    lacking = [asset for asset in market if len(missing[asset.name])]
    sources = [asset for asset in lacking if asset.only_fetches]
    derived = [asset for asset in lacking if not asset.only_fetches]
    runs = []
    for group in [sources, *_of_same_sessions(derived, missing)]:
        if group:
            dates = pd.DatetimeIndex(sorted({date for asset in group for date in missing[asset.name]}))
            runs += [RangeRun(HISTORY, tuple(group), part) for part in runs_of_sessions(dates)]
    return runs


def _of_same_sessions(
    assets: Sequence[RiskAsset], sessions: dict[str, pd.DatetimeIndex]
) -> list[list[RiskAsset]]:
    """Groups of assets of the same sessions, none before the group of one that it reads.

    :param assets: upstream first.
    """
    groups: list[list[RiskAsset]] = []
    for asset in assets:
        read = {item.model for item in asset.inputs}
        upstream = [place for place, group in enumerate(groups) if any(read & {*a.tables} for a in group)]
        later = groups[max(upstream, default=0) :]
        mates = [group for group in later if sessions[group[0].name].equals(sessions[asset.name])]
        if mates:
            mates[0].append(asset)
        else:
            groups.append([asset])
    return groups
