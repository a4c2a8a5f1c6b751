"""Entry and exit prices held against the closes of their days: what a price that is far off could be.

A price within the day's range, or within a factor of MAX_RATIO of its close, is not doubted. One that is not
is named with what it could be: a price in shares after a split, a total cost, a price per contract, in cents,
or of another company or currency. A price of a share whose day has no close is held against the nearest one
of the weeks around, with more room. It is a doubt, not an error: the position is kept as it is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import FAR_DAY, codes_of, day_numbers
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import DAYS_PER_YEAR, OPTION_MULTIPLIER
from sigmasight_core.errors import InputError
from sigmasight_core.market.corporate_actions import Splits
from sigmasight_core.options.black_scholes import intrinsic_value, option_price

MAX_RATIO: Final = 1.25
"""A price of a share that is further from the close of its day is doubted."""
MAX_RATIO_NEARBY: Final = 3.0
"""The same of the nearest close, where the day itself has none."""
NEARBY_DAYS: Final = 30
"""Calendar days up to which a close is near to a day without one."""
NEAR: Final = 1.12
"""A price is explained by what comes within this factor of it."""
_HIGHEST_VOLATILITY: Final = 3.0
"""No listed option is worth more than at this volatility (fraction per year)."""
_HIGHEST_RATE: Final = 0.06
_DAY_MOVE: Final = 0.25
"""By how much of its price an underlying may have been elsewhere during the day."""
_CENTS: Final = 100.0

_NO_DOUBT: Final = pd.DataFrame(columns=["line", "column", "value", "reason"])

SharesOf = Literal["entry", "today"]


@dataclass(frozen=True)
class MarketFacts:
    """What is known of the days of entries and exits.

    :param prices: columns of `tables.DailyPrices`: date, symbol, close, high, low, source.
    :param splits: columns of `tables.CorporateActions`: date, symbol, kind, amount; others are ignored.
    """

    prices: pd.DataFrame
    splits: pd.DataFrame


def asked(positions: pd.DataFrame) -> pd.DataFrame:
    """date and symbol of every close that the positions (`tables.Positions`) are held against, each once."""
    entries = positions[["entry_date", "underlying"]].set_axis(["date", "symbol"], axis=1)
    exits = positions[["exit_date", "underlying"]].set_axis(["date", "symbol"], axis=1)
    return pd.concat([entries, exits]).dropna().drop_duplicates(ignore_index=True)


def in_shares_of_entry(*, positions: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Positions that are written in today's shares, in the shares of their own days.

    Quantity and entry price of shares are divided and multiplied by the splits since entry, the exit price by
    those since exit, so that what follows from them (which applies the splits again) is what was written.
    Options stay: a contract has the terms that its symbol says.

    :raises InputError: where the ratio of a split is not known.
    """
    names = pd.Index(positions["underlying"].unique())
    known = Splits.of(names, splits)
    codes, far = codes_of(names, positions["underlying"]), np.full(len(positions), FAR_DAY)
    entry, exit_ = (
        np.where(
            positions["strike"].notna(),
            1.0,
            known.ratio(codes, after=day_numbers(positions[name]), until=far),
        )
        for name in ("entry_date", "exit_date")
    )
    unknown = np.isnan(entry) | np.isnan(exit_)
    if unknown.any():
        symbol = positions["underlying"][unknown].iloc[0]
        raise InputError(
            f"{symbol}: the ratio of a split since entry is not known; write the shares of entry"
        )
    return positions.assign(
        quantity=positions["quantity"] / entry,
        entry_price=positions["entry_price"] * entry,
        exit_price=positions["exit_price"] * exit_,
    )


