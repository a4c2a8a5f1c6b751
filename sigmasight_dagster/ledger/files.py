"""A portfolio file as every door reads it: the rules of the CSV, prices held against closes of their days."""

import datetime as dt
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_core.ledger.portfolio_csv import DataEnd, ParsedPortfolio, parse_portfolio_csv
from sigmasight_core.ledger.price_doubts import (
    NEARBY_DAYS,
    MarketFacts,
    SharesOf,
    asked,
    in_shares_of_entry,
    price_doubts,
)
from sigmasight_core.market.plausibility.actions import by_form
from sigmasight_core.tables import CorporateActions, DailyPrices
from sigmasight_dagster import session_dates
from sigmasight_dagster.ledger import beyond
from sigmasight_dagster.runs.workspace import Workspace, utc_now

MAX_FILE_MB: Final = 100
"""Larger is no list of positions or transactions: 100 MB are more than a million rows."""
MAX_CLOSES: Final = 2_000_000
"""Closes that a local provider is asked for at most, to hold prices against: a few seconds."""
_PRICES: Final = ["date", "symbol", "close", "high", "low", "price_date", "source"]


def read(file: Path) -> bytes:
    """The bytes of a file that a user gave.

    :raises InputError: when it is larger than `MAX_FILE_MB`; it is not read. :raises OSError: as `open`.
    """
    size, largest = file.stat().st_size, MAX_FILE_MB * 1_000_000
    with file.open("rb") as opened:
        text = opened.read(largest + 1) if size <= largest else b""
    if max(size, len(text)) > largest:
        raise InputError(
            f"{shown(file.name)}: {size / 1e6:,.0f} MB, more than the {MAX_FILE_MB} MB of a list of "
            "positions or a history: give its CSV, or split it"
        )
    return text


def shown(name: str) -> str:
    """A file's name for messages and tables: bytes that are not UTF-8 as backslash and number."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def parse(
    workspace: Workspace,
    text: bytes,
    name: str,
    source: str,
    *,
    allow_unpriced: bool,
    shares_of: SharesOf = "entry",
    cure: str = "--shares-of",
) -> ParsedPortfolio:
    """Positions, errors and warnings of a portfolio CSV, as of the last closed session.

    :param shares_of: whose shares its quantities and prices are in: of each entry's day, or today's.
    :param cure: what sets the other, an option or `SETTING=`.
    :raises InputError: when the file as a whole cannot be read.
    """
    known = None if allow_unpriced else workspace.platform.market_data.symbols()
    closed = session_dates.last_closed_session(utc_now())
    end, own = data_end(workspace, closed), workspace.settings.symbol_changes
    parsed = parse_portfolio_csv(text, name, source, closed, known, own, end)
    parsed = replace(parsed, errors=beyond.cured(parsed.errors, workspace.settings))
    return with_doubts(workspace, parsed, shares_of, cure)


def data_end(workspace: Workspace, closed: pd.Timestamp) -> DataEnd | None:
    """Where the market data end before the last closed session, and how to have later ones."""
    settings, provider = workspace.settings, workspace.platform.market_data
    _, end = session_dates.date_bounds(settings)
    if end is None or pd.Timestamp(end) >= closed:
        return None
    last = calendar.previous_session(pd.Timestamp(end))
    if settings.end_date:
        return DataEnd(last, f"the last trading date is {last:%Y-%m-%d}", "set SIGMASIGHT_END_DATE later")
    whose = f"the {provider.name}'s data end"
    other = "choose another provider: SIGMASIGHT_PROVIDER=live, files or simulated (docs/providers.md)"
    if settings.provider == "files":
        whose = "the data in SIGMASIGHT_FILES_DIR end"
        other = "add later prices there, or choose another provider: SIGMASIGHT_PROVIDER=live"
    return DataEnd(last, f"{whose} on {last:%Y-%m-%d}", other)


def with_doubts(
    workspace: Workspace, parsed: ParsedPortfolio, shares_of: SharesOf = "entry", cure: str = "--shares-of"
) -> ParsedPortfolio:
    """The positions in shares of their entries, with a warning for every price that cannot be its day's."""
    positions = parsed.positions
    if positions.empty:
        return parsed
    written = positions[["entry_price", "exit_price"]].assign(line=parsed.lines)
    try:
        splits = _splits(workspace, positions, shares_of)
        prices = closes(workspace, asked(positions))
    except SigmaSightError as error:
        if shares_of == "today":
            raise
        note = pd.DataFrame([[1, "entry_price", "", f"not held against the closes of their days: {error}"]])
        return replace(
            parsed, warnings=_joined(parsed.warnings, note.set_axis(parsed.warnings.columns, axis=1))
        )
    if shares_of == "today":
        positions = in_shares_of_entry(positions=positions, splits=splits)
    other = "entry" if shares_of == "today" else "today"
    setting = f"{cure}{other}" if cure.endswith("=") else f"{cure} {other}"
    found = price_doubts(
        positions=positions,
        written=written,
        facts=MarketFacts(prices, splits),
        shares_of=shares_of,
        cure=setting,
    )
    return replace(parsed, positions=positions, warnings=_joined(parsed.warnings, found))


