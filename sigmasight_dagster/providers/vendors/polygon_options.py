"""Polygon's option chain snapshots and daily option bars, to quotes of closed sessions."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.conventions import OK
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.tables import OptionQuotes, validate
from sigmasight_dagster.providers.base import OPTION_QUOTE_COLUMNS, no_option_quotes
from sigmasight_dagster.providers.rows.option_chains import (
    QUOTED,
    UNDERLYING_OF_ROOT,
    held_contracts,
    near_held,
    quoted_session,
)

Pages = Callable[[str, Mapping[str, str]], Iterator[dict[str, Any]]]
SHARES: Final = 100
"""Of a standard contract; others (after some splits and mergers) have another deliverable."""


def quotes(
    pages: Pages,
    contracts: Collection[str],
    start: dt.date,
    end: dt.date,
    now: dt.datetime,
) -> pd.DataFrame:
    """Rows of ``tables.OptionQuotes``: of the chain for the session that it tells of, else daily bars."""
    found = []
    chained, closed = quoted_session(now), calendar.last_closed_session(pd.Timestamp(now))
    if chained is not None and pd.Timestamp(start) <= chained <= pd.Timestamp(end):
        found.append(_snapshot(pages, contracts, chained))
    last = min(pd.Timestamp(end), closed if chained is None else calendar.shift_sessions(chained, -1))
    if pd.Timestamp(start) <= last:
        found.append(_history(pages, contracts, pd.Timestamp(start), last))
    found = [frame for frame in found if len(frame)]
    if not found:
        return no_option_quotes()
    return validate(OptionQuotes, pd.concat(found, ignore_index=True)[list(OPTION_QUOTE_COLUMNS)])


def _snapshot(pages: Pages, contracts: Collection[str], session: pd.Timestamp) -> pd.DataFrame:
    held = held_contracts(pd.Series(sorted(set(contracts)), dtype="str"), session)
    rows: list[dict[str, Any]] = []
    for (root, expiry), _ in held.groupby(["root", "expiry_date"]):
        underlying = UNDERLYING_OF_ROOT.get(str(root), str(root)).replace("-", ".")
        query = {"expiration_date": f"{expiry:%Y-%m-%d}", "limit": "250"}
        rows += pages(f"/v3/snapshot/options/{underlying}", query)
    if not rows:
        return pd.DataFrame()
    chain = pd.DataFrame([_flat(row) for row in rows])
    parts = parse_occ(chain["ticker"].str.removeprefix("O:").astype("str"))
    listed = pd.concat([chain, parts.rename(columns={"strike": "listed_strike"})], axis=1)
    listed = listed[listed["compact"].notna() & (listed["shares"].fillna(SHARES) == SHARES)]
    listed = listed.drop_duplicates("compact").reset_index(drop=True)
    chosen = listed[near_held(listed, held)]
    frame = _frame(chosen, session, "polygon: chain as of the close")
    traded = _session_of(chosen["updated"])
    frame["last"] = frame["last"].where(traded == session)
    crossed = frame["bid"] > frame["ask"]
    frame.loc[crossed, ["bid", "ask"]] = np.nan
    return _with_status(frame, np.where(crossed, "the bid is above the ask", ""))


def _history(
    pages: Pages, contracts: Collection[str], start: pd.Timestamp, last: pd.Timestamp
) -> pd.DataFrame:
    """The last trade of each day; a day without a trade has no row."""
    parts = parse_occ(pd.Series(sorted(set(contracts)), dtype="str")).dropna(subset=["compact"])
    alive = parts[parts["expiry_date"] >= start]
    found = []
    for contract, root in zip(alive["compact"], alive["root"], strict=True):
        path = f"/v2/aggs/ticker/O:{contract}/range/1/day/{start:%Y-%m-%d}/{last:%Y-%m-%d}"
        rows = list(pages(path, {"adjusted": "false", "sort": "asc", "limit": "50000"}))
        if rows:
            bars = pd.DataFrame(rows).reindex(columns=["t", "c"]).drop_duplicates("t")
            found.append(bars.rename(columns={"c": "last"}).assign(compact=contract, root=root))
    if not found:
        return pd.DataFrame()
    bars = pd.concat(found, ignore_index=True)
    days = _session_of(pd.to_numeric(bars["t"], errors="coerce") * 1e6)
    bars = bars[days.between(start, last) & days.isin(calendar.sessions(start, last))]
    missing = bars.reindex(columns=[*bars.columns, "bid", "ask", "implied_volatility", "open_interest"])
    frame = _frame(missing, days[bars.index], "polygon: last trade of the day")
    return _with_status(frame, np.full(len(frame), "", dtype=object))


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    details, quote, day = (row.get(part) or {} for part in ("details", "last_quote", "day"))
    return {
        "ticker": str(details.get("ticker") or ""),
        "shares": details.get("shares_per_contract"),
        "bid": quote.get("bid"),
        "ask": quote.get("ask"),
        "last": day.get("close"),
        "updated": day.get("last_updated"),
        "implied_volatility": row.get("implied_volatility"),
        "open_interest": row.get("open_interest"),
    }


def _session_of(nanoseconds: "pd.Series[float]") -> "pd.Series[pd.Timestamp]":
    numbers = pd.to_numeric(nanoseconds, errors="coerce")
    moments = pd.to_datetime(numbers, unit="ns", utc=True).dt.tz_convert("America/New_York")
    return moments.dt.tz_localize(None).dt.normalize().astype("datetime64[ns]")


def _frame(
    chosen: pd.DataFrame, session: "pd.Timestamp | pd.Series[pd.Timestamp]", source: str
) -> pd.DataFrame:
    numbers = chosen[list(QUOTED)].apply(pd.to_numeric, errors="coerce").astype("float64")
    positive = numbers.where((numbers > 0) & np.isfinite(numbers))
    positive["open_interest"] = numbers["open_interest"].where(numbers["open_interest"] >= 0)
    names = chosen["root"].replace(UNDERLYING_OF_ROOT).astype("str")
    return positive.assign(
        date=session, contract=chosen["compact"].astype("str"), underlying=names, source=source
    )


def _with_status(frame: pd.DataFrame, doubt: np.ndarray) -> pd.DataFrame:
    lacking = frame[list(QUOTED)].isna()
    words = [
        ", ".join(field.replace("_", " ") for field, gone in zip(QUOTED, row, strict=True) if gone)
        for row in lacking.to_numpy()
    ]
    status = [text or (f"no {word}" if word else OK) for text, word in zip(doubt, words, strict=True)]
    return frame.assign(status=status)
