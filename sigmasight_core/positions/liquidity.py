"""How long it takes to close positions without being more than a share of the market's volume."""

from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import codes_of, day_numbers
from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Ints, Texts
from sigmasight_core.arrays.windows import session_positions
from sigmasight_core.conventions import OK
from sigmasight_core.market.corporate_actions import Splits
from sigmasight_core.positions.held import CLOSED, EXPIRED, is_option, partition_frame, partition_numbers

VOLUME_SESSIONS: Final = 20
MIN_SESSIONS: Final = 10
"""Fewer volumes than these make no average."""
HORIZONS: Final = {"liquid_in_1_session": 1.0, "liquid_in_5_sessions": 5.0}


def liquidity(
    partitions: pd.DataFrame,
    *,
    position_values: pd.DataFrame,
    prices: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    corporate_actions: pd.DataFrame,
    share: float,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `tables.PositionLiquidity` and `tables.PortfolioLiquidity`.

    A position alone takes ``|quantity| / (share x average volume)`` sessions; in a portfolio the positions of
    a symbol wait for each other, and symbols do not.

    :param partitions: date and portfolio of everything wanted. :param position_values: rows of
        tables.PositionValues.
    :param prices: date, symbol and volume as traded, of the `sessions`: the dates and 19 before the first.
    :param corporate_actions: rows of tables.CorporateActions: volumes count in shares of the date.
    :param share: of the average daily volume that may be traded a session.
    :raises InputError: on a position outside of the partitions.
    """
    wanted = partition_frame(partitions)
    values = position_values
    symbols = pd.Index(values["symbol"].unique())
    dates = pd.DatetimeIndex(values["date"].unique()).sort_values()
    average, count = _average_volumes(symbols, dates, sessions, prices, corporate_actions)
    day, code = codes_of(dates, values["date"]), codes_of(symbols, values["symbol"])
    volume, n_obs = average[day, code], count[day, code]
    shares = np.abs(values["quantity"].to_numpy(dtype=float, na_value=np.nan))
    held = shares != 0
    option = is_option(values)
    volume[option] = np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(held, shares / (share * volume), 0.0)
    days[~np.isfinite(days)] = np.nan
    status = _status(values, option, shares, volume, n_obs)
    known = held & np.isfinite(days)
    by_position = values[["date", "portfolio", "position_id"]].assign(
        average_daily_volume=volume,
        n_obs=pd.array(np.where(option, 0, n_obs), dtype="Int64").astype("Int64"),
        days_to_liquidate=days,
        status=pd.array(status, dtype="str"),
    )
    by_position.loc[option, "n_obs"] = pd.NA
    return by_position, _portfolios(wanted, values, code, days, known, held)


def _average_volumes(
    symbols: pd.Index,
    dates: pd.DatetimeIndex,
    sessions: pd.DatetimeIndex,
    prices: pd.DataFrame,
    corporate_actions: pd.DataFrame,
) -> tuple[Floats, Ints]:
    """Mean volume of the window in shares of the date, and how many volumes are known (D, S)."""
    at, symbol = codes_of(sessions, prices["date"]), codes_of(symbols, prices["symbol"])
    inside = (at >= 0) & (symbol >= 0)
    traded = np.full((len(sessions), len(symbols)), np.nan)
    traded[at[inside], symbol[inside]] = prices["volume"].to_numpy(dtype=float, na_value=np.nan)[inside]
    splits, session_days = Splits.of(symbols, corporate_actions), day_numbers(sessions)
    ends = session_positions(sessions, dates)
    total, count = np.zeros((len(dates), len(symbols))), np.zeros((len(dates), len(symbols)), dtype=np.int64)
    codes = np.broadcast_to(np.arange(len(symbols)), total.shape)
    until = np.broadcast_to(session_days[ends][:, None], total.shape)
    for lag in range(VOLUME_SESSIONS):
        place = np.maximum(ends - lag, 0)
        after = np.broadcast_to(session_days[place][:, None], total.shape)
        volume = traded[place] * splits.ratio(codes, after=after, until=until)
        known = np.isfinite(volume) & (ends >= lag)[:, None]
        total += np.where(known, volume, 0.0)
        count += known
    average = np.divide(total, count, out=np.full(total.shape, np.nan), where=count >= MIN_SESSIONS)
    return average, count


def _status(values: pd.DataFrame, option: Bools, shares: Floats, volume: Floats, n_obs: Ints) -> Texts:
    few = "volume on " + n_obs.astype(str).astype(object) + f" of {VOLUME_SESSIONS} sessions"
    ended = values["status"].isin([CLOSED, EXPIRED]).to_numpy()
    conditions = [option, np.isnan(shares), np.isnan(volume), (volume == 0) & (shares != 0)]
    reasons: list[Any] = ["no volume of options", "no quantity", few, "not traded for 20 sessions"]
    status = np.select(conditions, reasons, OK).astype(object)
    return np.where(ended, values["status"].to_numpy(dtype=object), status)


def _portfolios(
    wanted: pd.DataFrame, values: pd.DataFrame, code: Ints, days: Floats, known: Bools, held: Bools
) -> pd.DataFrame:
    count = len(wanted)
    partition = partition_numbers(wanted, values)
    size = int(code.max(initial=-1)) + 1
    cell = partition * max(size, 1) + code
    together, inverse = np.unique(cell[known], return_inverse=True)
    of_symbol = np.bincount(inverse, days[known], minlength=len(together))
    longest = np.zeros(count)
    np.maximum.at(longest, together // max(size, 1), of_symbol)
    gross = np.abs(values["exposure"].to_numpy(dtype=float, na_value=np.nan))
    weighed = known & np.isfinite(gross)
    need = np.full(len(values), np.nan)
    need[known] = of_symbol[inverse]
    whole = np.bincount(partition[weighed], gross[weighed], minlength=count)
    parts = {}
    for name, horizon in HORIZONS.items():
        closed = np.minimum(1.0, horizon / np.maximum(need[weighed], np.finfo(float).tiny))
        sold = np.bincount(partition[weighed], gross[weighed] * closed, minlength=count)
        parts[name] = np.divide(sold, whole, out=np.ones(count), where=whole > 0)
    n_known = np.bincount(partition[known], minlength=count)
    n_held = np.bincount(partition[held], minlength=count)
    lost = held & ~known
    names = values["symbol"].to_numpy(dtype=object)[lost]
    texts = gap_texts([("no volume for", partition[lost], names)], count)
    nothing = (n_held > 0) & (n_known == 0)
    for numbers in (longest, *parts.values()):
        numbers[nothing] = np.nan
    status = pd.array(gap_status(texts, nothing), dtype="str")
    return wanted.assign(days_to_liquidate=longest, **parts, n_positions=n_known, status=status)
