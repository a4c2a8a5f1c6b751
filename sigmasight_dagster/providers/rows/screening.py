"""Bars as a live source gives them, to rows of DailyPrices; what cannot be true is refused with a reason."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import structlog

from sigmasight_core import calendar
from sigmasight_core.tables import DailyPrices
from sigmasight_dagster.providers.rows.panel import FIELDS, missing_status

CURRENCY: Final = "USD"
_AGAIN: Final = "the same row twice"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Screened:
    """Good and refused bars.

    :ivar rows: rows of ``tables.DailyPrices``. A refused bar of a session is a row of NULLs whose status
        says why.
    :ivar refused: symbol, reason, count, first_date: one row a symbol and reason, for the log.
    """

    rows: pd.DataFrame
    refused: pd.DataFrame


def screen_bars(bars: pd.DataFrame, source: str) -> Screened:
    """Check the bars of any number of symbols, in the order in which the source gave them.

    :param bars: symbol, date (naive midnights), currency ('' = not said), close and any other of FIELDS;
        prices as traded. Without ``adjusted_close`` it stays NULL.
    """
    frame = bars.reset_index(drop=True).reindex(columns=["symbol", "date", "currency", *FIELDS])
    frame = frame.astype(dict.fromkeys(FIELDS, "float64"))
    session = _is_session(frame["date"])
    reason = _reasons(frame, session)
    refused = _count(frame[reason != ""], reason[reason != ""])
    again = frame.duplicated(["symbol", "date"])
    kept = frame[session & ~again].drop(columns="currency").reset_index(drop=True)
    why = reason.groupby([frame["symbol"], frame["date"]]).transform("max")[session & ~again].to_numpy()
    why = np.where(why == _AGAIN, "", why)
    prices = ["open", "high", "low", "adjusted_close"]
    kept[prices] = kept[prices].where((kept[prices] > 0) & np.isfinite(kept[prices]))
    kept["volume"] = kept["volume"].where((kept["volume"] >= 0) & np.isfinite(kept["volume"]))
    kept.loc[why != "", list(FIELDS)] = np.nan
    status = np.where(why != "", "refused: " + why.astype(object), missing_status(kept).to_numpy(object))
    rows = kept.assign(price_date=pd.Timestamp("NaT"), source=source, status=status)
    columns = list(DailyPrices.to_schema().columns)
    return Screened(rows[columns].sort_values(["date", "symbol"], ignore_index=True), refused)


def log_refused(source: str, refused: pd.DataFrame) -> None:
    """One warning a symbol and reason, as in ``Screened.refused``."""
    for row in refused.itertuples():
        _log.warning(
            "bars refused",
            source=source,
            symbol=row.symbol,
            reason=row.reason,
            count=row.count,
            first_date=f"{row.first_date:%Y-%m-%d}",
        )


def _reasons(frame: pd.DataFrame, session: np.ndarray) -> "pd.Series[str]":
    """Why each bar is refused; '' = it is good."""
    close, key = frame["close"], [frame["symbol"], frame["date"]]
    latest = frame.groupby("symbol")["date"].cummax()
    same = frame.duplicated(keep="first")
    differing = frame.drop_duplicates().groupby(["symbol", "date"])["close"].transform("size") > 1
    differing = differing.reindex(frame.index, fill_value=False).groupby(key).transform("max")
    foreign = ~frame["currency"].fillna("").isin(["", CURRENCY])
    found = [
        (same.to_numpy(), _AGAIN),
        (close.isna().to_numpy(), "no close"),
        (np.isinf(close.to_numpy()), "the close is infinite"),
        ((close == 0).to_numpy(), "the close is zero"),
        ((close < 0).to_numpy(), "the close is negative"),
        (foreign.to_numpy(), "the prices are not in " + CURRENCY),
        ((frame["date"] < latest).to_numpy() & ~same.to_numpy(), "the row is out of order"),
        (differing.to_numpy(dtype=bool) & ~same.to_numpy(), "two different rows of one session"),
        (~session, "the date is no session"),
    ]
    reason = np.full(len(frame), "", dtype=object)
    for rows, text in found:
        reason[rows] = text
    return pd.Series(reason, index=frame.index, dtype="str")


def _is_session(dates: "pd.Series[pd.Timestamp]") -> np.ndarray:
    if dates.empty:
        return np.zeros(0, dtype=bool)
    within = dates.between(calendar.FIRST_DATE, calendar.LAST_DATE)
    known = calendar.sessions(dates[within].min(), dates[within].max()) if within.any() else dates[:0]
    return (within & dates.isin(known)).to_numpy()


def _count(frame: pd.DataFrame, reason: "pd.Series[str]") -> pd.DataFrame:
    counted = frame.assign(reason=reason).groupby(["symbol", "reason"])["date"].agg(["size", "min"])
    return counted.rename(columns={"size": "count", "min": "first_date"}).reset_index()
