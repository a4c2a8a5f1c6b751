"""Rows of daily prices and corporate actions, judged together: what is doubtful, and what an action is."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of, day_numbers
from sigmasight_core.arrays.found import found_in
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import MARKS_SOURCE_PREFIX
from sigmasight_core.market.plausibility.actions import (
    DISTRIBUTION,
    DIVIDEND,
    SPLIT,
    judged_dividends,
    judged_splits,
    jumps_at,
)
from sigmasight_core.market.plausibility.adjusted import (
    doubtful_adjusted,
    doubtful_ranges,
    out_of_their_ranges,
)
from sigmasight_core.market.plausibility.closes import Bars, doubtful_closes
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_core.market.plausibility.ratios import is_common
from sigmasight_core.market.plausibility.series import Series, runs_that_come_back

PRICES: Final = "daily_prices"
ACTIONS: Final = "corporate_actions"
CLOSE, ADJUSTED, RANGE = "close", "adjusted_close", "range"
COLUMNS: Final = ["table_name", "date", "symbol", "kind", "source", "value", "held_against", "reason"]
AGREES: Final = 0.02
"""Relative: closes of two sources that differ by less say the same."""
_SHOWN: Final = 0.1


@dataclass(frozen=True)
class Judged:
    """:ivar doubts: COLUMNS, one row a doubt, ordered by date, symbol and kind.
    :ivar kinds: kind of each action given, in their order."""

    doubts: pd.DataFrame
    kinds: "pd.Series[str]"


def judge(
    *,
    prices: pd.DataFrame,
    actions: pd.DataFrame,
    confirmed: pd.DataFrame,
    others: pd.DataFrame,
    limits: Limits,
) -> Judged:
    """What cannot be believed of prices and actions as their source gives them.

    A row without a close, a carried mark and every mark of a private asset is not judged.

    :param prices: columns of `tables.DailyPrices` with at least the sessions of Limits around what is to be
        judged; each date and symbol once. :param actions: columns of `tables.CorporateActions`, splits as the
        source calls them (kind 'distribution' counts as a split).
    :param confirmed: table_name, date, symbol, kind of rows that a user has confirmed.
    :param others: date, symbol, close of another source; one that agrees confirms a close.
    """
    names = pd.Index(pd.unique(pd.concat([prices["symbol"], actions["symbol"]])))
    code, day = codes_of(names, prices["symbol"]), day_numbers(prices["date"])
    acted, on = codes_of(names, actions["symbol"]), day_numbers(actions["date"])
    raw = _raw_close(prices)
    amount = actions["amount"].to_numpy(dtype=float)
    is_dividend = (actions["kind"] == DIVIDEND).to_numpy()
    ratio = np.where(is_dividend, 1.0, amount)
    told = ~is_dividend & is_common(ratio)
    clean = _without_prints(
        code, day, raw, _cumulative(acted, on, np.where(told, ratio, 1.0), code, day), limits
    )
    jump, before, sigma = jumps_at(clean, acted, on)
    trusted = _found_in(actions.assign(kind=np.where(is_dividend, DIVIDEND, SPLIT)), confirmed, ACTIONS)
    splits = judged_splits(ratio=ratio, jump=jump, sigma=sigma, confirmed=trusted | is_dividend)
    real = ~is_dividend & (splits["kind"] == SPLIT).to_numpy() & ~splits["doubtful"].to_numpy()
    level = _cumulative(acted, on, np.where(real, ratio, 1.0), code, day)
    over = jump + _same_day(acted, on, np.where(real, np.log(ratio), 0.0))
    paid = judged_dividends(
        amount=np.where(is_dividend & ~trusted, amount, np.nan), jump=over, before=before, limits=limits
    )
    kinds = np.where(is_dividend, DIVIDEND, splits["kind"])
    growth = _growth(kinds, amount, before, paid["doubtful"].to_numpy())
    known = _believed(prices, confirmed, others) | _explained(
        acted, on, jump, np.log(growth), np.isnan(ratio) & ~is_dividend, code, day
    )
    bars = Bars(code, day, raw, prices["volume"].to_numpy(dtype=float), level, known)
    found = _price_doubts(prices, bars, _cumulative(acted, on, growth, code, day), confirmed, limits)
    found += [_action_doubts(actions, is_dividend, splits, paid)]
    doubts = pd.concat([frame for frame in found if len(frame)] or found[:1], ignore_index=True)
    doubts = doubts.sort_values(["date", "symbol", "kind"], kind="stable", ignore_index=True)[COLUMNS]
    return Judged(doubts, pd.Series(kinds, index=actions.index, dtype="str"))


def _raw_close(prices: pd.DataFrame) -> Floats:
    judged = prices["price_date"].isna() & ~prices["source"].str.startswith(MARKS_SOURCE_PREFIX)
    close = prices["close"].to_numpy(dtype=float)
    return np.where(judged.to_numpy() & (close > 0), close, np.nan)


def _without_prints(code: Ints, day: Ints, close: Floats, split_level: Floats, limits: Limits) -> Series:
    """Closes as traded without those that leave the level of both sides."""
    series = Series.of(code, day, np.log(close) + split_level, np.isfinite(close))
    printed, _ = runs_that_come_back(series, limits.print_factor, limits.print_sigmas, limits.print_certain)
    rest = series.without(printed)
    return Series(rest.code, rest.day, rest.level - split_level[rest.row], rest.row)


def _cumulative(acted: Ints, on: Ints, factor: Floats, code: Ints, day: Ints) -> Floats:
    """Log of the product of a symbol's factors up to each day (NaN counts as 1)."""
    order = np.lexsort((on, acted))
    span = np.int64(1) << 32
    keys, logs = (acted * span + on)[order], np.log(np.nan_to_num(factor[order], nan=1.0))
    total = np.concatenate([[0.0], np.cumsum(logs)])
    until, start = np.searchsorted(keys, code * span + day, side="right"), np.searchsorted(keys, code * span)
    return np.asarray(total[until] - total[start])