def price_doubts(
    *, positions: pd.DataFrame, written: pd.DataFrame, facts: MarketFacts, shares_of: SharesOf, cure: str
) -> pd.DataFrame:
    """Every price that cannot be that of its day, and what it could be, by line.

    :param positions: `tables.Positions` rows, in shares of their entry.
    :param written: entry_price, exit_price and line of each, as the file has them.
    :param shares_of: how the file was read. :param cure: the option or setting that reads it otherwise.
    :returns: line, column (entry_price or exit_price), value and reason.
    """
    sides = [
        positions.assign(
            line=written["line"],
            column=column,
            price=positions[column],
            date=positions[date],
            value=written[column],
        )
        for column, date in (("entry_price", "entry_date"), ("exit_price", "exit_date"))
    ]
    rows = pd.concat(sides, ignore_index=True)
    prices = facts.prices.rename(columns={"symbol": "underlying"})
    prices = prices.dropna(subset="close").drop_duplicates(["date", "underlying"])
    rows = rows[rows["price"] > 0].merge(prices, on=["date", "underlying"], how="left")
    lacks = rows["close"].isna()
    nearby, rows = _nearby(rows[lacks], prices), rows[~lacks]
    is_option = rows["strike"].notna()
    parts = [
        _of_shares(rows[~is_option].reset_index(drop=True), facts.splits, shares_of, cure, MAX_RATIO),
        _of_shares(nearby, facts.splits, shares_of, cure, MAX_RATIO_NEARBY),
        _of_options(rows[is_option].reset_index(drop=True)),
    ]
    found = pd.concat([part for part in parts if len(part)] or [_NO_DOUBT])
    return found.sort_values("line", kind="stable", ignore_index=True)


