"""Trades of a what-if session as a file: a trade list, or orders for a broker."""

import json
from collections.abc import Mapping
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.tables import Table, WhatIfTrades
from sigmasight_core.what_if.fix_messages import FixSession, new_orders
from sigmasight_core.what_if.orders import COLUMNS, broker_csv, orders
from sigmasight_core.what_if.trades_csv import trades_csv
from sigmasight_dagster.what_if.documents import as_objects

ENDINGS: Final = {"csv": "csv", "json": "json", "broker": "csv", "fix": "fix"}
"""Of the file's name, by format."""


def trade_file(
    rows: Mapping[type[Table], pd.DataFrame],
    form: str,
    name: str,
    now: pd.Timestamp,
    fix: FixSession | None = None,
) -> str:
    """The text of the file.

    :param rows: of a saved session, or of a comparison. :param form: of ENDINGS. :param name: of the session:
        orders' ids begin with it. :param now: when the messages are made; their ids have it too, so that no
        two files have the same.
    :raises InputError: on a trade that cannot be ordered, or FIX without its header.
    """
    trades = rows[WhatIfTrades]
    if form == "csv":
        return trades_csv(trades)
    made = orders(trades, f"{name}-{now.tz_convert('UTC'):%Y%m%d%H%M%S}")
    if form == "broker":
        return broker_csv(made)
    if form == "json":
        return json.dumps(as_objects(made[list(COLUMNS)]), indent=2, allow_nan=False) + "\n"
    if fix is None:
        raise InputError("FIX messages need their header: --sender and --target")
    return new_orders(made, fix, now)
