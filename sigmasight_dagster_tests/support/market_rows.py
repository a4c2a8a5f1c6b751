"""Rows of daily prices and corporate actions for tests of plausibility, from series of closes."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_core.market.plausibility.judge import Judged, judge
from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_core.tables import CorporateActions, DailyPrices, validate

FIRST = "2021-01-04"


def sessions(n: int) -> pd.DatetimeIndex:
    return calendar.sessions(FIRST, "2023-12-29")[:n]


def walk(n: int, volatility: float, seed: int, start: float = 50.0) -> np.ndarray:
    """Closes of a random walk with Student-t(3) shocks of this daily volatility."""
    shocks = np.random.default_rng(seed).standard_t(3, n) * volatility / np.sqrt(3)
    shocks[0] = 0.0
    return np.asarray(start * np.exp(np.cumsum(shocks)))


def prices(closes: Sequence[float] | np.ndarray, symbol: str = "AAA", **columns: object) -> pd.DataFrame:
    """Rows of DailyPrices on consecutive sessions; `adjusted_close` is the close unless given."""
    close = np.asarray(closes, dtype=float)
    empty = dict.fromkeys(["open", "high", "low", "volume"], np.nan)
    given = {**empty, "adjusted_close": close, **columns}
    rows = pd.DataFrame({"date": sessions(len(close)), "symbol": symbol, "close": close, **given})
    rows = rows.assign(price_date=pd.NaT, source="test", status="no volume from this source")
    return validate(DailyPrices, rows)


def actions(*told: tuple[str, str, str, float]) -> pd.DataFrame:
    """Rows of CorporateActions from (date, symbol, kind, amount)."""
    rows = pd.DataFrame(told, columns=["date", "symbol", "kind", "amount"])
    rows["date"] = pd.to_datetime(rows["date"])
    return validate(CorporateActions, rows.assign(source="test", status="ok"))


@cache
def _no_actions() -> pd.DataFrame:
    return actions()


def judged(
    rows: pd.DataFrame,
    told: pd.DataFrame | None = None,
    confirmed: pd.DataFrame | None = None,
    others: pd.DataFrame | None = None,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Judged:
    """`judge`, with nothing confirmed and no second source unless given."""
    cells = {"date": pd.Series([], dtype="datetime64[ns]"), "symbol": pd.Series([], dtype="str")}
    none = pd.DataFrame(cells).assign(table_name="", kind="")
    return judge(
        prices=rows,
        actions=_no_actions() if told is None else told,
        confirmed=none if confirmed is None else confirmed,
        others=pd.DataFrame(cells).assign(close=0.0) if others is None else others,
        limits=limits,
    )
