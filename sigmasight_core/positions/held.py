"""What is held: of the ledger on a date, and of the position tables in the partitions of a calculation."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import day_numbers, timestamps
from sigmasight_core.arrays.types import Bools, Floats
from sigmasight_core.conventions import CALL_TYPES, OPTION_TYPES
from sigmasight_core.errors import InputError
from sigmasight_core.options import exercise
from sigmasight_core.options.market import settlement_days

HELD: Final = "held"
CLOSED: Final = "closed"
EXPIRED: Final = "expired"

KEY: Final = ["date", "portfolio", "position_id"]
OPTION_INPUTS: Final = [
    "underlying_price",
    "strike",
    "days_to_expiry",
    "implied_volatility",
    "risk_free_rate",
    "dividend_yield",
]
"""Columns of `tables.PositionGreeks` that price an option."""


def is_option(frame: pd.DataFrame) -> Bools:
    """Which rows of positions (or of frames with their position_type) are options."""
    return frame["position_type"].isin(OPTION_TYPES).to_numpy(dtype=bool)


def is_call(frame: pd.DataFrame) -> Bools:
    """Which rows of positions (or of frames with their position_type) are calls, long or short."""
    return frame["position_type"].isin(CALL_TYPES).to_numpy(dtype=bool)


def is_american(frame: pd.DataFrame) -> Bools:
    """Which rows of positions (or of frames with their position_type and symbol) are American options."""
    options = is_option(frame)
    american = np.zeros(len(frame), dtype=bool)
    american[options] = exercise.is_american(frame["symbol"][options])
    return american


def held_symbols(positions: pd.DataFrame, date: pd.Timestamp) -> pd.Index:
    """Underlyings of the positions (tables.Positions) that are held at the close of `date`, sorted."""
    ended = positions[["exit_date", "expiry_date"]].min(axis=1) <= date
    held = positions[(positions["entry_date"] <= date) & ~ended]
    return pd.Index(sorted(held["underlying"].unique()), dtype="str")


def held_positions(positions: pd.DataFrame, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """One row per date and position that is shown on that date.

    A position is shown from its entry date until it ends: on its exit date (state 'closed') or on its
    settlement session, the last session on or before its expiry (state 'expired'), whichever is first, both
    inclusive. Before that its state is 'held'.

    :param positions: rows in the shape of `tables.Positions`; entry and exit dates are sessions, as
        `parse_portfolio_csv` makes them.
    :param dates: sessions; each counts once, in any order.
    :returns: the columns of `positions` with `date`, `settlement_date` (NaT = not an option) and `state`,
        ordered by date, portfolio and position_id.
    """
    book = positions.sort_values(["portfolio", "position_id"], ignore_index=True)
    days = np.unique(day_numbers(dates))
    entry, exit_ = day_numbers(book["entry_date"]), day_numbers(book["exit_date"])
    settlement = settlement_days(book["expiry_date"], int(days.max(initial=0)))
    at = days[:, None]
    shown = (entry <= at) & (np.minimum(exit_, settlement) >= at)
    rows, columns = np.nonzero(shown)
    day, last_exit, last = days[rows], exit_[columns], settlement[columns]
    held = book.assign(settlement_date=timestamps(settlement)).take(columns).reset_index(drop=True)
    state = np.where(day == last_exit, CLOSED, np.where(day == last, EXPIRED, HELD))
    held.insert(0, "date", timestamps(day))
    return held.assign(state=pd.array(state, dtype="str"))


def partition_frame(partitions: pd.DataFrame) -> pd.DataFrame:
    """Distinct (date, portfolio) in key order.

    :raises InputError: when a column is missing.
    """
    absent = {"date", "portfolio"} - set(partitions.columns)
    if absent:
        raise InputError(f"partitions lacks the columns {', '.join(sorted(absent))}; give date and portfolio")
    found = partitions[["date", "portfolio"]].drop_duplicates().sort_values(["date", "portfolio"])
    return found.astype({"date": "datetime64[ns]", "portfolio": "str"}).reset_index(drop=True)


def held_rows(
    *, partitions: pd.DataFrame, position_values: pd.DataFrame, position_greeks: pd.DataFrame
) -> pd.DataFrame:
    """Every held position (row of position_greeks) with its value and its `partition`.

    :param partitions: from `partition_frame`; `partition` is the row there.
    :param position_values: the wanted columns of `tables.PositionValues`, with the key and `symbol`.
    :param position_greeks: the wanted columns of `tables.PositionGreeks`, with the key.
    :returns: rows in the order of position_greeks; a column that both have ends in _greeks and _values.
    :raises InputError: on a position outside of `partitions` or without a row in `position_values`.
    """
    numbered = partitions.assign(partition=np.arange(len(partitions)))
    rows = position_greeks.merge(numbered, how="left", on=["date", "portfolio"])
    rows = rows.merge(
        position_values, how="left", on=KEY, suffixes=("_greeks", "_values"), validate="one_to_one"
    )
    for column, problem in (
        ("partition", "is outside of the partitions; read positions of those partitions only"),
        ("symbol", "has no row in position_values; publish values and Greeks from the same ledger"),
    ):
        require(rows, column, problem)
    return rows.astype({"partition": "int64"})


def require(rows: pd.DataFrame, column: str, problem: str) -> None:
    """Refuse held positions that a join found nothing for.

    :raises InputError: that names the first row without `column`, and the problem.
    """
    absent = rows[column].isna().to_numpy()
    if absent.any():
        first = rows.iloc[int(absent.argmax())]
        where = f"{first['portfolio']} on {first['date']:%Y-%m-%d}"
        raise InputError(f"position {first['position_id']} of {where} {problem}")


def option_inputs(rows: pd.DataFrame) -> dict[str, Floats]:
    """Columns (P, 1) of what an option's price needs; the volatility of an expired one does not matter."""
    columns = {
        name: rows[name].to_numpy(dtype=float, na_value=np.nan)[:, None]
        for name in (*OPTION_INPUTS, "quantity")
    }
    volatility = columns["implied_volatility"]
    expired = (columns["days_to_expiry"] <= 0) & np.isnan(volatility)
    columns["implied_volatility"] = np.where(expired, 0.0, volatility)
    return columns
