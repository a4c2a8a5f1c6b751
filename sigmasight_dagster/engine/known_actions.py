"""Corporate actions of held symbols since their entry: asked for where they are not known.

A run fetches the actions of its own dates. Of a symbol that came into the ledger after other partitions were
stored, or was entered before the project's first date, the source is asked for all the time since its entry.
"""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.market.action_coverage import ASSUMED, gaps, to_ask
from sigmasight_core.tables import ActionCoverage, CorporateActions, validate
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.warehouse import LearnedActions

_ONE_DAY = pd.Timedelta(days=1)


def learn(batch: Batch, fetched: list[str] | None) -> None:
    """Ask for what lacks of the held symbols, and leave it in `batch.learned`.

    :param fetched: symbols whose actions on the batch's dates are fetched anyway; None = every one: of a
        provider that lists its symbols and reads local data, which may have changed, so that it is asked
        each time.
    """
    provider, every = batch.market_data, batch.held_entries()
    held = every.drop_duplicates("symbol", ignore_index=True)
    if held.empty:
        return
    coverage, last = batch.action_coverage(), batch.dates[-1]
    before = _session_before(batch.dates[0])
    lacking = to_ask(held=held, coverage=coverage, source=provider.name, before=before)
    asked = held if fetched is None else held[lacking]
    end = max([last, *batch.stored_dates(CorporateActions)]) if len(asked) else last
    rows = _outside(batch, asked, end)
    mine = coverage[(coverage["source"] == provider.name) & ~coverage["symbol"].isin(asked["symbol"])]
    limits = dict(zip(mine["symbol"], mine["first_known_date"], strict=True))
    limits |= {
        symbol: pd.Timestamp(day)
        for symbol, day in provider.actions_known_from(asked["symbol"].tolist()).items()
    }
    known = held.assign(
        limit=pd.to_datetime(pd.Series(held["symbol"].map(limits), dtype="datetime64[ns]")),
        last=pd.Series(last, index=held.index).mask(held["symbol"].isin(asked["symbol"]), end),
    )
    unknown = coverage[coverage["source"] != ASSUMED]
    unknown = gaps(held=every[~every["symbol"].isin(_assumed(coverage))], coverage=unknown, until=last)
    batch.learned = LearnedActions(
        batch.dates,
        fetched,
        asked["symbol"].tolist(),
        asked["entry_date"].min(),
        rows,
        _coverage(known, provider.name),
        unknown[["date", "symbol"]],
        batch.first_date,
    )


def _session_before(date: pd.Timestamp) -> pd.Timestamp:
    day = date - _ONE_DAY
    return calendar.previous_session(day) if calendar.FIRST_DATE + pd.Timedelta(days=7) < day else day


def _assumed(coverage: pd.DataFrame) -> "pd.Series[str]":
    return coverage.loc[coverage["source"] == ASSUMED, "symbol"]


def _outside(batch: Batch, asked: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """Actions from each entry up to `end`, without the batch's own dates: on sessions, or before them all."""
    first, last = batch.dates[0], batch.dates[-1]
    start, stop = asked["entry_date"].min(), end if end > last else first - _ONE_DAY
    if asked.empty or stop < start:
        return validate(CorporateActions, CorporateActions.empty())
    found = batch.market_data.corporate_actions(asked["symbol"].tolist(), start, stop)
    since = found["symbol"].map(asked.set_index("symbol")["entry_date"])
    wanted = (found["date"] > since) & ~found["date"].between(first, last)
    sessions = calendar.sessions(batch.first_date, max(end, batch.first_date))
    wanted &= (found["date"] < batch.first_date) | found["date"].isin(sessions)
    return validate(CorporateActions, found[wanted])


def _coverage(known: pd.DataFrame, source: str) -> pd.DataFrame:
    entry = known["entry_date"]
    frame = pd.DataFrame(
        {
            "symbol": known["symbol"],
            "first_asked_date": entry,
            "first_known_date": entry.where(~(known["limit"] > entry), known["limit"]),
            "last_known_date": known["last"],
            "source": source,
        }
    )
    return validate(ActionCoverage, frame)
