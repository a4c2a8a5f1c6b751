"""The second source: what another source says of closes that are in doubt."""

import pandas as pd
import structlog

from sigmasight_core.arrays.found import found_in
from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.market.plausibility.judge import CLOSE
from sigmasight_core.tables import PriceDifferences
from sigmasight_dagster.platform import Platform

_CELLS = ["date", "symbol"]
_log = structlog.get_logger(__name__)


def second_source(platform: Platform, found: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Closes of the cross-check source for those in doubt (date, symbol, close), and its name."""
    closes = found[found["kind"] == CLOSE]
    if closes.empty:
        return no_others(), ""
    dates, names = pd.DatetimeIndex(sorted(closes["date"].unique())), sorted(closes["symbol"].unique())
    stored = platform.warehouse.read(PriceDifferences, dates, symbols=names)
    pieces = [stored.assign(close=stored["other_close"])]
    name = str(stored["other_source"].iloc[-1]) if len(stored) else ""
    if platform.cross_check is not None:
        name = platform.cross_check.name
        try:
            pieces.insert(0, platform.cross_check.daily_prices(names, dates[0], dates[-1]))
        except (SourceError, TransientError, InputError) as error:
            _log.warning("cross-check source failed", source=name, error=str(error))
    given = [piece[[*_CELLS, "close"]].dropna() for piece in pieces]
    both = pd.concat([piece for piece in given if len(piece)] or [no_others()], ignore_index=True)
    both = both[found_in(both, closes, _CELLS)]
    return both.drop_duplicates(_CELLS), name


def no_others() -> pd.DataFrame:
    """Nothing is said."""
    none = {"date": "datetime64[ns]", "symbol": "str", "close": "float64"}
    return pd.DataFrame({name: pd.Series([], dtype=dtype) for name, dtype in none.items()})
