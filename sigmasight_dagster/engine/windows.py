"""Which sessions an input needs, and how many of them may be missing."""

import pandas as pd

from sigmasight_core import calendar
from sigmasight_dagster.engine.declaration import Input


def tolerated_gaps(n_sessions: int) -> int:
    """How many sessions of a look-back may be unpublished: two, or 5% of a long one."""
    return max(2, n_sessions // 20)


def window(
    item: Input, dates: pd.DatetimeIndex, first_date: pd.Timestamp, positions: pd.DataFrame | None
) -> pd.DatetimeIndex:
    """Sessions that an input needs for `dates`: its look-back, clipped at the project's first date.

    :param positions: the portfolios' ledger; only `since_entry` inputs need it.
    """
    start = calendar.shift_sessions(dates[0], -item.look_back) if item.look_back else dates[0]
    if item.since_entry and positions is not None and len(positions):
        start = min(start, positions["entry_date"].min())
    if not item.look_back and not item.since_entry:
        return dates
    return calendar.sessions(max(start, first_date), dates[-1])
