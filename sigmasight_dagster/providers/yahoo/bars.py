"""Yahoo's bars, which are adjusted for splits, to bars as traded; its splits and dividends to rows."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_dagster.providers.base import action_rows
from sigmasight_dagster.providers.rows.screening import CURRENCY, Screened, screen_bars
from sigmasight_dagster.providers.rows.splits import Splits, basis_contradictions, later_ratios
from sigmasight_dagster.providers.yahoo.client import History

SOURCE: Final = "yahoo"
PRICES: Final = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}


def bars(symbol: str, history: History) -> pd.DataFrame:
    """Bars of one symbol as ``screening.screen_bars`` takes them: as traded, from its first date until now.

    yfinance keeps the first of several bars of one session; if their closes differ, the others are here
    too, so that screening refuses the session. Of the last session it keeps the last one: Yahoo sends the
    live bar after the daily one.
    """
    frame = history.bars
    splits = _splits(symbol, frame)
    ratio = pd.Series(_later(splits, frame.index, symbol), frame.index)
    found = frame.rename(columns={**PRICES, "Adj Close": "adjusted_close", "Volume": "volume"})
    found = found[[*PRICES.values(), "adjusted_close", "volume"]].astype("float64")
    raw = _raw(history)
    found["volume"] = found["volume"].where(found.index.isin(raw.index[raw["volume"].notna()]))
    found = pd.concat([found, _contradicting(raw, found)])
    factor = ratio.reindex(found.index).to_numpy()
    for price in PRICES.values():
        found[price] = found[price] * factor
    found["volume"] = found["volume"] / factor
    currency = history.answer["meta"].get("currency") or ""
    return found.rename_axis("date").reset_index().assign(symbol=symbol, currency=currency)


def screened(found: pd.DataFrame, doubts: dict[str, str]) -> Screened:
    """Screened bars; all prices of a symbol in `doubts` are NULL, with the doubt as the reason."""
    result = screen_bars(found, SOURCE)
    doubt = result.rows["symbol"].map(doubts)
    rows = result.rows.copy()
    values = ["open", "high", "low", "close", "adjusted_close", "volume"]
    rows.loc[doubt.notna(), values] = np.nan
    rows["status"] = rows["status"].where(doubt.isna(), "refused: " + doubt.astype("str"))
    return Screened(rows, result.refused)


def doubt(symbol: str, history: History) -> str | None:
    """Why the prices of a symbol cannot be taken back to what was traded; None = they can.

    On the morning of a split Yahoo may know the split and not yet have adjusted the prices.
    """
    splits = _splits(symbol, history.bars)
    day = pd.DatetimeIndex(splits.ex_date).strftime("%Y-%m-%d")
    useless = ~((splits.ratio > 0) & np.isfinite(splits.ratio))
    if useless.any():
        return f"the split of {day[useless.argmax()]} has no ratio"
    closes = history.bars[["Close"]].to_numpy(dtype="float64")
    closes = np.where(closes > 0, closes, np.nan)
    wrong = basis_contradictions(
        splits, pd.DatetimeIndex(history.bars.index), np.array([symbol], object), closes, as_traded=False
    )
    if wrong.any():
        first = int(wrong.argmax())
        return f"the closes are not adjusted for the {splits.ratio[first]:g}:1 split of {day[first]}"
    return None


def actions(symbol: str, history: History) -> pd.DataFrame:
    """Rows of ``tables.CorporateActions``: splits, and dividends per share of the ex-date."""
    frame = history.bars
    splits = _splits(symbol, frame)
    good = (splits.ratio > 0) & np.isfinite(splits.ratio) & (splits.ratio != 1)
    symbols = np.full(good.sum(), symbol, object)
    split_rows = action_rows(symbols, splits.ex_date[good], splits.ratio[good], SOURCE)
    paid = frame["Dividends"].astype("float64")
    paid, factor = paid[paid.fillna(1) != 0], _later(splits, frame.index, symbol)[paid.fillna(1) != 0]
    dates = paid.index.to_numpy("datetime64[ns]")
    amount = (paid * factor).to_numpy()
    rows = action_rows(np.full(len(paid), symbol, object), dates, amount, SOURCE, "dividend")
    return pd.concat([split_rows, _refused_dividends(rows, paid.to_numpy(), history)], ignore_index=True)


def _refused_dividends(rows: pd.DataFrame, paid: np.ndarray, history: History) -> pd.DataFrame:
    """Dividends that cannot be used made NULL. `paid` (n,) is what Yahoo says, in shares of today."""
    amount = rows["amount"]
    currency = history.answer["meta"].get("currency") or ""
    foreign = rows["date"].isin(_foreign_dividends(history)) | (currency not in ("", CURRENCY))
    found = [
        (foreign, "refused: the dividend is not in USD"),
        (~((paid > 0) & np.isfinite(paid)), "refused: the dividend is not positive"),
        (~((amount > 0) & np.isfinite(amount)), "refused: a later split has no ratio"),
    ]
    status = np.select([condition for condition, _ in found], [text for _, text in found], OK)
    return rows.assign(amount=amount.where(status == OK), status=status).astype({"status": "str"})


def _foreign_dividends(history: History) -> pd.DatetimeIndex:
    events = ((history.answer.get("events") or {}).get("dividends") or {}).values()
    foreign = [event["date"] for event in events if event.get("currency") not in (None, "", CURRENCY)]
    return _days(foreign, history)


def _splits(symbol: str, frame: pd.DataFrame) -> Splits:
    given = frame["Stock Splits"].astype("float64")
    given = given[given.fillna(1) != 0]
    return Splits(
        np.full(len(given), symbol, object), given.index.to_numpy("datetime64[ns]"), given.to_numpy()
    )


def _later(splits: Splits, dates: pd.Index, symbol: str) -> np.ndarray:
    return later_ratios(splits, pd.DatetimeIndex(dates), np.array([symbol], object))[:, 0]


def _raw(history: History) -> pd.DataFrame:
    """Closes and volumes as Yahoo sent them, in its order, by date."""
    quote = history.answer["indicators"]["quote"][0]
    adjusted = history.answer["indicators"].get("adjclose", [{}])[0].get("adjclose", quote["close"])
    columns = {**{price: quote[price] for price in PRICES.values()}, "adjusted_close": adjusted}
    frame = pd.DataFrame({**columns, "volume": quote["volume"]}, dtype="float64")
    return frame.set_index(_days(history.answer["timestamp"], history))


def _contradicting(raw: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Bars of sessions before the last whose close is not the one that yfinance kept."""
    close = kept["close"].reindex(raw.index)
    return raw[(raw["close"] != close) & raw["close"].notna() & (raw.index < raw.index.max())]


def _days(seconds: list[int], history: History) -> pd.DatetimeIndex:
    zone = history.answer["meta"]["exchangeTimezoneName"]
    moments = pd.to_datetime(seconds, unit="s", utc=True).tz_convert(zone)
    return moments.tz_localize(None).normalize().as_unit("ns")