def _same_day(acted: Ints, on: Ints, level: Floats) -> Floats:
    """Sum of the levels of the actions of the same symbol and day, for each action."""
    return pd.Series(level).groupby([acted, on]).transform("sum").to_numpy()


def _growth(kinds: np.ndarray, amount: Floats, before: Floats, doubtful: Bools) -> Floats:
    """By which factor a dividend or distribution lifts a return; 1 for what is none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where((kinds == DIVIDEND) & ~doubtful, np.nan_to_num(amount / before), 0.0)
    cash = 1 / (1 - np.clip(share, 0.0, 0.99))
    return np.where(kinds == DISTRIBUTION, np.nan_to_num(amount, nan=1.0), cash)


def _explained(
    acted: Ints, on: Ints, jump: Floats, size: Floats, unknown: Bools, code: Ints, day: Ints
) -> Bools:
    """Price rows of the ex-dates whose change a dividend or distribution explains, or nothing can."""
    with np.errstate(invalid="ignore"):
        fits = (np.abs(size) >= _SHOWN) & (np.abs(jump + size) <= np.maximum(np.abs(size) / 2, _SHOWN))
    span = np.int64(1) << 32
    return np.isin(code * span + day, (acted * span + on)[fits | unknown])


def _found_in(rows: pd.DataFrame, confirmed: pd.DataFrame, table: str) -> Bools:
    keys = ["date", "symbol", "kind"]
    return found_in(rows, confirmed[confirmed["table_name"] == table], keys)


def _believed(prices: pd.DataFrame, confirmed: pd.DataFrame, others: pd.DataFrame) -> Bools:
    """Closes that a user has confirmed, or that another source gives as well."""
    by_user = _found_in(prices.assign(kind=CLOSE), confirmed, PRICES)
    other = prices[["date", "symbol"]].merge(others, on=["date", "symbol"], how="left", validate="one_to_one")
    apart = np.abs(prices["close"].to_numpy(dtype=float) / other["close"].to_numpy(dtype=float) - 1)
    return by_user | (apart <= AGREES)


def _price_doubts(
    prices: pd.DataFrame, bars: Bars, paid_level: Floats, confirmed: pd.DataFrame, limits: Limits
) -> list[pd.DataFrame]:
    bar = {name: prices[name].to_numpy(dtype=float) for name in ("high", "low")}
    bar |= {"open_": prices["open"].to_numpy(dtype=float), "close": bars.close}
    closes = [
        doubtful_closes(bars, limits).assign(kind=CLOSE),
        out_of_their_ranges(code=bars.code, known=bars.known, limits=limits, **bar),
    ]
    found = pd.concat(closes, ignore_index=True).drop_duplicates("row", ignore_index=True)
    doubted = np.zeros(bars.close.size, dtype=bool)
    doubted[found["row"].to_numpy(dtype=np.int64)] = True
    adjusted = prices["adjusted_close"].to_numpy(dtype=float)
    steps = doubtful_adjusted(
        code=bars.code,
        day=bars.day,
        close=np.where(doubted, np.nan, bars.close),
        adjusted=np.where(doubted, np.nan, adjusted),
        split_level=bars.split_level,
        paid_level=paid_level,
        limits=limits,
    )
    steps = steps[~((steps["kind"] == CLOSE) & bars.known[steps["row"].to_numpy(dtype=np.int64)]).to_numpy()]
    doubted[steps.loc[steps["kind"] == CLOSE, "row"].to_numpy(dtype=np.int64)] = True
    ranges = doubtful_ranges(doubted=doubted, limits=limits, **bar)
    every = pd.concat([found, steps, ranges.assign(kind=RANGE)], ignore_index=True).astype({"row": np.int64})
    found = prices.iloc[every["row"]][["date", "symbol", "source"]].reset_index(drop=True)
    values = np.where(every["kind"] == ADJUSTED, adjusted[every["row"]], bars.close[every["row"]])
    found = found.assign(
        table_name=PRICES,
        kind=every["kind"],
        value=values,
        held_against=every["held_against"],
        reason=every["reason"],
    )
    return [found[~_found_in(found, confirmed, PRICES)][COLUMNS]]


def _action_doubts(
    actions: pd.DataFrame, is_dividend: Bools, splits: pd.DataFrame, paid: pd.DataFrame
) -> pd.DataFrame:
    doubtful = np.where(is_dividend, paid["doubtful"], splits["doubtful"]).astype(bool)
    found = actions[doubtful].assign(
        table_name=ACTIONS,
        kind=np.where(is_dividend, DIVIDEND, SPLIT)[doubtful],
        value=actions["amount"].to_numpy(dtype=float)[doubtful],
        held_against=np.nan,
        reason=np.where(is_dividend, paid["reason"], splits["reason"])[doubtful],
    )
    return found[COLUMNS]