def _joined(warnings: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    if more.empty:
        return warnings
    both = pd.concat([warnings, more], ignore_index=True).astype({"line": "int64"})
    return both.sort_values("line", kind="stable", ignore_index=True)


def closes(workspace: Workspace, wanted: pd.DataFrame) -> pd.DataFrame:
    """Closes of the dates and symbols wanted: those stored, and of a local provider what is not.

    Where a day has none, those of the days around.
    """
    exact = _closes(workspace, wanted)
    lacks = wanted[~_keys(wanted).isin(_keys(exact))]
    if lacks.empty:
        return exact
    shifts = pd.DataFrame({"shift": pd.to_timedelta(np.arange(-NEARBY_DAYS, NEARBY_DAYS + 1), unit="D")})
    around = lacks.merge(shifts, how="cross")
    around = around.assign(date=around["date"] + around["shift"])[["date", "symbol"]].drop_duplicates()
    around = around[around["date"].isin(calendar.sessions(around["date"].min(), around["date"].max()))]
    return pd.concat([exact, _closes(workspace, around)], ignore_index=True)


def _closes(workspace: Workspace, wanted: pd.DataFrame) -> pd.DataFrame:
    wanted = wanted[wanted["date"] >= calendar.FIRST_DATE]
    if wanted.empty:
        return pd.DataFrame(columns=_PRICES)
    dates, names = sorted(wanted["date"].unique()), sorted(wanted["symbol"].unique())
    found = workspace.platform.warehouse.read(DailyPrices, dates, columns=_PRICES, symbols=names)
    missing = wanted[~_keys(wanted).isin(_keys(found.dropna(subset="close")))]
    parts = [found.dropna(subset="close"), *_local_prices(workspace, missing)]
    prices = pd.concat([part for part in parts if len(part)] or [found], ignore_index=True)
    return prices[prices["price_date"].isna() & _keys(prices).isin(_keys(wanted))]


def _local_prices(workspace: Workspace, wanted: pd.DataFrame) -> list[pd.DataFrame]:
    """Closes of a provider that need not be asked over a network, year by year; none where they are many."""
    if workspace.settings.provider == "live" or wanted.empty:
        return []
    years = [rows for _, rows in wanted.groupby(wanted["date"].dt.year)]
    spans = [(rows["date"].min(), rows["date"].max(), sorted(rows["symbol"].unique())) for rows in years]
    if sum(len(calendar.sessions(first, last)) * len(names) for first, last, names in spans) > MAX_CLOSES:
        return []
    provider: Any = workspace.platform.market_data
    return [provider.daily_prices(names, first.date(), last.date())[_PRICES] for first, last, names in spans]


def _splits(workspace: Workspace, positions: pd.DataFrame, shares_of: SharesOf) -> pd.DataFrame:
    """Splits since the first entry: those stored, and those of a provider that is local, or has to say.

    In today's shares a split that is not known makes a wrong number of shares: any provider is asked.
    """
    first = max(positions["entry_date"].min(), calendar.FIRST_DATE)
    last = session_dates.last_closed_session(utc_now())
    names = sorted(positions["underlying"].unique())
    stored = workspace.platform.warehouse.read(CorporateActions, (first, last), symbols=names)
    if workspace.settings.provider == "live" and shares_of == "entry":
        return stored
    return _with_fetched(workspace, stored, names, first, last)


def corporate_actions(workspace: Workspace, names: list[str], since: pd.Timestamp) -> pd.DataFrame:
    """Splits and dividends of the symbols since a date: those stored, and what any provider has."""
    first, last = max(since, calendar.FIRST_DATE), session_dates.last_closed_session(utc_now())
    stored = workspace.platform.warehouse.read(CorporateActions, (first, last), symbols=names)
    return _with_fetched(workspace, stored, names, first, last)


def no_actions() -> pd.DataFrame:
    """No splits and no dividends."""
    return pd.DataFrame(columns=list(CorporateActions.to_schema().columns))


def _with_fetched(
    workspace: Workspace, stored: pd.DataFrame, names: list[str], first: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    asked_for: tuple[dt.date, dt.date] = (first.date(), last.date())
    fetched = by_form(workspace.platform.market_data.corporate_actions(names, *asked_for))
    both = pd.concat([rows for rows in (stored, fetched) if len(rows)] or [stored], ignore_index=True)
    return both.drop_duplicates(["date", "symbol", "kind"])


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["date", "symbol"]])


def stored_cash(workspace: Workspace, name: str, cash: float | None) -> float:
    """The cash that was given; without any the stored one, 0 for a new portfolio."""
    if cash is not None:
        return cash
    registry = workspace.platform.warehouse.portfolios([name]).set_index("portfolio")["cash"]
    return float(registry.get(name, 0.0))
