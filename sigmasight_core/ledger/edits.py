"""Edits of one position: a stored row as the fields of a portfolio CSV and back, so that the rules are one.

An edit writes the position as a file of one row, which is read as any portfolio CSV is.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.ledger.changes import numbered
from sigmasight_core.ledger.portfolio_csv import ParsedPortfolio

FIELDS: Final = (
    "ticker",
    "quantity",
    "entry_price",
    "entry_date",
    "tags",
    "notes",
    "exit_date",
    "exit_price",
)
_SHOWN: Final = 10


def csv_row(fields: Mapping[str, str]) -> str:
    """A portfolio CSV of one row; fields that are not given are empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerow({name: " ".join(value.split()) for name, value in fields.items()})
    return text.getvalue()


def fields_of(position: pd.Series) -> dict[str, str]:
    """The fields of a stored position (a row of `tables.Positions`), numbers to the last digit."""
    return {
        "ticker": position["symbol"],
        "quantity": _number(position["quantity"]),
        "entry_price": _number(position["entry_price"]),
        "entry_date": f"{position['entry_date']:%Y-%m-%d}",
        "tags": position["tags"],
        "notes": "" if pd.isna(position["notes"]) else position["notes"],
        "exit_date": "" if pd.isna(position["exit_date"]) else f"{position['exit_date']:%Y-%m-%d}",
        "exit_price": _number(position["exit_price"]),
    }


def _number(value: float) -> str:
    return "" if pd.isna(value) else np.format_float_positional(value, trim="-")


def find(positions: pd.DataFrame, position_id: str) -> pd.Series:
    """The position with an id, in any case.

    :raises InputError: when there is none: names those of the same symbol, or else all.
    """
    wanted = position_id.strip().upper()
    at = np.flatnonzero(positions["position_id"].str.upper() == wanted)
    if len(at):
        return positions.iloc[int(at[0])]
    symbol = wanted.partition("@")[0]
    same = positions.loc[(positions["symbol"] == symbol) | (positions["underlying"] == symbol), "position_id"]
    among = f"those of {symbol}: {_listed(same)}" if len(same) else f"none of {symbol}; there are: "
    others = "" if len(same) else _listed(positions["position_id"])
    raise InputError(f"no position '{position_id}' (symbol@entry_date); {among}{others}")


def _listed(ids: "pd.Series[str]") -> str:
    shown = ", ".join(ids.head(_SHOWN))
    return (shown or "none") + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")


def edited(positions: pd.DataFrame, old_id: str | None, parsed: ParsedPortfolio) -> pd.DataFrame:
    """The ledger with the one parsed position, as its last row, in place of `old_id` or beside the others.

    A position of another symbol or day than before gets a new id; a second lot of a day the next number.

    :raises InputError: for what is wrong with the position.
    """
    if len(parsed.errors):
        named = [f"{row.column} {row.value!r}: {row.reason}" for row in parsed.errors.itertuples()]
        raise InputError("nothing changed: " + "; ".join(named))
    others = positions[positions["position_id"] != old_id]
    new = parsed.positions
    if old_id and old_id.partition("#")[0] == new["position_id"].iloc[0]:
        new = new.assign(position_id=old_id)
    clash = new["position_id"].isin(others["position_id"])
    ids = numbered(new["position_id"].mask(clash), new["position_id"], others["position_id"])
    return pd.concat([others, new.assign(position_id=ids)], ignore_index=True)


def with_tags(tags: str, named: Iterable[str], remove: bool) -> str:
    """Comma-separated tags with some added at the end, or removed.

    :raises InputError: when one that is to be removed is not there.
    """
    present = [tag for tag in tags.split(",") if tag]
    wanted = list(named)
    if not remove:
        return ",".join(dict.fromkeys([*present, *wanted]))
    missing = [tag for tag in wanted if tag not in present]
    if missing:
        raise InputError(f"no tag '{missing[0]}' at this position; it has: {tags or 'none'}")
    return ",".join(tag for tag in present if tag not in wanted)
