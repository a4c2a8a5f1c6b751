"""Yahoo's option chain as it is now, to quotes of the last closed session."""

from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.conventions import OK
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.tables import OptionQuotes, validate
from sigmasight_dagster.providers.base import OPTION_QUOTE_COLUMNS, no_option_quotes
from sigmasight_dagster.providers.rows.option_chains import QUOTED, UNDERLYING_OF_ROOT, ZONE, near_held
from sigmasight_dagster.providers.rows.screening import CURRENCY

NO_VOLATILITY: Final = 1e-4
"""Yahoo writes 0.00001 where it has no implied volatility (it is a fraction per year, not a percentage)."""

CHAIN_OF_ROOT: Final = {
    "BRKB": "BRK-B",
    "BFB": "BF-B",
    "SPX": "^SPX",
    "SPXW": "^SPX",
    "VIX": "^VIX",
    "VIXW": "^VIX",
    "NDX": "^NDX",
    "NDXP": "^NDX",
    "RUT": "^RUT",
    "RUTW": "^RUT",
    "XSP": "^XSP",
}
"""Yahoo's name of the underlying, where it is not the root of the contract."""


def quotes(chain: pd.DataFrame, held: pd.DataFrame, session: pd.Timestamp) -> pd.DataFrame:
    """Rows of ``tables.OptionQuotes`` of held contracts and their neighbours.

    :param chain: yfinance's columns of calls and puts, of any number of underlyings and expiries.
    :param held: as from ``held_contracts``.
    """
    listed = pd.concat([chain.reset_index(drop=True), _parsed(chain)], axis=1)
    regular = listed["contractSize"].fillna("REGULAR") == "REGULAR"
    listed = listed[listed["compact"].notna() & regular].drop_duplicates("compact")
    chosen = listed[near_held(listed, held)].reset_index(drop=True)
    if chosen.empty:
        return no_option_quotes()
    frame = pd.DataFrame(
        {
            "date": session,
            "contract": chosen["compact"].astype("str"),
            "underlying": chosen["root"].replace(UNDERLYING_OF_ROOT).astype("str"),
            "bid": _positive(chosen["bid"]),
            "ask": _positive(chosen["ask"]),
            "last": _positive(chosen["lastPrice"]),
            "implied_volatility": _positive(chosen["impliedVolatility"]),
            "open_interest": pd.to_numeric(chosen["openInterest"], errors="coerce").astype("float64"),
            "source": "yahoo: chain as of the close",
        }
    )
    return validate(OptionQuotes, _with_status(frame, chosen, session)[list(OPTION_QUOTE_COLUMNS)])


def _parsed(chain: pd.DataFrame) -> pd.DataFrame:
    parts = parse_occ(chain["contractSymbol"].astype("str").reset_index(drop=True))
    return parts.drop(columns="strike").assign(listed_strike=parts["strike"])


def _positive(column: "pd.Series[float]") -> "pd.Series[float]":
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    return numbers.where((numbers > 0) & np.isfinite(numbers))


def _with_status(frame: pd.DataFrame, chosen: pd.DataFrame, session: pd.Timestamp) -> pd.DataFrame:
    """Quotes that do not count made NULL, and a status for each row."""
    traded = pd.to_datetime(chosen["lastTradeDate"], utc=True).dt.tz_convert(ZONE)
    old = (traded.dt.tz_localize(None).dt.normalize() != session) & frame["last"].notna()
    crossed = frame["bid"] > frame["ask"]
    foreign = ~chosen["currency"].fillna(CURRENCY).isin([CURRENCY])
    unquoted = frame["bid"].isna() & frame["ask"].isna()
    frame["last"] = frame["last"].mask(old)
    volatility = frame["implied_volatility"]
    frame["implied_volatility"] = volatility.where((volatility > NO_VOLATILITY) & ~unquoted & ~crossed)
    frame["open_interest"] = frame["open_interest"].where(frame["open_interest"] >= 0)
    frame.loc[crossed, ["bid", "ask"]] = np.nan
    frame.loc[foreign, list(QUOTED)] = np.nan
    words = pd.DataFrame(
        {field: np.where(frame[field].isna(), f"no {field.replace('_', ' ')}; ", "") for field in QUOTED}
    )
    words["last"] = words["last"].mask(old, "last trade of an earlier session; ")
    words["bid"] = words["bid"].mask(crossed, "the bid is above the ask; ")
    words["ask"] = words["ask"].mask(crossed, "")
    found = words.sum(axis="columns").str.removesuffix("; ").to_numpy(dtype=object)
    status = np.select([foreign, found == ""], ["refused: the quotes are not in " + CURRENCY, OK], found)
    return frame.assign(status=status)
