"""The file `splits.csv`, and the spelling of symbols in every file of a user."""

from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_core.calendar import FIRST_DATE, non_session_reason, sessions
from sigmasight_core.ledger.spelling import plain_symbol
from sigmasight_dagster.providers.files.csv_tables import CsvTable, read_csv_table
from sigmasight_dagster.providers.rows.splits import Splits


def clean_symbols(table: CsvTable) -> np.ndarray:
    """Column symbol in the spelling used everywhere: upper case, BRK.B as BRK-B."""
    return np.array([plain_symbol(word) for word in table.text("symbol")], object)


def read_splits(path: Path) -> Splits:
    """Read `splits.csv`: columns symbol, ex_date, ratio (new shares per old share); rows may be none.

    Splits of before the trading calendar count too, for lots that were entered before it.

    :raises InputError: for a bad line, an ex-date that is no session, or a split that is there twice.
    """
    table = read_csv_table(path, ("symbol", "exdate", "ratio"), {"ticker": "symbol", "date": "exdate"})
    symbol, ex_date, ratio = clean_symbols(table), table.dates("exdate", early=True), table.numbers("ratio")
    if not len(symbol):
        return Splits.none()
    useless = np.isnan(ratio) | (ratio == 1)
    if useless.any():
        raise table.error(int(useless.argmax()), "ratio", "give new shares per old share: 4 for a 4:1 split")
    known = ex_date >= FIRST_DATE.to_datetime64()
    closed = known & ~np.isin(ex_date, sessions(FIRST_DATE, max(ex_date.max(), FIRST_DATE.to_datetime64())))
    if closed.any():
        row = int(closed.argmax())
        day = pd.Timestamp(ex_date[row])
        reason = non_session_reason(day)
        raise table.error(row, "exdate", f"{day.date()} is no session ({reason}); give the ex-date")
    twice = pd.DataFrame({"symbol": symbol, "ex_date": ex_date}).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        raise table.error(row, "symbol", f"{symbol[row]} has another split on that date; remove one")
    return Splits(symbol, ex_date, ratio)
