"""What is stored and final is not fetched again from a live source, and is never restated by a later fetch.

Live are the providers that list no symbols of their own; the others read local data, and need none of this.
"""

from collections.abc import Sequence

import pandas as pd
import structlog

from sigmasight_core import calendar
from sigmasight_core.arrays.found import found_in
from sigmasight_core.conventions import MARKS_SOURCE_PREFIX
from sigmasight_core.market.action_coverage import covered
from sigmasight_core.market.total_return_link import differing_closes, link_scale
from sigmasight_core.tables import (
    CorporateActions,
    DailyPrices,
    OptionQuotes,
    SecurityMaster,
    Table,
    validate,
)
from sigmasight_dagster.engine.batch import Batch

SETTLING = pd.Timedelta(hours=6)
"""Rows that were written sooner after their session's close may still change at the source."""
SECURITIES_DAYS = 30
"""Names, types and sectors are asked for again when they are older."""

_KEYS = ["date", "symbol"]
_NEVER = pd.Timestamp("1970-01-01", tz="UTC")
_log = structlog.get_logger(__name__)


def daily_prices(batch: Batch, symbols: Sequence[str]) -> pd.DataFrame:
    """Prices of the batch's dates: final stored rows, and the others in one request.

    Marks of private assets are in a local file: always read anew, and never restated.

    Adjusted closes are linked to the stored ones (`total_return_link`). A close as traded that the source
    now gives otherwise for a session that is stored is told in the log; `sigmasight refresh` stores it.
    """
    stored = final_rows(batch, DailyPrices)
    stored = stored[stored["close"].notna() & stored["symbol"].isin(symbols) & ~_is_mark(stored)]
    counts = stored.groupby("symbol").size()
    asked = [symbol for symbol in symbols if counts.get(symbol, 0) < len(batch.dates)]
    if not asked:
        return stored
    known = pd.MultiIndex.from_frame(stored[_KEYS])
    lacking = pd.MultiIndex.from_product([batch.dates, asked]).difference(known).get_level_values(0)
    around = _neighbours(batch, lacking.min(), lacking.max())
    fetched = batch.market_data.daily_prices(asked, around[0], around[-1])
    anchors = _anchors(batch, around.difference(batch.dates), asked, stored)
    _tell_corrections(fetched[~_is_mark(fetched)], anchors)
    scale = link_scale(fetched=fetched, stored=anchors).mask(_is_mark(fetched), 1.0)
    linked = fetched.assign(adjusted_close=fetched["adjusted_close"] * scale)
    new = linked[linked["date"].isin(batch.dates)]
    new = new[~pd.MultiIndex.from_frame(new[_KEYS]).isin(known)]
    return validate(DailyPrices, pd.concat([stored, new], ignore_index=True) if len(stored) else new)


def corporate_actions(batch: Batch, symbols: Sequence[str]) -> pd.DataFrame:
    """Splits and dividends of the batch's dates: stored ones where all is known, the others in one request.

    Known is a date whose actions were stored when they were final, and after the symbol came into the ledger
    (factors' proxies are asked for from the start), or that was asked for since (`known_actions`).
    """
    stored = batch.stored(CorporateActions, batch.dates)
    held = batch.held_since().groupby("underlying")["since"].min().reindex(list(symbols))
    since = held.fillna(_NEVER).rename_axis("symbol").reset_index(name="since")
    pairs = _final_dates(batch, CorporateActions).merge(since, how="cross")
    asked_for = covered(cells=pairs[_KEYS], coverage=batch.action_coverage(), source=batch.market_data.name)
    known = pd.MultiIndex.from_frame(pairs.loc[(pairs["computed_at"] >= pairs["since"]) | asked_for, _KEYS])
    lacking = pd.MultiIndex.from_product([batch.dates, symbols], names=_KEYS).difference(known)
    kept = stored[pd.MultiIndex.from_frame(stored[_KEYS]).isin(known)]
    if lacking.empty:
        return kept
    dates, asked = lacking.get_level_values(0), sorted(set(lacking.get_level_values(1)))
    fetched = batch.market_data.corporate_actions(asked, dates.min(), dates.max())
    new = fetched[pd.MultiIndex.from_frame(fetched[_KEYS]).isin(lacking)]
    return validate(CorporateActions, pd.concat([kept, new], ignore_index=True) if len(kept) else new)


