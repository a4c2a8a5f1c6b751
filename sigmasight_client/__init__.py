"""A client of the API of `sigmasight serve`: tables as data frames, documents as objects, errors with types.

    from sigmasight_client import Client

    with Client("http://127.0.0.1:8000", "ana@example.com", password) as client:
        client.overview("individual")

It needs httpx2, pyarrow, pandas and pydantic, and nothing of the server.
"""

from sigmasight_client.client import Client
from sigmasight_client.errors import ApiError, Invalid, NotAllowed, NotFound, TooMany, Unavailable
from sigmasight_client.models import Me, Report

__all__ = [
    "ApiError",
    "Client",
    "Invalid",
    "Me",
    "NotAllowed",
    "NotFound",
    "Report",
    "TooMany",
    "Unavailable",
]
