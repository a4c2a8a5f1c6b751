"""Parts of a computation by name, as jobs of the API are asked for, and the runs that make one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import dagster as dg
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.tables import (
    Expiries,
    FactorExposures,
    Grain,
    PortfolioGroups,
    PortfolioReports,
    PortfolioReturns,
    PortfolioSnapshots,
    PositionCorrelations,
    PositionFactorExposures,
    PositionGreeks,
    RateExposures,
    ReturnContributions,
    ReverseStress,
    RiskMeasures,
    StressResults,
    Table,
)
from sigmasight_dagster.assets.catalogue import declared
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.partitions.keys import MAX_MARKET_DATES, chunks, neighbours, parse, range_of
from sigmasight_dagster.runs.plan import RangeRun
from sigmasight_dagster.runs.workspace import Workspace

RUN_ALL: Final = "run-all"
MARKET_DATA: Final = "market-data"
REPORTS: Final = "reports"
BATCHES: Final[Mapping[str, tuple[type[Table], ...]]] = {
    RUN_ALL: (),
    MARKET_DATA: (),
    "aggregations": (PortfolioSnapshots, PortfolioReturns, ReturnContributions, PortfolioGroups),
    "greeks": (PositionGreeks, Expiries),
    "factors": (PositionFactorExposures, RateExposures, FactorExposures),
    "risk-scenarios": (RiskMeasures, ReverseStress),
    "stress-tests": (StressResults,),
    "snapshots": (PortfolioSnapshots,),
    "correlations": (PositionCorrelations,),
    REPORTS: (PortfolioReports,),
}
"""Tables of each; the assets that make them compute their other tables too. RUN_ALL: every one of the
portfolios, and what lacks of the market before; MARKET_DATA: what a provider gives, for everybody."""


@dataclass(frozen=True)
class Asked:
    """A batch of consecutive sessions, and of portfolios: none in MARKET_DATA."""

    batch: str
    dates: pd.DatetimeIndex
    portfolios: tuple[str, ...]

    def text(self) -> str:
        """As a run's tag has it."""
        first, last = (f"{day:%Y-%m-%d}" for day in self.dates[[0, -1]])
        return json.dumps({"batch": self.batch, "dates": [first, last], "portfolios": self.portfolios})

    @classmethod
    def read(cls, text: str) -> Self:
        """What `text` wrote."""
        given: dict[str, Any] = json.loads(text)
        first, last = map(pd.Timestamp, given["dates"])
        return cls(given["batch"], calendar.sessions(first, last), tuple(given["portfolios"]))


def assets_of(batch: str, assets: Sequence[RiskAsset]) -> tuple[RiskAsset, ...]:
    """Assets of a batch, upstream first."""
    if batch == MARKET_DATA:
        return tuple(asset for asset in assets if asset.is_source)
    wanted = set(BATCHES[batch])
    by_portfolio = (asset for asset in assets if asset.grain is Grain.DATE_PORTFOLIO)
    return tuple(asset for asset in by_portfolio if not wanted or wanted.intersection(asset.tables))


def steps(workspace: Workspace, asked: Asked) -> list[list[RangeRun]]:
    """Runs that are left to be made, in layers that go one after the other; those of a layer go together.

    What is published of the market is not made again by RUN_ALL: of it there is only what lacks.
    """
    assets = assets_of(asked.batch, declared(workspace.settings))
    if asked.batch == MARKET_DATA:
        return [[RangeRun("market", assets, dates) for dates in chunks(asked.dates, MAX_MARKET_DATES)]]
    names = workspace.chosen(asked.portfolios)
    before: list[list[RangeRun]] = []
    if asked.batch == RUN_ALL:
        lacking = workspace.unpublished(workspace.plan(asked.dates, names))
        before = _layers([run for run in lacking if not run.portfolios])
    size = workspace.settings.chunk_partitions
    own = [
        RangeRun("portfolio", assets, dates, group)
        for group in neighbours(names, workspace.portfolio_order(), size)
        for dates in chunks(asked.dates, max(size // len(group), 1))
    ]
    return [*before, own]


def made_last(run: dg.DagsterRun, asked: Asked) -> bool:
    """Whether a run of a job is of its last layer."""
    ends = range_of(run.tags)
    return asked.batch != RUN_ALL or (ends is not None and bool(parse(ends[0])[1]))


def _layers(runs: Sequence[RangeRun]) -> list[list[RangeRun]]:
    """Neighbours of the same assets together."""
    layers: list[list[RangeRun]] = []
    for run in runs:
        if layers and layers[-1][0].assets == run.assets:
            layers[-1].append(run)
        else:
            layers.append([run])
    return layers
