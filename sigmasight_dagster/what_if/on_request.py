"""What-ifs for programs: trades as objects in, documents out. Each takes as long as it calculates."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd

from sigmasight_core.tables import PortfolioSnapshots
from sigmasight_core.what_if.trades_csv import ParsedTrades, trades_csv
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.reports.readiness import latest_date
from sigmasight_dagster.what_if.documents import as_document, as_objects
from sigmasight_dagster.what_if.what_if import WhatIf

TRADE: Final = ("symbol", "quantity", "price", "tags")
"""What a trade says; price None = the close."""
SOURCE: Final = "the trades"
"""What stands for the name of a file in messages and in saved sessions."""

Trade = dict[str, Any]


def day_of(platform: Platform, portfolio: str, date: pd.Timestamp | None) -> pd.Timestamp:
    """The date, or the newest with results, when trades can be tried on it.

    :raises InputError: when the date is not published for the portfolio.
    """
    day = date if date is not None else latest_date(platform.warehouse, portfolio, PortfolioSnapshots)
    WhatIf(platform, portfolio, day)
    return day


def parsed(question: WhatIf, trades: Sequence[Trade]) -> ParsedTrades:
    """Trades as a trade list has them; trade number i (from 0) is line i + 2."""
    text = trades_csv(pd.DataFrame(list(trades), columns=list(TRADE)))
    return question.parse(text.encode(), SOURCE)


def checked(
    platform: Platform, portfolio: str, date: pd.Timestamp, trades: Sequence[Trade]
) -> tuple[list[Trade], pd.DataFrame]:
    """Trades in the spelling that is used, and errors: `line`, `column`, `value`, `reason`."""
    found = parsed(WhatIf(platform, portfolio, date), trades)
    return as_objects(found.trades[list(TRADE)]), found.errors


def calculated(
    platform: Platform, portfolio: str, date: pd.Timestamp, trades: Sequence[Trade], today: pd.Timestamp
) -> dict[str, Any]:
    """The comparison without and with checked trades, as `documents.as_document` has it.

    :param today: the day that the session says it is of.
    """
    question = WhatIf(platform, portfolio, date)
    return as_document(question.compute(parsed(question, trades).trades, SOURCE).rows(today))
