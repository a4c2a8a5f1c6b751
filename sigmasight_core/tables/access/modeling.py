"""Open modeling sessions of the API: trades that somebody is trying out. Nothing of them is a result."""

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Table, key, label


class ModelingSessions(Table):
    """One open session: hypothetical trades of one user in one portfolio, and what was computed with them.

    Saving it makes rows of `what_if_sessions`, `what_if_trades` and `what_if_results`.
    """

    session_id: Series[str] = key("Tells sessions apart; nobody can guess it")
    email: Series[str] = label("Address of the user whose session it is")
    portfolio: Series[str] = label("Portfolio that is traded hypothetically")
    trade_date: Series[pd.Timestamp] = label("Session at whose close the trades are made")
    trades: Series[str] = label("JSON list: symbol, quantity (signed change), price (null = close), tags")
    version: Series[int] = label("Number of changes of the trades: results are of one of them", ge=0)
    comparison: Series[str] = label(
        "JSON object: session, trades, results as a saved what-if has them; NULL = not calculated, or the "
        "trades were changed since",
        nullable=True,
    )
    saved_as: Series[str] = label("Name of the what-if session it was saved as; NULL = not", nullable=True)
    created_at: Series[pd.Timestamp] = label("When it was opened (UTC)")
    changed_at: Series[pd.Timestamp] = label("When its trades or results last changed (UTC)")

    class Config:
        name = "modeling_sessions"
        metadata = {"facts": Facts(kind=Kind.OPERATIONS, private=True)}
