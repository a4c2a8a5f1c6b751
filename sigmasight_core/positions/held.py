"""What is held: of the ledger on a date, and of the position tables in the partitions of a calculation."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.as_of import FAR_DAY, day_numbers, timestamps
from sigmasight_core.arrays.types import Bools, Floats, Ints
from sigmasight_core.conventions import CALL_TYPES, OPTION_TYPES
from sigmasight_core.errors import InputError
from sigmasight_core.options import exercise
from sigmasight_core.options.market import settlement_days

HELD: Final = "held"
CLOSED: Final = "closed"
EXPIRED: Final = "expired"
PIECE_OF: Final = "piece_of"
"""Column of ledgers with deliveries: the lot that later deliveries take apart; '' = it is whole."""
NOTE: Final = "settlement_note"
"""Column of ledgers with deliveries: what is to be said of how a position ends; '' = nothing."""

OUTSIDE: Final = "is outside of the partitions; read positions of those partitions only"
"""What is wrong with a position of another date or portfolio than the wanted ones."""

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
    return pd.Index(sorted(_held(positions, date)["underlying"].unique()), dtype="str")


def holdings(positions: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """Portfolio and underlying (`symbol`) of the positions (tables.Positions) held at the close of `date`.

    :returns: each pair once, in the order of the positions.
    """
    pairs = _held(positions, date)[["portfolio", "underlying"]].drop_duplicates(ignore_index=True)
    return pairs.rename(columns={"underlying": "symbol"})


def _held(positions: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    ended = positions[["exit_date", "expiry_date"]].min(axis=1) <= date
    return positions[(positions["entry_date"] <= date) & ~ended]


def held_positions(positions: pd.DataFrame, dates: pd.DatetimeIndex) -> pd.DataFrame:
    """One row per date and position that is shown on that date.

    A position is shown from its entry date until it ends: on its exit date (state 'closed') or, of an option
    without one, on its settlement session, the last session on or before its expiry (state 'expired'), both
    inclusive. Before that its state is 'held'. An option that delivers its shares has its exit on the session
    after its settlement. Pieces of a lot that deliveries take apart are one row until the first of them ends,
    and then what is left.

    :param positions: rows in the shape of `tables.Positions`, with PIECE_OF and NOTE if there are deliveries;
        entry and exit dates are sessions, as `parse_portfolio_csv` makes them.
    :param dates: sessions; each counts once, in any order.
    :returns: the columns of `positions` with `date`, `settlement_date` (NaT = not an option) and `state`,
        ordered by date, portfolio and position_id.
    """
    book = positions.sort_values(["portfolio", "position_id"], ignore_index=True)
    days = np.unique(day_numbers(dates))
    entry, exit_ = day_numbers(book["entry_date"]), day_numbers(book["exit_date"])
    settlement = settlement_days(book["expiry_date"], int(days.max(initial=0)))
    exits = exit_ != FAR_DAY
    last = np.where(exits, exit_, settlement)
    at = days[:, None]
    rows, columns = np.nonzero((entry <= at) & (last >= at))
    day = days[rows]
    held = book.assign(settlement_date=timestamps(settlement)).take(columns).reset_index(drop=True)
    state = np.where(day < last[columns], HELD, np.where(exits[columns], CLOSED, EXPIRED))
    held.insert(0, "date", timestamps(day))
    held = held.assign(state=pd.array(state, dtype="str"))
    return _pieces_joined(held) if PIECE_OF in positions else held


def _pieces_joined(held: pd.DataFrame) -> pd.DataFrame:
    """Pieces that are held, of one lot on one date, as one row with the lot's name."""
    piece = ((held["state"] == HELD) & (held[PIECE_OF] != "")).to_numpy()
    if not piece.any():
        return held
    named = held.assign(position_id=held["position_id"].mask(piece, held[PIECE_OF]))
    sums = named[piece].groupby(KEY)["quantity"].transform("sum")
    named.loc[piece, "quantity"] = sums
    joined = named[~(piece & named.duplicated(KEY).to_numpy())]
    return joined.sort_values(KEY, ignore_index=True)


def entered_quantity(rows: pd.DataFrame, *, positions: pd.DataFrame) -> Floats:
    """Quantity in units of the entry of rows of position_values: of a lot in pieces, of those that are left.

    :param rows: date, portfolio, position_id, `quantity` of the ledger, and whether it is `closed`.
    :param positions: the ledger that they follow from.
    """
    quantity = rows["quantity"].to_numpy(dtype=float)
    if PIECE_OF not in positions or (positions[PIECE_OF] == "").all():
        return quantity
    pieces = positions.loc[positions[PIECE_OF] != "", ["portfolio", PIECE_OF, "quantity", "exit_date"]]
    held = rows.loc[~rows["closed"].to_numpy(), KEY].reset_index(names="row")
    parts = held.merge(
        pieces, left_on=["portfolio", "position_id"], right_on=["portfolio", PIECE_OF], how="inner"
    )
    left = parts[~(parts["exit_date"] <= parts["date"])].groupby("row")["quantity"].sum()
    found = pd.Series(quantity, index=rows.index)
    found.loc[left.index] = left
    return found.to_numpy(dtype=float)


def partition_frame(partitions: pd.DataFrame) -> pd.DataFrame:
    """Distinct (date, portfolio) in key order.

    :raises InputError: when a column is missing.
    """
    absent = {"date", "portfolio"} - set(partitions.columns)
    if absent:
        raise InputError(f"partitions lacks the columns {', '.join(sorted(absent))}; give date and portfolio")
    found = partitions[["date", "portfolio"]].drop_duplicates().sort_values(["date", "portfolio"])
    return found.astype({"date": "datetime64[ns]", "portfolio": "str"}).reset_index(drop=True)


def partition_numbers(wanted: pd.DataFrame, rows: pd.DataFrame) -> Ints:
    """Row of `wanted` (from `partition_frame`) of every row of positions.

    :raises InputError: on a position outside of the partitions.
    """
    keys = pd.MultiIndex.from_frame(rows[["date", "portfolio"]])
    numbers = pd.MultiIndex.from_frame(wanted).get_indexer(keys)
    _refuse(rows, numbers < 0, OUTSIDE)
    return numbers


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
        ("partition", OUTSIDE),
        ("symbol", "has no row in position_values; publish values and Greeks from the same ledger"),
    ):
        require(rows, column, problem)
    return rows.astype({"partition": "int64"})


def require(rows: pd.DataFrame, column: str, problem: str) -> None:
    """Refuse held positions that a join found nothing for.

    :raises InputError: that names the first row without `column`, and the problem.
    """
    _refuse(rows, rows[column].isna().to_numpy(), problem)


def _refuse(rows: pd.DataFrame, wrong: Bools, problem: str) -> None:
    if wrong.any():
        first = rows.iloc[int(wrong.argmax())]
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
