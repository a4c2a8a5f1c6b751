"""Corporate actions of vendors: their rows, and adjusted closes from them and closes as traded."""

import numpy as np
import pandas as pd

from sigmasight_dagster.providers.base import action_rows
from sigmasight_dagster.providers.rows.screening import CURRENCY


def checked_actions(
    symbol: str,
    dates: "pd.Series[str]",
    amount: "pd.Series[float]",
    kind: str,
    source: str,
    foreign: "pd.Series[bool] | bool" = False,
) -> pd.DataFrame:
    """Rows of ``tables.CorporateActions`` of one symbol; an amount that cannot be used is NULL with a status.

    :param dates: ex-dates as YYYY-MM-DD, each once; rows without one are left out.
    :param foreign: whether it is cash in another currency than USD.
    """
    days = pd.to_datetime(dates, errors="coerce").to_numpy("datetime64[ns]")
    rows = action_rows(np.full(len(amount), symbol, object), days, amount.to_numpy(), source, kind)
    abroad = np.broadcast_to(np.asarray(foreign, dtype=bool), len(rows))
    useless = (~((rows["amount"] > 0) & np.isfinite(rows["amount"]))).to_numpy()
    reasons = [f"refused: the {kind} is not in {CURRENCY}", f"refused: the {kind} is not positive"]
    rows["status"] = np.select([abroad, useless], reasons, rows["status"])
    rows["amount"] = rows["amount"].where(~(abroad | useless))
    return rows[rows["date"].notna()]


def adjusted_closes(closes: pd.DataFrame, actions: pd.DataFrame) -> pd.Series:
    """Closes times the factors of every later ex-date: 1/ratio of a split, 1 - D/close_before of a dividend.

    `close_before` is the last known close before the ex-date, and D is per share of the ex-date: on a day
    with a split as well, the close before is divided by its ratio first. So the return over an ex-date is
    ``close * ratio / (close_before - D * ratio)``, the return with the dividend reinvested (CRSP, Yahoo).

    :param closes: symbol, date, close as traded; NaN = not known. Any order, each symbol and date once.
    :param actions: rows of ``tables.CorporateActions``; those after the last close have no part in it.
    :returns: adjusted closes, index of `closes`; NaN without a close, and before an ex-date whose amount is
        not known or not below the close before it.
    """
    bars = closes[["symbol", "date", "close"]].astype({"date": "datetime64[ns]", "symbol": "str"})
    bars = bars.sort_values("date", kind="stable")
    events = _factors(bars.dropna(subset="close"), actions)
    joined = pd.merge_asof(
        bars, events, on="date", by="symbol", direction="forward", allow_exact_matches=False
    )
    factor = joined["factor"].where(joined["known"].fillna(True).astype(bool)).to_numpy()
    factor = np.where(joined["known"].isna(), 1.0, factor)
    return pd.Series(bars["close"].to_numpy() * factor, index=bars.index).reindex(closes.index)


def _factors(known: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """symbol, date (of the action), factor from that date on, known: whether all of these factors are."""
    rows = actions.assign(
        date=actions["date"].astype("datetime64[ns]"),
        symbol=actions["symbol"].astype("str"),
        ratio=actions["amount"].where(actions["kind"] == "split", 1.0),
        paid=actions["amount"].where(actions["kind"] == "dividend", 0.0),
    )
    grouped = rows.groupby(["symbol", "date"])
    events = pd.DataFrame({"ratio": grouped["ratio"].prod(), "paid": grouped["paid"].sum()})
    events["known"] = grouped["amount"].count() == grouped["amount"].size()
    events = (
        events.reset_index()
        .astype({"date": "datetime64[ns]", "symbol": "str"})
        .sort_values("date", kind="stable")
    )
    before = known.rename(columns={"close": "before"})
    events = pd.merge_asof(events, before, on="date", by="symbol", allow_exact_matches=False)
    latest = events["symbol"].map(known.groupby("symbol")["date"].max().to_dict()).astype("datetime64[ns]")
    own = (1 - events["paid"] * events["ratio"] / events["before"]) / events["ratio"]
    events["known"] &= (own > 0) & np.isfinite(own)
    happened = (events["date"] <= latest).to_numpy()
    events, own = events[happened], own[happened]
    backwards = events.assign(factor=own.where(events["known"], 1.0))[::-1].groupby("symbol")
    events["factor"] = backwards["factor"].cumprod()
    events["known"] = backwards["known"].cummin()
    return events[["symbol", "date", "factor", "known"]]