def _nearby(rows: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Rows of shares with the nearest close of their symbol, as of its day; none where there is none."""
    shares = rows[rows["strike"].isna() & rows["date"].notna()].drop(
        columns=["close", "high", "low", "source"]
    )
    days = prices["date"].astype("datetime64[ns]")
    known = prices.assign(date=days, close_date=days).sort_values("date")
    found = pd.merge_asof(
        shares.assign(date=shares["date"].astype("datetime64[ns]")).sort_values("date"),
        known,
        on="date",
        by="underlying",
        direction="nearest",
        tolerance=pd.Timedelta(days=NEARBY_DAYS),
    ).dropna(subset="close")
    return found.assign(date=found["close_date"]).reset_index(drop=True)


def _of_shares(
    rows: pd.DataFrame, splits: pd.DataFrame, shares_of: SharesOf, cure: str, max_ratio: float
) -> pd.DataFrame:
    price, close = rows["price"].to_numpy(dtype=float), rows["close"].to_numpy(dtype=float)
    traded = rows["price"].between(rows["low"], rows["high"]).to_numpy()
    off = ~traded & ~_near(price / close, max_ratio)
    if not off.any():
        return _NO_DOUBT
    rows = rows[off].reset_index(drop=True)
    ratio, quantity = (price / close)[off], rows["quantity"].abs().to_numpy(dtype=float)
    since, text = _splits_since(rows, splits, ratio, shares_of)
    other = "today's shares" if shares_of == "entry" else "the shares of its own day"
    cases: list[tuple[Bools, Any]] = [
        (since, text + f": is it in {other}? then use {cure}"),
        (
            _near(ratio / np.where(quantity > 0, quantity, np.nan), NEAR) & ~_near(quantity, MAX_RATIO),
            "is it the total cost of the lot? then write the price per share",
        ),
        (_near(ratio / _CENTS, NEAR) | _near(ratio * _CENTS, NEAR), "is it in cents, or another currency?"),
    ]
    otherwise = "is it of another company, currency or date, or of closes that are adjusted? correct it"
    return _entries(rows, ratio, _first_of(cases, otherwise, len(rows)))


def _first_of(
    cases: "Sequence[tuple[Bools, str | pd.Series[str]]]", otherwise: str, n_rows: int
) -> "pd.Series[str]":
    text = pd.Series(otherwise, index=range(n_rows), dtype="str")
    for holds, reason in reversed(cases):
        text = text.mask(holds, reason)
    return text


def _splits_since(
    rows: pd.DataFrame, splits: pd.DataFrame, ratio: Floats, shares_of: SharesOf
) -> "tuple[Bools, pd.Series[str]]":
    """Whether the splits from a row's date up to some later one explain its price, and which they are."""
    known = splits.loc[splits["kind"] == "split", ["date", "symbol", "amount"]].dropna()
    known = known.set_axis(["split_date", "underlying", "split"], axis=1)
    numbered = rows[["date", "underlying"]].assign(row=np.arange(len(rows)), ratio=ratio)
    pairs = numbered.merge(known, on="underlying").query("split_date > date")
    pairs = pairs.sort_values(["row", "split_date"], ignore_index=True)
    product = pairs.groupby("row")["split"].cumprod()
    explained = pairs["ratio"] * (product if shares_of == "entry" else 1 / product)
    each = (
        "split "
        + pairs["split"].map(_ratio).astype("str")
        + " on "
        + pairs["split_date"].dt.strftime("%Y-%m-%d")
    )
    said: dict[int, str] = {}
    every: list[str] = []
    for row, text in zip(pairs["row"], each, strict=True):
        said[row] = f"{said[row]}, {text}" if row in said else text
        every.append(said[row])
    hits = pairs.assign(said=pd.array(every, dtype="str"))[_near(explained.to_numpy(dtype=float), NEAR)]
    last = hits.drop_duplicates("row", keep="last").set_index("row")["said"]
    names = rows["underlying"] + " " + last.reindex(range(len(rows))).astype("str").fillna("")
    return np.isin(np.arange(len(rows)), last.index), names


def _of_options(rows: pd.DataFrame) -> pd.DataFrame:
    """Options have no close here: bounds of their price from the underlying's."""
    price, close, strike = (rows[name].to_numpy(dtype=float) for name in ("price", "close", "strike"))
    is_call = rows["position_type"].str.endswith("C").to_numpy(dtype=bool)
    years = (rows["expiry_date"] - rows["date"]).dt.days.to_numpy(dtype=float) / DAYS_PER_YEAR
    room = _DAY_MOVE * close
    upper = option_price(
        close + np.where(is_call, room, -room),
        strike,
        np.maximum(years, 1 / DAYS_PER_YEAR),
        np.where(is_call, _HIGHEST_RATE, 0.0),
        0.0,
        _HIGHEST_VOLATILITY,
        is_call,
    )
    lower = np.maximum(intrinsic_value(close, strike, is_call) - room, 0.0)
    over, under = price > upper, price < lower
    per_contract = price / OPTION_MULTIPLIER <= upper
    what = "is it the price of a contract? then write it per share, a hundredth of it"
    cases = [
        (over & per_contract, "more than the option can be worth: " + what),
        (over, "more than the option can be worth: is it a total cost? write the price per share"),
        (under, "less than its intrinsic value: is it of another contract or date? correct it"),
    ]
    off = over | under
    if not off.any():
        return _NO_DOUBT
    reasons = _first_of(cases, "", len(rows))[off].reset_index(drop=True)
    return _entries(rows[off].reset_index(drop=True), (price / close)[off], reasons)


def _near(ratio: Floats, factor: float) -> "Bools":
    return (ratio <= factor) & (ratio >= 1 / factor)


def _entries(rows: pd.DataFrame, ratio: Floats, reasons: "pd.Series[str]") -> pd.DataFrame:
    """Doubts as a report, each with the close that the price was held against."""
    times = pd.Series([_times(value) for value in ratio], index=rows.index, dtype="str")
    close = rows["close"].map("{:.6g}".format).astype("str")
    against = rows["underlying"] + "'s close of " + close + " on " + rows["date"].dt.strftime("%Y-%m-%d")
    reason = "the price is " + times + " " + against + " (" + rows["source"] + "): " + reasons + "; kept"
    value = pd.Series([f"{price:.12g}" for price in rows["value"]], index=rows.index, dtype="str")
    return pd.DataFrame({"line": rows["line"], "column": rows["column"], "value": value, "reason": reason})


def _times(ratio: float) -> str:
    """`a quarter of`, `4 times`, `0.37 times`."""
    words = {2: "half of", 3: "a third of", 4: "a quarter of", 5: "a fifth of", 10: "a tenth of"}
    whole = round(1 / ratio)
    if whole in words and abs(ratio * whole - 1) < 0.05:
        return words[whole]
    return f"{ratio:.3g} times"


def _ratio(split: float) -> str:
    """A split as it is announced: 4:1, 3:2, 1:10."""
    for old in range(1, 21):
        if abs(split * old - round(split * old)) < 1e-6 * old and round(split * old):
            return f"{round(split * old)}:{old}"
    return f"{split:.6g}:1"
