"""Rows of several sources put together: the first that has a value gives it."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from sigmasight_core.market.total_return_link import link_scale
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.tables import DailyPrices, OptionQuotes, validate
from sigmasight_dagster.providers.base import OPTION_QUOTE_COLUMNS
from sigmasight_dagster.providers.rows.option_chains import UNDERLYING_OF_ROOT

QUOTES = ["bid", "ask", "last"]
SAME_SCALE = 1e-4
"""Ratios nearer to 1 are of rounding: vendors give four or six digits."""


def fill_prices(rows: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """`rows`, and of `more` what they lack: rows, and closes where theirs is NULL.

    The adjusted closes of `more` are brought to the scale of those in `rows`.
    """
    more = on_one_scale(more, rows)
    both = pd.concat([frame for frame in (rows, more) if len(frame)] or [rows], ignore_index=True)
    order = np.argsort(both["close"].isna().to_numpy(), kind="stable")
    chosen = both.iloc[order].drop_duplicates(["date", "symbol"])
    return validate(DailyPrices, chosen.sort_values(["date", "symbol"], ignore_index=True))


def on_one_scale(more: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """`more` with adjusted closes on the scale of those in `rows`, which may be adjusted to another day.

    A symbol's are multiplied by the ratio on the nearest session on which both have one; `source` says so. A
    symbol without such a session stays as it is.
    """
    # by the adjusted closes themselves: the closes of two sources may differ by more than a correction
    scale = link_scale(fetched=more.assign(close=1.0), stored=rows.assign(close=1.0))
    changed = (scale - 1).abs() > SAME_SCALE
    linked = more["source"] + ", adjusted close on the scale of the source before"
    return more.assign(
        adjusted_close=more["adjusted_close"] * scale.where(changed, 1.0),
        source=more["source"].mask(changed, linked),
    )


def lacking_symbols(rows: pd.DataFrame, symbols: Collection[str], sessions: pd.DatetimeIndex) -> list[str]:
    """Symbols without a close on one of the sessions."""
    known = rows[rows["close"].notna() & rows["date"].isin(sessions)]
    counts = known.groupby("symbol").size()
    return sorted(symbol for symbol in symbols if counts.get(symbol, 0) < len(sessions))


def fill_yields(rows: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """`rows` of all sessions and series, with yield, source and status of `more` where they are NULL."""
    keys = ["date", "series"]
    other = rows[keys].merge(more, on=keys, how="left", validate="one_to_one")
    better = rows["yield_percent"].isna().to_numpy() & other["yield_percent"].notna().to_numpy()
    columns = ["yield_percent", "source", "status"]
    return rows.assign(
        **{name: rows[name].mask(better, other[name].set_axis(rows.index)) for name in columns}
    )


def fill_quotes(rows: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    """`rows`, and of `more` those that they lack or have without any price."""
    both = pd.concat([frame for frame in (rows, more) if len(frame)] or [rows], ignore_index=True)
    order = np.argsort(both[QUOTES].isna().all(axis=1).to_numpy(), kind="stable")
    chosen = both.iloc[order].drop_duplicates(["date", "contract"])
    return validate(OptionQuotes, chosen.sort_values(["date", "contract"], ignore_index=True))


def unquoted(rows: pd.DataFrame, contracts: Collection[str]) -> list[str]:
    """Contracts without a price on any session."""
    quoted = rows.loc[rows[QUOTES].notna().any(axis=1), "contract"]
    return sorted(set(contracts) - set(quoted))


def null_quotes(contracts: Collection[str], session: pd.Timestamp, reason: str) -> pd.DataFrame:
    """Rows of ``tables.OptionQuotes`` without any value, which say why."""
    parts = parse_occ(pd.Series(sorted(contracts), dtype="str")).dropna(subset=["compact"])
    frame = parts.reindex(columns=list(OPTION_QUOTE_COLUMNS)).assign(
        date=session,
        contract=parts["compact"].astype("str"),
        underlying=parts["root"].replace(UNDERLYING_OF_ROOT).astype("str"),
        source="live",
        status=f"unavailable: {reason}",
    )
    numbers = [*QUOTES, "implied_volatility", "open_interest"]
    return validate(OptionQuotes, frame.astype(dict.fromkeys(numbers, "float64")))
