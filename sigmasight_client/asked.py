"""What a table may be asked for, and how the API names it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

Date = dt.date | str
Texts = str | Sequence[str]
_NAMES: Final = {"first": "from", "last": "to"}
_DATES: Final = ("date", "first", "last")


class Asked(TypedDict, total=False):
    """Which rows and columns.

    date: one trading date, default the newest. first, last: a history instead. columns: only these. sort: a
    column, with '-' before it downwards. where: values that columns may have, any of several; of prices also
    {"factor_proxies": "true"}.
    """

    date: Date
    first: Date
    last: Date
    columns: Sequence[str]
    sort: str
    where: Mapping[str, Texts]


def with_filter(asked: Asked, **filters: Texts) -> Asked:
    """The same with more filters."""
    return {**asked, "where": {**asked.get("where", {}), **filters}}


def parameters(asked: Asked) -> dict[str, Any]:
    """Query parameters, as the API names them."""
    given = {
        _NAMES.get(name, name): str(value) if name in _DATES else value
        for name, value in asked.items()
        if name != "where" and value is not None
    }
    return given | dict(asked.get("where", {}))