def option_quotes(batch: Batch, fetched: pd.DataFrame) -> pd.DataFrame:
    """Fetched quotes, and the stored ones of contracts and dates that the source has no longer."""
    stored = batch.stored(OptionQuotes, batch.dates)
    prices = ["bid", "ask", "last"]
    stored = stored[stored[prices].notna().any(axis=1)]
    if stored.empty:
        return fetched
    keys = ["date", "contract"]
    good = fetched[fetched[prices].notna().any(axis=1)]
    kept = stored[~found_in(stored, good, keys)]
    new = fetched[~found_in(fetched, kept, keys)]
    return validate(OptionQuotes, pd.concat([kept, new], ignore_index=True) if len(new) else kept)


def securities(batch: Batch, symbols: Sequence[str]) -> pd.DataFrame:
    """One row a symbol: those stored within SECURITIES_DAYS of the first date, the others asked for."""
    first = batch.dates[0]
    since = max(first - pd.Timedelta(days=SECURITIES_DAYS), calendar.FIRST_DATE)
    stored = batch.stored(SecurityMaster, (since, first), list(symbols))
    stored = stored[(stored["security_type"] != "unknown") & ~batch.refetch]
    latest = stored.sort_values("date").drop_duplicates("symbol", keep="last").drop(columns="date")
    asked = sorted(set(symbols) - set(latest["symbol"]))
    if not asked:
        return latest
    found = batch.market_data.securities(asked)
    return pd.concat([latest, found], ignore_index=True) if len(latest) else found


def final_rows(batch: Batch, model: type[Table]) -> pd.DataFrame:
    """Stored rows of the batch's dates that were written SETTLING after the close; none when refetching."""
    rows = batch.stored(model, batch.dates)
    return rows[rows["date"].isin(_final_dates(batch, model)["date"])]


def _final_dates(batch: Batch, model: type[Table]) -> pd.DataFrame:
    """date, computed_at of the batch's partitions that were published SETTLING after their close."""
    written = batch.stored_at(model)
    if batch.refetch:
        return written.iloc[:0]
    closes = pd.to_datetime([calendar.session_close(date) for date in written["date"]], utc=True)
    return written[(written["computed_at"] >= closes + SETTLING).to_numpy()]


def _is_mark(prices: pd.DataFrame) -> pd.Series:
    return prices["source"].str.startswith(MARKS_SOURCE_PREFIX)


def _neighbours(batch: Batch, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex:
    """Sessions from the last published one before `first` to the first published one after `last`."""
    published = batch.stored_dates(DailyPrices)
    before, after = published[published < first], published[published > last]
    return calendar.sessions(before.max() if len(before) else first, after.min() if len(after) else last)


def _anchors(
    batch: Batch, outside: pd.DatetimeIndex, symbols: Sequence[str], kept: pd.DataFrame
) -> pd.DataFrame:
    """Stored rows that stay as they are: of sessions outside of the batch, and those that it keeps."""
    if outside.empty:
        return kept
    beside = batch.stored(DailyPrices, outside, symbols)
    return pd.concat([beside, kept], ignore_index=True) if len(kept) else beside


def _tell_corrections(fetched: pd.DataFrame, stored: pd.DataFrame) -> None:
    changed = differing_closes(fetched=fetched, stored=stored)
    for row in changed.head(20).itertuples():
        _log.warning(
            "the source has corrected a close",
            symbol=row.symbol,
            date=f"{row.date:%Y-%m-%d}",
            stored=row.close_stored,
            now=row.close,
            cure="sigmasight refresh",
        )
