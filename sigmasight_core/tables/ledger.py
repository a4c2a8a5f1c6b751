"""The ledger: portfolios and their positions. Not partitioned: a position carries its own dates."""

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from sigmasight_core.conventions import (
    BOUGHT_TYPES,
    OPTION_MULTIPLIER,
    OPTION_TYPES,
    PORTFOLIO_NAME_PATTERN,
    POSITION_TYPES,
)
from sigmasight_core.tables.base import Facts, Kind, Table, key, label


class Portfolios(Table):
    """One registered portfolio."""

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    cash: Series[float] = label("Cash balance, counted in total_value on every date (USD)", exact=True)
    source: Series[str] = label("File name that the portfolio was imported from")

    class Config:
        name = "portfolios"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}


class Positions(Table):
    """One position of a portfolio, from entry to exit or expiry, in units of its entry date."""

    portfolio: Series[str] = key("Portfolio name", str_matches=PORTFOLIO_NAME_PATTERN)
    position_id: Series[str] = key(
        "symbol@entry_date, the second lot of a day with #2; stable across imports of the same file"
    )
    symbol: Series[str] = label("Symbol; for an option the compact OCC symbol")
    underlying: Series[str] = label("Underlying symbol of an option; the symbol itself otherwise")
    position_type: Series[str] = label("LONG, SHORT, LC, SC, LP or SP", isin=POSITION_TYPES)
    quantity: Series[float] = label("Shares or contracts at entry, negative = short", exact=True)
    multiplier: Series[int] = label("Shares per unit of quantity: 100 for listed options, else 1")
    entry_price: Series[float] = label(
        "Price per share at entry, as traded then (USD); 0 = received free", exact=True, ge=0
    )
    entry_date: Series[pd.Timestamp] = label("First session that holds the position at its close")
    exit_price: Series[float] = label(
        "Price per share at exit (USD); NULL = not exited", nullable=True, exact=True
    )
    exit_date: Series[pd.Timestamp] = label(
        "Session of the exit; held on dates before it; NULL = not exited", nullable=True
    )
    expiry_date: Series[pd.Timestamp] = label("Expiry of an option; NULL = not an option", nullable=True)
    strike: Series[float] = label(
        "Strike of an option (USD); NULL = not an option", nullable=True, exact=True
    )
    tags: Series[str] = label("Tags, comma-separated; empty = none")

    @pa.dataframe_check
    @classmethod
    def type_matches_sign(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """LONG, LC and LP are bought, SHORT, SC and SP are sold."""
        return (rows["quantity"] > 0) == rows["position_type"].isin(BOUGHT_TYPES)

    @pa.dataframe_check
    @classmethod
    def multiplier_matches_type(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Options count 100 shares a contract, everything else one."""
        is_option = rows["position_type"].isin(OPTION_TYPES)
        return rows["multiplier"] == is_option.map({True: OPTION_MULTIPLIER, False: 1})

    @pa.dataframe_check
    @classmethod
    def options_have_a_contract(cls, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Options have a positive strike and an expiry; nothing else has."""
        is_option = rows["position_type"].isin(OPTION_TYPES)
        contract = (rows["strike"] > 0) & rows["expiry_date"].notna()
        neither = rows["strike"].isna() & rows["expiry_date"].isna()
        return contract.where(is_option, neither)

    class Config:
        name = "positions"
        metadata = {"facts": Facts(kind=Kind.LEDGER)}
