"""The file that says what the benchmark of a portfolio holds: read, checked and stored."""

from dataclasses import dataclass

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.account.benchmark_file import ParsedHoldings, parse_benchmark_file
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster import session_dates
from sigmasight_dagster.runs.workspace import Workspace, utc_now

_SESSIONS = 10
"""A symbol without a stored close on any of so many sessions up to the last closed one is told."""


@dataclass(frozen=True)
class Unpriced:
    """Symbols of which no recent close is stored, and how much of the benchmark they are at most."""

    symbols: list[str]
    weight: float


def parsed_holdings(
    workspace: Workspace, text: bytes, source: str, *, portfolio: str, benchmark: str, allow_short: bool
) -> ParsedHoldings:
    """What the file says; symbols that a provider that lists its own has not are refused."""
    listed = workspace.platform.market_data.symbols()
    return parse_benchmark_file(
        text,
        source,
        portfolio=portfolio,
        benchmark=benchmark,
        known_symbols=listed,
        allow_short=allow_short,
    )


def unpriced(workspace: Workspace, holdings: pd.DataFrame) -> Unpriced:
    """What has no stored prices yet, of a provider that does not list its symbols."""
    if workspace.platform.market_data.symbols() is not None:
        return Unpriced([], 0.0)
    last = session_dates.last_closed_session(utc_now())
    span = (calendar.shift_sessions(last, -_SESSIONS), last)
    names = sorted(holdings["symbol"].unique())
    prices = workspace.platform.warehouse.read(
        DailyPrices, span, columns=["symbol", "close"], symbols=names
    ).dropna()
    lacking = ~holdings["symbol"].isin(prices["symbol"])
    weight = holdings["weight"].abs().where(lacking, 0.0).groupby(holdings["holdings_date"]).sum()
    return Unpriced(sorted(holdings.loc[lacking, "symbol"].unique()), float(weight.max()))
