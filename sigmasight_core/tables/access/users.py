"""Users of the API: who they are, which portfolios they own, their open sessions, what they did."""

from typing import Final

import pandas as pd
from pandera.typing import Series

from sigmasight_core.tables.base import Facts, Kind, Table, key, label

ROLES: Final = ("reader", "editor", "admin")
"""Each may do what the ones before it may."""

_PRIVATE: Final = Facts(kind=Kind.OPERATIONS, private=True)


class Users(Table):
    """One user of the API."""

    email: Series[str] = key("Address that the user logs in with, in lower case")
    password_hash: Series[str] = label("Argon2 hash of the password, with its salt and parameters")
    role: Series[str] = label(
        "reader: reads own portfolios; editor: changes them too; admin: every portfolio, and users",
        isin=ROLES,
    )
    added_at: Series[pd.Timestamp] = label("When the user was added (UTC)")
    disabled_at: Series[pd.Timestamp] = label(
        "Since when (UTC) the user may not log in; NULL = may", nullable=True
    )

    class Config:
        name = "users"
        metadata = {"facts": _PRIVATE}


class UserPortfolios(Table):
    """One portfolio that one user owns, until it is removed."""

    email: Series[str] = key("The user's address")
    portfolio: Series[str] = key("Portfolio name")

    class Config:
        name = "user_portfolios"
        metadata = {"facts": _PRIVATE}


class RefreshTokens(Table):
    """One refresh token. Those of one login are a family, which ends when one of them is used twice."""

    family: Series[str] = key("Login that the token descends from")
    token_hash: Series[str] = key("SHA-256 of the token, in hexadecimal")
    email: Series[str] = label("The user's address")
    issued_at: Series[pd.Timestamp] = label("When it was given out (UTC)")
    expires_at: Series[pd.Timestamp] = label("Until when (UTC) it may be used")
    used_at: Series[pd.Timestamp] = label(
        "When (UTC) it was exchanged for its successor; NULL = not yet", nullable=True
    )
    revoked_at: Series[pd.Timestamp] = label(
        "When (UTC) its family was ended; NULL = it is open", nullable=True
    )

    class Config:
        name = "refresh_tokens"
        metadata = {"facts": _PRIVATE}


class Activity(Table):
    """One request that was to change something or took a file: who, what, how it ended. Never deleted."""

    occurred_at: Series[pd.Timestamp] = key("When (UTC)")
    activity_id: Series[str] = key("Tells apart what happened at once")
    email: Series[str] = label("The user's address; of a login the one that was given; empty = nobody's")
    action: Series[str] = label("Method and path of the endpoint, as the API declares it")
    target: Series[str] = label("Path that was asked for")
    status_code: Series[int] = label("HTTP status of the answer; below 400 = done", ge=100, le=599)
    request_id: Series[str] = label("The request's id, as in the answer and in the log")
    client: Series[str] = label("Address that the request came from; empty = not known")

    class Config:
        name = "activity"
        metadata = {"facts": _PRIVATE}
