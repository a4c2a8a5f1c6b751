"""What-if sessions: saved comparisons of a portfolio with and without hypothetical trades."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.conventions import PORTFOLIO_NAME_PATTERN
from sigmasight_core.tables.base import Facts, Kind, Table, key, label, value


class WhatIfSessions(Table):
    """One saved what-if: which portfolio, as of when, computed by which code."""

    session: Series[str] = key("Name of the session", str_matches=PORTFOLIO_NAME_PATTERN)
    portfolio: Series[str] = label("Portfolio that was traded hypothetically")
    trade_date: Series[pd.Timestamp] = label("Session at whose close the trades are made")
    trades_source: Series[str] = label("File name that the trades were read from")
    n_trades: Series[int] = label("Number of trades", ge=1)
    cash_change: Series[float] = label("Cash received (positive) or paid for the trades (USD)")
    saved_date: Series[pd.Timestamp] = label("Date on which the session was saved (UTC)")
    code_version: Series[str] = label("Version of the code that computed the results")

    class Config:
        name = "what_if_sessions"
        metadata = {"facts": Facts(kind=Kind.SAVED)}


class WhatIfTrades(Table):
    """One hypothetical trade of a session."""

    session: Series[str] = key("Name of the session")
    symbol: Series[str] = key("Symbol; for an option the compact OCC symbol")
    quantity: Series[float] = label("Signed change in shares or contracts; negative = sold", exact=True)
    price: Series[float] = label("Price per share as given; NULL = not given", nullable=True, exact=True)
    trade_price: Series[float] = label("Price per share that was used (USD)", gt=0)
    price_source: Series[str] = label("'given', the provider of the close, or 'model' of an option")
    cash_change: Series[float] = label("- quantity x multiplier x trade_price (USD)")
    held_before: Series[float] = label("Net quantity of the symbol held before the trade")
    held_after: Series[float] = label("Net quantity of the symbol held after the trade")
    tags: Series[str] = label("Tags of what the trade opens, comma-separated; empty = those already held")

    class Config:
        name = "what_if_trades"
        metadata = {"facts": Facts(kind=Kind.SAVED, parent="what_if_sessions")}


class WhatIfResults(Table):
    """One number of a session with and without the trades."""

    session: Series[str] = key("Name of the session")
    result: Series[int] = key("Number of the row in the session, from 1, in the order of display", ge=1)
    table_name: Series[str] = label("Table that the number would be in")
    item: Series[str] = label("Key within the portfolio's rows: factor, scenario, measure; empty = none")
    measure: Series[str] = label("Column of the table")
    unit: Series[str] = label("Unit of the column; empty = none")
    today: Series[float] = value("Without the trades", "as `unit`")
    what_if: Series[float] = value("With the trades", "as `unit`")
    change: Series[float] = value("what_if - today", "as `unit`")
    status: Series[str] = label("ok, 'partial: ...' with what is left out, or why a value is NULL")

    class Config:
        name = "what_if_results"
        metadata = {"facts": Facts(kind=Kind.SAVED, parent="what_if_sessions")}
